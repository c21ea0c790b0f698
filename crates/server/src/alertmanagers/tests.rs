//! Queues, places and messages; that a real Alertmanager takes the messages is tested with the program.

use model::{Labels, Timestamp};

use super::message::message;
use super::queue::Queue;
use super::set::{Place, place};
use super::*;

fn alert(name: &str) -> SentAlert {
    SentAlert {
        labels: Labels::from_pairs([("alertname", name), ("job", "\"x\"")]),
        annotations: [("summary", "it\nbroke"), ("text", "")]
            .into_iter()
            .collect(),
        starts_at: Timestamp(1_704_067_200_000),
        ends_at: Timestamp(1_704_067_260_500),
        generator_url: "http://here/graph".to_owned(),
    }
}

fn names(alerts: &[SentAlert]) -> Vec<&str> {
    alerts
        .iter()
        .filter_map(|alert| alert.labels.get("alertname"))
        .collect()
}

#[tokio::test]
async fn the_oldest_alerts_are_given_up() {
    let queue = Queue::new(3);
    assert_eq!(queue.push(["a", "b"].map(alert)), 0);
    assert_eq!(queue.push(["c", "d", "e"].map(alert)), 2);
    assert_eq!(names(&queue.take(2).await), ["c", "d"]);
    queue.settle();
    assert_eq!(queue.len(), 1);
    assert_eq!(names(&queue.take(2).await), ["e"]);
    // One that is being sent is not sent yet.
    let drained = queue.drained();
    tokio::pin!(drained);
    tokio::select! {
        biased;
        () = &mut drained => panic!("not drained yet"),
        () = std::future::ready(()) => {}
    }
    queue.settle();
    drained.await;
}

#[test]
fn messages_are_those_of_the_api() {
    let text = String::from_utf8(message(&[alert("a")])).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let wanted = serde_json::json!([{
        "labels": {"alertname": "a", "job": "\"x\""},
        "annotations": {"summary": "it\nbroke", "text": ""},
        "startsAt": "2024-01-01T00:00:00Z",
        "endsAt": "2024-01-01T00:01:00.5Z",
        "generatorURL": "http://here/graph",
    }]);
    assert_eq!(found, wanted);
}

#[test]
fn targets_have_places() {
    let text = "alerting:
  alertmanagers:
  - path_prefix: /am/
    scheme: https
    relabel_configs:
    - {source_labels: [zone], regex: far, action: drop}
    - {source_labels: [other], regex: (.+), target_label: __address__}
    - {source_labels: [nowhere], regex: (.+), target_label: __address__, replacement: ''}
  - {}
";
    let source = diag::Source::new("prometheus.yml", text);
    let options = config::prometheus::LoadOptions {
        base_dir: ".",
        mode: config::prometheus::Mode::Server,
        variable: &|_| None,
    };
    let (config, _) = config::prometheus::load(&source, &options).unwrap();
    let [with_prefix, plain] = &config.alerting.alertmanagers[..] else {
        panic!("two");
    };
    let target = Labels::from_pairs([("__address__", "a:9093")]);
    let active = |url: &str| Place::Active(url.to_owned());
    for (config, group, wanted) in [
        (plain, &[][..], active("http://a:9093/api/v2/alerts")),
        (with_prefix, &[], active("https://a:9093/am/api/v2/alerts")),
        (
            with_prefix,
            &[("other", "b:1")],
            active("https://b:1/am/api/v2/alerts"),
        ),
        (
            plain,
            &[("__scheme__", "gopher")],
            active("http://a:9093/api/v2/alerts"),
        ),
        (
            with_prefix,
            &[("zone", "far")],
            Place::Dropped("https://a:9093/am/api/v2/alerts".to_owned()),
        ),
        (with_prefix, &[("nowhere", "x")], Place::Nowhere),
    ] {
        let group = Labels::from_pairs(group.iter().copied());
        assert_eq!(place(config, &target, &group), wanted, "{group}");
    }
}
