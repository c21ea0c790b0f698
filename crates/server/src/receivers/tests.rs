//! Every integration against a real server that answers well, badly, or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alerting::dedup::NotifyReason;
use alerting::nflog::ReceiverData;
use alerting::{
    Alert, Delivery, DeliveryId, FailureReason, NotifiedAlert, Outcome, PostedAlert,
    ReceiverAnswer, Retry, Time,
};
use config::alertmanager::matchers::MatcherMode;
use config::alertmanager::{LoadOptions, load};
use diag::Diagnostics;
use model::name::NameScheme;
use model::{Duration, Labels, Timestamp};
use net::Overrides;
use notify::{Receivers, Templates};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{ANSWER_BYTES_MAX, parts};

mod peer;

const NOW: Timestamp = Timestamp(1_709_290_800_000);
/// Good for each integration: what any of them looks for in an answer is in it.
const GOOD: &str = r#"{"ok":true,"success":true,"errcode":0,"access_token":"t","issues":[]}"#;

/// All integrations whose address can be chosen.
const HTTP: [(&str, &str); 16] = [
    ("webhook", "url: URL"),
    ("slack", "api_url: URL"),
    ("pagerduty", "routing_key: k, url: URL"),
    ("opsgenie", "api_key: k, api_url: URL"),
    ("victorops", "api_key: k, routing_key: r, api_url: URL"),
    ("wechat", "api_secret: s, corp_id: c, api_url: URL"),
    (
        "sns",
        "topic_arn: t, api_url: URL, sigv4: {region: r, access_key: a, secret_key: s}",
    ),
    ("telegram", "bot_token: t, chat_id: 1, api_url: URL"),
    (
        "webex",
        "room_id: r, api_url: URL, http_config: {authorization: {credentials: c}}",
    ),
    ("discord", "webhook_url: URL"),
    ("msteams", "webhook_url: URL"),
    ("msteamsv2", "webhook_url: URL"),
    ("jira", "project: p, issue_type: i, api_url: URL"),
    ("rocketchat", "token: t, token_id: i, api_url: URL"),
    ("mattermost", "webhook_url: URL"),
    ("incidentio", "url: URL, alert_source_token: t"),
];

/// Integrations with a secret that may be in a file.
const SECRETS: [(&str, &str); 13] = [
    ("webhook", "url_file: FILE"),
    ("slack", "api_url_file: FILE"),
    (
        "pagerduty",
        "routing_key_file: FILE, url: 'http://127.0.0.1:1'",
    ),
    ("pagerduty", "service_key_file: FILE"),
    (
        "opsgenie",
        "api_key_file: FILE, api_url: 'http://127.0.0.1:1'",
    ),
    (
        "victorops",
        "api_key_file: FILE, routing_key: r, api_url: 'http://127.0.0.1:1'",
    ),
    (
        "wechat",
        "api_secret_file: FILE, corp_id: c, api_url: 'http://127.0.0.1:1'",
    ),
    ("pushover", "user_key: u, token_file: FILE"),
    (
        "telegram",
        "bot_token_file: FILE, chat_id: 1, api_url: 'http://127.0.0.1:1'",
    ),
    ("discord", "webhook_url_file: FILE"),
    (
        "rocketchat",
        "token_file: FILE, token_id: i, api_url: 'http://127.0.0.1:1'",
    ),
    ("mattermost", "webhook_url_file: FILE"),
    (
        "incidentio",
        "url: 'http://127.0.0.1:1', alert_source_token_file: FILE",
    ),
];

/// What a server does with each connection.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Answers each request with these bytes.
    Answers(&'static str),
    /// Says this instead of HTTP.
    Says(&'static [u8]),
    /// Says this, whatever comes.
    Greets(&'static str),
    /// Reads, and never answers.
    Hangs,
    /// Closes the connection in the middle of the answer.
    Cuts,
    /// The same, and never closes it.
    Drips,
}

async fn serve(behaviour: Behaviour) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { connection(stream, behaviour).await });
        }
    });
    port
}

