//! The program under the name promtool, beside Debian's promtool on the same files and folders.
//!
//! Debian's is 2.42 and ours is as 3.14. What the newer one prints differently is left out or brought to one form
//! here, each with its reason.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use testkit::process::{Finished, finish, is_installed};

use crate::support::BOUND;

const PEER: &str = "promtool";

/// Our program, called promtool.
fn ours(dir: &Path, arguments: &[&str]) -> Finished {
    let name = dir.join("bin").join(PEER);
    if !name.exists() {
        fs::create_dir(dir.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_keepwatch"), &name).unwrap();
    }
    run(Command::new(name), dir, arguments)
}

fn theirs(dir: &Path, arguments: &[&str]) -> Finished {
    run(Command::new(PEER), dir, arguments)
}

fn run(mut command: Command, dir: &Path, arguments: &[&str]) -> Finished {
    command.current_dir(dir).env("TMPDIR", dir).args(arguments);
    finish(PEER, command, BOUND)
}

/// The same exit code and the same texts.
fn assert_same(dir: &Path, arguments: &[&str]) {
    let (ours, theirs) = (ours(dir, arguments), theirs(dir, arguments));
    // The older one says which file it is at.
    let text = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("Unit Testing:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let shown = |run: &Finished| (run.code, text(&run.stdout), text(&run.stderr));
    assert_eq!(shown(&ours), shown(&theirs), "{arguments:?}");
}

const RULES: &str = "groups:
- name: alerts
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.job }} is down, {{ $value }}'}
- name: records
  interval: 30s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
";

const TESTS: &str = "rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- name: holds
  interval: 1m
  input_series:
  - {series: 'up{job=\"a\", instance=\"1\"}', values: 0x10}
  - {series: 'up{job=\"a\", instance=\"2\"}', values: '1 1 1 _ stale'}
  alert_rule_test:
  - eval_time: 5m
    alertname: Down
    exp_alerts:
    - exp_labels: {job: a, instance: '1', severity: page}
      exp_annotations: {summary: 'a is down, 0'}
  promql_expr_test:
  - expr: job:up:sum
    eval_time: 2m
    exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 1}]
  - expr: count(ALERTS)
    eval_time: 1m
    exp_samples: [{value: 1}]
";

/// Empty labels and annotations, and series that two rules write.
const ODD_RULES: &str = "groups:
- name: odd
  rules:
  - alert: Empty
    expr: m
    labels: {job: '', team: '{{ if false }}x{{ end }}'}
    annotations: {none: '', text: '{{ if false }}x{{ end }}', url: '{{ externalURL }}|{{ $externalURL }}'}
  - {record: r, expr: m, labels: {job: ''}}
";

const ODD_TESTS: &str = "rule_files: [odd_rules.yml, ./odd_rules.yml]
tests:
- external_url: http://x/y/
  input_series: [{series: 'm{job=\"a\",zone=\"b\"}', values: 1}]
  alert_rule_test:
  - eval_time: 0m
    alertname: Empty
    exp_alerts: [{exp_labels: {zone: b}, exp_annotations: {none: ''}}]
  promql_expr_test: [{expr: r, exp_samples: []}]
";

/// The same with other expectations.
fn failing() -> String {
    TESTS
        .replace("a is down, 0", "other")
        .replace("value: 1}]", "value: 7}]")
        .replace("name: holds", "name: fails")
}

