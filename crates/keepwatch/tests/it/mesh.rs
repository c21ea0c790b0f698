//! Two of our nodes and a real Alertmanager in one mesh, without and with TLS: silences made on one are on all, and
//! each alert, posted to all, is notified once, while each of the three in turn is killed and started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json as value};
use testkit::process::{
    Page, PageServer, Peer, Program, Signal, is_installed, post_bytes, try_get, until,
};

use crate::support::{BOUND, Server, json, keepwatch, ready, workspace_root};

/// Short enough for a test, with a wait between members that a busy machine does not exceed.
const TEMPO: &[&str] = &[
    "--cluster.peer-timeout=3s",
    "--cluster.gossip-interval=50ms",
    "--cluster.probe-interval=250ms",
    "--cluster.probe-timeout=125ms",
    "--cluster.reconnect-interval=500ms",
];

/// A member; killed when dropped.
enum Member {
    Alertmanager(Peer),
    Keepwatch(Server),
}

impl Member {
    fn address(&self) -> &str {
        match self {
            Self::Alertmanager(peer) => &peer.address,
            Self::Keepwatch(server) => &server.address,
        }
    }

    fn cluster(&self) -> Value {
        json(self.address(), "/api/v2/status")["cluster"].clone()
    }

    /// Where the others reach it.
    fn mesh_address(&self) -> String {
        let cluster = self.cluster();
        let peers = cluster["peers"].as_array().unwrap().iter();
        let me = peers.clone().find(|peer| peer["name"] == cluster["name"]);
        me.unwrap()["address"].as_str().unwrap().to_owned()
    }

