//! Each minute: acknowledgements that end soon are made longer while their alert fires. In a mesh the first member
//! does it, and the next one if that one does not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use alerting::Input;
use alerting::machine::acknowledging::LOOKED_AT_EVERY;
use tokio::time::MissedTickBehavior;

use super::Alertmanager;

impl Alertmanager {
    /// Runs until the task is dropped.
    pub(crate) async fn keep_acknowledgements(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOKED_AT_EVERY.to_std());
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let alertmanager = Arc::clone(&self);
            // A panic in there is logged by the runtime and must not end the looking.
            let _ =
                tokio::task::spawn_blocking(move || alertmanager.extend_acknowledgements()).await;
        }
    }

    /// The place among the members of the mesh.
    pub(crate) fn set_position(&self, position: usize) {
        self.position.store(position, Ordering::Relaxed);
    }

    fn extend_acknowledgements(self: &Arc<Self>) {
        let position = self.position.load(Ordering::Relaxed);
        // Held from before the change, as for changes that somebody asks for.
        let mut files = self.files.lock();
        let changed = self
            .step(Input::AcknowledgementsDue { position })
            .changed_silences;
        if changed.is_empty() {
            return;
        }
        let written = files.add_silences(&alerting::codec::silence::encode(&changed), || {
            self.encoded_silences()
        });
        drop(files);
        if let Err(error) = written {
            self.not_written(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use alerting::silence::SilenceMatcher;
    use alerting::{PostedAlert, Silence, Time};
    use diag::{Diagnostics, ReasonBook};
    use metrics::Registry;
    use model::clock::ManualClock;
    use model::{Duration, Labels, MatchOp, Timestamp};
    use net::Overrides;

    use super::*;
    use crate::alertmanager::{Counters, Memory};
    use crate::options::{AlertmanagerOptions, Tempo};
    use crate::plan::RoutingContext;
    use crate::routing::{self, trial::Reading};

    fn start(dir: &std::path::Path, clock: &Arc<ManualClock>) -> Arc<Alertmanager> {
        let options = AlertmanagerOptions::default();
        let context = RoutingContext {
            overrides: &Overrides::default(),
            tempo: Tempo::default(),
            external_url: "http://localhost/",
            alertmanager: &options,
        };
        let routing = routing::plan(None, context, &mut Diagnostics::default()).unwrap();
        Alertmanager::new(
            routing,
            (options.settings(Timestamp(0), false), Reading::default()),
            Memory::open(dir, &options).unwrap(),
            clock.clone(),
            Arc::new(ReasonBook::new(10)),
            Counters::new(&Registry::new(), &options),
        )
    }

    fn acknowledge(alertmanager: &Arc<Alertmanager>, pod: &str) -> String {
        let silence = Silence {
            matcher_sets: vec![vec![SilenceMatcher {
                op: MatchOp::Equal,
                name: "pod".to_owned(),
                pattern: pod.to_owned(),
            }]],
            ends_at: Time::from(alertmanager.now()) + Duration::from_secs(15 * 60),
            annotations: [("acknowledged".to_owned(), "true".to_owned())].into(),
            ..Silence::default()
        };
        let fresh_id = format!("ack-{pod}");
        let input = Input::SilenceSet { silence, fresh_id };
        alertmanager.change_silences(input).unwrap()
    }

    /// Minutes from the start.
    fn end(alertmanager: &Alertmanager, id: &str) -> i64 {
        let machine = alertmanager.machine.lock();
        let silence = machine.all_silences().get(id).unwrap();
        silence.ends_at.seconds() / 60
    }

    #[tokio::test]
    async fn what_is_extended_outlives_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let alertmanager = start(dir.path(), &clock);
        let firing = PostedAlert {
            ends_at: Some(Timestamp(3_600_000).into()),
            ..PostedAlert::from_labels(Labels::from_pairs([("alertname", "Disk"), ("pod", "a")]))
        };
        alertmanager.step(Input::Posted(vec![firing]));
        let needed = acknowledge(&alertmanager, "a");
        let unneeded = acknowledge(&alertmanager, "b");
        for minute in 1..=11 {
            clock.set(Timestamp(minute * 60_000));
            alertmanager.extend_acknowledgements();
        }
        assert_eq!(end(&alertmanager, &needed), 26);
        assert_eq!(end(&alertmanager, &unneeded), 15);
        // Another one on the same folder, as after a crash: the first never got to write everything.
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(dir.path().join("silences"), copy.path().join("silences")).unwrap();
        let again = start(copy.path(), &clock);
        assert_eq!(end(&again, &needed), 26);
        assert_eq!(end(&again, &unneeded), 15);
    }

    #[tokio::test]
    async fn a_later_member_of_the_mesh_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let alertmanager = start(dir.path(), &clock);
        let firing = PostedAlert {
            ends_at: Some(Timestamp(3_600_000).into()),
            ..PostedAlert::from_labels(Labels::from_pairs([("pod", "a")]))
        };
        alertmanager.step(Input::Posted(vec![firing]));
        let id = acknowledge(&alertmanager, "a");
        alertmanager.set_position(1);
        clock.set(Timestamp(11 * 60_000));
        alertmanager.extend_acknowledgements();
        assert_eq!(end(&alertmanager, &id), 15);
        // It left, and this one is the first now.
        alertmanager.set_position(0);
        alertmanager.extend_acknowledgements();
        assert_eq!(end(&alertmanager, &id), 26);
    }
}
