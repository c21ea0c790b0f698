//! The program under the name amtool, and the same commands under our names, against our server; beside Debian's
//! amtool against the same server.
//!
//! Debian's is 0.25 and ours is as 0.34. What the newer one prints differently is brought to one form here, each with
//! its reason.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testkit::process::{Finished, finish, is_installed};

use crate::support::{BOUND, Server, keepwatch, serve};

const NAME: &str = "amtool";

const CONFIG: &str = "route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: ['team=\"a\"', 'sev=~\"x|y\"']
    receiver: a
    continue: true
  - matchers: ['team=\"a\"']
    receiver: audit
    routes:
    - matchers: ['deep=\"1\"']
      receiver: deep
receivers: [{name: default}, {name: a}, {name: audit}, {name: deep}]
inhibit_rules:
- source_matchers: ['sev=\"x\"']
  target_matchers: ['sev=\"y\"']
  equal: [team]
";

fn start(dir: &Path) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    fs::write(dir.join("alertmanager.yml"), CONFIG).unwrap();
    let flags = [
        "--config.file=prometheus.yml",
        "--alertmanager.config.file=alertmanager.yml",
        "--storage.tsdb.path=data",
        "--log.level=error",
    ];
    serve(dir, &flags)
}

/// Our program, called amtool. `dir` is also the home of the user.
fn ours(dir: &Path, arguments: &[&str]) -> Finished {
    let name = dir.join("bin").join(NAME);
    if !name.exists() {
        fs::create_dir_all(dir.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_keepwatch"), &name).unwrap();
    }
    run(Command::new(name), dir, arguments)
}

fn theirs(dir: &Path, arguments: &[&str]) -> Finished {
    run(Command::new(NAME), dir, arguments)
}

/// One of the commands under our names.
fn own(dir: &Path, arguments: &[&str]) -> Finished {
    run(keepwatch(dir), dir, arguments)
}

fn run(mut command: Command, dir: &Path, arguments: &[&str]) -> Finished {
    command.current_dir(dir).env("HOME", dir).args(arguments);
    finish(NAME, command, BOUND)
}

/// What a command printed, which must have succeeded.
fn printed(finished: &Finished) -> &str {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout.trim_end()
}

fn printed_json(finished: &Finished) -> Value {
    serde_json::from_str(printed(finished)).unwrap()
}

#[test]
fn every_command_works_against_our_server() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir);
    let url = format!("--alertmanager.url=http://{}", server.address);
    let at_server = |arguments: &[&str]| ours(dir, &[arguments, &[url.as_str()]].concat());
    let added = at_server(&[
        "alert",
        "add",
        "Disk",
        "team=a",
        "sev=x",
        "--annotation=summary=full",
        "--start=2026-01-01T00:00:00Z",
        "--end=2099-01-01T00:00:00Z",
    ]);
    assert_eq!(printed(&added), "");
    let alerts = at_server(&["alert", "alertname=~D.*"]);
    let lines: Vec<&str> = printed(&alerts).lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "Alertname  Starts At                Summary  State",
            "Disk       2026-01-01 00:00:00 UTC  full     active"
        ]
    );
    let alerts = printed_json(&at_server(&["-o", "json", "alert", "query", "-r", "a"]));
    assert_eq!(
        alerts[0]["labels"],
        json!({"alertname": "Disk", "sev": "x", "team": "a"})
    );

    let silence = |arguments: &[&str]| at_server(&[&["silence"], arguments].concat());
    let id = silence(&["add", "-c", "why", "-a", "me", "Disk", "--annotation=t=1"]);
    let id = printed(&id).to_owned();
    assert_eq!(printed(&silence(&["-q"])), id);
    assert_eq!(printed(&silence(&["query", "--created-by=you", "-q"])), "");
    assert_eq!(
        printed(&at_server(&["alert", "-s", "-o", "json"]))
            .matches(&id)
            .count(),
        1
    );
    let updated = printed_json(&silence(&[
        "update", "-d", "2d", "-c", "new", &id, "-o", "json",
    ]));
    assert_eq!(updated[0]["comment"], "new");
    assert_eq!(updated[0]["annotations"], json!({"t": "1"}));
    let saved = printed(&silence(&["-o", "json"])).to_owned();
    fs::write(dir.join("saved.json"), &saved).unwrap();
    assert_eq!(printed(&silence(&["expire", &id])), "");
    assert_eq!(printed(&silence(&["query", "-q"])), "");
    assert_eq!(
        printed(&silence(&["query", "-q", "--expired", "--within=1h"])),
        id
    );
    let imported = silence(&["import", "-f", "saved.json"]);
    assert_eq!(printed(&silence(&["-q"])), printed(&imported));

    let cluster = at_server(&["cluster"]);
    assert_eq!(printed(&cluster), "Cluster Status:  disabled\nNode Name:");
    assert!(printed(&at_server(&["config"])).starts_with("global:\n  resolve_timeout: 5m\n"));
    let status = printed_json(&at_server(&["config", "show", "-o", "json"]));
    assert!(status["versionInfo"]["version"].is_string());
    let extended = at_server(&["config", "show", "-o", "extended"]);
    assert!(
        printed(&extended).contains("\nuptime 20"),
        "{}",
        extended.stdout
    );
    let routes = at_server(&["config", "routes", "test", "team=a", "sev=y"]);
    assert_eq!(printed(&routes), "a,audit");
    let tree = at_server(&["config", "routes"]);
    assert!(
        printed(&tree).contains("├── {sev=~\"x|y\",team=\"a\"}  continue: true  receiver: a\n")
    );
}

