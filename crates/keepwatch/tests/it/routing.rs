//! The routing tree that the Kasten manifests make, step by step, as the Alertmanager page shows it.

use std::fs;
use std::path::Path;

use testkit::process::{Page, PageServer};

use crate::support::{serve, shared_dir};

const FAILED_NS: &str = "kasten-alerting-action-on-error.yaml";
const KASTEN_IO: &str = "kasten-alerting-operating-kasten.yaml";

#[test]
fn before_any_alertmanager_config() {
    is_as_expected(&[], "kasten-routing-before.yaml");
}

#[test]
fn with_the_config_of_one_application() {
    is_as_expected(&[FAILED_NS], "kasten-routing-action-on-error.yaml");
}

#[test]
fn with_both_configs() {
    is_as_expected(&[FAILED_NS, KASTEN_IO], "kasten-routing-complete.yaml");
}

/// Serves a copy of the manifests with only these AlertmanagerConfigs.
fn is_as_expected(configs: &[&str], expected: &str) {
    let Some(shared) = shared_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let manifests = dir.path().join("manifests");
    fs::create_dir(&manifests).unwrap();
    copy_manifests(&shared.join("seeds/kasten"), &manifests, configs);
    // Discovery asks here instead of outside.
    let discovery = PageServer::start(|_| Page::ok("application/json", "[]"));
    let server = serve(
        dir.path(),
        &[
            "-f",
            "manifests",
            "-n",
            "failed-ns",
            "--resolve",
            &format!(
                "metering-svc.kasten-io.svc.cluster.local:8000={}",
                discovery.address()
            ),
        ],
    );
    let status = server.json("/api/v2/status");
    let config = status["config"]["original"].as_str().unwrap();
    let expected = fs::read_to_string(shared.join("seeds/expected").join(expected)).unwrap();
    assert_eq!(
        route_section(config),
        route_section(&expected),
        "in\n{config}"
    );
    assert_eq!(status["cluster"]["status"], "disabled");
}

fn copy_manifests(from: &Path, to: &Path, configs: &[&str]) {
    for entry in fs::read_dir(from).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("kasten-alerting-") || configs.contains(&name) {
            fs::copy(&file, to.join(name)).unwrap();
        }
    }
    for config in configs {
        assert!(
            to.join(config).exists(),
            "there is no {config} in {}",
            from.display()
        );
    }
}

/// The lines from `route:` to the next key at the margin.
fn route_section(text: &str) -> String {
    let lines = text.lines().skip_while(|line| *line != "route:");
    let section = lines
        .enumerate()
        .take_while(|(at, line)| *at == 0 || line.starts_with([' ', '-']));
    section.map(|(_, line)| format!("{line}\n")).collect()
}