#[test]
fn files_are_judged_as_by_promtool() {
    if !is_installed(PEER) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let files = [
        ("rules.yml", RULES.to_owned()),
        ("twice.yml", RULES.to_owned() + "  - record: job:up:sum\n    expr: up\n"),
        ("tests.yml", TESTS.to_owned()),
        ("failing.yml", failing()),
        ("odd_rules.yml", ODD_RULES.to_owned()),
        ("odd.yml", ODD_TESTS.to_owned()),
        ("clash_rules.yml", ODD_RULES.to_owned() + "  - {record: r, expr: m * 2, labels: {job: ''}}\n"),
        ("clash.yml", ODD_TESTS.replace("odd_rules", "clash_rules")),
        ("good.yml", "rule_files: [rules.yml]\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: ['b:1']}]\n".to_owned()),
        ("bad.yml", "scrape_config: []\n".to_owned()),
        ("missing.yml", "rule_files: [nowhere.yml]\n".to_owned()),
        ("tls.yml", "scrape_configs:\n- job_name: a\n  tls_config: {cert_file: a, key_file: b}\n".to_owned()),
        ("sd.yml", "scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [no.json]}]\n".to_owned()),
        ("users.yml", "basic_auth_users: {a: b}\n".to_owned()),
    ];
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    for arguments in [
        &["check", "rules", "rules.yml", "twice.yml"][..],
        &["check", "rules", "--lint-fatal", "twice.yml"],
        &["check", "rules", "--lint=none", "twice.yml"],
        &["check", "config", "good.yml"],
        &["check", "config", "bad.yml"],
        &["check", "config", "missing.yml", "good.yml"],
        &["check", "config", "--syntax-only", "missing.yml"],
        &["check", "config", "tls.yml"],
        &["check", "config", "sd.yml"],
        &["check", "web-config", "users.yml"],
        &["test", "rules", "tests.yml"],
        &["test", "rules", "failing.yml"],
        &["test", "rules", "odd.yml"],
        &["test", "rules", "clash.yml"],
        &["test", "rules", "tests.yml", "failing.yml"],
        // The command line.
        &["check", "rules", "nofile.yml"],
        &["check", "rules", "--foo"],
        &["check"],
        &["frob"],
        &["query", "instant"],
        &["query", "instant", "-o", "xml", "http://localhost:1", "up"],
        &["query", "range", "http://localhost:1", "up", "--start=x"],
        &[
            "query",
            "range",
            "http://localhost:1",
            "up",
            "--start=5",
            "--end=4",
        ],
        &["tsdb", "list", "/nowhere"],
        &["tsdb", "analyze", "/nowhere"],
        &["tsdb", "dump", "--min-time=abc"],
    ] {
        assert_same(dir, arguments);
    }
}

/// What only the newer one has.
#[test]
fn tests_of_rules_are_reported() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("rules.yml"), RULES).unwrap();
    fs::write(dir.join("tests.yml"), TESTS).unwrap();
    fs::write(dir.join("failing.yml"), failing()).unwrap();
    let both = [
        "test",
        "--junit",
        "out.xml",
        "rules",
        "tests.yml",
        "failing.yml",
    ];
    let finished = ours(dir, &both);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let xml = fs::read_to_string(dir.join("out.xml")).unwrap();
    assert!(
        xml.starts_with("<testsuites><testsuite name=\"tests.yml\" tests=\"1\" failures=\"0\""),
        "{xml}"
    );
    assert!(
        xml.contains("<testsuite name=\"failing.yml\" tests=\"1\" failures=\"3\""),
        "{xml}"
    );
    // No test has this name, so all of them hold.
    let none = ours(dir, &["test", "rules", "--run", "^x", "failing.yml"]);
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (Some(0), "  SUCCESS\n\n")
    );
    let diff = ours(dir, &["test", "rules", "--diff", "failing.yml"]);
    assert!(
        diff.stderr
            .contains("\u{1b}[0;33m\"other\" => \"a is down, 0\"\u{1b}[0m"),
        "{diff:?}"
    );
    let debug = ours(dir, &["test", "rules", "--debug", "tests.yml"]);
    assert!(
        debug.stderr.contains("DEBUG: Starting test holds"),
        "{debug:?}"
    );
    assert!(
        debug
            .stderr
            .contains("{__name__=\"job:up:sum\", job=\"a\"} =>"),
        "{debug:?}"
    );
    let unwritable = ours(
        dir,
        &["test", "--junit", "no/where/out.xml", "rules", "tests.yml"],
    );
    assert_eq!(unwritable.code, Some(1));
    assert!(
        unwritable.stderr.contains("open no/where/out.xml: "),
        "{unwritable:?}"
    );
    // The same under our own name.
    let mut command = crate::support::keepwatch(dir);
    command.args(["test", "rules", "tests.yml"]);
    let own = finish("keepwatch test rules", command, BOUND);
    assert_eq!((own.code, own.stdout.as_str()), (Some(0), "  SUCCESS\n\n"));
}

/// Two jobs over five hours, with series that come and go.
fn page() -> String {
    let mut page = "# HELP requests_total x\n# TYPE requests counter\n".to_owned();
    for instance in 0..7 {
        for step in instance * 20..1200 - instance * 30 {
            let (time, value) = (1_704_067_200 + step * 15, step * (instance + 3));
            page +=
                &format!("requests_total{{instance=\"{instance}\",job=\"a\"}} {value} {time}\n");
        }
    }
    page + "# TYPE temperature gauge\ntemperature{room=\"<\\\"x\\\">\"} -0.5 1704067200.5\n# EOF\n"
}