    fn post_alert(&self, name: &str) {
        let body = value!([{"labels": {"alertname": name}, "endsAt": "2099-01-01T00:00:00Z"}]);
        let json = [("Content-Type", "application/json")];
        let body = body.to_string();
        let (_, answer) = post_bytes(self.address(), "/api/v2/alerts", &json, body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn add_silence(&self, comment: &str) -> String {
        let body = value!({
            "matchers": [{"name": "alertname", "value": "nothing", "isRegex": false}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "me", "comment": comment,
        });
        let json = [("Content-Type", "application/json")];
        let body = body.to_string();
        let (_, answer) = post_bytes(self.address(), "/api/v2/silences", &json, body.as_bytes());
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["silenceID"].as_str().unwrap().to_owned()
    }

    /// Ids with their comments and states.
    fn silences(&self) -> BTreeMap<String, (String, String)> {
        let all = json(self.address(), "/api/v2/silences");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = all.as_array().unwrap().iter();
        all.map(|one| {
            let state = text(&one["status"]["state"]);
            (text(&one["id"]), (text(&one["comment"]), state))
        })
        .collect()
    }

    fn expire(&self, id: &str) {
        let path = format!("/api/v2/silence/{id}");
        let answer = testkit::process::delete(self.address(), &path);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// How often it looked into the notification log: the last thing before it notifies, or does not.
    fn log_queries(&self) -> u64 {
        let page = try_get(self.address(), "/metrics").unwrap().body;
        let name = "alertmanager_nflog_queries_total ";
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |count| count.parse().unwrap())
    }

    /// Waits until it has found, after it was asked to notify about these alerts, that it is done already. So does
    /// the one who notified, at its next flush.
    fn wait_for_turns(&self, names: &[String]) {
        match self {
            Self::Keepwatch(server) => until("decisions not to notify", BOUND, || {
                let reasons = server.json("/api/keepwatch/v1/reasons");
                let entries = reasons["data"]["entries"].as_array().unwrap().iter();
                let told = entries.filter(|entry| entry["code"] == "alert-already-notified");
                let told: Vec<&str> = told.filter_map(|entry| entry["subject"].as_str()).collect();
                let is_told = |name: &String| told.iter().any(|one| one.contains(name.as_str()));
                let missing: Vec<&String> = names.iter().filter(|name| !is_told(name)).collect();
                if missing.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{missing:?}"))
                }
            }),
            Self::Alertmanager(_) => {
                // It does not say which group a query was for. All flush equally often, so that each had its turn
                // once there were three for each of them.
                let groups = json(self.address(), "/api/v2/alerts/groups");
                let groups = groups.as_array().unwrap().len() as u64;
                let before = self.log_queries();
                let wanted = before + 3 * groups.max(names.len() as u64);
                until("turns of Alertmanager", BOUND, || {
                    match self.log_queries() {
                        count if count >= wanted => Ok(()),
                        count => Err(format!("{count} of {wanted}")),
                    }
                });
            }
        }
    }
}

/// One place in the mesh: a folder, and addresses that stay the same over restarts.
struct Place {
    dir: tempfile::TempDir,
    is_ours: bool,
    has_tls: bool,
    /// `IP:PORT` once it is known.
    mesh_address: String,
}

impl Place {
    fn new(is_ours: bool, config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("alertmanager.yml"), config).unwrap();
        Self {
            dir,
            is_ours,
            has_tls: false,
            mesh_address: "127.0.0.1:0".to_owned(),
        }
    }

    /// With the certificate of the tests of `net`, which everybody shows and asks for.
    fn with_tls(self) -> Self {
        let fixtures = workspace_root().join("crates/net/tests/fixtures");
        for name in ["localhost.crt", "localhost.key"] {
            fs::copy(fixtures.join(name), self.dir.path().join(name)).unwrap();
        }
        let file = "tls_server_config:\n  cert_file: localhost.crt\n  key_file: localhost.key\n  \
                    client_ca_file: localhost.crt\n  client_auth_type: RequireAndVerifyClientCert\n\
                    tls_client_config:\n  ca_file: localhost.crt\n  cert_file: localhost.crt\n  \
                    key_file: localhost.key\n";
        fs::write(self.dir.path().join("tls.yml"), file).unwrap();
        Self {
            has_tls: true,
            ..self
        }
    }

    fn start(&mut self, others: &[&str]) -> Member {
        let mut flags: Vec<String> = TEMPO.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--cluster.listen-address={}", self.mesh_address));
        flags.extend(others.iter().map(|other| format!("--cluster.peer={other}")));
        flags.push("--web.listen-address=127.0.0.1:0".to_owned());
        if self.has_tls {
            flags.push("--cluster.tls-config=tls.yml".to_owned());
        }
        let member = if self.is_ours {
            Member::Keepwatch(start_ours(self.dir.path(), &flags))
        } else {
            Member::Alertmanager(start_alertmanager(self.dir.path(), &flags))
        };
        self.mesh_address = member.mesh_address();
        member
    }
}

fn start_ours(dir: &Path, flags: &[String]) -> Server {
    let mut command = keepwatch(dir);
    command.args([
        "serve",
        "--alertmanager.config.file=alertmanager.yml",
        "--storage.tsdb.path=data",
    ]);
    ready(Program::start("keepwatch serve", {
        command.args(flags);
        command
    }))
}

fn start_alertmanager(dir: &Path, flags: &[String]) -> Peer {
    let mut command = Command::new("prometheus-alertmanager");
    command
        .current_dir(dir)
        .args(["--config.file=alertmanager.yml", "--storage.path=data"])
        .args(flags);
    Peer::start("prometheus-alertmanager", command)
}

/// Waits until everybody has settled and sees everybody.
fn wait_for_mesh(members: &[&Member]) {
    for member in members {
        until("the mesh", BOUND, || {
            let cluster = member.cluster();
            let count = cluster["peers"].as_array().map_or(0, Vec::len);
            if count == members.len() && cluster["status"] == "ready" {
                Ok(())
            } else {
                Err(cluster.to_string())
            }
        });
    }
}

/// Waits until all have all silences, in the same state.
fn wait_for_silences(members: &[&Member], count: usize) {
    for member in members {
        until("silences", BOUND, || {
            let (found, wanted) = (member.silences(), members[0].silences());
            if found == wanted && found.len() == count {
                Ok(())
            } else {
                Err(format!("{found:?}, and not {count} as {wanted:?}"))
            }
        });
    }
}

/// Notifications by alert.
type Notified = Arc<Mutex<BTreeMap<String, u32>>>;

fn receiver(notified: &Notified) -> PageServer {
    let notified = Arc::clone(notified);
    PageServer::start(move |request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        for alert in body["alerts"].as_array().unwrap() {
            let name = alert["labels"]["alertname"].as_str().unwrap().to_owned();
            *notified.lock().entry(name).or_default() += 1;
        }
        Page::ok("text/plain", "")
    })
}

fn config(hook: &PageServer) -> String {
    format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    )
}

/// Posts an alert to everybody and waits until it is notified and all of them had their turn.
fn alert_everybody(name: &str, members: &[&Member], notified: &Notified) {
    for member in members {
        member.post_alert(name);
    }
    until(
        &format!("the notification about {name}"),
        BOUND,
        || match notified.lock().get(name) {
            Some(_) => Ok(()),
            None => Err("nobody".to_owned()),
        },
    );
    for member in members {
        member.wait_for_turns(&[name.to_owned()]);
    }
}

