//! Folders of manifests, text in and decisions out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

use std::fs;
use std::path::Path;

use diag::render_line;
use manifest::{Compiled, ManifestText, Manifests, Options, compile, read};
use yaml::Value;

fn manifests(files: &[(&str, &str)]) -> Manifests {
    read(files.iter().map(|(path, text)| ManifestText {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
        default_namespace: "default".to_owned(),
    }))
}

fn compiled(text: &str) -> Compiled {
    let manifests = manifests(&[("cluster.yaml", text)]);
    assert!(
        manifests.diagnostics.is_empty(),
        "{:?}",
        manifests.diagnostics
    );
    compile(&manifests.objects, &Options::default())
}

/// One line for each decision that has a `by`, or that is about a workload.
fn decisions(compiled: &Compiled) -> Vec<String> {
    compiled
        .decisions
        .iter()
        .map(|decision| render_line(&decision.diagnostic()))
        .map(|line| line.trim_start_matches("cluster.yaml:").to_owned())
        .collect()
}

fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, key| match value {
        Value::Mapping(map) => map.get(key).unwrap_or(&Value::Null),
        Value::Sequence(items) => items
            .get(key.parse::<usize>().unwrap())
            .unwrap_or(&Value::Null),
        _ => &Value::Null,
    })
}

const PROMETHEUS: &str = "
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main, namespace: monitoring}
spec:
  scrapeConfigSelector: {matchLabels: {release: prom}}
  scrapeConfigNamespaceSelector: {matchLabels: {team: web}}
  ruleSelector: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: web}}
";

fn scrape_config(namespace: &str, labels: &str) -> String {
    format!(
        "---
apiVersion: monitoring.coreos.com/v1alpha1
kind: ScrapeConfig
metadata: {{name: sc, namespace: {namespace}, labels: {labels}}}
spec: {{staticConfigs: [{{targets: ['localhost:9100']}}]}}
"
    )
}

/// What is decided about one ScrapeConfig, without the place.
fn decision_about(namespace: &str, labels: &str) -> String {
    let compiled = compiled(&format!("{PROMETHEUS}{}", scrape_config(namespace, labels)));
    let lines = decisions(&compiled);
    let line = lines
        .into_iter()
        .find(|line| line.contains("ScrapeConfig"))
        .unwrap();
    line.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn an_object_is_selected_or_the_reason_says_what_to_change() {
    assert_eq!(
        decision_about("shop", "{release: prom}"),
        "ScrapeConfig shop/sc: selected (Prometheus monitoring/main)"
    );
    assert_eq!(
        decision_about("shop", "{}"),
        "ScrapeConfig shop/sc: not selected: label release=prom missing (Prometheus monitoring/main) \
         (add `release: prom` to metadata.labels (wanted by scrapeConfigSelector))"
    );
    assert_eq!(
        decision_about("shop", "{relase: prom}"),
        "ScrapeConfig shop/sc: not selected: label release=prom missing (Prometheus monitoring/main) \
         (rename the label `relase` to `release: prom` (wanted by scrapeConfigSelector))"
    );
    assert_eq!(
        decision_about("shop", "{release: other}"),
        "ScrapeConfig shop/sc: not selected: label release is \"other\", not \"prom\" (Prometheus \
         monitoring/main) (set `release: prom` in metadata.labels (wanted by scrapeConfigSelector))"
    );
    assert_eq!(
        decision_about("bank", "{release: prom}"),
        "ScrapeConfig bank/sc: not selected: the labels of namespace bank do not satisfy team=web \
         (Prometheus monitoring/main) (label namespace bank, or change scrapeConfigNamespaceSelector)"
    );
}

#[test]
fn an_absent_selector_selects_nothing_and_an_absent_namespace_selector_the_own_namespace() {
    let compiled = compiled(&format!(
        "{PROMETHEUS}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {{name: pm, namespace: monitoring}}
spec: {{selector: {{}}}}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: near, namespace: monitoring}}
spec: {{groups: [{{name: g, rules: [{{record: a:b, expr: up}}]}}]}}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: far, namespace: shop}}
spec: {{groups: []}}
"
    ));
    let lines = decisions(&compiled).join("\n");
    assert!(
        lines.contains("podMonitorSelector is not set, which selects nothing"),
        "{lines}"
    );
    assert!(
        lines.contains("PrometheusRule monitoring/near: selected"),
        "{lines}"
    );
    assert!(
        lines.contains("namespace shop is not the own namespace monitoring"),
        "{lines}"
    );
    let [prometheus] = &compiled.prometheuses[..] else {
        panic!("{lines}")
    };
    let [file] = &prometheus.rule_files[..] else {
        panic!("{lines}")
    };
    assert_eq!(
        file.path,
        "/etc/prometheus/rules/prometheus-main-rulefiles-0/monitoring-near.yaml"
    );
    assert_eq!(
        yaml::to_text(&file.content),
        "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n"
    );
    let globs = at(&prometheus.config, &["rule_files"]);
    assert!(matches!(globs, Value::Sequence(items) if items.len() == 3));
}

