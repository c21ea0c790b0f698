//! `events`: one stream of server-sent events that says what has changed, so that pages ask again for that alone.
//!
//! While somebody listens, a task looks at the state of each topic that is listened to and compares
//! ([`super::event_prints`]); it takes a twentieth of its time at most. Changes have numbers: who comes back names the
//! last one and hears what came since, or that it missed some. Nothing waits for a listener: one that is slow is cut
//! off and comes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Gauge, Registry};
use model::Timestamp;
use net::axum::extract::State;
use net::axum::http::{HeaderMap, HeaderValue, header};
use net::axum::response::Response;
use net::parts::{BodyParts, body_in_parts};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;

use super::event_prints::{Prints, Sources, Topic, Topics};
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, to_json};
use crate::sources::{AlertingApi, Lifecycle, Readiness};

const SUBSCRIBERS_MAX: usize = 64;
/// Changes that wait for one subscriber.
const WAITING_MAX: usize = 16;
/// Changes that are kept for those who come back.
const RECENT_MAX: usize = 256;
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The pause after a look, in times of what the look took.
const PAUSE_FACTOR: u32 = 19;
/// So often something is sent, so that a reader knows that nothing holds the stream back.
const SIGN_PAUSE: Duration = Duration::from_secs(10);

/// Who listens, and what changed lately.
pub struct Events {
    state: Mutex<Listening>,
    listeners: Gauge,
}

#[derive(Default)]
struct Listening {
    /// Numbers of another run, or from before a time without listeners, mean nothing.
    epoch: u64,
    last: u64,
    recent: VecDeque<(u64, Topics)>,
    subscribers: Vec<Subscriber>,
    is_watched: bool,
}

struct Subscriber {
    topics: Topics,
    sender: mpsc::Sender<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Message {
    Changed {
        id: String,
        topics: Topics,
    },
    /// Anything may have changed.
    Reset {
        id: String,
    },
}

#[derive(Serialize)]
struct ChangedTwin {
    topics: Vec<&'static str>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Listening {
    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    /// What a listener must hear first. `after` is the last id that it had.
    fn first(&self, topics: Topics, after: Option<&str>) -> Message {
        let id = self.id(self.last);
        let known = after.and_then(|after| {
            let (epoch, number) = after.split_once('-')?;
            let number: u64 = number.parse().ok()?;
            let is_ours = epoch.parse() == Ok(self.epoch) && number <= self.last;
            // All that came since must be there.
            let oldest = self
                .recent
                .front()
                .map_or(self.last + 1, |(first, _)| *first);
            (is_ours && number + 1 >= oldest).then_some(number)
        });
        let Some(known) = known else {
            return Message::Reset { id };
        };
        let missed = self.recent.iter().filter(|(number, _)| *number > known);
        let missed = missed.fold(Topics::default(), |all, (_, one)| all.with(*one));
        let topics = missed.among(topics);
        Message::Changed { id, topics }
    }
}

impl Events {
    /// Runs of the program differ by when they began.
    pub fn new(started_at: Timestamp, registry: &Registry) -> Self {
        Self {
            state: Mutex::new(Listening {
                epoch: started_at.millis().unsigned_abs(),
                ..Listening::default()
            }),
            listeners: registry.gauge(
                "keepwatch_event_stream_listeners",
                "Clients that listen to changes.",
            ),
        }
    }

