//! The functions around compilation: conversion, admission, web configuration, schemas, enforcement.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use diag::{Diagnostics, Source, render_line};
use manifest::{
    AlertmanagerConfigVersion, Enforcement, ManifestText, Object, Options, RuleFormat, RuleOptions,
    Tree, Version, answer_rule_validation, check_schema, compile, convert_alertmanager_config,
    enforce_namespace, fit_to_version, pack_rules, read, rule_file, rule_patch, web_config,
};
use promql::ParserOptions;
use yaml::Node;

fn parse(text: &str) -> Node {
    yaml::parse(&Source::new("in.yaml", text), &mut Diagnostics::new()).unwrap()
}

fn object(text: &str) -> Object {
    let source = Source::new("in.yaml", text);
    let node = yaml::parse(&source, &mut Diagnostics::new()).unwrap();
    Object::from_node(&source, node, "default").unwrap()
}

const RULE: &str = "apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: r, namespace: shop}
spec:
  groups:
  - name: g
    labels: {team: a}
    rules:
    - alert: A
      expr: up == 0
      labels: {severity: 1}
    - record: a:b
      expr: sum(up{namespace=\"x\"})
";

#[test]
fn matchers_and_intervals_change_their_form_between_versions() {
    let node = parse(
        "apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
spec:
  muteTimeIntervals: []
  route:
    matchers: [{name: a, value: b, regex: true}]
    routes: [{matchers: [{name: c, value: d}]}]
",
    );
    let new =
        convert_alertmanager_config(Tree::of(&node), AlertmanagerConfigVersion::V1Beta1).unwrap();
    assert_eq!(
        yaml::to_text(&new),
        "apiVersion: monitoring.coreos.com/v1beta1
kind: AlertmanagerConfig
spec:
  timeIntervals: []
  route:
    matchers:
    - name: a
      value: b
      matchType: =~
    routes:
    - matchers:
      - name: c
        value: d
        matchType: =
"
    );
    let typo = parse(
        "{apiVersion: monitoring.coreos.com/v1alpha1, spec: {route: {routes: [{reciever: x}]}}}",
    );
    let refused = convert_alertmanager_config(Tree::of(&typo), AlertmanagerConfigVersion::V1Beta1);
    assert_eq!(
        refused.unwrap_err().message,
        "route[0]: unknown field \"reciever\""
    );
}

#[test]
fn rules_are_written_for_the_version_and_the_enforced_label_is_everywhere() {
    let enforcement = Enforcement::new("namespace", Tree::default());
    let old = Version::new(2, 55, 0);
    let options = RuleOptions {
        format: RuleFormat::Prometheus,
        version: &old,
        parser: ParserOptions::default(),
        enforcement: &enforcement,
    };
    let rule = object(RULE);
    assert_eq!(
        yaml::to_text(&rule_file(&rule, &options).unwrap()),
        "groups:
- name: g
  rules:
  - alert: A
    expr: up{namespace=\"shop\"} == 0
    labels:
      namespace: shop
      severity: \"1\"
  - record: a:b
    expr: sum(up{namespace=\"shop\"})
    labels:
      namespace: shop
"
    );
    let spared = parse("[{resource: prometheusrules, namespace: shop, name: r}]");
    let spared = Enforcement::new("namespace", Tree::of(&spared));
    assert_eq!(
        enforce_namespace(&rule, &spared).unwrap(),
        rule.root().value()
    );
}

#[test]
fn a_review_names_every_bad_rule_with_its_place() {
    let bad = object(RULE);
    let review = parse(
        "{apiVersion: v1, kind: AdmissionReview, request: {uid: u, resource: {group: monitoring.coreos.com, resource: prometheusrules}}}",
    );
    let version = Version::new(2, 55, 0);
    let options = RuleOptions {
        format: RuleFormat::Prometheus,
        version: &version,
        parser: ParserOptions::default(),
        enforcement: &Enforcement::default(),
    };
    let number = yaml::to_text(&answer_rule_validation(Tree::of(&review), &bad, &options));
    assert!(
        number.contains("cannot unmarshal number into Go struct field"),
        "{number}"
    );
    let texts = object(
        &RULE
            .replace("severity: 1", "severity: x")
            .replace("up == 0", "up ==")
            .replace("a:b", "a b"),
    );
    let answer = yaml::to_text(&answer_rule_validation(Tree::of(&review), &texts, &options));
    assert!(
        answer.contains("7:11: group \"g\", rule 1, \"A\""),
        "{answer}"
    );
    assert!(answer.contains("rule 2, \"a b\""), "{answer}");
}

#[test]
fn numbers_in_labels_are_patched_to_texts() {
    assert_eq!(
        yaml::to_text(&rule_patch(&object(RULE))),
        "- op: replace
  path: /spec/groups/0/rules/0/labels/severity
  value: \"1\"
- op: add
  path: /metadata/annotations
  value:
    prometheus-operator-validated: \"true\"
"
    );
}

#[test]
fn certificates_are_named_where_they_are_mounted() {
    let tls =
        parse("{cert: {configMap: {name: c, key: tls.crt}}, keySecret: {name: s, key: tls.key}}");
    let config = web_config(Tree::of(&tls), Tree::default(), "/etc/web");
    assert_eq!(
        yaml::to_text(&config),
        "tls_server_config:
  cert_file: /etc/web/configmap/c-cert/tls.crt
  key_file: /etc/web/secret/s-key/tls.key
"
    );
}

#[test]
fn rule_files_fill_folders_in_order() {
    let sizes = [
        ("b".to_owned(), 3),
        ("a".to_owned(), 3),
        ("c".to_owned(), 2),
    ];
    let folders = pack_rules(&sizes, "prometheus-x", 5);
    let shown: Vec<String> = folders
        .iter()
        .map(|folder| format!("{}: {}", folder.name, folder.files.join(",")))
        .collect();
    assert_eq!(
        shown,
        [
            "prometheus-x-rulefiles-0: a",
            "prometheus-x-rulefiles-1: b,c"
        ]
    );
}

#[test]
fn an_old_alertmanager_gets_no_fields_it_does_not_know() {
    let fit = |text: &str, minor| {
        let fitted = fit_to_version("alertmanagerConfig", text, &Version::new(0, minor, 0));
        fitted
            .map(|value| yaml::to_text(&value))
            .map_err(|problem| problem.message)
    };
    let text = "route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a, slack_configs: [{timeout: 60s}]}]\n";
    assert_eq!(
        fit(text, 30).unwrap(),
        "route:\n  receiver: a\nreceivers:\n- name: a\n  slack_configs:\n  - timeout: 1m\ntemplates: []\n"
    );
    assert!(!fit(text, 29).unwrap().contains("timeout"));
    assert_eq!(
        fit("receivers: [{name: a, slack_config: []}]", 30).unwrap_err(),
        "receivers: field slack_config not found in type receiver, did you mean slack_configs?"
    );
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scrapeconfigs.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ScrapeConfig}
  versions:
  - name: v1alpha1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: '!has(self.a) || !has(self.b)', message: a and b exclude each other}
            properties:
              a: {type: string, pattern: '^[a-z]+$'}
              b: {x-kubernetes-int-or-string: true}
              sampleLimit: {type: integer, minimum: 0}
              list: {type: array, x-kubernetes-list-type: set, items: {type: string, enum: [one, two]}}
";

fn schema_problems(spec: &str) -> Vec<String> {
    let object = object(&format!(
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: ScrapeConfig\nmetadata: {{name: s}}\nspec: {spec}\n"
    ));
    let definition = parse(DEFINITION);
    let report = check_schema(&object, Tree::of(&definition)).unwrap();
    let unknown = report.unknown.iter().map(render_line);
    report
        .problems
        .into_iter()
        .map(|problem| problem.message)
        .chain(unknown)
        .collect()
}

#[test]
fn an_object_is_checked_as_an_api_server_would() {
    assert_eq!(
        schema_problems("{a: x, sampleLimit: 3, list: [one, two]}"),
        Vec::<String>::new()
    );
    assert_eq!(
        schema_problems("{a: X}"),
        ["spec.a: \"X\" does not match ^[a-z]+$"]
    );
    assert_eq!(
        schema_problems("{a: 1}"),
        ["spec.a: must be of type string"]
    );
    assert_eq!(
        schema_problems("{sampleLimit: -1}"),
        ["spec.sampleLimit: -1 is too small"]
    );
    assert_eq!(
        schema_problems("{a: x, b: 1}"),
        ["spec: a and b exclude each other"]
    );
    assert_eq!(
        schema_problems("{list: [one, one, six]}"),
        [
            "spec.list[1]: is given twice",
            "spec.list[2]: \"six\" is none of one, two"
        ]
    );
    assert_eq!(
        schema_problems("{sampleLimt: 1}"),
        [
            "in.yaml:4:20: ScrapeConfig default/s: unknown field spec.sampleLimt, an API server drops it \
          (did you mean `sampleLimit`?)"
        ]
    );
}

#[test]
fn a_definition_in_the_folder_keeps_bad_objects_out() {
    let text = format!(
        "{DEFINITION}---
apiVersion: monitoring.coreos.com/v1alpha1
kind: ScrapeConfig
metadata: {{name: s}}
spec: {{sampleLimit: many}}
"
    );
    let manifests = read([ManifestText {
        path: "in.yaml".to_owned(),
        text,
        default_namespace: "default".to_owned(),
    }]);
    let compiled = compile(&manifests.objects, &Options::default());
    let lines: Vec<String> = compiled
        .decisions
        .iter()
        .map(|it| render_line(&it.diagnostic()))
        .collect();
    assert_eq!(
        lines,
        [
            "in.yaml:30:21: ScrapeConfig default/s: rejected: spec.sampleLimit: must be of type integer"
        ]
    );
    assert!(compiled.prometheuses.is_empty());
}

#[test]
fn hostile_input_ends_in_a_problem() {
    let deep = format!(
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {{name: d}}\nspec: {{route: {}{}}}\n",
        "{receiver: r, routes: [".repeat(200),
        "]}".repeat(200)
    );
    let many = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {shards: 2147483647, version: [x]}\n";
    let manifests = read(
        [deep.as_str(), many, "\u{0}", "- - - -", "{", "kind: {}"].map(|text| ManifestText {
            path: "in.yaml".to_owned(),
            text: text.to_owned(),
            default_namespace: String::new(),
        }),
    );
    let compiled = compile(&manifests.objects, &Options::default());
    assert!(compiled.prometheuses.is_empty());
    assert!(
        compiled
            .decisions
            .iter()
            .any(|it| it.outcome.to_string().contains("more than 10000 shards")),
        "{:?}",
        compiled.decisions
    );
    assert!(
        manifests.diagnostics.len() >= 3,
        "{:?}",
        manifests.diagnostics
    );
}

#[test]
fn the_selection_follows_labels_of_objects_and_namespaces() {
    let namespaces = "
apiVersion: v1
kind: Namespace
metadata: {name: mon, labels: {env: infra}}
---
apiVersion: v1
kind: Namespace
metadata: {name: dev, labels: {env: dev}}
";
    let objects = [
        ("mon", "one", "{app: x}"),
        ("dev", "two", "{app: x}"),
        ("dev", "three", "{}"),
        ("bare", "four", "{app: y}"),
    ];
    let configs: String = objects
        .iter()
        .map(|(namespace, name, labels)| {
            format!("---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}\nspec: {{selector: {{}}}}\n")
        })
        .collect();
    let selected = |selector: &str, namespace_selector: &str| {
        let text = format!(
            "{namespaces}{configs}---\napiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {{name: p, namespace: mon}}\nspec: {{podMonitorSelector: {selector}, podMonitorNamespaceSelector: {namespace_selector}}}\n"
        );
        let manifests = read([ManifestText {
            path: "in.yaml".to_owned(),
            text,
            default_namespace: String::new(),
        }]);
        let compiled = compile(&manifests.objects, &Options::default());
        let selected = compiled
            .decisions
            .into_iter()
            .filter(|it| it.object.kind == "PodMonitor" && it.outcome.is_in_use());
        selected
            .map(|decision| decision.object.name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(selected("null", "{}"), "");
    assert_eq!(selected("{}", "null"), "one");
    assert_eq!(selected("{}", "{}"), "four three two one");
    assert_eq!(selected("{matchLabels: {app: x}}", "{}"), "two one");
    assert_eq!(
        selected("{matchLabels: {app: x}}", "{matchLabels: {env: dev}}"),
        "two"
    );
    assert_eq!(
        selected(
            "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
            "{}"
        ),
        "three"
    );
    assert_eq!(
        selected(
            "{}",
            "{matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}"
        ),
        "four one"
    );
}
