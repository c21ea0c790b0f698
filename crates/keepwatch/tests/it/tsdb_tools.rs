//! `keepwatch tsdb …` and the parts of promtool that talk to a server: import into a stopped folder and into a running
//! server, verify and repair, rules over the past, pushing and asking.

use std::fs;
use std::path::Path;

use serde_json::json;
use testkit::process::{Finished, Signal, finish, post_bytes};

use crate::support::{BOUND, Server, keepwatch, serve};

/// 2024-01-01.
const START: i64 = 1_704_067_200;

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.args(arguments);
    finish("keepwatch", command, BOUND)
}

/// What it printed.
fn good(dir: &Path, arguments: &[&str]) -> String {
    let finished = run(dir, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
    finished.stdout
}

/// What it said.
fn fails(dir: &Path, arguments: &[&str]) -> String {
    let finished = run(dir, arguments);
    assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
    finished.stderr
}

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let all = [
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y",
            "--log.level=error",
        ],
        flags,
    ];
    serve(dir, &all.concat())
}

/// A counter of each instance, every 15 seconds for three hours.
fn page(name: &str) -> String {
    let mut page = format!("# TYPE {name} gauge\n");
    for instance in 0..3 {
        for step in 0..720 {
            let time = START + step * 15;
            page += &format!(
                "{name}{{instance=\"{instance}\"}} {} {time}\n",
                step + instance
            );
        }
    }
    page + "# EOF\n"
}

fn at_the_end(server: &Server, query: &str) -> serde_json::Value {
    let time = START + 719 * 15;
    let query = testkit::process::percent_encoded(query);
    let answer = server.json(&format!("/api/v1/query?query={query}&time={time}"));
    answer["data"]["result"].clone()
}

#[test]
fn what_is_imported_into_a_server_is_there_at_once() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("a.om"), page("a")).unwrap();
    fs::write(dir.join("b.om"), page("b")).unwrap();
    good(
        dir,
        &["tsdb", "import", "--data-dir", "blocks", "-q", "b.om"],
    );
    let server = start(dir, &["--web.enable-admin-api"]);
    let url = format!("http://{}", server.address);
    let import = |inputs: &[&str]| {
        let all = [&["tsdb", "import", "--url", &url], inputs].concat();
        run(dir, &all)
    };
    for inputs in [&["--label", "site=x", "a.om"][..], &["blocks"]] {
        let imported = import(inputs);
        assert_eq!(imported.code, Some(0), "{imported:?}");
        assert_eq!(imported.stdout.lines().count(), 2, "{imported:?}");
    }
    let found = at_the_end(&server, "sum by (site) (a)");
    assert_eq!(found[0]["metric"], json!({"site": "x"}));
    assert_eq!(found[0]["value"][1], "2160");
    assert_eq!(at_the_end(&server, "count(b)")[0]["value"][1], "3");
    // The head goes on: what comes now is not older than the blocks.
    let wrong = import(&["blocks"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("is there already"), "{wrong:?}");
    // Nothing of what is wrong arrives, and it is told where it is wrong.
    fs::write(dir.join("bad.om"), "bad 1 1704067200\nbad{ 1 1\n# EOF\n").unwrap();
    fs::write(dir.join("future.om"), "future 1 1704067200000\n# EOF\n").unwrap();
    for (file, expected) in [
        ("bad.om", "bad.om: bad_data: line 2: "),
        ("future.om", "is in the future"),
    ] {
        let wrong = import(&[file]);
        assert_eq!(wrong.code, Some(1));
        assert!(wrong.stderr.contains(expected), "{wrong:?}");
    }
    assert_eq!(
        at_the_end(&server, "count({__name__=~\"bad|future\"})"),
        json!([])
    );
    let (_, answer) = post_bytes(&server.address, "/api/keepwatch/v1/import", &[], b"x");
    assert_eq!(answer.status, 400, "{answer:?}");
    let blocks = server.json("/api/v1/status/tsdb/blocks");
    assert_eq!(blocks["data"]["blocks"].as_array().unwrap().len(), 4);
    // A folder that a server uses is not written to.
    let used = fails(dir, &["tsdb", "import", "--data-dir", "data", "a.om"]);
    assert!(used.contains("in use by another process"), "{used}");
    assert!(fails(dir, &["tsdb", "repair", "data"]).contains("in use by another process"));
    assert!(good(dir, &["tsdb", "verify", "data"]).contains("4 blocks with "));
    // All of it is there after a restart.
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);
    let server = start(dir, &[]);
    assert_eq!(
        at_the_end(&server, "count({__name__=~\"a|b\"})")[0]["value"][1],
        "6"
    );
    let refused = fails(
        dir,
        &[
            "tsdb",
            "import",
            "--url",
            &format!("http://{}", server.address),
            "a.om",
        ],
    );
    assert!(refused.contains("admin APIs disabled"), "{refused}");
}

