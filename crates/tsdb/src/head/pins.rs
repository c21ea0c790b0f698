//! Which lists of series are in use, so that nothing is dropped under them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts lists by the epoch in which they were made.
#[derive(Debug, Default)]
pub(super) struct Pins(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    epoch: u64,
    lists: BTreeMap<u64, usize>,
}

/// Held by a list as long as it lives.
#[derive(Debug)]
pub(super) struct Pin {
    state: Arc<Mutex<State>>,
    epoch: u64,
}

impl Pins {
    pub(super) fn pin(&self) -> Pin {
        let mut state = self.0.lock();
        let epoch = state.epoch;
        *state.lists.entry(epoch).or_default() += 1;
        Pin {
            state: self.0.clone(),
            epoch,
        }
    }

    /// Ends the epoch: lists made from now on are not waited for.
    pub(super) fn next_epoch(&self) -> u64 {
        let mut state = self.0.lock();
        state.epoch += 1;
        state.epoch
    }

    /// How many lists from before an epoch are in use.
    pub(super) fn before(&self, epoch: u64) -> usize {
        self.0
            .lock()
            .lists
            .range(..epoch)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if let Some(count) = state.lists.get_mut(&self.epoch) {
            *count -= 1;
            if *count == 0 {
                state.lists.remove(&self.epoch);
            }
        }
    }
}
