//! Whole deliveries of a webhook: the request that is sent, and what its answer means.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use alerting::dedup::NotifyReason;
use alerting::nflog::ReceiverData;
use alerting::{
    Alert, Delivery, DeliveryId, FailureReason, NotifiedAlert, Outcome, PostedAlert, Retry, Time,
};
use model::name::NameScheme;
use model::{Labels, Timestamp};

use super::*;
use crate::http::{HttpFailure, HttpResponse};
use crate::integration::IntegrationOptions;
use crate::receivers::Receivers;
use crate::templates::Templates;

const NOW: Timestamp = Timestamp(1_709_290_800_000);

/// Keeps the requests and gives one answer to all.
#[derive(Debug)]
struct Answering {
    answer: Result<u16, HttpFailure>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl HttpSend for Answering {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpFailure>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push(request);
            self.answer.clone().map(|status| HttpResponse {
                status,
                headers: Vec::new(),
                body: b"said so".to_vec(),
            })
        })
    }
}

fn alert(name: &str, summary: &str, ends_at: &str) -> NotifiedAlert {
    let posted = PostedAlert {
        labels: Labels::from_pairs([("alertname", name), ("job", "node")]),
        annotations: Arc::new(BTreeMap::from([("summary".to_owned(), summary.to_owned())])),
        starts_at: Some(Time::parse("2024-03-01T10:00:00.5+02:00").unwrap()),
        ends_at: Some(Time::parse(ends_at).unwrap()),
        generator_url: "http://p/g?a=1&b=2".to_owned(),
    };
    let now = Time::from(NOW);
    let alert = Alert::from_posted(&posted, now, model::Duration::ZERO, NameScheme::Utf8).unwrap();
    NotifiedAlert {
        is_resolved: alert.is_resolved_at(now),
        alert: Arc::new(alert),
    }
}

fn delivery() -> Delivery {
    let alerts: Arc<[NotifiedAlert]> = Arc::from([
        alert("A", "<5%> & \"low\"", "2099-01-01T00:00:00Z"),
        alert("B", "fine", "2024-03-01T10:30:00Z"),
    ]);
    Delivery {
        id: DeliveryId(1),
        attempt: 1,
        receiver: "team.x".into(),
        integration: 0,
        integration_name: "webhook".into(),
        group_key: r#"{}:{job="node"}"#.into(),
        group_labels: Labels::from_pairs([("job", "node")]),
        route_labels: Arc::new(BTreeMap::from([
            ("owner".to_owned(), "{{ .GroupLabels.job }}s".to_owned()),
            (
                "twice".to_owned(),
                "{{ routeLabels \"owner\" }}!".to_owned(),
            ),
        ])),
        group_alerts: alerts.clone(),
        alerts,
        reason: NotifyReason::FirstNotification,
        receiver_data: ReceiverData::default(),
        deadline: NOW + model::Duration::from_secs(30),
    }
}

fn options(url: &str) -> WebhookOptions {
    WebhookOptions {
        url: UrlSource::Text(url.to_owned()),
        alerts_max: 0,
        timeout: None,
        payload: None,
    }
}

/// Delivers once. The request that was sent, if any, and the outcome.
fn deliver(
    options: WebhookOptions,
    answer: Result<u16, HttpFailure>,
) -> (Option<HttpRequest>, Outcome) {
    let http = Arc::new(Answering {
        answer,
        sent: Mutex::default(),
    });
    let integration = IntegrationOptions::Webhook(options).build(http.clone());
    let receivers = Receivers::new(
        Templates::new("http://am:9093", []).unwrap(),
        "Alertmanager/1.0",
        HashMap::from([("team.x".into(), vec![integration])]),
    );
    let delivery = delivery();
    let future = pin!(receivers.deliver(&delivery, NOW));
    let Poll::Ready(outcome) = { future }.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nothing waits here");
    };
    let sent = http.sent.lock().unwrap().pop();
    (sent, outcome)
}

