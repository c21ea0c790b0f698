//! Queries under limits: killed, left alone by their client, queued, named after a crash, logged.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;
use testkit::process::{Answer, Signal, finish, get, percent_encoded, until};

use crate::support::{BOUND, Server, keepwatch, serve};

/// Sorts billions of samples: no machine ends it within the bounds of a test.
const ENDLESS: &str =
    "quantile_over_time(0.5, quantile_over_time(0.5, vector(time())[6h:1s])[30d:1s])";
const CONFIG: &str = "prometheus.yml";

fn start(dir: &Path, arguments: &[&str]) -> Server {
    if !dir.join(CONFIG).exists() {
        fs::write(dir.join(CONFIG), "scrape_configs: []\n").unwrap();
    }
    let mut all = vec![
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.enable-lifecycle",
    ];
    all.extend(arguments);
    serve(dir, &all)
}

fn path(query: &str) -> String {
    format!("/api/v1/query?query={}", percent_encoded(query))
}

/// Asks in a thread of its own.
fn ask(server: &Server, path: String) -> std::thread::JoinHandle<Answer> {
    let address = server.address.clone();
    std::thread::spawn(move || get(&address, &path))
}

fn active(server: &Server) -> Vec<Value> {
    let answer = server.json("/api/keepwatch/v1/queries");
    answer["data"]["active"].as_array().unwrap().clone()
}

fn wait_for_active(server: &Server, count: usize) -> Vec<Value> {
    until("active queries", BOUND, || {
        let active = active(server);
        if active.len() == count {
            Ok(active)
        } else {
            Err(format!("{active:?}"))
        }
    })
}

fn error_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn an_operator_kills_a_query_and_the_queue_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &["--query.max-concurrency=1"]);
    let victim = ask(&server, path(ENDLESS));
    let running = wait_for_active(&server, 1);
    assert_eq!(running[0]["query"], ENDLESS);
    assert_eq!(running[0]["kind"], "instant");
    assert_eq!(running[0]["client"], "127.0.0.1");
    assert_eq!(running[0]["path"], "/api/v1/query");
    let late = server.get(&format!("{}&timeout=50ms", path("1")));
    assert_eq!(late.status, 503, "{}", late.body);
    assert_eq!(error_of(&late)["errorType"], "timeout");
    assert_eq!(error_of(&late)["error"], "query timed out in query queue");
    let id = &running[0]["id"];
    let killed = server.delete(&format!("/api/keepwatch/v1/queries/{id}"));
    assert_eq!(killed.status, 200, "{}", killed.body);
    let answer = victim.join().unwrap();
    assert_eq!(answer.status, 499, "{}", answer.body);
    assert_eq!(error_of(&answer)["errorType"], "canceled");
    let text = error_of(&answer)["error"].to_string();
    assert!(text.contains("killed by an operator"), "{text}");
    assert_eq!(server.get(&path("1")).status, 200);
    let gone = server.delete(&format!("/api/keepwatch/v1/queries/{id}"));
    assert_eq!(gone.status, 404, "{}", gone.body);
}

#[test]
fn a_query_ends_when_its_client_goes_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &["--query.timeout=1h"]);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let path = path(ENDLESS);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    wait_for_active(&server, 1);
    drop(stream);
    wait_for_active(&server, 0);
}

