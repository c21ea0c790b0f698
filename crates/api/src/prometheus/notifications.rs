//! `notifications`, `notifications/live`: what operators of this server should know at once.

use std::sync::Arc;

use metrics::{Counter, Gauge, Registry};
use model::{Clock, Timestamp};
use net::axum::extract::State;
use net::axum::http::{HeaderValue, StatusCode, header};
use net::axum::response::{IntoResponse, Response};
use net::parts::{BodyParts, body_in_parts};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::respond::{success, to_json};
use crate::sources::Api;
use crate::time::rfc3339;

/// Changes that wait for one subscriber; it misses what comes after them.
const WAITING_MAX: usize = 10;

/// What there is to say, in the peer's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    ReloadFailed,
    Starting,
    Stopping,
}

impl Notice {
    fn text(self) -> &'static str {
        match self {
            Self::ReloadFailed => "Configuration reload has failed.",
            Self::Starting => "Prometheus is starting and replaying the write-ahead log (WAL).",
            Self::Stopping => "Prometheus is shutting down and gracefully stopping all operations.",
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub(crate) struct NotificationTwin {
    text: &'static str,
    date: String,
    /// Only subscribers hear of one that is over.
    active: bool,
}

impl NotificationTwin {
    fn of(notice: Notice, since: Timestamp, active: bool) -> Self {
        Self {
            text: notice.text(),
            date: rfc3339(Some(since)),
            active,
        }
    }
}

/// The notices in force, and who wants to hear of changes.
pub struct Notifications {
    state: Mutex<Current>,
    clock: Arc<dyn Clock>,
    subscribers_max: usize,
    subscribers: Gauge,
    sent: Counter,
    dropped: Counter,
}

#[derive(Default)]
struct Current {
    active: Vec<(Notice, Timestamp)>,
    subscribers: Vec<mpsc::Sender<NotificationTwin>>,
}

impl std::fmt::Debug for Notifications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notifications")
    }
}

impl Notifications {
    pub fn new(clock: Arc<dyn Clock>, subscribers_max: usize, registry: &Registry) -> Self {
        Self {
            state: Mutex::default(),
            clock,
            subscribers_max,
            subscribers: registry.gauge(
                "prometheus_api_notification_active_subscribers",
                "The current number of active notification subscribers.",
            ),
            sent: registry.counter(
                "prometheus_api_notification_updates_sent_total",
                "Total number of notification updates sent.",
            ),
            dropped: registry.counter(
                "prometheus_api_notification_updates_dropped_total",
                "Total number of notification updates dropped.",
            ),
        }
    }

    /// Puts a notice in force, or gives it a new date.
    pub fn add(&self, notice: Notice) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.active.retain(|(other, _)| *other != notice);
        state.active.push((notice, now));
        self.tell(&mut state, &NotificationTwin::of(notice, now, true));
    }

    /// Ends a notice, if it is in force.
    pub fn remove(&self, notice: Notice) {
        let mut state = self.state.lock();
        let Some(at) = state.active.iter().position(|(other, _)| *other == notice) else {
            return;
        };
        let (_, since) = state.active.remove(at);
        self.tell(&mut state, &NotificationTwin::of(notice, since, false));
    }

    fn tell(&self, state: &mut Current, change: &NotificationTwin) {
        state
            .subscribers
            .retain(|subscriber| !subscriber.is_closed());
        for subscriber in &state.subscribers {
            self.sent.increment();
            if subscriber.try_send(change.clone()).is_err() {
                self.dropped.increment();
            }
        }
    }

    fn active(&self) -> Vec<NotificationTwin> {
        let state = self.state.lock();
        let active = state.active.iter();
        active
            .map(|(notice, since)| NotificationTwin::of(*notice, *since, true))
            .collect()
    }

    /// What is in force now, then every change; `None` if there are too many subscribers.
    fn subscribe(&self) -> Option<mpsc::Receiver<NotificationTwin>> {
        let mut state = self.state.lock();
        state
            .subscribers
            .retain(|subscriber| !subscriber.is_closed());
        if state.subscribers.len() >= self.subscribers_max {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        for (notice, since) in &state.active {
            // There are fewer notices than places.
            let _ = sender.try_send(NotificationTwin::of(*notice, *since, true));
        }
        state.subscribers.push(sender);
        self.subscribers.add(1.0);
        Some(receiver)
    }
}

pub(crate) async fn notifications(State(api): State<Arc<Api>>) -> Response {
    success(&api.notifications.active())
}

/// Server-sent events: each change as `data: {…}`.
pub(crate) async fn live(State(api): State<Arc<Api>>) -> Response {
    let Some(changes) = api.notifications.subscribe() else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let (parts, body) = body_in_parts(WAITING_MAX);
    tokio::spawn(async move {
        forward(changes, parts, &api).await;
        api.notifications.subscribers.add(-1.0);
    });
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Ends when the subscriber is gone, or the server stops and has said so: an open stream would hold up its
/// end.
async fn forward(mut changes: mpsc::Receiver<NotificationTwin>, parts: BodyParts, api: &Api) {
    let mut readiness = api.lifecycle.readiness.clone();
    let stopping = async move {
        // An error means that the server is gone, which is the same.
        let _ = readiness
            .wait_for(|now| *now == crate::Readiness::Stopping)
            .await;
    };
    let mut stopping = std::pin::pin!(stopping);
    loop {
        let change = tokio::select! {
            // What was said before the end is told before the end.
            biased;
            change = changes.recv() => change,
            () = parts.closed() => return,
            () = &mut stopping => None,
        };
        let Some(change) = change else {
            return parts.finish().await;
        };
        if parts.send(event(&change)).await.is_err() {
            return;
        }
    }
}

fn event(change: &NotificationTwin) -> String {
    format!("data: {}\n\n", to_json(change))
}

#[cfg(test)]
mod tests {
    use model::clock::ManualClock;

    use super::*;

    #[test]
    fn subscribers_hear_of_changes() {
        let registry = Registry::new();
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        let all = Notifications::new(clock, 1, &registry);
        all.add(Notice::Starting);
        let mut changes = all.subscribe().unwrap();
        assert!(all.subscribe().is_none(), "one is allowed");
        all.remove(Notice::Starting);
        all.remove(Notice::ReloadFailed);
        all.add(Notice::ReloadFailed);
        let mut heard = Vec::new();
        while let Ok(change) = changes.try_recv() {
            heard.push((change.text, change.active));
        }
        assert_eq!(
            heard,
            [
                (Notice::Starting.text(), true),
                (Notice::Starting.text(), false),
                (Notice::ReloadFailed.text(), true)
            ]
        );
        let active = to_json(&all.active());
        assert_eq!(
            active,
            "[{\"text\":\"Configuration reload has failed.\",\"date\":\"2023-11-14T22:13:20Z\",\"active\":true}]"
        );
        drop(changes);
        assert!(all.subscribe().is_some(), "there is a place again");
    }
}
