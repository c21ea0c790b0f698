//! Parts of the Prometheus configuration that are read and checked, and have no effect yet. Each is a
//! warning at start and reload and a reason, so that nobody waits for what does not come.

use config::prometheus::Config;
use diag::Reason;

/// A part of the configuration without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartNotBuilt {
    /// The key in the file.
    pub(crate) part: &'static str,
    /// What does not happen because of it.
    effect: &'static str,
}

impl std::fmt::Display for PartNotBuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has no effect yet: {}", self.part, self.effect)
    }
}

impl Reason for PartNotBuilt {
    fn code(&self) -> &'static str {
        "config-part-not-built"
    }
}

/// The parts that the configuration uses and that nothing here acts on.
pub(crate) fn parts(config: &Config) -> Vec<PartNotBuilt> {
    let jobs = &config.scrape_configs;
    let candidates = [
        (
            !config.remote_write.is_empty(),
            "remote_write",
            "samples are not sent to other servers",
        ),
        (
            !config.remote_read.is_empty(),
            "remote_read",
            "queries read the local samples only",
        ),
        (
            !config.tracing.endpoint.is_empty(),
            "tracing",
            "no traces are sent",
        ),
        (
            jobs.iter()
                .any(|job| !job.scrape_failure_log_file.is_empty()),
            "scrape_failure_log_file",
            "failed scrapes are in /api/keepwatch/v1/reasons and in the log",
        ),
    ];
    let used = candidates.into_iter().filter(|(is_used, ..)| *is_used);
    used.map(|(_, part, effect)| PartNotBuilt { part, effect })
        .collect()
}
