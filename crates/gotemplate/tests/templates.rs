//! Templates in, texts out: fixtures with results of Go itself. `UPDATE=1` rewrites them with ours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::path::PathBuf;

use gotemplate::data::alertmanager::{Alert, Data, Kv};
use gotemplate::functions::alertmanager;
use gotemplate::{Flavour, Options, TemplateSet, Time, default_templates};

fn kv(entries: &[(&str, &str)]) -> Kv {
    Kv::new(
        entries
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    )
}

fn data() -> Data {
    let time = |text: &str| Time::parse_rfc3339(text).unwrap();
    let firing = Alert {
        status: "firing".to_owned(),
        labels: kv(&[("alertname", "DiskFull"), ("host", "a<1>"), ("job", "node")]),
        annotations: kv(&[("summary", "90% & \"rising\"")]),
        starts_at: time("2025-02-03T04:05:06.7Z"),
        ends_at: Time::ZERO,
        generator_url: "http://prom.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1".to_owned(),
        fingerprint: "0a".to_owned(),
    };
    let resolved = Alert {
        status: "resolved".to_owned(),
        labels: kv(&[("alertname", "DiskFull"), ("host", "b"), ("job", "node")]),
        annotations: kv(&[]),
        starts_at: time("2025-02-03T04:00:00Z"),
        ends_at: time("2025-02-03T05:00:00Z"),
        generator_url: "javascript:alert(1)".to_owned(),
        fingerprint: "0b".to_owned(),
    };
    Data {
        receiver: "ops".to_owned(),
        status: "firing".to_owned(),
        alerts: Some(vec![firing, resolved]),
        group_labels: kv(&[("alertname", "DiskFull")]),
        common_labels: kv(&[("alertname", "DiskFull"), ("job", "node")]),
        common_annotations: kv(&[]),
        route_labels: kv(&[]),
        external_url: "http://am.example/x?<y>".to_owned(),
        ..Data::default()
    }
}

fn set(flavour: Flavour) -> TemplateSet {
    TemplateSet::new(
        flavour,
        alertmanager::functions(Time::ZERO),
        Options::default(),
    )
}

fn check(set: &TemplateSet, file: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(file);
    let fixture = std::fs::read_to_string(&path).unwrap();
    let data = data();
    let mut result = String::new();
    let mut actual = String::new();
    for line in fixture.lines() {
        if let Some(template) = line.strip_prefix("in  ") {
            let rendered =
                alertmanager::render(set, &template.replace('␤', "\n"), &data, Time::ZERO);
            result = match rendered {
                Ok(text) => format!("out {text}"),
                Err(error) => format!("err {error}"),
            };
            result = result.replace('\n', "␤");
        }
        let is_result = line.starts_with("out ") || line.starts_with("err ");
        actual.push_str(if is_result { &result } else { line });
        actual.push('\n');
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &actual).unwrap();
        return;
    }
    let pairs = fixture.lines().zip(actual.lines());
    let wrong: Vec<String> = pairs
        .filter(|(wanted, got)| wanted != got)
        .map(|(wanted, got)| format!("wanted {wanted}\ngot    {got}"))
        .collect();
    assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
}

#[test]
fn text_templates() {
    check(&set(Flavour::Text), "text.txt");
}

#[test]
fn html_templates() {
    check(&set(Flavour::Html), "html.txt");
}

fn with_defaults(flavour: Flavour) -> TemplateSet {
    let mut set = set(flavour);
    for (name, text) in default_templates::FILES {
        set.parse(name, text).unwrap();
    }
    set
}

#[test]
fn default_notification_templates() {
    check(&with_defaults(Flavour::Text), "default.txt");
    check(&with_defaults(Flavour::Html), "email.txt");
}

#[test]
fn later_files_replace_definitions() {
    let mut set = with_defaults(Flavour::Text);
    set.parse(
        "own.tmpl",
        "{{ define \"__subject\" }}own{{ end }}{{ define \"__alertmanager\" }} {{ end }}",
    )
    .unwrap();
    let render = |text: &str| alertmanager::render(&set, text, &data(), Time::ZERO).unwrap();
    assert_eq!(render("{{ template \"slack.default.title\" . }}"), "own");
    // An empty definition does not replace one that has a text.
    assert_eq!(
        render("{{ template \"__alertmanager\" . }}"),
        "Alertmanager"
    );
    let error = set.parse("bad.tmpl", "a\n{{ if }}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: bad.tmpl:2: missing value for if"
    );
}
