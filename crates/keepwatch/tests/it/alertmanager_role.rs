//! The role `alertmanager`: started under that name with Alertmanager's flags, told alerts by a real Prometheus, asked
//! by Alertmanager's own tool, killed and started again, and in turns with a real Alertmanager over the same files.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};
use testkit::process::{
    Finished, Page, PageServer, Peer, Program, Signal, finish, get, is_installed, post, post_bytes,
    try_get, until,
};

use crate::support::{BOUND, Server, json, ready};

const NAME: &str = "alertmanager";
pub(crate) const PEER: &str = "prometheus-alertmanager";

const CONFIG: &str = "route: {receiver: none}\nreceivers: [{name: none}]\n";

/// Our program under the name of Alertmanager.
pub(crate) fn program(dir: &Path) -> Command {
    let name = dir.join("bin").join(NAME);
    if !name.exists() {
        fs::create_dir_all(dir.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_keepwatch"), &name).unwrap();
    }
    let mut command = Command::new(name);
    command.current_dir(dir).env("TMPDIR", dir);
    command
}

/// Flags that both have.
pub(crate) const FLAGS: [&str; 3] = [
    "--storage.path=store",
    "--config.file=alertmanager.yml",
    "--web.listen-address=127.0.0.1:0",
];
pub(crate) const ALONE: &str = "--cluster.listen-address=";

pub(crate) fn start(dir: &Path, config: &str, flags: &[&str]) -> Server {
    fs::write(dir.join("alertmanager.yml"), config).unwrap();
    let mut command = program(dir);
    command.args(FLAGS).args(flags);
    ready(Program::start(NAME, command))
}

fn peer(dir: &Path) -> Peer {
    fs::write(dir.join("alertmanager.yml"), CONFIG).unwrap();
    let mut command = Command::new(PEER);
    command.current_dir(dir).args(FLAGS).arg(ALONE);
    Peer::start(PEER, command)
}

fn kill(server: Server) {
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
}

fn stop(server: Server) {
    server.program.signal(Signal::Terminate);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

fn refused(dir: &Path, flags: &[&str]) -> String {
    let mut command = program(dir);
    command.args(flags).arg("--web.listen-address=127.0.0.1:0");
    let finished = finish(NAME, command, BOUND);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    finished.stderr
}

/// Debian's amtool.
fn amtool(address: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("amtool");
    command
        .arg(format!("--alertmanager.url=http://{address}"))
        .args(arguments)
        .env("HOME", "/nonexistent");
    let Finished {
        code,
        stdout,
        stderr,
        ..
    } = finish("amtool", command, BOUND);
    assert_eq!(code, Some(0), "{stderr}");
    stdout.trim().to_owned()
}

pub(crate) fn post_json(address: &str, path: &str, body: &Value) -> Value {
    let json = [("Content-Type", "application/json")];
    let (_, answer) = post_bytes(address, path, &json, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap_or_default()
}

pub(crate) fn post_alert(address: &str) {
    let alert = value!({"labels": {"alertname": "Disk"}, "endsAt": "2099-01-01T00:00:00Z"});
    post_json(address, "/api/v2/alerts", &value!([alert]));
}

pub(crate) fn add_silence(address: &str, comment: &str) -> String {
    add_silence_of(address, "nothing", comment)
}

fn add_silence_of(address: &str, alertname: &str, comment: &str) -> String {
    let silence = value!({
        "matchers": [{"name": "alertname", "value": alertname, "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "me", "comment": comment,
    });
    let answer = post_json(address, "/api/v2/silences", &silence);
    answer["silenceID"].as_str().unwrap().to_owned()
}

/// Comments and states, sorted.
fn silences(address: &str) -> Vec<(String, String)> {
    let all = json(address, "/api/v2/silences");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = all.as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|one| (text(&one["comment"]), text(&one["status"]["state"])))
        .collect();
    all.sort();
    all
}

fn state(comment: &str, state: &str) -> (String, String) {
    (comment.to_owned(), state.to_owned())
}

/// A value of the page of metrics.
pub(crate) fn metric(address: &str, series: &str) -> Option<f64> {
    let page = try_get(address, "/metrics").unwrap().body;
    let mut lines = page.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    value.parse().ok()
}

#[test]
fn paths_are_those_of_alertmanager() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir, CONFIG, &[ALONE]);
    for path in ["/-/healthy", "/-/ready"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (200, "OK"), "{path}");
    }
    for (path, status) in [
        ("/api/v1/alerts", 410),
        ("/api/v1/query?query=up", 410),
        ("/api/v2/nothing", 404),
        ("/federate", 404),
        ("/version", 404),
        ("/alertmanager/api/v2/status", 404),
        ("/-/reload", 405),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    assert_eq!(server.post("/-/quit").status, 404);
    let arguments = server.get("/debug/pprof/cmdline").body;
    let arguments: Vec<_> = arguments.split('\0').collect();
    assert!(arguments[0].ends_with(NAME), "{arguments:?}");
    assert_eq!(arguments[1..=FLAGS.len()], FLAGS);
    assert_eq!(server.get("/").status, 302);
    assert_eq!(server.get("/alerts").status, 200);
    let status = json(&server.address, "/api/v2/status");
    assert_eq!(status["cluster"]["status"], "disabled");
    let boot = json(&server.address, "/api/keepwatch/v1/boot");
    let paths = [
        "/alerts",
        "/alerts/drill",
        "/alerts/{fingerprint}/timeline",
        "/boot",
        "/events",
        "/journal",
        "/me",
        "/reasons",
        "/route/compare",
        "/route/explain",
        "/route/tree",
        "/silences",
        "/silences/preview",
    ];
    assert_eq!(boot["data"]["paths"], value!(paths));
    for path in [
        "/alerts",
        "/journal",
        "/me",
        "/reasons",
        "/route/tree",
        "/silences",
    ] {
        json(&server.address, &format!("/api/keepwatch/v1{path}"));
    }
    // Nothing of the other roles.
    let page = server.get("/metrics").body;
    assert!(page.contains("alertmanager_build_info{"), "{page}");
    assert!(!page.contains("\nprometheus_"), "{page}");
    let mut files: Vec<_> = fs::read_dir(dir.join("store")).unwrap().collect();
    files.retain(|file| {
        let name = file.as_ref().unwrap().file_name();
        name != "lock" && name != "journal" && name != "nflog"
    });
    assert!(files.is_empty(), "{files:?}");
    stop(server);
}

#[test]
fn below_a_prefix() {
    let root = tempfile::tempdir().unwrap();
    let flags = [ALONE, "--web.external-url=http://outside/am"];
    fs::write(root.path().join("alertmanager.yml"), CONFIG).unwrap();
    let mut command = program(root.path());
    command.args(FLAGS).args(flags);
    let mut program = Program::start(NAME, command);
    let address = program.wait_for_line("its address", BOUND, |line| {
        line.strip_prefix("listening on http://").map(str::to_owned)
    });
    until("readiness", BOUND, || {
        match try_get(&address, "/am/-/ready") {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(get(&address, "/-/ready").status, 404);
    assert_eq!(get(&address, "/am/api/v2/status").status, 200);
    let home = testkit::process::get_for_bytes(&address, "/am/", &[]);
    assert_eq!(home.header("location"), "/am/alerts");
}

#[test]
fn a_reload_is_refused_or_in_force_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir, CONFIG, &[ALONE]);
    let is_ok = || {
        metric(
            &server.address,
            "alertmanager_config_last_reload_successful",
        )
    };
    let receivers = || {
        let all = json(&server.address, "/api/v2/receivers");
        all[0]["name"].as_str().unwrap().to_owned()
    };
    let config = dir.join("alertmanager.yml");
    fs::write(&config, "route: {receiver: other}\n").unwrap();
    let answer = post(&server.address, "/-/reload", "");
    assert_eq!(answer.status, 500);
    let beginning = "failed to reload config: ";
    assert!(answer.body.starts_with(beginning), "{}", answer.body);
    assert!(answer.body.contains("other"), "{}", answer.body);
    assert_eq!(is_ok(), Some(0.0));
    assert_eq!(receivers(), "none");
    fs::write(&config, CONFIG.replace("none", "other")).unwrap();
    server.program.signal(Signal::HangUp);
    until("the reload", BOUND, || match receivers().as_str() {
        "other" => Ok(()),
        name => Err(name.to_owned()),
    });
    assert_eq!(is_ok(), Some(1.0));
    if !is_installed(PEER) {
        return;
    }
    let hash = |address: &str| metric(address, "alertmanager_config_hash").unwrap();
    assert_eq!(post(&server.address, "/-/reload", "").status, 200);
    // The peer writes the file that all of its tests have.
    let peer = peer(dir);
    assert_eq!(post(&server.address, "/-/reload", "").status, 200);
    assert!(hash(&peer.address) > 0.0);
    assert_eq!(
        hash(&server.address).to_bits(),
        hash(&peer.address).to_bits()
    );
}

#[test]
fn prometheus_tells_it_alerts_and_amtool_asks_it() {
    if !is_installed("prometheus") || !is_installed("amtool") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir, CONFIG, &[ALONE]);
    let rules = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - {alert: Always, expr: vector(1), annotations: {summary: it is}}\n";
    fs::write(dir.join("rules.yml"), rules).unwrap();
    let config = format!(
        "rule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        server.address
    );
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    let mut command = Command::new("prometheus");
    command.current_dir(dir).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=prometheus",
        "--web.listen-address=127.0.0.1:0",
        // The first alerts come before it knows its Alertmanagers.
        "--rules.alert.resend-delay=1s",
    ]);
    let _prometheus = Peer::start("prometheus", command);
    until("the alert of Prometheus", BOUND, || {
        let alerts = json(&server.address, "/api/v2/alerts");
        let is_there = alerts[0]["annotations"]["summary"] == "it is";
        is_there.then_some(()).ok_or_else(|| alerts.to_string())
    });
    assert_eq!(
        metric(&server.address, "alertmanager_alerts{state=\"active\"}"),
        Some(1.0)
    );

    let ask = |arguments: &[&str]| amtool(&server.address, arguments);
    let alerts = ask(&["alert", "query"]);
    assert!(
        alerts.contains("Always") && alerts.contains("active"),
        "{alerts}"
    );
    let id = ask(&["silence", "add", "-a", "me", "-c", "why", "Always"]);
    assert_eq!(ask(&["silence", "query", "-q"]), id);
    assert!(ask(&["alert", "query", "-s"]).contains("suppressed"));
    ask(&["silence", "expire", &id]);
    assert_eq!(ask(&["silence", "query", "-q"]), "");
    assert!(ask(&["cluster", "show"]).contains("disabled"));
    assert!(ask(&["config", "show"]).contains("receiver: none"));
}