async fn connection(mut stream: TcpStream, behaviour: Behaviour) -> Option<()> {
    if let Behaviour::Greets(text) = behaviour {
        return stream.write_all(text.as_bytes()).await.ok();
    }
    loop {
        read_request(&mut stream).await?;
        match behaviour {
            Behaviour::Greets(_) => return None,
            Behaviour::Answers(answer) => stream.write_all(answer.as_bytes()).await.ok()?,
            Behaviour::Says(bytes) => {
                stream.write_all(bytes).await.ok()?;
                return None;
            }
            Behaviour::Hangs => std::future::pending::<()>().await,
            Behaviour::Cuts | Behaviour::Drips => {
                let start = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
                stream.write_all(start).await.ok()?;
                if matches!(behaviour, Behaviour::Drips) {
                    std::future::pending::<()>().await;
                }
                return None;
            }
        }
    }
}

/// The head and the body of one request.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")?
                        .trim()
                        .parse()
                        .ok()
                })
                .next()
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// One attempt of an integration with these options.
async fn deliver(kind: &str, options: &str, within: Duration) -> Outcome {
    let delivery = Delivery {
        deadline: NOW + within,
        ..delivery()
    };
    deliver_this(kind, options, delivery).await
}

async fn deliver_this(kind: &str, options: &str, delivery: Delivery) -> Outcome {
    let text = format!(
        "route: {{receiver: r}}\nreceivers:\n- name: r\n  {kind}_configs:\n  - {{{options}}}\n"
    );
    let source = diag::Source::new("test", text);
    let load_options = LoadOptions {
        base_dir: "",
        matchers: MatcherMode::Fallback,
        template: &|_| None,
    };
    let (config, _) = load(&source, &load_options)
        .unwrap_or_else(|error| panic!("{kind}: {:?}", error.diagnostics));
    let mut problems = Diagnostics::default();
    let (spec, integrations) = parts(&config.receivers[0], &Overrides::default(), &mut problems);
    assert!(!problems.has_errors(), "{kind}: {problems:?}");
    let receivers = Receivers::new(
        Templates::new("http://am", []).unwrap(),
        "Alertmanager/1",
        HashMap::from([(spec.name.clone(), integrations)]),
    );
    let delivery = Delivery {
        integration_name: spec.integrations[0].name.clone(),
        ..delivery
    };
    receivers.deliver(&delivery, NOW).await
}

fn delivery() -> Delivery {
    let posted = PostedAlert {
        labels: Labels::from_pairs([("alertname", "A")]),
        annotations: model::Pairs::empty(),
        starts_at: Some(Time::from(NOW)),
        ends_at: Some(Time::parse("2099-01-01T00:00:00Z").unwrap()),
        generator_url: "http://p/".to_owned(),
    };
    let now = Time::from(NOW);
    let alert = Alert::from_posted(&posted, now, Duration::ZERO, NameScheme::Utf8).unwrap();
    let alerts: Arc<[NotifiedAlert]> = Arc::from([NotifiedAlert {
        is_resolved: false,
        alert: Arc::new(alert),
    }]);
    Delivery {
        id: DeliveryId(1),
        attempt: 1,
        receiver: "r".into(),
        integration: 0,
        integration_name: "".into(),
        group_key: "{}:{}".into(),
        group_labels: Labels::from_pairs([("alertname", "A")]),
        route_labels: Arc::new(BTreeMap::new()),
        group_alerts: alerts.clone(),
        alerts,
        reason: NotifyReason::FirstNotification,
        receiver_data: ReceiverData::default(),
        deadline: NOW,
    }
}

