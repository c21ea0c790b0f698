//! Rule templates and consoles, with a query engine that always gives the same answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use gotemplate::data::prometheus::{AlertData, Sample};
use gotemplate::functions::prometheus::{self, Context, RULE_PREAMBLE};
use gotemplate::{Options, Value};

#[derive(Debug)]
struct Answer;

fn labels(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

impl prometheus::Query for Answer {
    fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        if expression == "bad" {
            return Err("parse error".to_owned());
        }
        let sample = |job: &str, value| Sample {
            labels: labels(&[("__name__", expression), ("job", job)]),
            value: Value::Float(value),
        };
        Ok(vec![sample("b", 1.0), sample("a", 2000.0)])
    }
}

fn context() -> Context {
    Context {
        name: "__alert_Test".to_owned(),
        time_ms: 1_700_000_000_000,
        external_url: Some("http://prom.example:9090/base".to_owned()),
        query: Arc::new(Answer),
        options: Options::default(),
    }
}

fn alert(text: &str) -> String {
    let data = AlertData {
        labels: labels(&[("instance", "db1.example.org:9100"), ("job", "<db>")]),
        external_labels: labels(&[("region", "eu")]),
        external_url: "http://prom.example:9090/base".to_owned(),
        value: Value::Float(0.123),
    };
    let text = format!("{RULE_PREAMBLE}{text}");
    match prometheus::expand(&text, &data.into_value(), &context()) {
        Ok(text) => text,
        Err(error) => error.to_string(),
    }
}

#[test]
fn rule_texts() {
    for (text, expected) in [
        (
            "{{ $labels.instance }} {{ $labels.nope }}| {{ $value }}",
            "db1.example.org:9100 | 0.123",
        ),
        (
            "{{ $labels.instance | stripPort | stripDomain }} {{ $labels.instance | stripDomain }}",
            "db1 db1:9100",
        ),
        (
            "{{ $value | humanizePercentage }} {{ humanizeDuration 3661 }} {{ humanize1024 2048 }}",
            "12.3% 1h 1m 1s 2ki",
        ),
        (
            "{{ $externalLabels.region }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
            "eu http://prom.example:9090/base http://prom.example:9090/base /base",
        ),
        (
            "{{ with query \"up\" }}{{ . | first | value | humanize }} {{ . | first | label \"job\" }}{{ end }}",
            "1 b",
        ),
        (
            "{{ range query \"up\" | sortByLabel \"job\" }}{{ .Labels.job }}={{ .Value }};{{ end }}",
            "a=2000;b=1;",
        ),
        (
            "{{ graphLink \"up == 0\" }} {{ tableLink \"up\" }} {{ urlQueryEscape \"a b\" }}",
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1 a+b",
        ),
        (
            "{{ now }} {{ now | humanizeTimestamp }} {{ (now | toTime).Year }}",
            "1.7e+09 2023-11-14 22:13:20 +0000 UTC 2023",
        ),
        (
            "{{ title \"hello WORLD\" }} {{ toUpper \"x\" }} {{ parseDuration \"1h30m\" }} {{ toDuration 90 }}",
            "Hello WORLD X 5400 1m30s",
        ),
        (
            "{{ define \"x\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"x\" (args 1 \"b\") }}",
            "1-b",
        ),
        (
            "{{ first (query \"up\") }} {{ print (first (query \"up\")) }}",
            "{map[__name__:up job:b] 1} &{map[__name__:up job:b] 1}",
        ),
        (
            "{{ query \"bad\" }}",
            "error executing template __alert_Test: template: __alert_Test:1:115: executing \"__alert_Test\" at <query \"bad\">: error calling query: parse error",
        ),
        (
            "{{ nope }}",
            "error parsing template __alert_Test: template: __alert_Test:1: function \"nope\" not defined",
        ),
        (
            "{{ .Foo }}",
            "error executing template __alert_Test: template: __alert_Test:1:115: executing \"__alert_Test\" at <.Foo>: can't evaluate field Foo in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }",
        ),
        (
            "{{ label \"x\" nil }}",
            "error executing template __alert_Test: template: __alert_Test:1:115: executing \"__alert_Test\" at <label \"x\" nil>: error calling label: runtime error: invalid memory address or nil pointer dereference",
        ),
    ] {
        assert_eq!(alert(text), expected, "{text}");
    }
}

/// As in promtool's tests of rules.
#[test]
fn without_an_external_url_its_functions_fail() {
    let context = Context {
        external_url: None,
        ..context()
    };
    for name in ["externalURL", "pathPrefix"] {
        let text = format!("{{{{ {name} }}}}");
        let error = prometheus::expand(&text, &Value::Nil, &context).unwrap_err();
        let problem = format!(
            "<{name}>: error calling {name}: runtime error: invalid memory address or nil pointer dereference"
        );
        assert!(error.to_string().ends_with(&problem), "{error}");
    }
}

#[test]
fn console_pages() {
    let library = (
        "menu.lib".to_owned(),
        "{{ define \"row\" }}<td>{{ . }}</td>{{ end }}".to_owned(),
    );
    let page = "<a href=\"{{ graphLink \"up\" }}\">{{ \"<b>\" }}</a>{{ tmpl \"row\" \"<x>\" }}{{ \"<i>\" | safeHtml }}";
    let expanded = prometheus::expand_html(page, &Value::Nil, &context(), &[library]).unwrap();
    assert_eq!(
        expanded,
        "<a href=\"/graph?g0.expr=up&amp;g0.tab=0\">&lt;b&gt;</a><td>&lt;x&gt;</td><i>"
    );
    let bad = ("bad.lib".to_owned(), "{{".to_owned());
    let error = prometheus::expand_html("x", &Value::Nil, &context(), &[bad]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error parsing template files for __alert_Test: template: bad.lib:1: unclosed action"
    );
}