#[test]
fn a_crash_forgets_neither_silences_nor_what_was_notified() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let hook = PageServer::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Page::ok("text/plain", "")
    });
    let config = format!(
        "route: {{receiver: hook, group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    );
    let server = start(dir, &config, &[ALONE]);
    add_silence(&server.address, "kept");
    post_alert(&server.address);
    until("the first notification", BOUND, || {
        match hits.load(Ordering::Relaxed) {
            1 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    until("the notification log", BOUND, || {
        match fs::metadata(dir.join("store/nflog")) {
            Ok(file) if file.len() > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    let requests = "alertmanager_notification_requests_total{integration=\"webhook\"}";
    assert_eq!(metric(&server.address, requests), Some(1.0));
    kill(server);

    let server = start(dir, &config, &[ALONE]);
    assert_eq!(silences(&server.address), [state("kept", "active")]);
    post_alert(&server.address);
    until("the decision not to notify", BOUND, || {
        let reasons = json(&server.address, "/api/keepwatch/v1/reasons")["data"]["counts"].clone();
        match reasons["alert-already-notified"].as_u64() {
            Some(count) if count > 0 => Ok(()),
            _ => Err(reasons.to_string()),
        }
    });
    assert_eq!(hits.load(Ordering::Relaxed), 1);
    assert_eq!(metric(&server.address, requests), Some(0.0));
    let suppressed = "alertmanager_notifications_suppressed_total{reason=\"silence\"}";
    assert_eq!(metric(&server.address, suppressed), None);
    add_silence_of(&server.address, "Disk", "holds it back");
    until("the silence to hold it back", BOUND, || {
        let count = metric(&server.address, suppressed);
        count.map(drop).ok_or_else(|| "never".to_owned())
    });
    let second = refused(dir, &[&FLAGS[..2], &[ALONE]].concat());
    assert!(second.contains("in use by another process"), "{second}");
}

/// What a receiver took while the program was stopped is known at the next start.
#[test]
fn a_stop_waits_for_deliveries() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let hits = Arc::new(AtomicUsize::new(0));
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let counted = Arc::clone(&hits);
    let hook = PageServer::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        // The test is over if nothing comes.
        let _ = answers.lock().unwrap().recv_timeout(BOUND);
        Page::ok("text/plain", "")
    });
    let config = format!(
        "route: {{receiver: hook, group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    );
    let server = start(dir, &config, &[ALONE]);
    post_alert(&server.address);
    until("the notification", BOUND, || {
        match hits.load(Ordering::Relaxed) {
            1 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    server.program.signal(Signal::Terminate);
    until("the stop", BOUND, || {
        let output = server.program.output();
        let is_stopping = output.contains("msg=stopping");
        is_stopping.then_some(()).ok_or(output)
    });
    assert_eq!(fs::read(dir.join("store/nflog")).unwrap(), b"");
    answer.send(()).unwrap();
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stderr.contains("too long"), "{}", finished.stderr);

    let server = start(dir, &config, &[ALONE]);
    post_alert(&server.address);
    until("the decision not to notify", BOUND, || {
        let reasons = json(&server.address, "/api/keepwatch/v1/reasons")["data"]["counts"].clone();
        match reasons["alert-already-notified"].as_u64() {
            Some(count) if count > 0 => Ok(()),
            _ => Err(reasons.to_string()),
        }
    });
    assert_eq!(hits.load(Ordering::Relaxed), 1);
    stop(server);
}

/// Nobody waits for the answer of the drill, so that it is the drill itself that the stop waits for. What was told to
/// fire is told to be over.
#[test]
fn a_stop_waits_for_fire_drills() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let hits = Arc::new(AtomicUsize::new(0));
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let counted = Arc::clone(&hits);
    let hook = PageServer::start(move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            let _ = answers.lock().unwrap().recv_timeout(BOUND);
        }
        Page::ok("text/plain", "")
    });
    let config = format!(
        "route: {{receiver: hook}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    );
    let server = start(dir, &config, &[ALONE]);
    let body = value!({"receiver": "hook"}).to_string();
    let request = format!(
        "POST /api/keepwatch/v1/alerts/drill HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    until("the drill", BOUND, || match hits.load(Ordering::Relaxed) {
        1 => Ok(()),
        count => Err(count.to_string()),
    });
    drop(client);
    server.program.signal(Signal::Terminate);
    until("the stop", BOUND, || {
        let output = server.program.output();
        let is_stopping = output.contains("msg=stopping");
        is_stopping.then_some(()).ok_or(output)
    });
    answer.send(()).unwrap();
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stderr.contains("too long"), "{}", finished.stderr);
    assert_eq!(hits.load(Ordering::Relaxed), 2);
}

/// A drill that waits for its group ends with the stop, and whoever asked for it hears so.
#[test]
fn a_stop_ends_what_a_drill_waits_for() {
    let root = tempfile::tempdir().unwrap();
    let config = "route: {receiver: hook, group_wait: 1h}\n\
                  receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]\n";
    let server = start(root.path(), config, &[ALONE]);
    let address = server.address.clone();
    let asking = std::thread::spawn(move || {
        let drill = value!({"labels": {"alertname": "Disk"}, "wait": "1h"});
        post_json(&address, "/api/keepwatch/v1/alerts/drill", &drill)
    });
    until("the drill", BOUND, || {
        let alerts = json(&server.address, "/api/v2/alerts");
        let is_there = alerts.as_array().is_some_and(|alerts| alerts.len() == 1);
        is_there.then_some(()).ok_or_else(|| alerts.to_string())
    });
    stop(server);
    let report = asking.join().unwrap();
    assert_eq!(report["data"]["outcome"], "waiting", "{report}");
}

/// A receiver that does not answer holds up neither the stop nor the next notification.
#[test]
fn a_stop_does_not_wait_for_ever() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let hits = Arc::new(AtomicUsize::new(0));
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let counted = Arc::clone(&hits);
    let hook = PageServer::start(move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            let _ = answers.lock().unwrap().recv_timeout(BOUND);
        }
        Page::ok("text/plain", "")
    });
    let config = format!(
        "route: {{receiver: hook, group_wait: 0s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    );
    let notified = |count: usize| {
        until("the notification", BOUND, || {
            match hits.load(Ordering::Relaxed) {
                hits if hits == count => Ok(()),
                hits => Err(hits.to_string()),
            }
        });
    };
    let server = start(dir, &config, &[ALONE]);
    post_alert(&server.address);
    notified(1);
    server.program.signal(Signal::Terminate);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("broken_off=1"),
        "{}",
        finished.stderr
    );
    answer.send(()).unwrap();
    let server = start(dir, &config, &[ALONE]);
    post_alert(&server.address);
    notified(2);
    stop(server);
}

