//! The backup product's scenario, if the folder with its manifests lies beside the workspace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

use std::fs;
use std::path::{Path, PathBuf};

use diag::{Diagnostics, Source};
use manifest::{Compiled, ManifestText, Manifests, Options, compile, read};
use yaml::{Mapping, Value};

fn seeds() -> Option<PathBuf> {
    let folder = std::env::var_os("KEEPWATCH_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds"),
        |folder| Path::new(&folder).join("../seeds"),
    );
    if folder.is_dir() {
        return Some(folder);
    }
    println!("no seeds in {}", folder.display());
    None
}

fn compile_files(folder: &Path, names: &[&str]) -> (Manifests, Compiled) {
    let files = names.iter().map(|name| ManifestText {
        path: (*name).to_owned(),
        text: fs::read_to_string(folder.join(name)).unwrap(),
        default_namespace: "failed-ns".to_owned(),
    });
    let manifests = read(files);
    let compiled = compile(&manifests.objects, &Options::default());
    (manifests, compiled)
}

/// Alertmanager prints `continue: false` where the operator writes nothing.
fn route(config: &Value) -> Value {
    match config {
        Value::Mapping(map) => {
            let mut out = Mapping::new();
            for (key, value) in &map.0 {
                let is_default = key.as_str() == Some("continue") && *value == Value::Bool(false);
                if !is_default && !value.is_empty() {
                    out.0.push((key.clone(), route(value)));
                }
            }
            out.sort();
            Value::Mapping(out)
        }
        Value::Sequence(items) | Value::FlowSequence(items) => {
            Value::Sequence(items.iter().map(route).collect())
        }
        other => other.clone(),
    }
}

fn assert_route(seeds: &Path, compiled: &Compiled, expected: &str) {
    let text = fs::read_to_string(seeds.join("expected").join(expected)).unwrap();
    let node = yaml::parse(&Source::new(expected, text), &mut Diagnostics::new()).unwrap();
    let expected = Value::from_node(&node);
    let get = |value: &Value| match value {
        Value::Mapping(map) => route(map.get("route").unwrap()),
        _ => Value::Null,
    };
    let [alertmanager] = &compiled.alertmanagers[..] else {
        panic!("{:?}", compiled.decisions);
    };
    assert_eq!(
        yaml::to_text(&get(&alertmanager.config)),
        yaml::to_text(&get(&expected))
    );
}

#[test]
fn routing_grows_as_alertmanager_configs_are_applied() {
    let Some(seeds) = seeds() else { return };
    let folder = seeds.join("kasten");
    let mut files = vec![
        "stack-prometheus.yaml",
        "kasten-scrape-config.yaml",
        "kasten-rules.yaml",
        "failed-ns-workload.yaml",
        "failed-ns-policy.yaml",
        "networkpolicy-allow-monitoring.yaml",
    ];
    let (manifests, compiled) = compile_files(&folder, &files);
    assert!(
        manifests.diagnostics.is_empty(),
        "{:?}",
        manifests.diagnostics
    );
    assert_route(&seeds, &compiled, "kasten-routing-before.yaml");

    files.push("kasten-alerting-action-on-error.yaml");
    let (_, compiled) = compile_files(&folder, &files);
    assert_route(&seeds, &compiled, "kasten-routing-action-on-error.yaml");

    files.push("kasten-alerting-operating-kasten.yaml");
    let (_, compiled) = compile_files(&folder, &files);
    assert_route(&seeds, &compiled, "kasten-routing-complete.yaml");

    let [prometheus] = &compiled.prometheuses[..] else {
        panic!("one Prometheus")
    };
    let Value::Mapping(config) = &prometheus.config else {
        panic!("a section")
    };
    let Some(Value::Sequence(jobs)) = config.get("scrape_configs") else {
        panic!("jobs")
    };
    let names: Vec<&str> = jobs
        .iter()
        .filter_map(|job| match job {
            Value::Mapping(job) => job.get("job_name")?.as_str(),
            _ => None,
        })
        .collect();
    assert_eq!(
        names,
        [
            "scrapeConfig/kasten-io/k10-executor-discovery",
            "scrapeConfig/kasten-io/k10-http-service-discovery"
        ]
    );
    assert_eq!(prometheus.rule_files.len(), 1);

    let codes: Vec<&str> = compiled
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    assert_eq!(
        codes,
        [
            "receiver-without-integration",
            "receiver-without-integration",
            "alert-texts-repeated",
            "network-policy-excludes-prometheus"
        ]
    );
}