/// Times that are those of the run, and what the newer one has more.
fn comparable(text: &str) -> String {
    // The older one has no intervals that mute in alerts, draws trees with hard spaces, and its receivers have no
    // labels.
    text.replace(",\"mutedBy\":[]", "").replace('\u{a0}', " ")
}

/// What differs in exit codes and texts.
fn difference(dir: &Path, arguments: &[&str]) -> Option<String> {
    let shown = |run: &Finished| (run.code, comparable(&run.stdout), run.stderr.clone());
    let (ours, theirs) = (shown(&ours(dir, arguments)), shown(&theirs(dir, arguments)));
    (ours != theirs).then(|| format!("{arguments:?}\n  ours   {ours:?}\n  theirs {theirs:?}"))
}

#[test]
fn debians_amtool_prints_the_same_of_our_server() {
    if !is_installed(NAME) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir);
    // Versions are not compared by ours.
    let url = format!("--alertmanager.url=http://{}", server.address);
    let with_server = |arguments: &[&str]| -> Vec<String> {
        let more = [url.as_str(), "--no-version-check"];
        let all = arguments.iter().chain(&more);
        all.map(|text| (*text).to_owned()).collect()
    };
    let mut differences = Vec::new();
    let at_server = |arguments: &[&str]| {
        let all = with_server(arguments);
        difference(dir, &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let each = |arguments: &[&str]| {
        let all = with_server(arguments);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let (ours, theirs) = (ours(dir, &all), theirs(dir, &all));
        (printed(&ours).to_owned(), printed(&theirs).to_owned())
    };
    let times = [
        "--start=2026-01-01T00:00:00+02:00",
        "--end=2099-01-01T00:00:00Z",
    ];
    for (name, arguments) in [
        (
            "Disk",
            &["team=a", "sev=x", "--annotation=summary=full <1>"][..],
        ),
        (
            "CPU",
            &["team=a", "sev=y", "--generator-url=http://p/graph?a=b&c=d"],
        ),
        ("alertname=Net", &["team=b"]),
    ] {
        each(&[&["alert", "add", name], arguments, &times].concat());
    }
    let silence = |matchers: &[&str]| {
        let start = ["silence", "add", "-a", "me", "-c", "a <b> & c"];
        each(&[&start[..], &times[1..], matchers].concat())
    };
    let (ours_id, theirs_id) = silence(&["Net", "team=~b|c", "x!=y"]);
    assert_ne!(ours_id, theirs_id);
    for arguments in [
        &["alert"][..],
        &["alert", "query", "CPU"],
        &["alert", "query", "-i", "-a"],
        &["alert", "-s", "-o", "extended"],
        &["-o", "json", "alert", "query", "team=~.+"],
        &["alert", "-u"],
        &[
            "-o",
            "extended",
            "alert",
            "--date.format=Mon Jan _2 15:04 2006 -0700",
        ],
        &["-o", "json", "silence", "query", "Net"],
        &["silence", "query", "--within=1h"],
        &["silence", "query", "-q"],
        &["silence", "-o", "extended"],
        &["silence", "--created-by=nobody"],
        &["silence", "query", "--expired"],
        &["config"],
        &["-o", "json", "config", "show"],
        &["cluster"],
        &["silence", "add", "x=y"],
        &["silence", "add", "-c", "c", "-d", "0s", "x=y"],
        &["silence", "add", "-c", "c", "--start=tomorrow", "x=y"],
        &["silence", "expire"],
        &["silence", "update"],
        &["silence", "import", "nofile.json"],
        &["alert", "--nosuch"],
        &["alert", "-x"],
        &["config", "nosuch"],
        &["nosuch"],
    ] {
        differences.extend(at_server(arguments));
    }
    fs::write(dir.join("bad.yml"), "route: {receiver: x}\n").unwrap();
    fs::write(
        dir.join("t.tmpl"),
        "{{ define \"t\" }}{{ .Status | toUpper }}{{ end }}",
    )
    .unwrap();
    for arguments in [
        &["check-config", "alertmanager.yml"][..],
        &["check-config", "alertmanager.yml", "bad.yml"],
        &["check-config", "nofile.yml"],
        &["check-config", "."],
        // The older one cannot read what a newer server says of its configuration, and Debian's always has a URL.
        &[
            "--alertmanager.url=http://a",
            "config",
            "routes",
            "--config.file=alertmanager.yml",
        ],
        &[
            "--alertmanager.url=http://a",
            "config",
            "routes",
            "--config.file=alertmanager.yml",
            "test",
            "team=a",
            "sev=x",
        ],
        &[
            "--alertmanager.url=http://a",
            "config",
            "routes",
            "--config.file=alertmanager.yml",
            "test",
            "--tree",
            "team=a",
            "deep=1",
        ],
        &[
            "--alertmanager.url=http://a",
            "config",
            "routes",
            "test",
            "--config.file=alertmanager.yml",
            "--verify.receivers=a",
            "team=b",
        ],
        &[
            "--alertmanager.url=http://a",
            "-o",
            "json",
            "-o",
            "json",
            "alert",
        ],
        &["template"],
        &[
            "template",
            "render",
            "--template.glob=*.tmpl",
            "--template.text={{ template \"t\" . }}",
        ],
        &[
            "template",
            "render",
            "--template.glob=none*",
            "--template.text={{ .Alerts }",
            "--template.type=xml",
        ],
        &[
            "template",
            "render",
            "--template.glob=none*",
            "--template.text=<{{ .CommonLabels.Names }}>",
            "--template.type=html",
        ],
        &[
            "config",
            "routes",
            "--config.file=alertmanager.yml",
            "show",
            "--alertmanager.url=http://a",
        ],
    ] {
        differences.extend(difference(dir, arguments));
    }
    // Each ends what the other made.
    for (ends, id) in [(ours as Tool, &theirs_id), (theirs as Tool, &ours_id)] {
        let arguments = with_server(&["silence", "expire", id]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(printed(&ends(dir, &arguments)), "");
    }
    differences.extend(at_server(&["silence"]));
    assert_eq!(
        differences,
        Vec::<String>::new(),
        "{}",
        differences.join("\n")
    );
}

type Tool = fn(&Path, &[&str]) -> Finished;

#[test]
fn flags_may_stand_in_a_file() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir);
    let folder = dir.join(".config/amtool");
    fs::create_dir_all(&folder).unwrap();
    let settings = format!(
        "alertmanager.url: http://{}\nauthor: somebody\ncomment_required: false\noutput: json\nworker: of another command\n",
        server.address
    );
    fs::write(folder.join("config.yml"), settings).unwrap();
    let added = ours(dir, &["silence", "add", "x=y"]);
    let shown = printed_json(&ours(dir, &["silence"]));
    // The peer prints it bare, whatever the output.
    assert_eq!(shown[0]["id"], printed(&added).trim());
    assert_eq!(shown[0]["createdBy"], "somebody");
    let wrong = ours(dir, &["silence", "import"]);
    let problem = "parsing \"of another command\"";
    assert!(wrong.stderr.contains(problem), "{}", wrong.stderr);
    // The command line wins.
    let simple = ours(dir, &["silence", "-o", "simple"]);
    assert!(printed(&simple).starts_with("ID "), "{}", simple.stdout);
    fs::write(folder.join("config.yml"), "output: [json]\n").unwrap();
    let failed = ours(dir, &["silence"]);
    assert_eq!(failed.code, Some(1));
    let start = "amtool: error: could not load config file: ";
    assert!(failed.stderr.starts_with(start), "{}", failed.stderr);
}

