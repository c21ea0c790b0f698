//! The recorder with real files, pipes and webhooks.

use std::path::Path;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use config::alertmanager::{LoadOptions, load, matchers::MatcherMode};
use diag::{Diagnostics, Source};
use metrics::Registry;
use model::clock::ManualClock;
use net::Overrides;
use serde_json::Value;
use testkit::kafka::{Behaviour, Broker, Produced};
use testkit::process::{Page, PageServer};

use super::*;
use crate::options::Switch;

/// More than any test takes.
const LONG: Duration = Duration::from_secs(60);

fn planned(section: &str, base_dir: &Path) -> (Arc<Plan>, Vec<String>) {
    planned_with(Switch::On, section, base_dir)
}

fn planned_with(feature: Switch, section: &str, base_dir: &Path) -> (Arc<Plan>, Vec<String>) {
    let text =
        format!("route: {{receiver: r}}\nreceivers: [{{name: r}}]\nevent_recorder: {section}\n");
    let options = LoadOptions {
        base_dir: base_dir.to_str().unwrap(),
        matchers: MatcherMode::Fallback,
        template: &|_| None,
    };
    let (config, _) = load(&Source::new("am.yml", &text), &options).unwrap();
    let mut problems = Diagnostics::new();
    let plan = plan(
        &config.event_recorder,
        (feature, &Overrides::default()),
        &mut problems,
    );
    (plan, problems.iter().map(diag::render_line).collect())
}