#[test]
fn what_ran_at_a_crash_is_named_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let path = path(ENDLESS);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    wait_for_active(&server, 1);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let server = start(dir.path(), &[]);
    let unfinished = server.json("/api/keepwatch/v1/queries")["data"]["unfinished"].clone();
    assert_eq!(unfinished[0]["query"], ENDLESS);
    let said = server.program.stderr().join("\n");
    assert!(said.contains("These queries didn't finish"), "{said}");
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let server = start(dir.path(), &[]);
    let unfinished = server.json("/api/keepwatch/v1/queries")["data"]["unfinished"].clone();
    assert_eq!(unfinished, Value::Array(Vec::new()));
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_reload_switches_the_query_log() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let enabled = |server: &Server| {
        let page = server.get("/metrics").body;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("prometheus_engine_query_log_enabled "));
        line.unwrap().to_owned()
    };
    assert_eq!(enabled(&server), "0");
    let reload = |file: &str| {
        let text = format!("global:\n  query_log_file: {file}\nrule_files: [rules.yml]\n");
        fs::write(dir.path().join(CONFIG), text).unwrap();
        server.post("/-/reload")
    };
    let rules = "groups: [{name: g, interval: 100ms, rules: [{record: a, expr: 1 + 1}]}]\n";
    fs::write(dir.path().join("rules.yml"), rules).unwrap();
    assert_eq!(reload("query.log").status, 200);
    assert_eq!(enabled(&server), "1");
    server.get("/api/v1/query?query=vector(2)&time=5.5");
    let log = dir.path().join("query.log");
    let of = |lines: &[Value], key: &str| {
        lines
            .iter()
            .find(|line| line.get(key).is_some())
            .cloned()
            .ok_or_else(|| format!("{lines:?}"))
    };
    let request = of(&lines(&log), "httpRequest").unwrap();
    assert_eq!(request["httpRequest"]["path"], "/api/v1/query");
    assert_eq!(request["httpRequest"]["clientIP"], "127.0.0.1");
    assert_eq!(request["params"]["query"], "vector(2)");
    assert_eq!(request["params"]["start"], "1970-01-01T00:00:05.500Z");
    assert!(request["stats"]["timings"]["execTotalTime"].is_number());
    let rule = until("a rule in the log", BOUND, || of(&lines(&log), "ruleGroup"));
    assert_eq!(rule["ruleGroup"]["name"], "g");
    assert_eq!(rule["params"]["query"], "1 + 1");
    // A file that cannot be written refuses the reload, and the old one stays.
    let refused = reload("absent/query.log");
    assert_eq!(refused.status, 500);
    assert!(refused.body.contains("query_log_file"), "{}", refused.body);
    assert_eq!(reload("other.log").status, 200);
    server.get("/api/v1/query?query=vector(3)");
    let other = lines(&dir.path().join("other.log"));
    assert!(
        other
            .iter()
            .any(|line| line["params"]["query"] == "vector(3)"),
        "{other:?}"
    );
    assert!(
        lines(&log)
            .iter()
            .all(|line| line["params"]["query"] != "vector(3)")
    );
}

#[test]
fn what_was_asked_is_added_up_by_query() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let ask = |query: &str| get(&server.address, &path(query));
    for query in [
        "vector(1)",
        "vector(1)",
        "label_replace(vector(1), \"a\", \"b\", \"c\", \"(\")",
    ] {
        ask(query);
    }
    // What cannot be read was never run.
    assert_eq!(ask("sum(").status, 400);
    let recent = |parameters: &str| {
        let answer = server.json(&format!("/api/keepwatch/v1/queries/recent{parameters}"));
        answer["data"].clone()
    };
    let all = recent("?sort=-count");
    assert_eq!(all["total"], 2, "{all}");
    let first = &all["rows"][0];
    assert_eq!(
        (&first["query"], &first["count"], &first["failed"]),
        (&"vector(1)".into(), &2.into(), &0.into())
    );
    assert_eq!(
        (&first["kind"], &first["client"]),
        (&"instant".into(), &"127.0.0.1".into())
    );
    assert!(first["secondsTotal"].as_f64() >= first["secondsMax"].as_f64());
    let failed = recent("?q=@outcome:failed");
    assert_eq!(failed["matched"], 1);
    let error = failed["rows"][0]["lastError"].as_str().unwrap();
    assert!(error.contains("invalid regular expression"), "{error}");
}

#[test]
fn a_query_is_checked_without_running_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let check = |query: &str| {
        let query = percent_encoded(query);
        let answer = server.json(&format!("/api/keepwatch/v1/query/check?query={query}"));
        answer["data"]["problems"].clone()
    };
    assert_eq!(check(ENDLESS), Value::Array(Vec::new()));
    let problems = check("sum(rte(up)) + oops(x)");
    assert_eq!(problems.as_array().map(Vec::len), Some(2), "{problems}");
    assert_eq!(problems[0]["code"], "promql-unknown-function");
    assert_eq!(
        (&problems[0]["start"], &problems[0]["end"]),
        (&4.into(), &7.into())
    );
    assert_eq!(problems[0]["hint"], "did you mean `rate`?");
    let end = check("sum(");
    assert!(end[0]["end"].as_u64() <= Some(4), "{end}");
    assert_eq!(active(&server), Vec::<Value>::new());
}