#[test]
fn a_folder_of_alertmanager_is_taken_over_and_given_back() {
    if !is_installed(PEER) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let theirs = peer(dir);
    add_silence(&theirs.address, "theirs");
    // It writes its files when it stops.
    theirs.stop();
    let server = start(dir, CONFIG, &[ALONE]);
    assert_eq!(silences(&server.address), [state("theirs", "active")]);
    add_silence(&server.address, "ours");
    stop(server);
    let theirs = peer(dir);
    let both = [state("ours", "active"), state("theirs", "active")];
    assert_eq!(silences(&theirs.address), both);
    theirs.stop();
    let server = start(dir, CONFIG, &[ALONE]);
    assert_eq!(silences(&server.address), both);
}

#[test]
fn two_of_them_are_a_mesh() {
    let first_dir = tempfile::tempdir().unwrap();
    let second_dir = tempfile::tempdir().unwrap();
    let quick = [
        "--cluster.listen-address=127.0.0.1:0",
        "--cluster.gossip-interval=50ms",
        "--cluster.settle-timeout=1s",
    ];
    let first = start(first_dir.path(), CONFIG, &quick);
    let cluster = |server: &Server| json(&server.address, "/api/v2/status")["cluster"].clone();
    let there = cluster(&first)["peers"][0]["address"].clone();
    let joins = format!("--cluster.peer={}", there.as_str().unwrap());
    let flags = [quick.as_slice(), &[joins.as_str()]].concat();
    let second = start(second_dir.path(), CONFIG, &flags);
    add_silence(&second.address, "told");
    until("the silence at the other one", BOUND, || {
        let known = silences(&first.address);
        let is_told = known == [state("told", "active")];
        is_told.then_some(()).ok_or_else(|| format!("{known:?}"))
    });
    for server in [&first, &second] {
        until("both to have settled", BOUND, || {
            let cluster = cluster(server);
            let members = cluster["peers"].as_array().map_or(0, Vec::len);
            let is_settled = cluster["status"] == "ready" && members == 2;
            is_settled.then_some(()).ok_or_else(|| cluster.to_string())
        });
    }
    assert_eq!(
        metric(&first.address, "alertmanager_cluster_enabled"),
        Some(1.0)
    );
    stop(second);
}