#[test]
fn the_message_byte_by_byte() {
    let (request, outcome) = deliver(options("http://h/{{ .Status }}"), Ok(204));
    let request = request.unwrap();
    assert_eq!(outcome, Outcome::delivered());
    assert_eq!(request.url, "http://h/firing");
    assert_eq!(
        request.headers,
        [
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "Alertmanager/1.0".to_owned())
        ]
    );
    assert_eq!(request.timeout, Duration::from_secs(30));
    let expected = concat!(
        r#"{"receiver":"team\\.x","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","#,
        r#""job":"node"},"annotations":{"summary":"\u003c5%\u003e \u0026 \"low\""},"#,
        r#""startsAt":"2024-03-01T10:00:00.5+02:00","endsAt":"0001-01-01T00:00:00Z","#,
        r#""generatorURL":"http://p/g?a=1\u0026b=2","fingerprint":"e342c790ad2d86b4"},{"status":"resolved","#,
        r#""labels":{"alertname":"B","job":"node"},"annotations":{"summary":"fine"},"#,
        r#""startsAt":"2024-03-01T10:00:00.5+02:00","endsAt":"2024-03-01T10:30:00Z","#,
        r#""generatorURL":"http://p/g?a=1\u0026b=2","fingerprint":"225f15cf71924c5d"}],"#,
        r#""notification_reason":"first notification","groupLabels":{"job":"node"},"#,
        r#""commonLabels":{"job":"node"},"commonAnnotations":{},"#,
        r#""routeLabels":{"owner":"nodes","twice":"nodes!"},"externalURL":"http://am:9093","#,
        r#""version":"4","groupKey":"{}:{job=\"node\"}","truncatedAlerts":0}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(request.body).unwrap(), expected);
}

#[test]
fn alerts_over_the_limit_are_counted_not_sent() {
    let limited = WebhookOptions {
        alerts_max: 1,
        timeout: Some(Duration::from_secs(5)),
        ..options("http://h")
    };
    let (request, _) = deliver(limited, Ok(200));
    let request = request.unwrap();
    let body = String::from_utf8(request.body).unwrap();
    assert!(body.contains("\"truncatedAlerts\":1}\n"), "{body}");
    assert!(!body.contains("\"alertname\":\"B\""), "{body}");
    assert!(
        body.contains("\"commonAnnotations\":{\"summary\""),
        "{body}"
    );
    assert_eq!(request.timeout, Duration::from_secs(5));
}

#[test]
fn the_url_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " http://from-file/x\n").unwrap();
    let from_file = WebhookOptions {
        url: UrlSource::File(file.path().to_str().unwrap().to_owned()),
        ..options("")
    };
    let (request, _) = deliver(from_file, Ok(200));
    assert_eq!(request.unwrap().url, "http://from-file/x");
}

#[test]
fn a_payload_of_ones_own() {
    let payload = yaml::Value::Mapping(yaml::Mapping(vec![
        (
            yaml::Value::from("count"),
            yaml::Value::from("{{ len .Alerts }}"),
        ),
        (
            yaml::Value::from("a {{ .Status }}"),
            yaml::Value::Sequence(vec![yaml::Value::from("<{{ .CommonLabels.job }}>")]),
        ),
        (yaml::Value::Bool(false), yaml::Value::from("dropped")),
    ]));
    let custom = WebhookOptions {
        payload: Some(payload),
        ..options("http://h")
    };
    let (request, _) = deliver(custom, Ok(200));
    assert_eq!(
        String::from_utf8(request.unwrap().body).unwrap(),
        "{\"a firing\":[\"\\u003cnode\\u003e\"],\"count\":2}\n"
    );
}

#[test]
fn failures_say_whether_to_try_again() {
    let failed = |retry, failure, message: &str| Outcome::Failed {
        retry,
        failure,
        message: message.to_owned(),
    };
    let cases = [
        (
            options("http://h"),
            Ok(500),
            failed(
                Retry::Later,
                FailureReason::ServerError,
                "unexpected status code 500: said so",
            ),
        ),
        (
            options("http://h"),
            Ok(404),
            failed(
                Retry::Never,
                FailureReason::ClientError,
                "unexpected status code 404: said so",
            ),
        ),
        (
            options("http://h"),
            Err(HttpFailure("connection refused".to_owned())),
            failed(Retry::Later, FailureReason::Other, "connection refused"),
        ),
        (
            options("{{ .GroupLabels.nothing }}"),
            Ok(200),
            failed(
                Retry::Never,
                FailureReason::Other,
                "webhook URL is empty after templating",
            ),
        ),
    ];
    for (options, answer, expected) in cases {
        assert_eq!(deliver(options, answer).1, expected);
    }
    let (request, outcome) = deliver(options("{{ fail }}"), Ok(200));
    assert_eq!(request, None);
    assert!(
        matches!(&outcome, Outcome::Failed { retry: Retry::Never, message, .. }
            if message.starts_with("failed to template webhook URL: ")),
        "{outcome:?}"
    );
}
