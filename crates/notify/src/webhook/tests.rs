//! Whole deliveries of a webhook: the request that is sent, and what its answer means.

use std::time::Duration;

use alerting::{FailureReason, Outcome, ReceiverAnswer, Retry};

use crate::http::HttpFailure;
use crate::testing::{answer, body, deliver};

#[test]
fn the_message_byte_by_byte() {
    let (requests, outcome) = deliver(
        "webhook_configs: [{url: 'http://h/{{ .Status }}'}]",
        [answer(204, "")],
    );
    let request = &requests[0];
    let taken = Outcome::Delivered {
        receiver_data: None,
        answer: ReceiverAnswer { status: Some(204) },
    };
    assert_eq!(outcome, taken);
    assert_eq!(request.url, "http://h/firing");
    assert_eq!(
        request.headers,
        [
            ("User-Agent", "Alertmanager/1.0".to_owned()),
            ("Content-Type", "application/json".to_owned())
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
    assert_eq!(body(request), expected);
}

#[test]
fn alerts_over_the_limit_are_counted_not_sent() {
    let (requests, _) = deliver(
        "webhook_configs: [{url: 'http://h', max_alerts: 1, timeout: 5s}]",
        [answer(200, "")],
    );
    let body = body(&requests[0]);
    assert!(body.contains("\"truncatedAlerts\":1}\n"), "{body}");
    assert!(!body.contains("\"alertname\":\"B\""), "{body}");
    assert!(
        body.contains("\"commonAnnotations\":{\"summary\""),
        "{body}"
    );
    assert_eq!(requests[0].timeout, Duration::from_secs(5));
}

#[test]
fn the_url_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " http://from-file/{{ .Status }}\n").unwrap();
    let path = file.path().to_str().unwrap();
    let (requests, _) = deliver(
        &format!("webhook_configs: [{{url_file: {path}}}]"),
        [answer(200, "")],
    );
    assert_eq!(requests[0].url, "http://from-file/firing");
}

#[test]
fn a_payload_of_ones_own() {
    let (requests, _) = deliver(
        r#"webhook_configs: [{url: 'http://h', payload: {
            count: '{{ len .Alerts }}', 'a {{ .Status }}': ['<{{ .CommonLabels.job }}>'], no: dropped}}]"#,
        [answer(200, "")],
    );
    assert_eq!(
        body(&requests[0]),
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
            "http://h",
            answer(500, "said so"),
            failed(
                Retry::Later,
                FailureReason::ServerError,
                "unexpected status code 500: said so",
            ),
        ),
        (
            "http://h",
            answer(404, "said so"),
            failed(
                Retry::Never,
                FailureReason::ClientError,
                "unexpected status code 404: said so",
            ),
        ),
        (
            "http://h",
            Err(HttpFailure("connection refused".to_owned())),
            failed(Retry::Later, FailureReason::Other, "connection refused"),
        ),
        (
            "{{ .GroupLabels.nothing }}",
            answer(200, ""),
            failed(
                Retry::Never,
                FailureReason::Other,
                "webhook URL is empty after templating",
            ),
        ),
    ];
    for (url, answer, expected) in cases {
        let lines = format!("webhook_configs: [{{url: '{url}'}}]");
        assert_eq!(deliver(&lines, [answer]).1, expected);
    }
    let (requests, outcome) = deliver("webhook_configs: [{url: '{{ fail }}'}]", []);
    assert_eq!(requests, []);
    assert!(
        matches!(&outcome, Outcome::Failed { retry: Retry::Never, message, .. }
            if message.starts_with("failed to template webhook URL: ")),
        "{outcome:?}"
    );
}
