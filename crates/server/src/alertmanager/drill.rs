//! Fire drills: a marked alert goes the way of real ones, and every hop of it is told.
//!
//! To a receiver (`direct`): first as firing, then as resolved. By labels: through the machine, like any posted alert, watched by its fingerprint.
//! A drill is a task among the deliveries, so that its alert is ended whether somebody waits for the answer or not, and
//! so that a stop waits for what it tells; should the task be lost, the alert ends by itself, because it is posted with its end.

mod direct;

use std::sync::Arc;
use std::time::Duration as StdDuration;

use alerting::event::GroupRef;
use alerting::journal::{Draft, detail};
use alerting::stats::DRILL_LABEL;
use alerting::view::RouteExplanation;
use alerting::{
    Action, Fingerprint, Input, Integration, NotNotified, NotifiedAlert, PostedAlert, Time,
};
use api::{Drill, DrillEnd, DrillOutcome, DrillRefusal, DrillReport, DrillRequest, DrillTarget};
use diag::Reason;
use model::labels::ALERT_NAME;
use model::{Duration, Labels, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::Alertmanager;
use super::ids::uuid;

const ANNOTATION: &str = "This is a fire drill of Keepwatch: nothing is wrong.";
/// The name of the alert, if the labels have none.
const NAME: &str = "KeepwatchDrill";
/// Drills at once.
const DRILLS_MAX: usize = 4;
/// Events that wait to be taken up by their drill; those of one alert are few.
const HOPS_MAX: usize = 1024;
/// How long after the time of a group's flush there should be news of it.
const FLUSH_GRACE: Duration = Duration::from_secs(2);
/// A drill's alert outlives the drill by that much if it is not ended.
const END_GRACE: Duration = Duration::from_secs(60);

/// The drills under way.
#[derive(Debug, Default)]
pub(super) struct Drills(Mutex<Vec<Watch>>);

#[derive(Debug)]
struct Watch {
    fingerprint: Fingerprint,
    hops: mpsc::Sender<Draft>,
}

impl Drills {
    /// Shows the drills what a step did.
    pub(super) fn see(&self, now: Timestamp, actions: &[Action]) {
        let watches = self.0.lock();
        if watches.is_empty() {
            return;
        }
        for action in actions {
            if let Action::Journal(event) = action {
                let draft = Draft::of(now, event);
                for watch in watches.iter().filter(|watch| watch.concerns(&draft)) {
                    // What does not fit in is missing in the answer, and in the journal all the same.
                    let _ = watch.hops.try_send(draft.clone());
                }
            }
        }
    }
}

impl Watch {
    fn concerns(&self, draft: &Draft) -> bool {
        let subject = draft.subject.as_ref();
        subject.is_some_and(|subject| subject.fingerprint == self.fingerprint)
            || mentioned(draft, self.fingerprint).is_some()
    }
}

fn mentioned(draft: &Draft, fingerprint: Fingerprint) -> Option<&NotifiedAlert> {
    let mut alerts = draft.alerts.iter().flat_map(|alerts| alerts.iter());
    alerts.find(|notified| notified.alert.fingerprint == fingerprint)
}

/// One drill. Its place among the drills is free again when it is dropped.
struct Running {
    alertmanager: Arc<Alertmanager>,
    id: String,
    labels: Labels,
    fingerprint: Fingerprint,
    started_at: Timestamp,
    hops: Mutex<Vec<Draft>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut watches = self.alertmanager.drills.0.lock();
        watches.retain(|watch| watch.fingerprint != self.fingerprint);
    }
}

impl Alertmanager {
    /// Begins a drill. What it asks for is checked at once.
    pub(super) fn drill(self: &Arc<Self>, request: DrillRequest) -> Result<Drill, DrillRefusal> {
        let (sender, drill) = oneshot::channel();
        match request.target {
            DrillTarget::Receiver(name) => {
                let integrations = self.integrations_of(&name)?;
                let (running, _) = self.begin(Labels::from_pairs([(ALERT_NAME, NAME)]))?;
                self.deliveries.start(async move {
                    // Nobody may be waiting any more.
                    let _ = sender.send(Arc::new(running).tell(name, integrations).await);
                });
            }
            DrillTarget::Labels(labels) => {
                let (running, hops) = self.begin(labels)?;
                let until = running.started_at + request.wait;
                running
                    .post(until + END_GRACE)
                    .map_err(DrillRefusal::Refused)?;
                self.deliveries.start(async move {
                    let _ = sender.send(running.watch(hops, request.wait.to_std()).await);
                });
            }
        }
        Ok(drill)
    }