#[test]
fn a_damaged_folder_is_told_and_repaired() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("a.om"), page("a")).unwrap();
    good(dir, &["tsdb", "import", "--data-dir", "data", "a.om"]);
    let good_folder = good(dir, &["tsdb", "verify", "data"]);
    assert!(
        good_folder.starts_with("2 blocks with 6 series, "),
        "{good_folder}"
    );
    assert_eq!(
        good(dir, &["tsdb", "repair", "data"]).lines().last(),
        Some("nothing had to be done")
    );
    let block = fs::read_dir(dir.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("index").exists())
        .unwrap();
    let segment = block.join("chunks/000001");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let verified = run(dir, &["tsdb", "verify", "data"]);
    assert_eq!(verified.code, Some(1));
    assert!(
        verified.stdout.contains("chunks/000001 at byte 8: "),
        "{verified:?}"
    );
    assert!(
        verified.stdout.contains("or let repair write a block"),
        "{verified:?}"
    );
    assert!(verified.stderr.contains("problems in data"), "{verified:?}");
    let repaired = good(dir, &["tsdb", "repair", "data"]);
    assert!(
        repaired.contains("1 chunks and 0 series could not be read"),
        "{repaired}"
    );
    good(dir, &["tsdb", "verify", "data"]);
    let dumped = good(dir, &["tsdb", "dump", "data"]);
    assert_eq!(dumped.lines().count(), 3 * 720 - 120);
    assert!(fails(dir, &["tsdb", "verify", "nowhere"]).contains("there is no such folder"));
}

const RULES: &str = "groups:\n- name: g\n  interval: 1m\n  rules:\n  - record: a:sum\n    expr: sum(a)\n    labels: {team: x}\n";

#[test]
fn new_rules_have_a_past() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("a.om"), page("a")).unwrap();
    fs::write(dir.join("rules.yml"), RULES).unwrap();
    good(dir, &["tsdb", "import", "--data-dir", "data", "-q", "a.om"]);
    let (start_time, end_time) = (START.to_string(), (START + 10_000).to_string());
    let times = ["--start", &start_time, "--end", &end_time];
    // Of a folder, of a server, and under promtool's name.
    let own = [
        "tsdb",
        "backfill-rules",
        "--data-dir",
        "data",
        "--output-dir",
        "own",
    ];
    good(dir, &[&own[..], &times, &["rules.yml"]].concat());
    let server = start(dir, &["--web.enable-admin-api"]);
    let url = format!("http://{}", server.address);
    let theirs = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "rules",
        "--url",
        &url,
        "--output-dir",
        "theirs",
    ];
    good(dir, &[&theirs[..], &times, &["rules.yml"]].concat());
    let dumped = good(dir, &["tsdb", "dump", "own"]);
    assert_eq!(dumped.lines().count(), 167, "{dumped}");
    assert!(
        dumped.starts_with("{__name__=\"a:sum\", team=\"x\"} "),
        "{dumped}"
    );
    assert_eq!(dumped, good(dir, &["tsdb", "dump", "theirs"]));
    good(dir, &["tsdb", "import", "--url", &url, "-q", "theirs"]);
    let time = START + 9000;
    let answer = server.json(&format!("/api/v1/query?query=a:sum&time={time}"));
    assert_eq!(answer["data"]["result"][0]["metric"]["team"], "x");
    let wrong = [
        &own[..],
        &["--start", &end_time, "--end", &start_time, "rules.yml"],
    ]
    .concat();
    assert!(fails(dir, &wrong).contains("start time is not before end time"));
}