#[test]
fn one_request_may_lower_its_limits() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let query = "/api/v1/query?query=sum_over_time(vector(1)[1h:1s])";
    assert_eq!(server.get(query).status, 200);
    let limited = server.get(&format!("{query}&max_samples=100"));
    assert_eq!(limited.status, 422, "{}", limited.body);
    for wrong in ["0", "-1", "x", "1.5"] {
        let answer = server.get(&format!("{query}&max_bytes={wrong}"));
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

#[test]
fn the_command_line_asks_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let url = format!("--url=http://{}", server.address);
    let run = |arguments: &[&str]| {
        let mut command = keepwatch(dir.path());
        command.arg("query").args(arguments).arg(&url);
        finish("keepwatch query", command, BOUND)
    };
    let instant = run(&["instant", "vector(1) + 1", "--time=5.5"]);
    assert_eq!(instant.stdout, "{} => 2 @[5.5]\n", "{}", instant.stderr);
    let range = run(&[
        "range",
        "time()",
        "--start=0",
        "--end=2",
        "--step=1s",
        "-o",
        "json",
    ]);
    let expected = "[{\"metric\":{},\"values\":[[0,\"0\"],[1,\"1\"],[2,\"2\"]]}]\n";
    assert_eq!(range.stdout, expected, "{}", range.stderr);
    let labels = run(&["labels", "job"]);
    assert_eq!((labels.code, labels.stdout.trim()), (Some(0), ""));
    let series = run(&["series", "--match=up"]);
    assert_eq!((series.code, series.stdout.trim()), (Some(0), ""));
    let explained = run(&["explain", "abs(vector(1))", "--analyze"]);
    assert!(explained.stdout.contains("[estimated "), "{explained:?}");
    assert!(explained.stdout.contains("; measured "), "{explained:?}");
    let estimated = run(&["explain", "abs(vector(1))", "--start=0", "--end=60"]);
    assert!(!estimated.stdout.contains("measured"), "{estimated:?}");
    let wrong = run(&["instant", "rte(up[5m])"]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("^^^") && wrong.stderr.contains("`rate`"),
        "{}",
        wrong.stderr
    );
    let failed = run(&[
        "instant",
        "vector(1) + on () group_left () (vector(1) or label_replace(vector(2), \"a\", \"b\", \"\", \"\"))",
    ]);
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.stderr.contains("query error: execution"),
        "{}",
        failed.stderr
    );
}

#[test]
fn queries_are_formatted_and_scripts_are_run_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = keepwatch(dir.path());
        command.args(arguments);
        finish("keepwatch", command, BOUND)
    };
    fs::write(dir.path().join("q"), "sum(up)by(job)\n").unwrap();
    let formatted = run(&["fmt", "promql", "q"]);
    assert_eq!(formatted.stdout, "sum by (job) (up)\n");
    assert_eq!(run(&["fmt", "promql", "q", "--check"]).code, Some(1));
    fs::write(dir.path().join("q"), formatted.stdout).unwrap();
    assert_eq!(run(&["fmt", "promql", "q", "--check"]).code, Some(0));
    let good = "load 1m\n  up 1 2\n\neval instant at 1m up\n  up 2\n";
    fs::write(dir.path().join("good.test"), good).unwrap();
    fs::write(
        dir.path().join("bad.test"),
        good.replace("  up 2", "  up 3"),
    )
    .unwrap();
    let passed = run(&["test", "promql", "good.test"]);
    assert_eq!(
        (passed.code, passed.stdout.as_str()),
        (Some(0), "1 passed, 0 failed\n")
    );
    let failed = run(&["test", "promql", "good.test", "bad.test"]);
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.stdout.starts_with("bad.test:4: up: "),
        "{}",
        failed.stdout
    );
    assert!(
        failed.stdout.ends_with("\n1 passed, 1 failed\n"),
        "{}",
        failed.stdout
    );
}
