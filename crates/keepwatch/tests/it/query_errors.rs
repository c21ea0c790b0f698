//! Queries that cannot be answered, over HTTP: which status, which kind of error, and what is said.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::process::{percent_encoded, post};

use crate::support::{Server, serve};

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let common = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--log.level=error",
    ];
    serve(dir, &[&common, flags].concat())
}

/// Status, kind and text of the answer to an instant query, which may be long.
fn ask(server: &Server, query: &str, parameters: &str) -> (u16, String, String) {
    let path = match parameters {
        "" => "/api/v1/query",
        _ => "/api/v1/query_range",
    };
    let body = format!("query={}{parameters}", percent_encoded(query));
    let answer = post_form(&server.address, path, &body);
    let json: Value = serde_json::from_str(&answer.1).unwrap();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    (answer.0, text("errorType"), text("error"))
}

fn post_form(address: &str, path: &str, body: &str) -> (u16, String) {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let (_, answer) = testkit::process::post_bytes(address, path, &[form], body.as_bytes());
    (answer.status, answer.body)
}

#[test]
fn what_cannot_be_answered_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = "1+".repeat(500_000) + "1";
    let many_names = format!("{{a=\"{}\"", "x".repeat(1 << 20));
    let hour = "&start=0&end=3600&step=60";
    let steps = "&start=0&end=1000000000&step=1";
    for (query, parameters, status, kind, text) in [
        ("rate(x[5m)", "", 400, "bad_data", "unexpected \")\" in"),
        (
            &many_names,
            "",
            400,
            "bad_data",
            "unexpected end of input inside braces",
        ),
        (&deep, "", 400, "bad_data", "nested too deeply"),
        (&long, "", 400, "bad_data", "nested too deeply"),
        (
            "x{a=~\"((a{100}){100}){100}\"}",
            "",
            400,
            "bad_data",
            "expression too large",
        ),
        ("x{a=~\"(\"}", "", 400, "bad_data", "missing closing )"),
        // Known only once the times are known.
        (
            "rate(x[step()])",
            "",
            400,
            "bad_data",
            "duration must be greater than 0",
        ),
        (
            "rate(x[step() - 1m])",
            hour,
            400,
            "bad_data",
            "duration must be greater than 0",
        ),
        ("x[5m]", hour, 400, "bad_data", "invalid expression type"),
        (
            "x",
            steps,
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points",
        ),
        // Known only once there is data.
        (
            "label_replace(vector(1), \"a\", \"b\", \"\", \"\") or vector(1) + on () group_left () (vector(1) or label_replace(vector(2), \"a\", \"b\", \"\", \"\"))",
            "",
            422,
            "execution",
            "many-to-many matching not allowed",
        ),
        (
            "label_replace(label_replace(vector(1), \"x\", \"a\", \"\", \"\") or label_replace(vector(1), \"x\", \"b\", \"\", \"\"), \"x\", \"c\", \"\", \"\")",
            "",
            422,
            "execution",
            "vector cannot contain metrics with the same labelset",
        ),
        (
            "sum_over_time(vector(1)[100y:1ms])",
            "",
            422,
            "execution",
            "too many samples",
        ),
    ] {
        let shown: String = query.chars().take(60).collect();
        let (found_status, found_kind, found_text) = ask(&server, query, parameters);
        assert_eq!(
            (found_status, found_kind.as_str()),
            (status, kind),
            "{shown}: {found_text}"
        );
        assert!(found_text.contains(text), "{shown}: {found_text}");
        assert!(
            found_text.len() < 4096,
            "{shown}: {} bytes",
            found_text.len()
        );
    }
    // It goes on.
    assert_eq!(server.query("1 + 1")[1], "2");
    assert_eq!(post(&server.address, "/api/v1/query", "").status, 400);
}

#[test]
fn experimental_functions_need_their_switch() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let query = "sort_by_label(vector(1), \"a\")";
    let (status, kind, text) = ask(&server, query, "");
    assert_eq!((status, kind.as_str()), (400, "bad_data"));
    assert!(
        text.contains("function \"sort_by_label\" is not enabled"),
        "{text}"
    );
    drop(server);
    let dir = tempfile::tempdir().unwrap();
    let server = start(
        dir.path(),
        &["--enable-feature=promql-experimental-functions,promql-binop-fill-modifiers"],
    );
    assert_eq!(ask(&server, query, "").0, 200);
    assert_eq!(ask(&server, "vector(1) + fill(0) vector(2)", "").0, 200);
}
