//! Acknowledgements: silences that say that somebody is on it. They are short, and made longer as long as they match
//! an alert that fires; when none is left, they end by themselves. The daemon kthxbye does the same beside an
//! Alertmanager, with the same times by default.

use std::collections::BTreeSet;

use model::{Duration, Timestamp};

use super::{Machine, journal};
use crate::event::Event;
use crate::io::Action;
use crate::silence::{Silence, SilenceState};
use crate::time::Time;

/// Annotation of silences that are acknowledgements; its value is `true`.
pub const ACKNOWLEDGED: &str = "acknowledged";
/// The same as a word of the comment, for clients that know no annotations.
const ACKNOWLEDGED_WORD: &str = "acknowledged=true";
/// From now, each time.
pub const EXTENDED_BY: Duration = Duration::from_secs(15 * 60);
/// What is looked at each time must still be there the next time.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// With less than this left, the first member of a cluster extends. Each member after it leaves the one before it
/// time for one more look, so that in a cluster that works only one does it.
const EXTENDED_BELOW: Duration = Duration::from_secs(5 * 60);
/// The last members: two looks are still within it.
const EXTENDED_BELOW_MIN: Duration = Duration::from_secs(2 * 60);

impl Silence {
    pub fn is_acknowledgement(&self) -> bool {
        let is_annotated = self.annotations.get(ACKNOWLEDGED);
        let mut words = self.comment.split([' ', ',', ';', '\n', '\t']);
        is_annotated.is_some_and(|value| value == "true")
            || words.any(|word| word == ACKNOWLEDGED_WORD)
    }
}

/// With how little left the member at a place, the first is 0, extends.
fn extended_below(position: usize) -> Duration {
    let places = i64::try_from(position).unwrap_or(i64::MAX);
    let left_to_others = LOOKED_AT_EVERY.millis().saturating_mul(places);
    let below = EXTENDED_BELOW.millis().saturating_sub(left_to_others);
    Duration::from_millis(below.max(EXTENDED_BELOW_MIN.millis()))
}