#[test]
fn a_server_is_pushed_to_and_asked() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let server = start(dir, &["--web.enable-remote-write-receiver"]);
    let url = format!("http://{}", server.address);
    let page = "# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"+Inf\"} 3\n\
        h_seconds_sum 4\nh_seconds_count 3\n# TYPE up gauge\nup{instance=\"i\"} 1\n";
    fs::write(dir.join("page.prom"), page).unwrap();
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let label = format!("message={message}");
        let arguments = [
            "promtool",
            "push",
            "metrics",
            "--label",
            &label,
            "--protobuf_message",
            message,
            &url,
            "page.prom",
        ];
        let told = good(dir, &arguments);
        assert!(
            told.contains("SUCCESS: metrics file page.prom pushed to remote write."),
            "{told}"
        );
        assert_eq!(
            server.query(&format!(
                "h_seconds_bucket{{le=\"1\",message=\"{message}\"}}"
            ))[0]["value"][1],
            "1"
        );
    }
    let asked = good(dir, &["promtool", "query", "instant", &url, "count(up)"]);
    assert!(asked.starts_with("{} => 2 @["), "{asked}");
    assert_eq!(
        good(dir, &["promtool", "query", "labels", &url, "instance"]),
        "i\n"
    );
    let series = good(
        dir,
        &[
            "promtool",
            "query",
            "series",
            "-o",
            "json",
            "--match=up",
            &url,
        ],
    );
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&series)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let analysis = [
        "promtool",
        "query",
        "analyze",
        "--server",
        &url,
        "--type=histogram",
        "--match=h_seconds_bucket",
    ];
    assert!(good(dir, &analysis).contains("Bucket stats for each histogram series over time"));
    assert_eq!(
        run(dir, &["promtool", "check", "ready", "--url", &url]).code,
        Some(0)
    );
    let healthy = run(
        dir,
        &["promtool", "check", "healthy", "--url", &format!("{url}/")],
    );
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    assert!(healthy.stderr.starts_with("  SUCCESS:  "), "{healthy:?}");
    good(dir, &["promtool", "debug", "metrics", &url]);
    assert!(fs::metadata(dir.join("debug.tar.gz")).unwrap().len() > 1000);
    let packed = std::process::Command::new("tar")
        .current_dir(dir)
        .args(["-tzf", "debug.tar.gz"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(packed.stdout).unwrap(), "metrics.txt\n");
    assert!(
        fails(dir, &["promtool", "debug", "pprof", &url])
            .contains("error completing debug command: ")
    );
    fs::write(dir.join("bad.prom"), "up 1\nup{ 1\n").unwrap();
    let refused = fails(dir, &["promtool", "push", "metrics", &url, "bad.prom"]);
    assert!(
        refused.contains("FAILED: text format parsing error in line 2"),
        "{refused}"
    );
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);
    let gone = fails(dir, &["promtool", "check", "ready", "--url", &url]);
    assert!(gone.contains(&format!("asking {url}: ")), "{gone}");
}

#[test]
fn writing_can_be_measured() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let told = good(dir, &["tsdb", "bench", "--metrics=300", "--scrapes=20"]);
    assert!(told.contains(" > total samples: 6000\n"), "{told}");
    let file = "{\"__name__\":\"a\"}\n{\"__name__\":\"b\"}\n";
    fs::write(dir.join("series.json"), file).unwrap();
    let told = good(
        dir,
        &[
            "promtool",
            "tsdb",
            "bench",
            "write",
            "--scrapes=5",
            "series.json",
        ],
    );
    assert!(told.contains(" > total samples: 10\n"), "{told}");
    assert!(
        told.contains(">> completed stage=stopStorage duration="),
        "{told}"
    );
}
