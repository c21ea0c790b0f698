//! The same requests as Debian's Alertmanager 0.25, from the same receivers and the same alert.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration as StdDuration;

use serde_json::{Value, json};
use testkit::process::{Peer, is_installed, post_bytes};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

const PEER: &str = "prometheus-alertmanager";
const BOUND: StdDuration = StdDuration::from_secs(30);
const KINDS: [(&str, &str); 5] = [
    ("webhook", "url: 'http://HTTP/webhook'"),
    (
        "slack",
        "api_url: 'http://HTTP/slack', channel: '#c', text: '{{ .CommonAnnotations.summary }}', \
         fields: [{title: a, value: '{{ .Status }}'}], actions: [{type: button, text: t, url: 'http://x'}]",
    ),
    (
        "pagerduty",
        "url: 'http://HTTP/pagerduty', routing_key: k, client: c, severity: critical, component: x, \
         details: {firing: '{{ len .Alerts.Firing }} firing', resolved: none, num_firing: one, num_resolved: \
         zero}, links: [{href: 'http://l', text: t}]",
    ),
    (
        "opsgenie",
        "api_url: 'http://HTTP/opsgenie', api_key: k, tags: 'a,b', priority: P1, entity: e, note: n, \
         responders: [{name: t, type: team}], details: {x: '{{ .Status }}'}",
    ),
    (
        "email",
        "smarthost: 'SMTP', from: 'A B <a@b>', to: 'c@d, e@f', require_tls: false, auth_username: u, \
         auth_password: p, headers: {Subject: 'Ü {{ .Status }}', X-Y: z}, text: 'plain = {{ .Status }}', \
         html: '<b>{{ .CommonAnnotations.summary }}</b>'",
    ),
];

/// Requests by path (bodies), and the mail with its commands.
type Caught = BTreeMap<String, String>;

/// Servers that take everything.
struct Catcher {
    http: u16,
    smtp: u16,
    caught: UnboundedReceiver<(String, String)>,
}

impl Catcher {
    async fn start() -> Self {
        let (sender, caught) = unbounded_channel();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ports = [&http, &smtp].map(|one| one.local_addr().unwrap().port());
        let mails = sender.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = http.accept().await {
                tokio::spawn(catch_requests(stream, sender.clone()));
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = smtp.accept().await {
                tokio::spawn(catch_mail(stream, mails.clone()));
            }
        });
        Self {
            http: ports[0],
            smtp: ports[1],
            caught,
        }
    }

    fn fill_in(&self, options: &str) -> String {
        options
            .replace("HTTP", &format!("127.0.0.1:{}", self.http))
            .replace("SMTP", &format!("127.0.0.1:{}", self.smtp))
    }

    /// One request of each kind.
    async fn all(&mut self) -> Caught {
        let mut all = Caught::new();
        while all.len() < KINDS.len() {
            let next = tokio::time::timeout(BOUND, self.caught.recv()).await;
            let (path, body) = next
                .unwrap_or_else(|_| panic!("only {:?} came", all.keys()))
                .unwrap();
            all.insert(path, body);
        }
        all
    }
}

async fn catch_requests(mut stream: TcpStream, sender: UnboundedSender<(String, String)>) {
    while let Some(request) = read_request(&mut stream).await {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let _ = sender.send((path.to_owned(), body.to_owned()));
        let _ = stream
            .write_all(answer("202 Accepted", GOOD).as_bytes())
            .await;
    }
}

async fn catch_mail(
    stream: TcpStream,
    sender: UnboundedSender<(String, String)>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut all = String::new();
    let mut is_message = false;
    stream.write_all(b"220 hi\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        if command == "QUIT" && !is_message {
            return stream.write_all(b"221 bye\r\n").await;
        }
        all.push_str(&line);
        let reply = match (is_message, command.as_str()) {
            (true, ".") => {
                let _ = sender.send(("mail".to_owned(), std::mem::take(&mut all)));
                is_message = false;
                "250 taken\r\n"
            }
            (true, _) => continue,
            (false, "EHLO") => "250-hi\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
            (false, "AUTH") => "235 in\r\n",
            (false, "DATA") => {
                is_message = true;
                "354 go on\r\n"
            }
            _ => "250 ok\r\n",
        };
        stream.write_all(reply.as_bytes()).await?;
    }
}

