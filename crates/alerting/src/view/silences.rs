//! Silences.

use std::cmp::Reverse;
use std::sync::Arc;

use model::Timestamp;

use super::SilenceFilter;
use crate::machine::Machine;
use crate::silence::{Silence, SilenceState};
use crate::stopped::StoppedAlerts;
use crate::time::Time;

/// A silence with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceView {
    pub silence: Arc<Silence>,
    pub state: SilenceState,
    /// The alerts that it has kept from being told.
    pub stopped: StoppedAlerts,
}

impl Machine {
    /// Active ones by end, then pending ones by start, then expired ones by end, the last first.
    pub fn silence_views(&self, now: Timestamp, filter: &SilenceFilter) -> Vec<SilenceView> {
        let look = || {
            let all = self.silences.iter();
            let views = all.map(|stored| SilenceView {
                state: stored.silence.state_at(Time::from(now)),
                stopped: self.stopped.of(&stored.silence.id),
                silence: stored.silence.clone(),
            });
            let views = views.filter(|view| filter.accepts(&view.silence, view.state));
            views.collect()
        };
        let mut views: Vec<SilenceView> = self.silences.asked(self.silences.len(), look);
        views.sort_by_key(|view| {
            let (soonest, latest) = match view.state {
                SilenceState::Active => (view.silence.ends_at, Time::UNSET),
                SilenceState::Pending => (view.silence.starts_at, Time::UNSET),
                SilenceState::Expired => (Time::UNSET, view.silence.ends_at),
            };
            (view.state, soonest, Reverse(latest))
        });
        views
    }

    pub fn silence_view(&self, id: &str, now: Timestamp) -> Option<SilenceView> {
        let silence = self.silences.asked(1, || self.silences.get(id))?;
        Some(SilenceView {
            silence: silence.clone(),
            state: silence.state_at(Time::from(now)),
            stopped: self.stopped.of(id),
        })
    }
}
