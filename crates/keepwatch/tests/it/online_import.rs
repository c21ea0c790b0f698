//! Imports into a running server: what it has is not lost by them, and what it cannot keep or take now is refused.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use testkit::process::{Finished, Signal, post_bytes, until};

use crate::support::{BOUND, Server, now, serve};
use crate::tsdb_tools::run;

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let all = [
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--web.enable-admin-api",
            "--web.enable-remote-write-receiver",
            "--log.level=error",
        ],
        flags,
    ];
    serve(dir, &all.concat())
}

fn import(dir: &Path, server: &Server, input: &str) -> Finished {
    let url = format!("http://{}", server.address);
    run(dir, &["tsdb", "import", "--url", &url, input])
}

/// A page with a sample a minute for so many minutes, the last one now less so many days.
fn page(name: &str, minutes: u64, days_ago: u64) -> String {
    let end = now() as u64 - days_ago * 24 * 3600;
    let mut page = format!("# TYPE {name} gauge\n");
    for minute in (0..minutes).rev() {
        page += &format!("{name} 7 {}\n", end - minute * 60);
    }
    page + "# EOF\n"
}

/// Names in the data folder that are no part of a good one.
fn leftovers(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("data")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".tmp")).collect()
}

/// The blocks of another server reach to now: they say that everything of their time is in them.
#[test]
fn blocks_of_another_server_do_not_take_the_place_of_the_head() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("theirs.om"), page("theirs", 90, 0)).unwrap();
    let made = ["tsdb", "import", "--data-dir", "theirs", "-q", "theirs.om"];
    assert_eq!(run(dir, &made).code, Some(0));
    let mut changed = 0;
    for entry in fs::read_dir(dir.join("theirs")).unwrap() {
        let path = entry.unwrap().path().join("meta.json");
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let mut meta: serde_json::Value = serde_json::from_str(&text).unwrap();
        let compaction = meta["compaction"].as_object_mut().unwrap();
        assert!(compaction.remove("hints").is_some());
        fs::write(&path, meta.to_string()).unwrap();
        changed += 1;
    }
    assert!(changed > 0);
    let server = start(dir, &[]);
    let url = format!("http://{}", server.address);
    fs::write(dir.join("own.prom"), "own 1\n").unwrap();
    let push = ["promtool", "push", "metrics", &url, "own.prom"];
    assert_eq!(run(dir, &push).code, Some(0));
    let imported = import(dir, &server, "theirs");
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let are_there = |server: &Server| {
        assert_eq!(server.query("own")[0]["value"][1], "1");
        assert_eq!(server.query("theirs")[0]["value"][1], "7");
        let counted = &server.query("count_over_time(theirs[2h])")[0]["value"][1];
        assert_eq!(counted, "90");
    };
    are_there(&server);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let server = start(dir, &[]);
    are_there(&server);
    // And it goes on.
    let url = format!("http://{}", server.address);
    fs::write(dir.join("more.prom"), "more 1\n").unwrap();
    let push = ["promtool", "push", "metrics", &url, "more.prom"];
    assert_eq!(run(dir, &push).code, Some(0));
    assert_eq!(server.query("more")[0]["value"][1], "1");
}

#[test]
fn what_the_retention_would_drop_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("new.om"), page("new", 60, 0)).unwrap();
    // Some of it could stay, which is no reason to take a part.
    let both = page("old", 60, 40).replace("# EOF\n", "") + &page("new", 60, 0);
    fs::write(dir.join("old.om"), both).unwrap();
    let server = start(dir, &[]);
    let refused = import(dir, &server, "old.om");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for expected in [
        "old.om: bad_data: samples that end 40d",
        "beyond the retention of 15d, which would drop them",
    ] {
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    assert_eq!(server.query("new"), serde_json::json!([]));
    assert_eq!(leftovers(dir), [""; 0]);
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);
    let server = start(dir, &["--storage.tsdb.retention.size=100B"]);
    let refused = import(dir, &server, "new.om");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("the retention by size leaves room"),
        "{refused:?}"
    );
    assert_eq!(server.query("new"), serde_json::json!([]));
    assert_eq!(leftovers(dir), [""; 0]);
}

/// A client that sends slowly does not keep others waiting without a word, and one that goes leaves nothing.
#[test]
fn one_import_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("new.om"), page("new", 10, 0)).unwrap();
    let server = start(dir, &[]);
    let mut slow = TcpStream::connect(&server.address).unwrap();
    let head = "POST /api/keepwatch/v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
        Content-Type: application/openmetrics-text\r\n\r\na 1 ";
    slow.write_all(head.as_bytes()).unwrap();
    let attempt = || {
        let headers = [("Content-Type", "application/openmetrics-text")];
        let path = "/api/keepwatch/v1/import";
        post_bytes(&server.address, path, &headers, b"# EOF\n").1
    };
    until("the first import", BOUND, || {
        let begun = leftovers(dir);
        if begun.len() == 1 {
            Ok(())
        } else {
            Err(format!("{begun:?}"))
        }
    });
    let refused = attempt();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(
        refused.body.contains("another import is running"),
        "{refused:?}"
    );
    drop(slow);
    until("the end of the first import", BOUND, || {
        let answer = attempt();
        (answer.status == 200).then_some(()).ok_or(answer.body)
    });
    assert_eq!(import(dir, &server, "new.om").code, Some(0));
    assert_eq!(server.query("new")[0]["value"][1], "7");
    assert_eq!(leftovers(dir), [""; 0]);
}