/// Lists of equal rank have no order in the older one; it says `Series` for what is now `Total Series`.
fn analysis(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("Total Series:", "Series:");
    let sections = text.split("\n\n").map(|section| {
        let mut lines: Vec<String> = section.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    });
    sections.collect()
}

#[test]
fn either_reads_the_blocks_of_the_other() {
    if !is_installed(PEER) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("page.om"), page()).unwrap();
    let create = |folder: &'static str| {
        [
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "page.om",
            folder,
        ]
    };
    let made = (ours(dir, &create("ours")), theirs(dir, &create("theirs")));
    assert_eq!((made.0.code, made.1.code), (Some(0), Some(0)), "{made:?}");
    // All but names and sizes is the same: we leave out a table of the index that nobody reads.
    let columns = |text: &str| -> Vec<Vec<String>> {
        let rows = text
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect());
        rows.map(|row: Vec<String>| row[1..row.len() - 1].to_vec())
            .collect()
    };
    assert_eq!(columns(&made.0.stdout), columns(&made.1.stdout));
    for folder in ["ours", "theirs"] {
        // The older one does not dump a folder without a log.
        fs::create_dir(dir.join(folder).join("wal")).unwrap();
        assert_same(dir, &["tsdb", "list", folder]);
        assert_same(dir, &["tsdb", "list", "-r", folder]);
        assert_same(dir, &["tsdb", "dump", folder]);
        let range = ["--min-time=1704070000000", "--max-time=1704074000000"];
        let some = [
            "tsdb",
            "dump",
            "--match={instance=~\"[1-3]\"}",
            range[0],
            range[1],
            folder,
        ];
        assert_same(dir, &some);
        let arguments = ["tsdb", "analyze", "--limit=1000", folder];
        let (a, b) = (ours(dir, &arguments), theirs(dir, &arguments));
        assert_eq!((a.code, b.code), (Some(0), Some(0)));
        assert_eq!(analysis(&a.stdout), analysis(&b.stdout));
    }
    let dumped = ours(dir, &["tsdb", "dump", "ours"]).stdout;
    assert_eq!(dumped, ours(dir, &["tsdb", "dump", "theirs"]).stdout);
    assert_eq!(dumped.lines().count(), 7351, "{}", dumped.lines().count());
    // What is dumped can be imported again.
    let page = ours(dir, &["tsdb", "dump-openmetrics", "ours"]).stdout;
    fs::write(dir.join("again.om"), page).unwrap();
    fs::create_dir(dir.join("again")).unwrap();
    let again = ours(
        dir,
        &[
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "-q",
            "again.om",
            "again",
        ],
    );
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (Some(0), ""),
        "{again:?}"
    );
    assert_eq!(ours(dir, &["tsdb", "dump", "again"]).stdout, dumped);
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    fs::write(dir.join("page.om"), page()).unwrap();
    fs::write(dir.join("bad.om"), "a 1 1\nb{ 1 1\n# EOF\n").unwrap();
    fs::write(dir.join("file"), "").unwrap();
    let fails = |arguments: &[&str], expected: &str| {
        let finished = ours(dir, arguments);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(
            finished.stderr.contains(expected),
            "{arguments:?}: {finished:?}"
        );
    };
    let create = ["tsdb", "create-blocks-from", "openmetrics"];
    fails(
        &[&create[..], &["bad.om", "new"]].concat(),
        "bad.om: line 2: ",
    );
    fails(
        &[&create[..], &["no.om", "new"]].concat(),
        "open no.om: no such file or directory",
    );
    fails(
        &[&create[..], &["page.om", "file"]].concat(),
        "create output dir: ",
    );
    assert_eq!(fs::read_dir(dir.join("new")).unwrap().count(), 0);
    assert_eq!(
        ours(dir, &[&create[..], &["page.om", "data"]].concat()).code,
        Some(0)
    );
    let block = fs::read_dir(dir.join("data"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let name = block.file_name().unwrap().to_str().unwrap().to_owned();
    let index = fs::read(block.join("index")).unwrap();
    fs::write(block.join("index"), &index[..100]).unwrap();
    fails(
        &["tsdb", "list", "data"],
        &format!("corrupted block {name}: "),
    );
    fails(&["tsdb", "analyze", "data", &name], "index at byte ");
    // The others are dumped.
    let dumped = ours(dir, &["tsdb", "dump", "data"]);
    assert_eq!(dumped.code, Some(0));
    assert!(
        dumped.stderr.contains("note: the block is left out: "),
        "{}",
        dumped.stderr
    );
    assert!(dumped.stdout.lines().count() > 1000);
}