    fn integrations_of(&self, name: &str) -> Result<Vec<Integration>, DrillRefusal> {
        let name_text = || name.to_owned();
        let config = Arc::clone(self.machine.lock().config());
        let Some(receiver) = config.receivers.iter().find(|one| &*one.name == name) else {
            let names = config.receivers.iter().take(20);
            let names: Vec<&str> = names.map(|receiver| &*receiver.name).collect();
            return Err(DrillRefusal::NoReceiver {
                name: name_text(),
                known: names.join(", "),
            });
        };
        if receiver.integrations.is_empty() {
            return Err(DrillRefusal::NobodyToTell { name: name_text() });
        }
        Ok(receiver.integrations.clone())
    }

    fn begin(
        self: &Arc<Self>,
        labels: Labels,
    ) -> Result<(Running, mpsc::Receiver<Draft>), DrillRefusal> {
        let id = uuid();
        let mut labels = labels.to_map();
        labels.insert(DRILL_LABEL.to_owned(), id.clone());
        labels
            .entry(ALERT_NAME.to_owned())
            .or_insert_with(|| NAME.to_owned());
        let labels = Labels::from_pairs(labels);
        let fingerprint = Fingerprint(labels.fingerprint());
        let (sender, hops) = mpsc::channel(HOPS_MAX);
        let mut watches = self.drills.0.lock();
        if watches.len() >= DRILLS_MAX {
            return Err(DrillRefusal::TooMany(DRILLS_MAX));
        }
        watches.push(Watch {
            fingerprint,
            hops: sender,
        });
        drop(watches);
        let running = Running {
            alertmanager: Arc::clone(self),
            id,
            labels,
            fingerprint,
            started_at: self.clock.now(),
            hops: Mutex::default(),
        };
        Ok((running, hops))
    }
}

impl Running {
    fn posted(&self, ends_at: Timestamp) -> PostedAlert {
        // In order of names.
        let annotations = [
            ("description", ANNOTATION),
            (DRILL_LABEL, self.id.as_str()),
            ("summary", ANNOTATION),
        ];
        PostedAlert {
            annotations: annotations.into_iter().collect(),
            starts_at: Some(Time::from(self.started_at)),
            ends_at: Some(Time::from(ends_at)),
            ..PostedAlert::from_labels(self.labels.clone())
        }
    }

    /// Tells the machine until when the alert fires.
    fn post(&self, ends_at: Timestamp) -> Result<(), String> {
        let posted = Input::Posted(vec![self.posted(ends_at)]);
        let refused = self.alertmanager.step(posted).refused;
        match refused.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }

    /// By labels: until everybody who is to be told was, the time is over, or a stop begins.
    async fn watch(self, mut hops: mpsc::Receiver<Draft>, wait: StdDuration) -> DrillReport {
        let until = tokio::time::Instant::now() + wait;
        let mut watched = Watched::default();
        loop {
            while let Ok(draft) = hops.try_recv() {
                watched.take(&draft, self.fingerprint);
                self.hops.lock().push(draft);
            }
            if self.is_settled(&watched) {
                break;
            }
            let look_at = (tokio::time::Instant::now() + FLUSH_GRACE.to_std()).min(until);
            let next = tokio::time::timeout_at(look_at, hops.recv());
            let next = tokio::select! {
                next = next => next,
                () = self.alertmanager.deliveries.stop_begins() => break,
            };
            match next {
                Ok(Some(draft)) => {
                    watched.take(&draft, self.fingerprint);
                    self.hops.lock().push(draft);
                }
                // It is the machine that shows the hops, and it outlives the drill.
                Ok(None) => break,
                Err(_) if tokio::time::Instant::now() >= until => break,
                Err(_) => {}
            }
        }
        let ends = self.ends_of(watched);
        if let Err(problem) = self.post(self.alertmanager.clock.now()) {
            tracing::error!(
                problem,
                id = self.id,
                "a fire drill could not be ended; it ends by itself"
            );
        }
        while let Ok(draft) = hops.try_recv() {
            self.hops.lock().push(draft);
        }
        self.report(ends)
    }

    /// Whether nothing is to be expected any more.
    fn is_settled(&self, watched: &Watched) -> bool {
        if watched.is_unrouted {
            return true;
        }
        let now = self.alertmanager.clock.now();
        let routes = self.explained(now);
        !watched.groups.is_empty()
            && watched.groups.iter().all(|(group, standing)| {
                let route = routes.iter().find(|route| is_of(route, group));
                // A reload may have taken the route away; the alert is routed anew then.
                let Some(route) = route else { return true };
                standing.is_held_back
                    || (!route.integrations.is_empty()
                        && standing.ended >= route.integrations.len())
                    // What holds a whole group back is no event where it was so before.
                    || (!route.suppressed_by.is_empty() && now >= standing.flush_at + FLUSH_GRACE)
            })
    }