/// The header of that name in the one request that comes, which is answered with an empty list.
fn header_of_one_request(listener: &TcpListener, name: &str) -> Option<String> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut part).unwrap();
        assert_ne!(read, 0, "the request ends too early");
        request.extend_from_slice(&part[..read]);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
    stream.write_all(head.as_bytes()).unwrap();
    let request = String::from_utf8(request).unwrap();
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.to_owned())
}

#[test]
fn servers_may_want_a_user() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    fs::write(
        dir.join("http.yml"),
        "basic_auth: {username: a, password_file: secret}\n",
    )
    .unwrap();
    fs::write(dir.join("secret"), "b\n").unwrap();
    let in_url = format!("--alertmanager.url=http://a:b@{address}");
    let plain = format!("--alertmanager.url=http://{address}");
    for arguments in [
        &["alert", &in_url][..],
        &["alert", &plain, "--http.config.file=http.yml"],
    ] {
        let header = std::thread::scope(|scope| {
            let header = scope.spawn(|| header_of_one_request(&listener, "authorization"));
            printed(&ours(dir, arguments));
            header.join().unwrap()
        });
        assert_eq!(header.as_deref(), Some("Basic YTpi"), "{arguments:?}");
    }
    let both = ours(dir, &["alert", &in_url, "--http.config.file=http.yml"]);
    assert_eq!(
        both.stderr,
        "amtool: error: basic authentication and http.config.file are mutually exclusive\n"
    );
}