/// All integrations against one behaviour, at the same time.
async fn all(behaviour: Behaviour, within: Duration) -> Vec<(&'static str, Outcome)> {
    let port = serve(behaviour).await;
    let mut outcomes = Vec::new();
    for (kind, options) in HTTP {
        let options = options.replace("URL", &format!("'http://127.0.0.1:{port}/{PATH}'"));
        outcomes.push((kind, deliver(kind, &options, within).await));
    }
    outcomes
}

fn failed(kind: &str, outcome: Outcome) -> (Retry, FailureReason, String) {
    match outcome {
        Outcome::Failed {
            retry,
            failure,
            message,
        } => (retry, failure, message),
        Outcome::Delivered { .. } => panic!("{kind} was delivered"),
    }
}

fn answer(head: &str, body: &str) -> &'static str {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    // Lives as long as the test.
    Box::leak(text.into_boxed_str())
}

/// Of the address, which may be a secret.
const PATH: &str = "T00/B00/secret";

/// Integrations to which not only the status says how it went.
const READS_BODY: [&str; 6] = ["slack", "wechat", "sns", "telegram", "jira", "rocketchat"];

const ENOUGH: Duration = Duration::from_secs(20);

#[tokio::test]
async fn good_answers_are_deliveries() {
    for (kind, outcome) in all(Behaviour::Answers(answer("200 OK", GOOD)), ENOUGH).await {
        assert!(
            matches!(outcome, Outcome::Delivered { .. }),
            "{kind}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn statuses_say_whether_to_try_again() {
    let cases = [
        ("400 Bad Request", Retry::Never, FailureReason::ClientError),
        ("404 Not Found", Retry::Never, FailureReason::ClientError),
        ("401 Unauthorized", Retry::Never, FailureReason::AuthError),
        (
            "429 Too Many Requests\r\nRetry-After: 7",
            Retry::After(Duration::from_secs(7)),
            FailureReason::RateLimited,
        ),
        ("500 Sorry", Retry::Later, FailureReason::ServerError),
    ];
    for (head, retry, reason) in cases {
        for (kind, outcome) in all(Behaviour::Answers(answer(head, "no")), ENOUGH).await {
            // The peer's client of Telegram tries everything again.
            let retry = match (kind, retry) {
                ("telegram", Retry::Never) => Retry::Later,
                (_, retry) => retry,
            };
            let (own_retry, own_reason, message) = failed(kind, outcome);
            assert_eq!(
                (own_retry, own_reason),
                (retry, reason),
                "{kind}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_tried_again() {
    let garbage = Behaviour::Says(b"\x00\xff\x16 this is not HTTP\r\n\r\n");
    let cases = [
        (garbage, ENOUGH),
        (Behaviour::Cuts, ENOUGH),
        (Behaviour::Hangs, Duration::from_millis(100)),
    ];
    for (behaviour, within) in cases {
        for (kind, outcome) in all(behaviour, within).await {
            let has_status = matches!(behaviour, Behaviour::Cuts);
            if has_status && !READS_BODY.contains(&kind) {
                continue;
            }
            let (retry, reason, message) = failed(kind, outcome);
            assert_eq!(
                (retry, reason),
                (Retry::Later, FailureReason::Other),
                "{kind}"
            );
            assert!(!message.contains(PATH), "{kind} shows its URL: {message}");
            assert!(message.contains("127.0.0.1:"), "{kind}: where? {message}");
        }
    }
}

/// Who tells by a status of success that it took the notification is not told again because of what is wrong with the
/// rest of its answer.
#[tokio::test]
async fn a_status_of_success_is_enough_where_the_body_says_nothing() {
    let huge = answer("200 OK", &"x".repeat(2 * ANSWER_BYTES_MAX));
    let cases = [
        (Behaviour::Cuts, ENOUGH),
        (Behaviour::Answers(huge), ENOUGH),
        (Behaviour::Drips, Duration::from_millis(200)),
    ];
    for (behaviour, within) in cases {
        for (kind, outcome) in all(behaviour, within).await {
            let is_delivered = matches!(outcome, Outcome::Delivered { .. });
            assert_eq!(
                is_delivered,
                !READS_BODY.contains(&kind),
                "{kind}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_named() {
    let port = serve(Behaviour::Greets("HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    let options = format!("url: 'https://u:p@127.0.0.1:{port}/{PATH}'");
    let (_, _, message) = failed("webhook", deliver("webhook", &options, ENOUGH).await);
    assert!(
        message.starts_with(&format!("127.0.0.1:{port}: ")),
        "{message}"
    );
    assert!(
        message.ends_with("should the URL begin with http://?"),
        "{message}"
    );
}

#[tokio::test]
async fn a_timeout_of_the_integrations_own() {
    let port = serve(Behaviour::Hangs).await;
    for (kind, options) in HTTP {
        if !["webhook", "slack", "pagerduty", "incidentio"].contains(&kind) {
            continue;
        }
        let options = options.replace("URL", &format!("'http://127.0.0.1:{port}/{PATH}'"));
        let outcome = deliver(kind, &format!("{options}, timeout: 50ms"), ENOUGH).await;
        let (retry, _, message) = failed(kind, outcome);
        assert_eq!(retry, Retry::Later);
        assert!(message.contains("0.05s"), "{kind}: {message}");
    }
}

#[tokio::test]
async fn a_secret_whose_file_is_gone_is_waited_for() {
    for (kind, options) in SECRETS {
        let options = options.replace("FILE", "/nowhere/to/be/found");
        let (retry, _, message) = failed(kind, deliver(kind, &options, ENOUGH).await);
        assert_eq!(retry, Retry::Later, "{kind}");
        assert!(
            message.contains("/nowhere/to/be/found"),
            "{kind}: {message}"
        );
    }
}

#[tokio::test]
async fn headers_and_credentials_of_the_http_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await.unwrap();
        let good = answer("200 OK", GOOD);
        stream.write_all(good.as_bytes()).await.unwrap();
        request
    });
    let options = format!(
        "url: 'http://127.0.0.1:{port}/a', http_config: {{basic_auth: {{username: u, password: p}}, \
         http_headers: {{X-Two: {{values: [v1, v2], secrets: [v3]}}}}}}"
    );
    let outcome = deliver("webhook", &options, ENOUGH).await;
    assert_eq!(outcome, taken());
    let request = server.await.unwrap().to_lowercase();
    let values: Vec<&str> = request
        .lines()
        .filter_map(|line| line.strip_prefix("x-two: "))
        .collect();
    assert_eq!(values, ["v1", "v2", "v3"]);
    assert!(request.contains("authorization: basic dtpw"), "{request}");
}

/// Whoever asks is told what it asked.
async fn echo() -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await.unwrap_or_default();
            let head = if request.starts_with("CONNECT") {
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned()
            } else {
                answer("200 OK", GOOD).to_owned()
            };
            let _ = sender.send(request);
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    (port, receiver)
}

/// A notification that was taken with the usual answer.
fn taken() -> Outcome {
    Outcome::Delivered {
        receiver_data: None,
        answer: ReceiverAnswer { status: Some(200) },
    }
}

#[tokio::test]
async fn proxies_are_asked_with_whole_urls_or_for_a_tunnel() {
    let (port, mut asked) = echo().await;
    let proxy = format!(
        "http_config: {{proxy_url: 'http://u:p@127.0.0.1:{port}', proxy_connect_header: {{X-A: [b]}}}}"
    );
    let options = format!("url: 'http://far.example/a', {proxy}");
    let outcome = deliver("webhook", &options, ENOUGH).await;
    assert_eq!(outcome, taken());
    let request = asked.recv().await.unwrap().to_lowercase();
    assert!(
        request.starts_with("post http://far.example/a http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nproxy-authorization: basic dtpw\r\n"),
        "{request}"
    );
    for (kind, options, target) in [
        ("pushover", "user_key: u, token: t", "api.pushover.net:443"),
        ("pagerduty", "service_key: k", "events.pagerduty.com:443"),
    ] {
        let outcome = deliver(kind, &format!("{options}, {proxy}"), ENOUGH).await;
        let (retry, _, message) = failed(kind, outcome);
        assert_eq!(retry, Retry::Later);
        assert!(
            message.contains("the proxy refused the connection"),
            "{message}"
        );
        let request = asked.recv().await.unwrap();
        let expected = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic dTpw\r\nX-A: b\r\n\r\n"
        );
        assert_eq!(request, expected);
    }
}

#[tokio::test]
async fn tokens_are_fetched_once_and_in_the_style_that_the_server_knows() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some(request) = read_request(&mut stream).await {
                    let reply = if request.starts_with("POST /token") {
                        if request.contains("client_secret=s") {
                            let token =
                                r#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#;
                            answer("200 OK", token)
                        } else {
                            answer("401 Unauthorized", r#"{"error":"invalid_client"}"#)
                        }
                    } else {
                        answer("200 OK", r#"{"errcode":0,"issues":[]}"#)
                    };
                    let _ = sender.send(request);
                    let _ = stream.write_all(reply.as_bytes()).await;
                }
            });
        }
    });
    // Two requests of one notification share the token.
    let options = format!(
        "project: p, issue_type: i, api_url: 'http://127.0.0.1:{port}/a', http_config: {{oauth2: {{client_id: \
         c, client_secret: s, token_url: 'http://127.0.0.1:{port}/token', scopes: [a, b], endpoint_params: \
         {{x: 'y z'}}}}}}"
    );
    assert_eq!(
        deliver("jira", &options, ENOUGH).await,
        Outcome::delivered()
    );
    let mut requests = Vec::new();
    while let Ok(request) = asked.try_recv() {
        requests.push(request);
    }
    let [by_header, by_body, search, create] = requests.as_slice() else {
        panic!("{requests:#?}");
    };
    assert!(
        by_header
            .to_lowercase()
            .contains("authorization: basic yzpz"),
        "{by_header}"
    );
    let form = "grant_type=client_credentials&scope=a+b&x=y+z";
    assert!(
        by_header.ends_with(&format!("\r\n\r\n{form}")),
        "{by_header}"
    );
    assert!(
        by_body.ends_with(&format!("client_id=c&client_secret=s&{form}")),
        "{by_body}"
    );
    for request in [search, create] {
        assert!(
            request.to_lowercase().contains("authorization: bearer abc"),
            "{request}"
        );
    }
}

/// Mail servers that are of no use.
#[tokio::test]
async fn mails_are_tried_again() {
    let cases: [(&[u8], &str); 4] = [
        (b"554 go away\r\n", "read the greeting: 554 go away"),
        (b"HTTP/1.1 400 Bad Request\r\n", "this is no SMTP reply"),
        (b"", "the server closed the connection"),
        (
            b"220 hi\r\n250 plain\r\n",
            "does not advertise the STARTTLS extension",
        ),
    ];
    for (words, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(words).await.unwrap();
            if !words.is_empty() {
                // The client ends it.
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            }
        });
        let options = format!("to: a@b, from: c@d, smarthost: '127.0.0.1:{port}'");
        let (retry, _, message) = failed("email", deliver("email", &options, ENOUGH).await);
        assert_eq!(retry, Retry::Later);
        assert!(message.contains(expected), "{message}");
    }
    let port = serve(Behaviour::Hangs).await;
    let options = format!("to: a@b, from: c@d, smarthost: '127.0.0.1:{port}'");
    let outcome = deliver("email", &options, Duration::from_millis(100)).await;
    let (retry, _, message) = failed("email", outcome);
    assert_eq!(retry, Retry::Later);
    assert!(message.contains("no answer within 0.1s"), "{message}");
}
