//! Memory that goes from scrape to scrape, so that it is needed per running scrape and not per target.

use parking_lot::Mutex;

/// A shelf of things to use again.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    kept: Mutex<Vec<T>>,
    kept_max: usize,
}

impl<T: Default> Shelf<T> {
    pub(crate) fn new(kept_max: usize) -> Self {
        Self {
            kept: Mutex::default(),
            kept_max,
        }
    }

    pub(crate) fn take(&self) -> T {
        self.kept.lock().pop().unwrap_or_default()
    }

    pub(crate) fn clear(&self) {
        self.kept.lock().clear();
    }

    pub(crate) fn give_back(&self, thing: T) {
        let mut kept = self.kept.lock();
        if kept.len() < self.kept_max {
            kept.push(thing);
        }
    }
}
