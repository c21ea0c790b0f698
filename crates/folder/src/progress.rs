//! How far long work is. Who works tells it; who shows it, or not, is the caller's choice.

/// Takes what long work tells of itself.
pub trait Progress {
    /// Something begins; `total` counts its steps, whatever they are.
    fn begin(&self, what: &str, total: u64);

    /// So many steps more are done.
    fn advance(&self, steps: u64);

    /// It is done.
    fn end(&self);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64) {}

    fn advance(&self, _: u64) {}

    fn end(&self) {}
}