    fn explained(&self, now: Timestamp) -> Vec<RouteExplanation> {
        let machine = self.alertmanager.machine.lock();
        machine.explain(&self.labels, now, now).ends
    }

    fn ends_of(&self, watched: Watched) -> Vec<DrillEnd> {
        let now = self.alertmanager.clock.now();
        let mut ends = watched.ends;
        if watched.is_unrouted {
            ends.push(DrillEnd {
                receiver: String::new(),
                integration: None,
                is_resolved: false,
                outcome: DrillOutcome::Nobody,
                at: now,
                text: "No route takes such an alert.".to_owned(),
                status: None,
            });
        }
        let routes = self.explained(now);
        for (group, standing) in watched.groups {
            let Some(route) = routes.iter().find(|route| is_of(route, &group)) else {
                continue;
            };
            if standing.is_held_back || standing.ended >= route.integrations.len().max(1) {
                continue;
            }
            let (outcome, text) = match route.suppressed_by.first() {
                Some(reason) => (outcome_of(reason.code()), format!("{reason}.")),
                None => {
                    let flush_at = Time::from(standing.flush_at);
                    let text = format!(
                        "The alert waits in its group {}, which is looked at at {flush_at} at the earliest.",
                        group.key
                    );
                    (DrillOutcome::Waiting, text)
                }
            };
            ends.push(DrillEnd {
                receiver: group.receiver.to_string(),
                integration: None,
                is_resolved: false,
                outcome,
                at: now,
                text,
                status: None,
            });
        }
        ends
    }

    fn report(&self, ends: Vec<DrillEnd>) -> DrillReport {
        DrillReport {
            id: self.id.clone(),
            labels: self.labels.clone(),
            started_at: self.started_at,
            ended_at: self.alertmanager.clock.now(),
            ends,
            hops: self.hops.lock().iter().map(Draft::to_record).collect(),
        }
    }
}

/// Routes with the same matchers have the same keys of groups; their ids differ.
fn is_of(route: &RouteExplanation, group: &GroupRef) -> bool {
    route.route_id == group.route_id && route.group_key == *group.key
}

/// What was seen of an alert in the machine.
#[derive(Default)]
struct Watched {
    is_unrouted: bool,
    groups: Vec<(Arc<GroupRef>, Standing)>,
    ends: Vec<DrillEnd>,
}

struct Standing {
    flush_at: Timestamp,
    /// Integrations that were told, or given up.
    ended: usize,
    /// The whole group, or the alert in it, for a reason.
    is_held_back: bool,
}

impl Watched {
    fn take(&mut self, draft: &Draft, fingerprint: Fingerprint) {
        if draft.code == NotNotified::NoRoute.code() {
            self.is_unrouted = true;
        }
        let Some(group) = &draft.group else {
            return;
        };
        if draft.code == "alert-routed" {
            let flush_at = draft.time(detail::FLUSH_AT).unwrap_or(draft.at);
            let standing = Standing {
                flush_at,
                ended: 0,
                is_held_back: false,
            };
            // After a reload all groups start anew.
            self.groups.retain(|(own, _)| own != group);
            self.groups.push((Arc::clone(group), standing));
            return;
        }
        let is_end = draft.code == "delivery-succeeded" || draft.is_not_notified();
        let standing = self.groups.iter_mut().find(|(own, _)| own == group);
        let Some((_, standing)) = standing.filter(|_| is_end) else {
            return;
        };
        match draft.integration {
            Some(_) => standing.ended += 1,
            None if standing.is_held_back => return,
            None => standing.is_held_back = true,
        }
        self.ends.push(end(draft, fingerprint));
    }
}

fn end(draft: &Draft, fingerprint: Fingerprint) -> DrillEnd {
    let record = draft.to_record();
    let notified = mentioned(draft, fingerprint);
    DrillEnd {
        receiver: draft
            .group
            .as_ref()
            .map(|group| group.receiver.to_string())
            .unwrap_or_default(),
        integration: record.integration.clone(),
        is_resolved: notified.is_some_and(|notified| notified.is_resolved),
        outcome: outcome_of(draft.code),
        at: draft.at,
        text: record.sentence(),
        status: record.detail(detail::STATUS).parse().ok(),
    }
}

/// What an event that ends the way of an alert means.
fn outcome_of(code: &str) -> DrillOutcome {
    match code {
        "delivery-succeeded" | "alert-already-notified" => DrillOutcome::Delivered,
        "alert-delivery-failed" => DrillOutcome::Failed,
        "alert-silenced"
        | "alert-inhibited"
        | "alert-muted-by-interval"
        | "alert-outside-active-interval" => DrillOutcome::Suppressed,
        "alert-receiver-without-integration"
        | "alert-default-without-integration"
        | "alert-without-route" => DrillOutcome::Nobody,
        _ => DrillOutcome::Waiting,
    }
}
