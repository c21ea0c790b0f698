//! Whether discovered targets can be scraped, or alerts be sent to them.

use config::prometheus::{AlertmanagerClient, ScrapeConfig};
use discovery::TargetGroup;
use model::format::go_quote;
use model::relabel;
use scrape::target::discovered_labels;
use scrape::{Resolution, TargetRefusal, resolve};

/// The first target that a job could not scrape, in the peer's words.
pub(super) fn check_for_job(groups: &[TargetGroup], job: &ScrapeConfig) -> Result<(), String> {
    let pool = server::pieces::pool(job);
    for group in groups {
        for (at, target) in group.targets.iter().enumerate() {
            let discovered = discovered_labels(&pool, target, &group.labels);
            match resolve(&pool, &discovered) {
                // Left out on purpose.
                Resolution::Target(_)
                | Resolution::Refused(
                    TargetRefusal::DroppedByRelabelling { .. }
                    | TargetRefusal::NoLabels
                    | TargetRefusal::Duplicate,
                ) => {}
                Resolution::Refused(refusal) => {
                    return Err(format!(
                        "instance {at} in group {}: {refusal}",
                        group.source
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The first target to which no alerts could be sent.
pub(super) fn check_for_alertmanager(
    groups: &[TargetGroup],
    client: &AlertmanagerClient,
) -> Result<(), String> {
    for group in groups {
        for target in group.merged() {
            let mut labels = target.to_builder();
            labels.set("__scheme__", client.scheme.as_str());
            labels.set("__alerts_path__", client.path_prefix.as_str());
            if relabel::apply_to_builder(&client.relabel_configs.rules, &mut labels).is_err() {
                continue;
            }
            let address = labels.get("__address__");
            if address.contains('/') {
                return Err(format!("{} is not a valid hostname", go_quote(address)));
            }
        }
    }
    Ok(())
}
