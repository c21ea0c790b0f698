//! Whether a run was as it must be.
//!
//! Every alert that fires is notified, and its end. A second notification of the same is right only if who sent it
//! could not know of the first:
//! - *apart*: the two did not reach each other between them, or had not found together again;
//! - *killed*: who sent the first was killed before it had told anybody, or who sent the second was stopped while that
//!   was on its way, and the first one's turn came by it;
//! - *untold*: the second started when the first had been sent, and whoever knew stopped before the two met;
//! - *at once*: the first was still on its way to the receiver, or the news of it to the second, when the second
//!   decided. Members wait for each other to prevent that; but where they learned of an alert at different times,
//!   because one started later or was apart, their rhythms differ, and where one stops, those behind it wait for
//!   less; then it can happen all the same. The protocol has nothing against it. These are counted, and must stay
//!   rare; where all members were there from the first to the last, they must not be at all;
//! - *lost*: packets are lost, and those were that mattered: each of the few that carry the news, or those that showed
//!   that a member lives, whose turn another one then took. One in 100,000 may be so.

use std::time::Duration;

use crate::node::{GROUP_INTERVAL, GROUP_WAIT, PEER_TIMEOUT};
use crate::world::{Notification, World};

/// After a cut, or a start, the members have found together: lost ones are tried every 10 s.
const TOGETHER_AFTER: Duration = Duration::from_secs(25);
/// News are everywhere by then, and on disk.
const TOLD_AFTER: Duration = Duration::from_millis(2500);

/// What happened, over all runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    notifications: usize,
    apart: usize,
    killed: usize,
    at_once: usize,
    untold: usize,
    lost: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.notifications += other.notifications;
        self.apart += other.apart;
        self.killed += other.killed;
        self.at_once += other.at_once;
        self.untold += other.untold;
        self.lost += other.lost;
    }

    /// Whether enough happened for the runs to tell something.
    pub(crate) fn check(&self, seeds: u64) {
        let seeds = usize::try_from(seeds).unwrap();
        assert!(self.notifications >= 4 * seeds, "{self:?}");
        assert!(self.apart >= seeds / 50, "cuts have no effect: {self:?}");
        assert!(self.at_once * 30 <= self.notifications, "{self:?}");
        assert!(self.untold <= 1 + self.notifications / 100_000, "{self:?}");
        assert!(self.lost <= 1 + self.notifications / 100_000, "{self:?}");
    }
}

impl World {
    pub(crate) fn judge(&self) -> Result<Tally, String> {
        let mut tally = Tally {
            notifications: self.notifications.len(),
            ..Tally::default()
        };
        for (alert, planned) in self.plan.alerts.iter().enumerate() {
            let of_kind = |is_resolved| -> Vec<&Notification> {
                let all = self.notifications.iter();
                all.filter(|one| one.alert == alert && one.is_resolved == is_resolved)
                    .collect()
            };
            let firing = of_kind(false);
            let resolved = of_kind(true);
            if firing.is_empty() {
                return Err(format!("alert {alert} was never notified"));
            }
            // Settling, the wait, everybody's turn, retries, a flush that waited for another start.
            let places = u32::try_from(self.plan.nodes).unwrap();
            let latest = GROUP_WAIT + 2 * GROUP_INTERVAL + PEER_TIMEOUT * places;
            let all_broken = Duration::from_secs(100);
            if firing[0].received_at > planned.from + latest + all_broken {
                return Err(format!("alert {alert} was late: {:?}", firing[0]));
            }
            if let Some(until) = planned.until {
                assert!(until + latest + all_broken < self.plan.end);
                if resolved.is_empty() {
                    return Err(format!("the end of alert {alert} was never notified"));
                }
            } else if !resolved.is_empty() {
                return Err(format!("alert {alert} did not end: {:?}", resolved[0]));
            }
            self.judge_doubles(&firing, &mut tally)?;
            self.judge_doubles(&resolved, &mut tally)?;
        }
        Ok(tally)
    }

