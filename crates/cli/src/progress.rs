//! Progress bars of long work, on standard error and only if that is a terminal.

use std::io::IsTerminal;

use folder::progress::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

/// A bar while something runs.
#[derive(Debug, Default)]
pub(crate) struct Bar(Mutex<Option<ProgressBar>>);

impl Progress for Bar {
    fn begin(&self, what: &str, total: u64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let form = "{msg} [{bar:30}] {percent}% {elapsed}, {eta} left";
        // The form is constant, so a wrong one would show at once; then the usual one is there.
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        *self.0.lock() = Some(bar);
    }

    fn advance(&self, steps: u64) {
        if let Some(bar) = &*self.0.lock() {
            bar.inc(steps);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.0.lock().take() {
            bar.finish_and_clear();
        }
    }
}