#[test]
fn a_mesh_with_a_real_alertmanager_notifies_once_whoever_is_killed() {
    if !is_installed("prometheus-alertmanager") {
        return;
    }
    let notified = Notified::default();
    let hook = receiver(&notified);
    let config = config(&hook);
    let mut places = [false, true, true].map(|is_ours| Place::new(is_ours, &config));
    let first = places[0].start(&[]);
    let seed = places[0].mesh_address.clone();
    let second = places[1].start(&[&seed]);
    let third = places[2].start(&[&seed]);
    let mut members = [Some(first), Some(second), Some(third)];
    let running: Vec<&Member> = members.iter().flatten().collect();
    wait_for_mesh(&running);
    let made: Vec<String> = running
        .iter()
        .enumerate()
        .map(|(number, member)| member.add_silence(&format!("short {number}")))
        .collect();
    for (number, member) in running.iter().enumerate() {
        // Too long for a packet.
        member.add_silence(&format!("long {number} ").repeat(200));
    }
    // Ended by another than the one who made it.
    until("the silence of the first at the last", BOUND, || {
        let found = running[2].silences();
        found.get(&made[0]).map(|_| ()).ok_or(format!("{found:?}"))
    });
    running[2].expire(&made[0]);
    until("the end at the first", BOUND, || {
        match running[0].silences().get(&made[0]) {
            Some((_, state)) if state == "expired" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    wait_for_silences(&running, 6);
    alert_everybody("all", &running, &notified);
    drop(running);

    for (round, killed) in [1, 0, 2].into_iter().enumerate() {
        if let Some(Member::Keepwatch(server)) = &members[killed] {
            server.program.signal(Signal::Kill);
        }
        members[killed] = None;
        let left: Vec<&Member> = members.iter().flatten().collect();
        wait_for_mesh(&left);
        let name = format!("without-{killed}");
        alert_everybody(&name, &left, &notified);
        left[0].add_silence(&name);
        drop(left);

        let others: Vec<String> = places
            .iter()
            .map(|place| place.mesh_address.clone())
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let back = places[killed].start(&others);
        members[killed] = Some(back);
        let running: Vec<&Member> = members.iter().flatten().collect();
        wait_for_mesh(&running);
        wait_for_silences(&running, 7 + round);
        // As Prometheus repeats what still fires.
        let known: Vec<String> = notified.lock().keys().cloned().collect();
        for name in &known {
            running[killed].post_alert(name);
        }
        running[killed].wait_for_turns(&known);
        alert_everybody(&format!("with-{killed}"), &running, &notified);
    }

    let counts = notified.lock().clone();
    let names = [
        "all",
        "with-0",
        "with-1",
        "with-2",
        "without-0",
        "without-1",
        "without-2",
    ];
    let once: BTreeMap<String, u32> = names.map(|name| (name.to_owned(), 1)).into();
    assert_eq!(counts, once);
}

#[test]
fn a_mesh_with_tls_and_a_real_alertmanager_notifies_once() {
    if !is_installed("prometheus-alertmanager") {
        return;
    }
    let notified = Notified::default();
    let hook = receiver(&notified);
    let config = config(&hook);
    let mut places = [false, true, true].map(|is_ours| Place::new(is_ours, &config).with_tls());
    let first = places[0].start(&[]);
    let seed = places[0].mesh_address.clone();
    let mut second = places[1].start(&[&seed]);
    let third = places[2].start(&[&seed]);
    for (number, round) in ["at first", "once more"].into_iter().enumerate() {
        let count = 6 * (1 + number);
        let running = [&first, &second, &third];
        wait_for_mesh(&running);
        for (number, member) in running.iter().enumerate() {
            member.add_silence(&format!("short {number} {round}"));
            // Too long for a packet.
            member.add_silence(&format!("long {number} {round} ").repeat(200));
        }
        wait_for_silences(&running, count);
        alert_everybody(round, &running, &notified);
        if round == "at first" {
            let others = [
                places[0].mesh_address.clone(),
                places[2].mesh_address.clone(),
            ];
            drop(second);
            wait_for_mesh(&[&first, &third]);
            second = places[1].start(&[&others[0], &others[1]]);
        }
    }
    let counts = notified.lock().clone();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    assert_eq!(counts.len(), 2);
    // None of it was plain: Alertmanager counts what it sent and received.
    let page = try_get(first.address(), "/metrics").unwrap().body;
    for name in [
        "packet_bytes_sent_total",
        "packet_bytes_received_total",
        "stream_connections_sent_total",
        "stream_connections_received_total",
    ] {
        let name = format!("alertmanager_tls_transport_{name} ");
        let count = page.lines().find_map(|line| line.strip_prefix(&name));
        let count: f64 = count.expect(&name).parse().unwrap();
        assert!(count > 0.0, "{name}");
    }
}

#[test]
fn certificates_that_cannot_be_used_stop_the_start() {
    let place = Place::new(true, "route: {receiver: x}\nreceivers: [{name: x}]\n").with_tls();
    let errors = |file: &str| {
        fs::write(place.dir.path().join("tls.yml"), file).unwrap();
        let mut command = keepwatch(place.dir.path());
        command.args(["serve", "--alertmanager.config.file=alertmanager.yml"]);
        command.args([
            "--web.listen-address=127.0.0.1:0",
            "--cluster.tls-config=tls.yml",
        ]);
        let ended = command
            .arg("--cluster.listen-address=127.0.0.1:0")
            .output()
            .unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    };
    for (file, problem) in [
        (
            "tls_server_config: {cert_file: localhost.crt, key_file: nowhere.key}",
            "--cluster.tls-config tls.yml: tls_server_config: reading nowhere.key",
        ),
        (
            "tls_server_config: {cert_file: localhost.crt, key: secret}",
            "--cluster.tls-config tls.yml: tls_server_config: server key: ",
        ),
        ("tls_server: {}", "tls_server"),
    ] {
        let found = errors(file);
        assert!(found.contains(problem), "{found}");
        assert!(!found.contains("secret"), "{found}");
    }
}
