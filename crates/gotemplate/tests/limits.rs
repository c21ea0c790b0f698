//! Hostile templates end with an error, within bounded time, memory and stack.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and say when cases are absent"
)]

use gotemplate::functions::alertmanager;
use gotemplate::{Flavour, Limits, Options, TemplateSet, Time, Value};

fn render(flavour: Flavour, text: &str) -> Result<String, String> {
    let options = Options {
        limits: Limits {
            output_bytes_max: 1 << 20,
            steps_max: 100_000,
            ..Limits::default()
        },
        ..Options::default()
    };
    let set = TemplateSet::new(flavour, alertmanager::functions(Time::ZERO), options);
    set.render(text, &Value::int(1))
        .map_err(|error| error.to_string())
}

fn error(text: &str) -> String {
    render(Flavour::Text, text).unwrap_err()
}

#[test]
fn endless_recursion() {
    let text = "{{ define \"r\" }}{{ if true }}{{ with . }}{{ template \"r\" . }}{{ end }}{{ end }}{{ end }}{{ template \"r\" . }}";
    assert!(
        error(text).contains("exceeded maximum template depth (250)"),
        "{}",
        error(text)
    );
    let html = render(Flavour::Html, text).unwrap_err();
    assert!(html.contains("exceeded maximum template depth"), "{html}");
}

#[test]
fn deep_nesting_in_the_text() {
    for (open, close) in [("{{ if 1 }}", "{{ end }}"), ("{{ range 1 }}", "{{ end }}")] {
        let text = format!("{}x{}", open.repeat(5000), close.repeat(5000));
        assert!(
            error(&text).contains("max expression depth exceeded"),
            "{}",
            error(&text)
        );
        let text = format!("{}x{}", open.repeat(99), close.repeat(99));
        assert_eq!(render(Flavour::Text, &text).unwrap(), "x");
        assert!(render(Flavour::Html, &text).is_ok() || open.contains("range"));
    }
    let text = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(error(&text).contains("max expression depth exceeded"));
    let text = format!(
        "{{{{ if 0 }}}}{}{{{{ end }}}}",
        "{{ else if 0 }}a".repeat(5000)
    );
    assert!(error(&text).contains("max expression depth exceeded"));
}

#[test]
fn long_chains_of_templates() {
    let mut text = String::from("{{ define \"t0\" }}x{{ end }}");
    for i in 1..2000 {
        text.push_str(&format!(
            "{{{{ define \"t{i}\" }}}}{{{{ template \"t{}\" }}}}{{{{ end }}}}",
            i - 1
        ));
    }
    text.push_str("{{ template \"t1999\" }}");
    assert!(error(&text).contains("exceeded maximum template depth"));
    let html = render(Flavour::Html, &text).unwrap_err();
    assert!(html.contains("nested too deeply"), "{html}");
}

#[test]
fn nested_loops_double_the_analysis_only_so_often() {
    let text = format!("{}x{}", "{{ range 1 }}".repeat(60), "{{ end }}".repeat(60));
    let html = render(Flavour::Html, &text).unwrap_err();
    assert!(html.contains("too complex to escape"), "{html}");
}

#[test]
fn long_loops() {
    assert!(error("{{ range 9223372036854775807 }}{{ end }}").contains("too many steps"));
    assert!(error("{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}").contains("too many steps"));
}

#[test]
fn expensive_calls() {
    let compiling = "{{ range 10000 }}{{ match \"\\\\pL{5}\" \"a\" }}{{ end }}";
    assert!(
        error(compiling).contains("too many steps"),
        "{}",
        error(compiling)
    );
    let copying =
        "{{ $x := printf \"%1000000d\" 1 }}{{ range 1000 }}{{ $y := toUpper $x }}{{ end }}";
    assert!(
        error(copying).contains("too many steps"),
        "{}",
        error(copying)
    );
}

#[test]
fn growing_values() {
    let doubling =
        "{{ $x := \"0123456789\" }}{{ range 64 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}";
    assert!(
        error(doubling).contains("the text is too long"),
        "{}",
        error(doubling)
    );
    let doubling = "{{ $x := list 1 }}{{ range 64 }}{{ $x = list $x $x }}{{ end }}{{ $x }}";
    assert!(error(doubling).contains("too"), "{}", error(doubling));
    let nesting = "{{ $x := list 1 }}{{ range 10000 }}{{ $x = list $x }}{{ end }}";
    assert!(
        error(nesting).contains("nested too deeply"),
        "{}",
        error(nesting)
    );
    let appending = "{{ $x := list }}{{ range 50000 }}{{ $x = append $x 1 }}{{ end }}";
    assert!(
        error(appending).contains("too many steps"),
        "{}",
        error(appending)
    );
    let replacing = "{{ $x := printf \"%100000d\" 1 }}{{ reReplaceAll \" \" $x $x }}";
    assert!(
        error(replacing).contains("the text is too long"),
        "{}",
        error(replacing)
    );
    assert!(error("{{ printf \"%1000000d%1000000d\" 1 1 }}").contains("the text is too long"));
    let output = "{{ range 1000 }}{{ printf \"%10000d\" 1 }}{{ end }}";
    assert!(
        error(output).contains("the output is too long"),
        "{}",
        error(output)
    );
}

#[test]
fn large_expressions() {
    assert!(error("{{ match \"((a{100}){100}){100}\" \"a\" }}").contains("too large"));
    let deep = format!("{{{{ match \"{}\" \"a\" }}}}", "(".repeat(10_000));
    assert!(error(&deep).contains("error parsing regexp"));
}

#[test]
fn route_labels_that_need_each_other() {
    let labels = [
        ("a", "{{ routeLabels \"b\" }}"),
        ("b", "{{ routeLabels \"a\" }}"),
    ];
    let labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned()));
    let data = gotemplate::data::alertmanager::Data {
        route_labels: gotemplate::data::alertmanager::Kv::new(labels.into()),
        ..Default::default()
    };
    let set = TemplateSet::new(
        Flavour::Text,
        alertmanager::functions(Time::ZERO),
        Options::default(),
    );
    let result = alertmanager::render(&set, "{{ routeLabels \"a\" }}", &data, Time::ZERO);
    let error = result.unwrap_err().to_string();
    assert!(
        error.contains("route label cycle detected: a -> b -> a"),
        "{error}"
    );
}