#[test]
fn without_a_prometheus_everything_is_selected_and_the_decision_says_so() {
    let compiled = compiled(&scrape_config("shop", "{}"));
    let lines = decisions(&compiled);
    assert_eq!(
        lines,
        [
            "4:18: ScrapeConfig shop/sc: selected because there is no Prometheus object that could choose"
        ]
    );
    let [prometheus] = &compiled.prometheuses[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(prometheus.object, None);
    let job = at(&prometheus.config, &["scrape_configs", "0", "job_name"]);
    assert_eq!(job.as_str(), Some("scrapeConfig/shop/sc"));
    assert_eq!(
        at(&prometheus.config, &["global", "scrape_interval"]).as_str(),
        Some("30s")
    );
}

#[test]
fn one_bad_object_is_rejected_alone() {
    let compiled = compiled(&format!(
        "{PROMETHEUS}{}
---
apiVersion: monitoring.coreos.com/v1alpha1
kind: ScrapeConfig
metadata: {{name: bad, namespace: shop, labels: {{release: prom}}}}
spec:
  basicAuth: {{username: {{name: login, key: user}}, password: {{name: login, key: pass}}}}
",
        scrape_config("shop", "{release: prom}")
    ));
    let lines = decisions(&compiled).join("\n");
    assert!(
        lines.contains(
            "ScrapeConfig shop/bad: rejected: basicAuth: failed to get basic auth username: unable to \
             get secret \"login\": not found in namespace \"shop\""
        ),
        "{lines}"
    );
    let [prometheus] = &compiled.prometheuses[..] else {
        panic!("{lines}")
    };
    let jobs = at(&prometheus.config, &["scrape_configs"]);
    assert!(matches!(jobs, Value::Sequence(jobs) if jobs.len() == 1));
}

#[test]
fn broken_documents_are_reported_with_their_place_and_the_others_count() {
    let manifests = manifests(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\nkind: [\n---\nkind: Pod\n",
        ),
        (
            "b.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
        ),
        (
            "c.yaml",
            "apiVersion: monitoring.coreos.com/v1\nkind: ScrapeConfig\nmetadata: {name: old}\n",
        ),
    ]);
    let names: Vec<String> = manifests
        .objects
        .iter()
        .map(|object| object.id.to_string())
        .collect();
    assert_eq!(
        names,
        [
            "Namespace a",
            "Deployment default/web",
            "ScrapeConfig default/old"
        ],
        "{:?}",
        manifests.diagnostics
    );
    let problems: Vec<String> = manifests.diagnostics.iter().map(render_line).collect();
    assert!(
        problems.iter().any(|line| line.starts_with("a.yaml:")),
        "{problems:?}"
    );
    let decisions: Vec<String> = manifests
        .decisions
        .iter()
        .map(|it| render_line(&it.diagnostic()))
        .collect();
    assert_eq!(
        decisions[1..],
        [
            "b.yaml:3:18: Deployment default/web: not used, nothing here reads its kind",
            "c.yaml:3:18: ScrapeConfig default/old: not used: API version monitoring.coreos.com/v1 is \
             not known (use apiVersion monitoring.coreos.com/v1alpha1)"
        ]
    );
}

#[test]
fn the_last_of_equal_objects_counts() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    let manifests = manifests(&[("1.yaml", text), ("2.yaml", text)]);
    assert_eq!(manifests.objects.len(), 1);
    assert_eq!(manifests.objects[0].source.name(), "2.yaml");
    let replaced = manifests.decisions.last().unwrap();
    assert_eq!(
        render_line(&replaced.diagnostic()),
        "1.yaml:3:18: Secret default/a: replaced by the object in 2.yaml"
    );
}