/// What Alertmanager sends.
async fn of_the_peer(catcher: &mut Catcher, alert: &Value) -> Caught {
    let dir = tempfile::tempdir().unwrap();
    let mut config =
        "route: {receiver: r, group_by: [alertname], group_wait: 0s}\nreceivers:\n- name: r\n"
            .to_owned();
    for (kind, options) in KINDS {
        let options = catcher.fill_in(options);
        config.push_str(&format!("  {kind}_configs:\n  - {{{options}}}\n"));
    }
    fs::write(dir.path().join("am.yml"), config).unwrap();
    let mut command = Command::new(PEER);
    command.current_dir(dir.path()).args([
        "--config.file=am.yml",
        "--storage.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--web.external-url=http://am",
        "--cluster.listen-address=",
    ]);
    let peer = Peer::start(PEER, command);
    let body = json!([alert]).to_string();
    let headers = [("Content-Type", "application/json")];
    let (_, posted) = post_bytes(&peer.address, "/api/v2/alerts", &headers, body.as_bytes());
    assert_eq!(posted.status, 200, "{posted:?}");
    catcher.all().await
}

/// What we send.
async fn of_ours(catcher: &mut Catcher, delivery: Delivery) -> Caught {
    for (kind, options) in KINDS {
        let outcome = deliver_this(kind, &catcher.fill_in(options), delivery.clone()).await;
        assert!(
            matches!(outcome, Outcome::Delivered { .. }),
            "{kind}: {outcome:?}"
        );
    }
    catcher.all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_requests_as_alertmanager() {
    if !is_installed(PEER) {
        return;
    }
    let alert = json!({
        "labels": {"alertname": "A", "job": "node <1>"},
        "annotations": {"summary": "5 < 6 & \"ü\""},
        "startsAt": "2024-03-01T10:00:00.5Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "generatorURL": "http://p/g?a=1&b=2",
    });
    let mut catcher = Catcher::start().await;
    let expected = of_the_peer(&mut catcher, &alert).await;
    let mut catcher = Catcher::start().await;
    let actual = of_ours(&mut catcher, same_delivery()).await;
    assert_eq!(
        actual.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (path, body) in &actual {
        let expected = &expected[path];
        if path == "mail" {
            assert_eq!(mail(body), mail(expected));
            continue;
        }
        let mut own: Value = serde_json::from_str(body).unwrap();
        let peer: Value = serde_json::from_str(expected).unwrap();
        if path == "/webhook" {
            // Newer than 0.25.
            let own = own.as_object_mut().unwrap();
            for key in ["notification_reason", "routeLabels"] {
                assert!(own.remove(key).is_some(), "{key}");
            }
        }
        assert_eq!(own, peer, "{path}");
    }
}

/// The alert of the test as the dispatcher hands it over.
fn same_delivery() -> Delivery {
    let posted = PostedAlert {
        labels: Labels::from_pairs([("alertname", "A"), ("job", "node <1>")]),
        annotations: [("summary", "5 < 6 & \"ü\"")].into_iter().collect(),
        starts_at: Some(Time::parse("2024-03-01T10:00:00.5Z").unwrap()),
        ends_at: Some(Time::parse("2099-01-01T00:00:00Z").unwrap()),
        generator_url: "http://p/g?a=1&b=2".to_owned(),
    };
    let now = Time::from(NOW);
    let alert = Alert::from_posted(&posted, now, Duration::ZERO, NameScheme::Utf8).unwrap();
    let alerts: Arc<[NotifiedAlert]> = Arc::from([NotifiedAlert {
        is_resolved: false,
        alert: Arc::new(alert),
    }]);
    Delivery {
        group_key: r#"{}:{alertname="A"}"#.into(),
        group_alerts: alerts.clone(),
        alerts,
        deadline: NOW + ENOUGH,
        ..delivery()
    }
}

/// Commands, sorted headers and body of a mail, without what differs each time.
fn mail(text: &str) -> (Vec<String>, Vec<String>, String) {
    let (commands, message) = text.split_once("DATA\r\n").unwrap();
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let (_, boundary) = head.split_once("boundary=").unwrap();
    let boundary = boundary.lines().next().unwrap();
    let lines = |text: &str| -> Vec<String> {
        text.replace(boundary, "B")
            .lines()
            .map(|line| match line.split_once(": ") {
                Some((name @ ("Date" | "Message-Id"), _)) => name.to_owned(),
                _ => line.to_owned(),
            })
            .collect()
    };
    let mut headers = lines(head);
    headers.sort();
    (lines(commands), headers, body.replace(boundary, "B"))
}