struct Fixture {
    dir: tempfile::TempDir,
    registry: Registry,
    reasons: Arc<ReasonBook>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            registry: Registry::new(),
            reasons: Arc::new(ReasonBook::new(10)),
        }
    }

    fn plan(&self, section: &str) -> Arc<Plan> {
        planned(section, self.dir.path()).0
    }

    fn start(&self, section: &str) -> EventRecorder {
        let surroundings = Surroundings {
            counters: Counters::new(&self.registry),
            clock: Arc::new(ManualClock::new(Timestamp(1000))),
            reasons: Arc::clone(&self.reasons),
        };
        EventRecorder::start(self.plan(section), Some(surroundings))
    }

    fn metric(&self, series: &str) -> Option<f64> {
        let page = self.registry.render();
        let mut lines = page.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.parse().ok()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn event(version: &str) -> Recorded {
    Recorded::Startup {
        version: version.to_owned(),
        build_context: String::new(),
    }
}

/// The version that the event made by [`event`] has.
fn version(event: &Value) -> String {
    let version = &event["data"]["alertmanagerStartupEvent"]["version"];
    version.as_str().unwrap_or_default().to_owned()
}

async fn stop(recorder: &EventRecorder) {
    recorder.begin_stop(Timestamp(2000), 0);
    recorder.finish().await;
}

type Bodies = Arc<StdMutex<Vec<String>>>;

/// Takes what is posted; what it answers depends on how often it was asked.
fn hook(status: impl Fn(usize) -> u16 + Send + Sync + 'static) -> (PageServer, Bodies) {
    let taken = Bodies::default();
    let (bodies, asked) = (Arc::clone(&taken), AtomicUsize::new(0));
    let server = PageServer::start(move |request| {
        let status = status(asked.fetch_add(1, Ordering::SeqCst));
        if status == 200 {
            bodies.lock().unwrap().push(request.body.clone());
        }
        Page {
            status,
            content_type: "text/plain".to_owned(),
            body: String::new(),
        }
    });
    (server, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_everything_from_start_to_stop_in_order() {
    let fixture = Fixture::new();
    let recorder = fixture.start("{file_outputs: [{path: a}, {path: b}]}");
    recorder.record(Timestamp(1500), 3, [event("1"), event("2")]);
    stop(&recorder).await;
    recorder.record(Timestamp(3000), 0, [event("late")]);
    let lines = fixture.lines("a");
    assert_eq!(lines, fixture.lines("b"));
    assert!(lines[0].starts_with(r#"{"@timestamp":"1970-01-01T00:00:01Z","instance":""#));
    assert!(lines[0].contains(&format!(r#""version":"{}""#, crate::VERSION)));
    assert!(lines[1].contains(r#""version":"1""#) && lines[1].contains(r#""clusterPosition":3"#));
    assert!(lines[3].contains(r#""data":{"alertmanagerShutdownEvent":{}}"#));
    assert_eq!(lines.len(), 4);
    let file = format!("file:{}", fixture.dir.path().join("a").display());
    let labels = format!(r#"event_type="alertmanager_startup_event",output="{file}""#);
    let recorded = fixture.metric(&format!(
        r#"alertmanager_events_recorded_total{{{labels},result="success"}}"#
    ));
    assert_eq!(recorded, Some(3.0));
    let bytes = fixture.metric(&format!(
        "alertmanager_event_recorder_bytes_written_total{{{labels}}}"
    ));
    let expected: usize = lines.iter().take(3).map(|line| line.len() + 1).sum();
    assert_eq!(bytes, Some(f64::from(u32::try_from(expected).unwrap())));
    let late = r#"alertmanager_events_dropped_total{event_type="alertmanager_startup_event"}"#;
    assert_eq!(fixture.metric(late), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_hangs_holds_up_nobody_and_what_has_no_room_is_counted() {
    let fixture = Fixture::new();
    let pipe = fixture.dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // Nobody reads from it, so that already opening it waits.
    let recorder = fixture.start("{file_outputs: [{path: pipe}]}");
    let events = (0..QUEUE_MAX + 10).map(|index| event(&index.to_string()));
    recorder.record(Timestamp(1500), 0, events);
    // One place went to the event of the start.
    let dropped = r#"alertmanager_events_dropped_total{event_type="alertmanager_startup_event"}"#;
    assert_eq!(fixture.metric(dropped), Some(11.0));
    let waiting = fixture.metric("alertmanager_event_recorder_queue_length");
    assert_eq!(waiting, Some(8192.0));
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    stop(&recorder).await;
    let text = reader.join().unwrap();
    // Whether the event of the stop has a place depends on how soon the pipe is read.
    let is_stop = |line: &&str| line.contains("alertmanagerShutdownEvent");
    assert_eq!(
        text.lines().filter(|line| !is_stop(line)).count(),
        QUEUE_MAX
    );
    let waiting = fixture.metric("alertmanager_event_recorder_queue_length");
    assert_eq!(waiting, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_in_the_url_of_a_webhook_is_who_asks() {
    let fixture = Fixture::new();
    let users = Arc::new(StdMutex::new(Vec::new()));
    let seen = Arc::clone(&users);
    let server = PageServer::start(move |request| {
        let mut headers = request.headers.iter();
        let user = headers.find(|(name, _)| name == "authorization");
        seen.lock()
            .unwrap()
            .push(user.map(|(_, value)| value.clone()));
        Page::ok("text/plain", "")
    });
    let url = format!("http://me:p%40ss@{}/hook", server.address());
    let recorder = fixture.start(&format!(
        "{{webhook_outputs: [{{url: '{url}', workers: 1}}]}}"
    ));
    stop(&recorder).await;
    let users = users.lock().unwrap();
    assert!(!users.is_empty());
    for user in users.iter() {
        assert_eq!(user.as_deref(), Some("Basic bWU6cEBzcw=="));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_at_first_loses_nothing() {
    let fixture = Fixture::new();
    let (server, taken) = hook(|asked| if asked < 2 { 500 } else { 200 });
    let url = format!("http://{}/hook", server.address());
    let recorder = fixture.start(&format!(
        "{{webhook_outputs: [{{url: '{url}', workers: 1, retry_backoff: 1ms}}]}}"
    ));
    recorder.record(Timestamp(1500), 0, [event("1"), event("2")]);
    stop(&recorder).await;
    let bodies = taken.lock().unwrap();
    let events: Vec<Value> = bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    let versions: Vec<String> = events.iter().map(version).collect();
    assert_eq!(versions, [crate::VERSION, "1", "2", ""]);
    let drops = format!(r#"alertmanager_event_output_drops_total{{output="webhook:{url}"}}"#);
    assert_eq!(fixture.metric(&drops), Some(0.0));
    assert!(fixture.reasons.entries(None).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_never_takes_anything_is_given_up_with_a_reason() {
    let fixture = Fixture::new();
    let (server, taken) = hook(|_| 503);
    let url = format!("http://me:secret@{}/hook?token=secret", server.address());
    let recorder = fixture.start(&format!(
        "{{webhook_outputs: [{{url: '{url}', max_retries: 2, retry_backoff: 1ms}}]}}"
    ));
    stop(&recorder).await;
    assert!(taken.lock().unwrap().is_empty());
    let entries = fixture.reasons.entries(Some("event-output-not-taken"));
    assert_eq!(
        entries[0].message,
        "1 events were not taken after 2 attempts: status 503 Service Unavailable"
    );
    assert_eq!(
        entries[0].subject,
        format!("webhook:http://{}/hook", server.address())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_arrays_within_their_limits() {
    let fixture = Fixture::new();
    let (server, taken) = hook(|_| 200);
    let url = format!("http://{}", server.address());
    let recorder = fixture.start(&format!(
        "{{webhook_outputs: [{{url: '{url}', workers: 1, batch: true, batch_max_events: 3, batch_max_bytes: 600, batch_flush_interval: 1h}}]}}"
    ));
    let large = "x".repeat(700);
    let events = ["1", "2", "3", "4", "5", &large, "6"];
    recorder.record(Timestamp(1500), 0, events.map(event));
    stop(&recorder).await;
    let bodies = taken.lock().unwrap();
    let mut sizes = Vec::new();
    let mut versions = Vec::new();
    for body in bodies.iter() {
        let events: Vec<Value> = serde_json::from_str(body).unwrap();
        assert!(body.len() <= 600 || events.len() == 1, "{body}");
        sizes.push(events.len());
        versions.extend(events.iter().map(version));
    }
    assert_eq!(
        versions,
        [crate::VERSION, "1", "2", "3", "4", "5", &large, "6", ""]
    );
    // Three at most, and the large one alone.
    assert_eq!(sizes, [3, 3, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_does_not_wait_for_more_than_its_time() {
    let fixture = Fixture::new();
    let (server, taken) = hook(|_| 200);
    let url = format!("http://{}", server.address());
    let recorder = fixture.start(&format!(
        "{{webhook_outputs: [{{url: '{url}', batch: true, batch_flush_interval: 1ms}}]}}"
    ));
    let arrived = async {
        while taken.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, arrived).await.unwrap();
    stop(&recorder).await;
    assert_eq!(taken.lock().unwrap().len(), 2);
}

fn kafka_versions(broker: &Broker) -> Vec<String> {
    let produced = broker.produced().into_iter();
    let event = |one: Produced| serde_json::from_slice::<Value>(&one.value).unwrap();
    produced.map(|one| version(&event(one))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_kafka_has_everything_in_order_when_its_broker_is_there() {
    let fixture = Fixture::new();
    let behaviour = Behaviour {
        hangs_up: 1,
        refuses: vec![5],
    };
    let broker = Broker::start("events", behaviour);
    let recorder = fixture.start(&format!(
        "{{kafka_outputs: [{{brokers: ['{}'], topic: events, acks: all}}]}}",
        broker.address()
    ));
    recorder.record(Timestamp(1500), 0, [event("1"), event("2")]);
    stop(&recorder).await;
    assert_eq!(kafka_versions(&broker), [crate::VERSION, "1", "2", ""]);
    let instance = crate::address::host_name();
    for one in broker.produced() {
        assert_eq!(one.key, instance.as_bytes());
        assert_eq!(one.acks, -1);
    }
    let drops = format!(
        r#"alertmanager_event_output_drops_total{{output="kafka:{}/events"}}"#,
        broker.address()
    );
    assert_eq!(fixture.metric(&drops), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_refuses_is_counted_and_protobuf_is_as_asked() {
    let fixture = Fixture::new();
    let behaviour = Behaviour {
        refuses: vec![10],
        ..Behaviour::default()
    };
    let broker = Broker::start("events", behaviour);
    let recorder = fixture.start(&format!(
        "{{kafka_outputs: [{{brokers: ['{}'], topic: events, format: protobuf}}]}}",
        broker.address()
    ));
    let output = format!("kafka:{}/events", broker.address());
    let errors = format!(
        r#"alertmanager_event_kafka_produce_errors_total{{output="{output}",error_type="broker"}}"#
    );
    let refused = async {
        while fixture.metric(&errors) != Some(1.0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, refused).await.unwrap();
    stop(&recorder).await;
    let produced = broker.produced();
    assert_eq!(produced.len(), 1);
    assert_eq!(produced[0].acks, 1);
    // Shutdown, in `data`: fields 2 and 3.
    assert!(produced[0].value.ends_with(b"\x1a\x02\x12\x00"));
    let entries = fixture.reasons.entries(Some("event-output-not-taken"));
    let expected = format!(
        "1 events were not taken after 1 attempts: {}: MESSAGE_TOO_LARGE",
        broker.address()
    );
    assert_eq!(entries[0].message, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_all_outputs_or_none() {
    let fixture = Fixture::new();
    let recorder = fixture.start("{file_outputs: [{path: a}]}");
    recorder.follow(fixture.plan("{file_outputs: [{path: b}]}"));
    recorder.record(Timestamp(1500), 0, [event("1")]);
    // Of these only one can be opened.
    recorder.follow(fixture.plan("{file_outputs: [{path: c}, {path: no/folder}]}"));
    recorder.record(Timestamp(1500), 0, [event("2")]);
    recorder.follow(fixture.plan("{}"));
    recorder.record(Timestamp(1500), 0, [event("3")]);
    stop(&recorder).await;
    assert_eq!(fixture.lines("a").len(), 1);
    let versions: Vec<String> = fixture
        .lines("b")
        .iter()
        .map(|line| version(&serde_json::from_str(line).unwrap()))
        .collect();
    assert_eq!(versions, ["1", "2"]);
    assert_eq!(fixture.lines("c").len(), 0);
    let entries = fixture.reasons.entries(Some("event-output-not-opened"));
    assert!(entries[0].message.contains("No such file"), "{entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_makes_do_with_the_outputs_that_can_be_opened() {
    let fixture = Fixture::new();
    let recorder = fixture.start("{file_outputs: [{path: no/folder}, {path: a}]}");
    stop(&recorder).await;
    assert_eq!(fixture.lines("a").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_json_cannot_hold_is_counted() {
    let fixture = Fixture::new();
    let recorder = fixture.start("{file_outputs: [{path: a}]}");
    recorder.record(Timestamp(253_402_300_800_000), 0, [event("1")]);
    stop(&recorder).await;
    assert_eq!(fixture.lines("a").len(), 2);
    let series =
        r#"alertmanager_event_serialize_errors_total{event_type="alertmanager_startup_event"}"#;
    assert_eq!(fixture.metric(series), Some(1.0));
}

#[test]
fn what_has_no_effect_is_told() {
    let dir = Path::new("/");
    let (plan, problems) = planned_with(Switch::Off, "{stdout_outputs: [{}]}", dir);
    assert!(plan.outputs.is_empty());
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("without --enable-feature=event-recorder"));
    let (_, problems) = planned_with(Switch::Off, "{}", dir);
    assert_eq!(problems, [""; 0]);
    let client = "{webhook_outputs: [{url: 'http://u:p@h/?t', http_config: {tls_config: {ca_file: /none}}}]}";
    let (plan, problems) = planned(client, dir);
    assert_eq!(plan.outputs.len(), 1);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("event_recorder: webhook:http://h/: "),
        "{problems:?}"
    );
}