    fn judge_doubles(&self, all: &[&Notification], tally: &mut Tally) -> Result<(), String> {
        for (at, second) in all.iter().enumerate().skip(1) {
            // One that it could have known is enough.
            let earlier = &all[..at];
            let excuses: Vec<Option<Excuse>> = earlier
                .iter()
                .map(|first| self.excuse(first, second))
                .collect();
            if let Some(place) = excuses.iter().position(Option::is_none) {
                return Err(format!("twice:\n  {:?}\n  {second:?}", earlier[place]));
            }
            match excuses.last().copied().flatten() {
                Some(Excuse::Apart) => tally.apart += 1,
                Some(Excuse::Killed) => tally.killed += 1,
                Some(Excuse::AtOnce) => tally.at_once += 1,
                Some(Excuse::Untold) => tally.untold += 1,
                Some(Excuse::Lost) => tally.lost += 1,
                None => {}
            }
        }
        Ok(())
    }

    /// Whether not all members learned of the alert at the same time, or their places changed while they waited.
    fn rhythms_differ(&self, notification: &Notification) -> bool {
        let before = notification.decided_at;
        let posted_from = self.plan.alerts[notification.alert].from;
        let starts = self.starts.iter().map(|(_, at)| at);
        let mut changes = starts.chain(self.stops.iter().map(|(_, _, at)| at));
        changes.any(|at| (posted_from..before).contains(at))
            || self.plan.cuts.iter().any(|cut| cut.from <= before)
    }

    /// Whether a member was there all the time.
    fn was_up(&self, node: usize, from: Duration, until: Duration) -> bool {
        let starts = self.starts.iter();
        let started = starts.filter(|(own, at)| *own == node && *at <= from);
        let Some(started) = started.map(|(_, at)| *at).max() else {
            return false;
        };
        let mut stops = self.stops.iter();
        !stops.any(|(own, _, at)| *own == node && (started..until).contains(at))
    }

    /// Whether the second's member started after the first notification, and met nobody who knew of it.
    fn was_not_told(&self, first: &Notification, second: &Notification) -> bool {
        let Some(recorded_at) = first.recorded_at else {
            return false;
        };
        let starts = self.starts.iter();
        let started = starts.filter(|(node, at)| *node == second.node && *at <= second.decided_at);
        let Some(started) = started.map(|(_, at)| *at).max() else {
            return false;
        };
        let met_at = started + TOLD_AFTER;
        let mut others = (0..self.plan.nodes).filter(|node| *node != second.node);
        recorded_at < started && !others.any(|node| self.was_up(node, recorded_at, met_at))
    }

    fn excuse(&self, first: &Notification, second: &Notification) -> Option<Excuse> {
        let was_killed = self.stops.iter().any(|(node, life, at)| {
            (*node, *life) == (first.node, first.life)
                && first
                    .recorded_at
                    .is_none_or(|recorded| *at <= recorded + TOLD_AFTER)
        });
        let was_stopped_meanwhile = self.stops.iter().any(|(node, life, at)| {
            (*node, *life) == (second.node, second.life)
                && (second.decided_at..second.received_at).contains(at)
        });
        let is_apart = self.plan.cuts.iter().any(|cut| {
            cut.side.iter().any(|side| *side != cut.side[0])
                && cut.from <= second.decided_at
                && cut.until + TOGETHER_AFTER >= first.decided_at
        });
        let is_known_at = first.recorded_at.map(|at| at + TOLD_AFTER);
        if is_apart {
            Some(Excuse::Apart)
        } else if was_killed || was_stopped_meanwhile {
            Some(Excuse::Killed)
        } else if self.was_not_told(first, second) {
            Some(Excuse::Untold)
        } else if first.node != second.node
            && is_known_at.is_none_or(|at| second.decided_at < at)
            && self.rhythms_differ(second)
        {
            Some(Excuse::AtOnce)
        } else if self.plan.lost > 0 {
            Some(Excuse::Lost)
        } else {
            None
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Excuse {
    Apart,
    Killed,
    AtOnce,
    Untold,
    Lost,
}