    /// Where to listen, and whether somebody must begin to look for changes; `None` if there are too many.
    fn subscribe(
        &self,
        topics: Topics,
        after: Option<&str>,
    ) -> Option<(mpsc::Receiver<Message>, IsFirst)> {
        let mut state = self.state.lock();
        state.subscribers.retain(|one| !one.sender.is_closed());
        if state.subscribers.len() >= SUBSCRIBERS_MAX {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        // There is room for one.
        let _ = sender.try_send(state.first(topics, after));
        state.subscribers.push(Subscriber { topics, sender });
        let is_first = IsFirst(!state.is_watched);
        state.is_watched = true;
        Some((receiver, is_first))
    }

    /// The topics that somebody listens to; `None` if nobody does, and then looking for changes ends.
    fn wanted(&self) -> Option<Topics> {
        let mut state = self.state.lock();
        state.subscribers.retain(|one| !one.sender.is_closed());
        if state.subscribers.is_empty() {
            // What changes from now on is not seen.
            state.epoch = state.epoch.wrapping_add(1);
            state.recent.clear();
            state.is_watched = false;
            return None;
        }
        let all = state.subscribers.iter();
        Some(all.fold(Topics::default(), |all, one| all.with(one.topics)))
    }

    fn tell(&self, changed: Topics) {
        if changed.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        if state.recent.len() >= RECENT_MAX {
            state.recent.pop_front();
        }
        state.recent.push_back((number, changed));
        let id = state.id(number);
        // Who does not keep up is cut off: its stream ends when it has read what waits, and it comes back.
        state.subscribers.retain(|one| {
            let topics = changed.among(one.topics);
            let id = id.clone();
            topics.is_empty() || one.sender.try_send(Message::Changed { id, topics }).is_ok()
        });
    }
}

/// Whether nobody looks for changes yet.
struct IsFirst(bool);

/// Looks for changes as long as somebody listens.
async fn watch(events: Arc<Events>, sources: Arc<Sources>) {
    let mut before = Prints::default();
    while let Some(wanted) = events.wanted() {
        let began = tokio::time::Instant::now();
        let looking = Arc::clone(&sources);
        let looked = tokio::task::spawn_blocking(move || looking.prints(wanted)).await;
        let Ok(now) = looked else {
            // A look that panicked is told by the runtime; the next one may do better.
            tokio::time::sleep(PAUSE_MIN).await;
            continue;
        };
        events.tell(before.changed(&now));
        before.take(now);
        let pause = began.elapsed().saturating_mul(PAUSE_FACTOR);
        tokio::time::sleep(pause.max(PAUSE_MIN)).await;
    }
}

/// Of an Alertmanager alone.
pub(crate) async fn of_alerting(
    State(api): State<AlertingApi>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let sources = Sources::of_alerting(&api);
    stream(&api.events, &api.lifecycle, sources, (&headers, &params))
}

pub(crate) async fn of_server(
    State(api): State<Arc<crate::sources::Api>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let sources = Sources::of_server(&api);
    stream(&api.events, &api.lifecycle, sources, (&headers, &params))
}

fn stream(
    events: &Arc<Events>,
    lifecycle: &Lifecycle,
    sources: Sources,
    (headers, params): (&HeaderMap, &Params),
) -> Result<Response, ApiError> {
    let topics = Topics::parse(params.get("topics"))
        .map_err(|problem| ApiError::parameter("topics", problem))?;
    // A parameter for those who cannot set headers.
    let after = headers.get("last-event-id");
    let after = after.and_then(|id| id.to_str().ok());
    let after = after.or_else(|| params.some("after"));
    let Some((messages, IsFirst(is_first))) = events.subscribe(topics, after) else {
        let problem =
            format!("{SUBSCRIBERS_MAX} clients listen already; ask for what is shown now and then");
        return Err(ApiError::new(ErrorKind::Unavailable, problem));
    };
    if is_first {
        tokio::spawn(watch(Arc::clone(events), Arc::new(sources)));
    }
    let (parts, body) = body_in_parts(WAITING_MAX);
    let readiness = lifecycle.readiness.clone();
    let listeners = events.listeners.clone();
    tokio::spawn(async move {
        listeners.add(1.0);
        forward(messages, parts, readiness).await;
        listeners.add(-1.0);
    });
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // For proxies that would collect the answer first.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Ends when the reader is gone, is cut off, or the server stops: an open stream would hold up its end.
async fn forward(
    mut messages: mpsc::Receiver<Message>,
    parts: BodyParts,
    mut readiness: tokio::sync::watch::Receiver<Readiness>,
) {
    let stopping = async move {
        // An error means that the server is gone, which is the same.
        let _ = readiness.wait_for(|now| *now == Readiness::Stopping).await;
    };
    let mut stopping = std::pin::pin!(stopping);
    loop {
        let text = tokio::select! {
            message = messages.recv() => match message {
                Some(message) => message.text(),
                None => return parts.finish().await,
            },
            () = parts.closed() => return,
            () = &mut stopping => return parts.finish().await,
            () = tokio::time::sleep(SIGN_PAUSE) => "event: alive\ndata:\n\n".to_owned(),
        };
        if parts.send(text).await.is_err() {
            return;
        }
    }
}

impl Message {
    fn text(&self) -> String {
        match self {
            Self::Reset { id } => format!("id: {id}\nevent: reset\ndata:\n\n"),
            Self::Changed { id, topics } => {
                let topics = topics.names().map(Topic::name).collect();
                let data = to_json(&ChangedTwin { topics });
                format!("id: {id}\nevent: changed\ndata: {data}\n\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &str) -> Topics {
        Topics::parse(names).unwrap()
    }

    fn heard(receiver: &mut mpsc::Receiver<Message>) -> String {
        let mut all = String::new();
        while let Ok(message) = receiver.try_recv() {
            all.push_str(&message.text());
        }
        all
    }

    #[test]
    fn each_hears_of_its_topics_and_of_what_it_missed() {
        let events = Events::new(Timestamp(7), &Registry::new());
        let (mut alerts, IsFirst(is_first)) = events.subscribe(topics("alerts"), None).unwrap();
        assert!(is_first);
        let (mut all, IsFirst(is_first)) = events.subscribe(topics(""), None).unwrap();
        assert!(!is_first, "one looks for all");
        assert_eq!(heard(&mut alerts), "id: 7-0\nevent: reset\ndata:\n\n");
        events.tell(topics("silences"));
        events.tell(topics("alerts,silences"));
        events.tell(Topics::default());
        assert_eq!(
            heard(&mut alerts),
            "id: 7-2\nevent: changed\ndata: {\"topics\":[\"alerts\"]}\n\n"
        );
        assert!(heard(&mut all).contains("data: {\"topics\":[\"alerts\",\"silences\"]}"));
        // Back with the first change, without the second.
        let (mut back, _) = events.subscribe(topics("silences"), Some("7-1")).unwrap();
        assert_eq!(
            heard(&mut back),
            "id: 7-2\nevent: changed\ndata: {\"topics\":[\"silences\"]}\n\n"
        );
        for unknown in ["6-1", "7-3", "rubbish", ""] {
            let (mut back, _) = events.subscribe(topics(""), Some(unknown)).unwrap();
            assert!(heard(&mut back).contains("event: reset"), "{unknown}");
        }
    }

    #[test]
    fn what_is_too_long_ago_is_not_told_piece_by_piece() {
        let events = Events::new(Timestamp(0), &Registry::new());
        let (_keeps, _) = events.subscribe(topics("silences"), None).unwrap();
        for _ in 0..RECENT_MAX + 1 {
            events.tell(topics("alerts"));
        }
        let first = |after: &str| {
            let (mut back, _) = events.subscribe(topics("alerts"), Some(after)).unwrap();
            heard(&mut back)
        };
        assert!(first("0-0").contains("event: reset"));
        assert!(first("0-1").contains("event: changed"));
    }

    #[test]
    fn listeners_are_bounded_and_slow_ones_are_cut_off() {
        let events = Events::new(Timestamp(0), &Registry::new());
        let mut all: Vec<_> = (0..SUBSCRIBERS_MAX)
            .map(|_| events.subscribe(topics("alerts"), None).unwrap().0)
            .collect();
        assert!(events.subscribe(topics("alerts"), None).is_none());
        for _ in 0..WAITING_MAX {
            events.tell(topics("alerts"));
        }
        assert_eq!(events.wanted(), None, "nobody has read anything");
        let slow = all.pop().map(|mut one| heard(&mut one)).unwrap();
        assert_eq!(slow.matches("event:").count(), WAITING_MAX);
        // There is room again, and numbers of before mean nothing.
        let (mut back, IsFirst(is_first)) =
            events.subscribe(topics("alerts"), Some("0-16")).unwrap();
        assert!(is_first);
        assert!(heard(&mut back).contains("id: 1-16\nevent: reset"));
    }
}