#[test]
fn what_cannot_be_is_said() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("alertmanager.yml"), "route: {receiver: a}\n").unwrap();
    fs::write(dir.join("good.yml"), CONFIG).unwrap();
    let traced = format!("{CONFIG}tracing: {{endpoint: 'http://there:4317'}}\n");
    fs::write(dir.join("traced.yml"), traced).unwrap();
    for (flags, expected) in [
        (
            &["--nosuch"][..],
            "unknown long flag '--nosuch', try --help",
        ),
        (&["--config.file=nofile.yml"], "reading nofile.yml: "),
        // The default name of the file.
        (&[], "undefined receiver \"a\""),
        (
            &["--config.file=traced.yml"],
            "tracing: endpoint \"http://there:4317\" is not HOST:PORT",
        ),
        (
            &["--config.file=good.yml", "--enable-feature=x"],
            "unknown option 'x' for --enable-feature",
        ),
        (
            &["--config.file=good.yml", "--web.config.file=web.yml"],
            "--web.config.file web.yml: No such file",
        ),
        (
            &["--config.file=good.yml", "--alerts.gc-interval=0s"],
            "--alerts.gc-interval: a pause must be longer than 0",
        ),
        (
            &["--config.file=good.yml", "--data.retention=x"],
            "not a valid duration",
        ),
    ] {
        let told = refused(dir, flags);
        assert!(told.contains(expected), "{flags:?}: {told}");
    }
    assert!(!dir.join("data").exists());
    let mut command = program(dir);
    command.arg("--version");
    let version = finish(NAME, command, BOUND);
    assert_eq!(version.code, Some(0));
    assert!(version.stdout.starts_with("alertmanager "), "{version:?}");
}