#[test]
fn an_alertmanager_config_is_merged_in_front_of_the_base() {
    let compiled = compiled(
        "
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: main, namespace: monitoring}
spec: {alertmanagerConfigSelector: {}, alertmanagerConfigNamespaceSelector: {}}
---
apiVersion: v1
kind: Secret
metadata: {name: alertmanager-main, namespace: monitoring}
stringData:
  alertmanager.yaml: |
    route: {receiver: all, routes: [{receiver: all, matchers: ['a=b']}]}
    receivers: [{name: all}]
  mail.tmpl: '{{ define \"x\" }}{{ end }}'
---
apiVersion: monitoring.coreos.com/v1beta1
kind: AlertmanagerConfig
metadata: {name: web, namespace: shop}
spec:
  route:
    receiver: hook
    matchers: [{name: severity, value: critical, matchType: =}]
    muteTimeIntervals: [nights]
  receivers:
  - name: hook
    webhookConfigs: [{url: 'http://hook.example:9099/alerts', sendResolved: true}]
  timeIntervals:
  - name: nights
    timeIntervals: [{times: [{startTime: '22:00', endTime: '24:00'}], weekdays: ['monday:friday']}]
",
    );
    let [alertmanager] = &compiled.alertmanagers[..] else {
        panic!("{:?}", decisions(&compiled))
    };
    assert_eq!(
        yaml::to_text(&alertmanager.config),
        "route:
  receiver: all
  routes:
  - receiver: shop/web/hook
    matchers:
    - severity=\"critical\"
    - namespace=\"shop\"
    continue: true
    mute_time_intervals:
    - shop/web/nights
  - receiver: all
    matchers:
    - a=b
receivers:
- name: all
- name: shop/web/hook
  webhook_configs:
  - send_resolved: true
    url: http://hook.example:9099/alerts
mute_time_intervals:
- name: shop/web/nights
  time_intervals:
  - times:
    - start_time: \"22:00\"
      end_time: \"24:00\"
    weekdays: ['monday:friday']
templates: []
"
    );
    assert_eq!(alertmanager.templates[0].0, "mail.tmpl");
}

#[test]
fn a_missing_base_configuration_is_replaced_and_the_decision_says_by_what() {
    let alertmanager = |name: &str| {
        compiled(&format!(
            "
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {{name: {name}, namespace: m}}
spec: {{alertmanagerConfigSelector: {{}}}}
"
        ))
    };
    let own = alertmanager("main");
    assert!(decisions(&own)[0].contains(
        "secret m/alertmanager-main does not exist: used the built-in default of the operator"
    ));
    assert_eq!(
        at(&own.alertmanagers[0].config, &["route", "group_by"]),
        &Value::Null
    );
    let chart = alertmanager("x-kube-prometheus-stack-alertmanager");
    assert!(decisions(&chart)[0].contains("used the built-in default of kube-prometheus-stack"));
    let group = at(&chart.alertmanagers[0].config, &["route", "group_by", "0"]);
    assert_eq!(group.as_str(), Some("namespace"));
}

#[test]
fn a_route_that_can_never_match_is_named() {
    let compiled = compiled(
        "
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: r, namespace: kasten-io}
spec:
  groups:
  - {name: g, rules: [{alert: Down, expr: up == 0, labels: {namespace: kasten-io}}]}
---
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata: {name: c, namespace: shop}
spec:
  route: {receiver: r, matchers: [{name: alertname, value: Down, matchType: =}]}
  receivers: [{name: r}]
",
    );
    let lines: Vec<String> = compiled.diagnostics.iter().map(render_line).collect();
    assert_eq!(
        lines,
        [
            "cluster.yaml:14:22: AlertmanagerConfig shop/c: receiver r has no integration, so nobody is \
             notified (add an integration, such as webhookConfigs or emailConfigs)",
            "cluster.yaml:13:35: AlertmanagerConfig shop/c: its route takes alerts of namespace shop \
             only, and Down always has namespace kasten-io (remove the label `namespace` from the rule, \
             or move the object there)"
        ]
    );
}

#[test]
fn the_example_folder_compiles_without_errors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kasten");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    paths.sort();
    let manifests = read(paths.iter().map(|path| ManifestText {
        path: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
        default_namespace: "default".to_owned(),
    }));
    let compiled = compile(&manifests.objects, &Options::default());
    assert!(manifests.diagnostics.is_empty());
    let unused: Vec<_> = manifests
        .decisions
        .iter()
        .chain(&compiled.decisions)
        .filter(|decision| !decision.outcome.is_in_use())
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
    let codes: Vec<&str> = compiled
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    assert_eq!(
        codes,
        [
            "receiver-without-integration",
            "receiver-without-integration"
        ]
    );
    let [prometheus] = &compiled.prometheuses[..] else {
        panic!("one Prometheus")
    };
    assert!(
        matches!(at(&prometheus.config, &["scrape_configs"]), Value::Sequence(jobs) if jobs.len() == 2)
    );
    let [alertmanager] = &compiled.alertmanagers[..] else {
        panic!("one Alertmanager")
    };
    let routes = at(&alertmanager.config, &["route", "routes"]);
    assert!(matches!(routes, Value::Sequence(routes) if routes.len() == 3));
}
