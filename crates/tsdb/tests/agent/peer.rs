//! One folder, used in turn by us and by the real Prometheus in agent mode. Runs where `prometheus` is installed.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use testkit::process::{Peer, get, is_installed, until};
use tsdb::agent::{AgentOptions, Cut};
use tsdb::{Agent, RealDisk};

use super::support::{commit, content, resolve};

const CONFIG: &str = "
global: {scrape_interval: 1s}
scrape_configs:
- job_name: itself
  static_configs: [{targets: ['ADDRESS']}]
";

/// The value of a metric on a page of metrics.
fn value(page: &str, name: &str) -> Option<f64> {
    let mut lines = page.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.parse().ok()
}

fn agent(folder: &Path) -> Agent {
    let options = AgentOptions::new(folder.join("data"), Arc::new(RealDisk));
    let (agent, report) = Agent::open(options).unwrap();
    assert_eq!(report.repair, None);
    assert_eq!(report.samples_without_series, 0);
    agent
}

fn prometheus(folder: &Path) -> Peer {
    let mut command = Command::new("prometheus");
    command.current_dir(folder).args([
        "--enable-feature=agent",
        "--config.file=prometheus.yml",
        "--storage.agent.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--web.enable-lifecycle",
    ]);
    Peer::start("prometheus", command)
}

#[test]
fn the_peer_goes_on_with_our_folder_and_we_with_its() {
    if !is_installed("prometheus") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ours = agent(folder);
    for time in [1000, 2000, 3000] {
        commit(&ours, &[("one", time), ("two", time)]);
        let cut = Cut {
            time_min: 1500,
            expired_before: i64::MIN,
            unsent_from: None,
        };
        ours.truncate(&cut).unwrap();
    }
    let known = resolve(&ours, "two");
    ours.close().unwrap();
    drop(ours);

    std::fs::write(folder.join("prometheus.yml"), "{}\n").unwrap();
    let peer = prometheus(folder);
    let config = CONFIG.replace("ADDRESS", &peer.address);
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    let page = get(&peer.address, "/metrics").body;
    assert_eq!(value(&page, "prometheus_agent_active_series"), Some(2.0));
    assert_eq!(
        value(&page, "prometheus_agent_corruptions_total"),
        Some(0.0)
    );
    testkit::process::post(&peer.address, "/-/reload", "");
    until("samples of the peer", Duration::from_secs(30), || {
        let page = get(&peer.address, "/metrics").body;
        match value(
            &page,
            "prometheus_agent_samples_appended_total{type=\"float\"}",
        ) {
            Some(appended) if appended > 300.0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    peer.stop();

    let ours = agent(folder);
    assert_eq!(resolve(&ours, "two"), known);
    assert!(ours.stats().series > 200, "{:?}", ours.stats());
    let content = content(&RealDisk, &folder.join("data"));
    assert_eq!(content.samples["{__name__=\"two\"}"], [2000, 3000]);
    let up = "{__name__=\"up\", instance=";
    assert!(content.samples.keys().any(|labels| labels.starts_with(up)));
    let report = commit(&ours, &[("two", 2000), ("two", 4000)]);
    assert_eq!(report.appended, 1);
}