impl Machine {
    /// Extends acknowledgements that end soon and match an alert that fires.
    pub(super) fn extend_acknowledgements(
        &mut self,
        now: Timestamp,
        position: usize,
        actions: &mut Vec<Action>,
    ) {
        let at = Time::from(now);
        let soon = at + extended_below(position);
        let ends_soon = |silence: &Silence| {
            silence.ends_at < soon
                && silence.state_at(at) == SilenceState::Active
                && silence.is_acknowledgement()
        };
        let all = self.silences.iter().map(|stored| &stored.silence);
        let due = all.filter(|silence| ends_soon(silence));
        let mut due: BTreeSet<String> = due.map(|silence| silence.id.clone()).collect();
        let mut needed = BTreeSet::new();
        for alert in self.alerts.iter().filter(|alert| !alert.is_resolved_at(at)) {
            if due.is_empty() {
                break;
            }
            for id in self.silences.silencing(&alert.labels, now) {
                if due.remove(&id) {
                    needed.insert(id);
                }
            }
        }
        for id in needed {
            let ends_at = at + EXTENDED_BY;
            let extended = self
                .silences
                .extend(&id, ends_at, now, self.settings.retention);
            if let Some(stored) = extended {
                let silence = stored.silence.clone();
                self.record_silence(&silence, false, actions);
                journal(actions, Event::SilenceStored { silence });
                actions.push(Action::BroadcastSilence(stored));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Labels, MatchOp};

    use super::*;
    use crate::silence::SilenceMatcher;
    use crate::{Config, Input, NoIntervals, PostedAlert, RouteSpec, Settings};

    const MINUTE: i64 = 60_000;

    /// A machine that is looked at each minute, with what it was asked to tell.
    struct Run {
        machine: Machine,
        minute: i64,
        position: usize,
    }

    impl Run {
        fn new() -> Self {
            let config = Config {
                route: RouteSpec {
                    receiver: Some("nobody".to_owned()),
                    ..RouteSpec::default()
                },
                receivers: Vec::new(),
                inhibit_rules: Vec::new(),
                intervals: Arc::new(NoIntervals),
                resolve_timeout: Duration::from_secs(300),
            };
            Self {
                machine: Machine::new(Settings::default(), Arc::new(config), Timestamp(0)),
                minute: 0,
                position: 0,
            }
        }

        fn now(&self) -> Timestamp {
            Timestamp(self.minute * MINUTE)
        }

        fn post(&mut self, pod: &str, until_minute: i64) {
            let alert = PostedAlert {
                ends_at: Some(Timestamp(until_minute * MINUTE).into()),
                ..PostedAlert::from_labels(Labels::from_pairs([
                    ("alertname", "Disk"),
                    ("pod", pod),
                ]))
            };
            self.machine.step(self.now(), Input::Posted(vec![alert]));
        }

        /// For a quarter of an hour.
        fn silence(&mut self, id: &str, pod: &str, annotation: Option<&str>, comment: &str) {
            let annotations = annotation.map(|value| (ACKNOWLEDGED.to_owned(), value.to_owned()));
            let silence = Silence {
                matcher_sets: vec![vec![SilenceMatcher {
                    op: MatchOp::Equal,
                    name: "pod".to_owned(),
                    pattern: pod.to_owned(),
                }]],
                ends_at: Time::from(self.now()) + EXTENDED_BY,
                comment: comment.to_owned(),
                annotations: annotations.into_iter().collect(),
                ..Silence::default()
            };
            let fresh_id = id.to_owned();
            let input = Input::SilenceSet { silence, fresh_id };
            self.machine.step(self.now(), input);
        }

        /// The ids of what was extended, a line for each minute that has any.
        fn until(&mut self, minute: i64) -> Vec<String> {
            let mut lines = Vec::new();
            while self.minute < minute {
                self.minute += 1;
                let input = Input::AcknowledgementsDue {
                    position: self.position,
                };
                let actions = self.machine.step(self.now(), input);
                let told = actions.iter().filter_map(|action| match action {
                    Action::BroadcastSilence(stored) => Some(stored.silence.id.as_str()),
                    _ => None,
                });
                let told: Vec<&str> = told.collect();
                if !told.is_empty() {
                    lines.push(format!("{} {}", self.minute, told.join(" ")));
                }
            }
            lines
        }

        fn end_minute(&self, id: &str) -> i64 {
            let silence = self.machine.all_silences().get(id).unwrap();
            silence.ends_at.timestamp().millis() / MINUTE
        }
    }

    #[test]
    fn it_is_extended_while_an_alert_fires_and_ends_when_none_does() {
        let mut run = Run::new();
        run.post("a", 40);
        run.silence("ack", "a", Some("true"), "");
        // With exactly five minutes left there is still time.
        assert_eq!(run.until(30), ["11 ack", "22 ack"]);
        assert_eq!(run.end_minute("ack"), 37);
        // The alert ends at 40: the look at 33 extends once more, and none after it.
        assert_eq!(run.until(60), ["33 ack"]);
        assert_eq!(run.end_minute("ack"), 48);
        let silence = run.machine.all_silences().get("ack").unwrap();
        assert_eq!(silence.state_at(run.now().into()), SilenceState::Expired);
        // One that has ended does not come back with the alert.
        run.post("a", 200);
        assert_eq!(run.until(90), Vec::<String>::new());
    }

    #[test]
    fn other_silences_and_other_alerts_do_not_count() {
        let mut run = Run::new();
        run.post("a", 100);
        run.silence("plain", "a", None, "acknowledged");
        run.silence("not", "a", Some("false"), "");
        run.silence("other", "b", Some("true"), "");
        run.silence("word", "a", None, "OPS-12, acknowledged=true");
        assert_eq!(run.until(20), ["11 word"]);
    }

    #[test]
    fn what_somebody_ended_stays_ended() {
        let mut run = Run::new();
        run.post("a", 100);
        run.silence("ack", "a", Some("true"), "");
        run.until(9);
        let id = "ack".to_owned();
        run.machine.step(run.now(), Input::SilenceExpired { id });
        assert_eq!(run.until(40), Vec::<String>::new());
        assert_eq!(run.end_minute("ack"), 9);
    }

    #[test]
    fn later_members_leave_it_to_the_first_and_stand_in_for_it() {
        for (position, at) in [
            (0, 11),
            (1, 12),
            (2, 13),
            (3, 14),
            (4, 14),
            (usize::MAX, 14),
        ] {
            let mut run = Run::new();
            run.post("a", 100);
            run.silence("ack", "a", Some("true"), "");
            run.position = position;
            assert_eq!(run.until(20), [format!("{at} ack")], "{position}");
        }
    }
}