#[test]
fn the_same_commands_have_our_names_and_json() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir);
    let url = format!("--url=http://{}/alertmanager", server.address);
    let at_server =
        |arguments: &[&str]| own(dir, &[arguments, &[url.as_str(), "--output=json"]].concat());
    printed(&at_server(&["alert", "add", "Disk", "team=a"]));
    let alerts = printed_json(&at_server(&["alert"]));
    assert_eq!(alerts[0]["labels"]["alertname"], "Disk");
    let added = printed_json(&at_server(&["silence", "add", "-c", "c", "Disk"]));
    assert_eq!(
        printed_json(&at_server(&["silence"]))[0]["id"],
        added["silenceID"]
    );
    let tested = printed_json(&at_server(&["route", "test", "--tree", "team=a", "deep=1"]));
    assert_eq!(tested["receivers"], json!(["deep"]));
    assert_eq!(
        tested["tree"]["routes"][0]["routes"][0]["matchers"],
        json!(["deep=\"1\""])
    );
    let shown = printed_json(&own(
        dir,
        &["route", "--config.file=alertmanager.yml", "-o", "json"],
    ));
    assert_eq!(shown["routes"][0]["continue"], true);
    let unexpected = own(
        dir,
        &[
            "route",
            "test",
            "--config.file=alertmanager.yml",
            "--verify.receivers=a",
            "team=b",
            "-o",
            "json",
        ],
    );
    assert_eq!(unexpected.code, Some(1));
    let unexpected: Value = serde_json::from_str(&unexpected.stdout).unwrap();
    assert_eq!(
        unexpected,
        json!({"receivers": ["default"], "asExpected": false})
    );
    let rendered = own(
        dir,
        &[
            "template",
            "render",
            "--template.glob=none*",
            "--template.text={{ .Status }}",
            "-o",
            "json",
        ],
    );
    assert_eq!(printed_json(&rendered), json!({"rendered": "alertstatus"}));
    let failed = own(dir, &["silence", "expire", &url]);
    assert_eq!(
        (failed.code, failed.stderr.as_str()),
        (Some(1), "no silence IDs specified\n")
    );
}
