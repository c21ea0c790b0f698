//! `check service-discovery`: the targets of a job, as discovery finds them, before and after relabelling.

use std::time::Duration;

use config::prometheus::{Mode, ScrapeConfig};
use discovery::{ProviderTask, Snapshot, TargetGroup};
use model::Labels;
use scrape::target::discovered_labels;
use scrape::{Resolution, TargetRefusal, resolve};
use serde_json::{Value, json};
use server::pieces::RealFiles;

use super::config::read_config;
use crate::console::{Console, Outcome};

/// Runs the discovery of a job until every mechanism has given a list, or the time is over, and prints the
/// targets as JSON.
pub fn check_discovery(
    console: &mut Console<'_>,
    file: &str,
    job: &str,
    timeout: Duration,
) -> Outcome {
    match find(console, file, job, timeout) {
        Ok(targets) => {
            // Arrays of strings always print; as the peer's, without a line end.
            let text = serde_json::to_string_pretty(&targets).unwrap_or_default();
            let _ = write!(console.out, "{text}");
            Outcome::Success
        }
        Err(problem) => {
            console.problem(problem);
            Outcome::Failed
        }
    }
}

fn find(
    console: &mut Console<'_>,
    file: &str,
    name: &str,
    timeout: Duration,
) -> Result<Vec<Value>, String> {
    let config =
        read_config(file, Mode::Server).map_err(|error| format!("Cannot load config {error}"))?;
    let jobs = config
        .all_scrape_configs(&RealFiles)
        .map_err(|error| format!("Cannot load scrape configs {}", error.peer_text()))?;
    let Some(job) = jobs.iter().find(|job| job.job_name == name) else {
        let mut text = format!("Job {name} not found. Select one of:");
        for job in &jobs {
            text += &format!("\n\t{}", job.job_name);
        }
        return Err(text);
    };
    let (providers, problems) = server::pieces::providers(job);
    for problem in problems {
        console.problem(problem);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("starting the async runtime: {error}"))?;
    let snapshots = runtime.block_on(async {
        let tasks: Vec<ProviderTask> = providers.into_iter().map(discovery::start).collect();
        let deadline = tokio::time::Instant::now() + timeout;
        let mut snapshots = Vec::new();
        for task in &tasks {
            let mut receiver = task.snapshots();
            let complete = receiver.wait_for(|snapshot| snapshot.is_complete);
            // What has come until the end is shown.
            let _ = tokio::time::timeout_at(deadline, complete).await;
            snapshots.push(receiver.borrow().clone());
        }
        snapshots
    });
    for refusal in snapshots
        .iter()
        .filter_map(|snapshot| snapshot.refusal.as_ref())
    {
        console.problem(refusal);
    }
    Ok(targets(&snapshots, job))
}

fn targets(snapshots: &[Snapshot], job: &ScrapeConfig) -> Vec<Value> {
    let pool = server::pieces::pool(job);
    let mut found: Vec<Value> = Vec::new();
    let groups = snapshots.iter().flat_map(|snapshot| &snapshot.groups);
    for group in groups {
        let group: &TargetGroup = group;
        for target in &group.targets {
            let discovered = discovered_labels(&pool, target, &group.labels);
            let mut shown = json!({ "discoveredLabels": discovered.to_map(), "labels": {} });
            match resolve(&pool, &discovered) {
                Resolution::Target(target) => {
                    let labels: &Labels = target.all_labels();
                    shown["labels"] = json!(labels.to_map());
                }
                // The peer shows these as targets without labels.
                Resolution::Refused(TargetRefusal::DroppedByRelabelling { .. }) => {}
                Resolution::Refused(refusal) => shown["error"] = refusal.to_string().into(),
            }
            if !found.contains(&shown) {
                found.push(shown);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, job: &str) -> (Outcome, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        std::fs::write(dir.path().join("a.json"), r#"[{"targets": ["b:2"]}]"#).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let file = file.display().to_string();
        let outcome = check_discovery(&mut console, &file, job, Duration::from_secs(30));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (outcome, text(out), text(err))
    }

    const CONFIG: &str = "scrape_configs:\n- job_name: j\n  static_configs: [{targets: [a, c]}]\n  \
        file_sd_configs: [{files: [a.json]}]\n  relabel_configs: [{source_labels: [__address__], regex: c, action: drop}]\n";

    #[test]
    fn targets_come_from_all_mechanisms() {
        let (outcome, out, err) = check(CONFIG, "j");
        assert_eq!((outcome, err.as_str()), (Outcome::Success, ""));
        let targets: Value = serde_json::from_str(&out).unwrap();
        let instances: Vec<_> = targets
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["labels"]["instance"].clone())
            .collect();
        assert_eq!(instances, [json!("a"), Value::Null, json!("b:2")]);
        assert_eq!(targets[0]["discoveredLabels"]["__scheme__"], "http");
    }

    #[test]
    fn an_unknown_job_lists_the_known_ones() {
        let (outcome, _, err) = check(CONFIG, "x");
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(err, "Job x not found. Select one of:\n\tj\n");
        let (_, _, err) = check("scrape_configs: 1\n", "x");
        assert!(
            err.starts_with("Cannot load config parsing YAML file "),
            "{err}"
        );
    }
}
