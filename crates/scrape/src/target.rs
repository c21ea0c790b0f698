//! Targets: discovered labels, relabelled and checked.

use std::collections::BTreeMap;
use std::fmt;

use model::labels::{INSTANCE, JOB};
use model::relabel::{self, Step};
use model::{Duration, Labels, LabelsBuilder};

use crate::config::PoolConfig;
use crate::refusal::TargetRefusal;
use crate::url::{UrlParts, check_address};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM_PREFIX: &str = "__param_";
const META_PREFIX: &str = "__meta_";
const RESERVED_PREFIX: &str = "__";
const UNIX_SOCKET: &str = "__unix_socket__";
const NATIVE_HISTOGRAMS: &str = "__scrape_native_histograms__";
const CLASSIC_HISTOGRAMS: &str = "__always_scrape_classic_histograms__";
const CONVERT_TO_NHCB: &str = "__convert_classic_histograms_to_nhcb__";

/// What discovery gives: targets with labels in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetGroup {
    /// Names the group for people: a file, a namespace and object.
    pub source: String,
    /// Labels of all targets; a target's own label of the same name wins.
    pub labels: Labels,
    pub targets: Vec<Labels>,
}

/// A target to scrape.
#[derive(Clone, PartialEq)]
pub struct Target {
    /// After relabelling, with internal labels.
    all_labels: Labels,
    /// The labels that its series get.
    labels: Labels,
    url: String,
    interval: Duration,
    timeout: Duration,
    histograms: HistogramSwitches,
}

/// How histograms of a target are read; labels can change what the job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistogramSwitches {
    pub(crate) scrape_native: bool,
    pub(crate) always_classic: bool,
    pub(crate) convert_to_nhcb: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.url, self.labels)
    }
}

impl Target {
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// After relabelling, internal labels included.
    pub fn all_labels(&self) -> &Labels {
        &self.all_labels
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn histograms(&self) -> HistogramSwitches {
        self.histograms
    }

    pub(crate) fn unix_socket(&self) -> Option<&str> {
        self.all_labels.get(UNIX_SOCKET)
    }

    /// Tells targets apart, and spreads their scrapes over the interval. The same as the peer's, so that
    /// a swap keeps the times at which targets are scraped.
    pub fn hash(&self) -> u64 {
        let text = format!("{:016}{}", self.all_labels.xxhash(), self.url);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

/// What becomes of a discovered target.
#[derive(Clone, Debug)]
pub enum Resolution {
    Target(Box<Target>),
    Refused(TargetRefusal),
}

/// The labels of a discovered target before relabelling: its own, its group's, and the job's defaults.
pub fn discovered_labels(config: &PoolConfig, target: &Labels, group: &Labels) -> Labels {
    let mut labels = group.to_builder();
    for (name, value) in target {
        labels.set(name, value);
    }
    let defaults = [
        (JOB, config.job_name.clone()),
        (INTERVAL, config.interval.to_string()),
        (TIMEOUT, config.timeout.to_string()),
        (METRICS_PATH, config.metrics_path.clone()),
        (SCHEME, config.scheme.clone()),
        (
            CONVERT_TO_NHCB,
            config.convert_classic_histograms_to_nhcb.to_string(),
        ),
        (
            CLASSIC_HISTOGRAMS,
            config.always_scrape_classic_histograms.to_string(),
        ),
        (
            NATIVE_HISTOGRAMS,
            config.scrape_native_histograms.to_string(),
        ),
    ];
    for (name, value) in defaults {
        if !labels.contains(name) {
            labels.set(name, value);
        }
    }
    for (name, values) in &config.params {
        let name = format!("{PARAM_PREFIX}{name}");
        if let Some(value) = values.first()
            && !labels.contains(&name)
        {
            labels.set(name, value.as_str());
        }
    }
    labels.build()
}

/// Relabels a discovered target and checks the result.
pub fn resolve(config: &PoolConfig, discovered: &Labels) -> Resolution {
    match try_resolve(config, discovered) {
        Ok(target) => Resolution::Target(Box::new(target)),
        Err(refusal) => Resolution::Refused(refusal),
    }
}

/// What every relabelling rule did to a target.
pub fn relabel_steps(config: &PoolConfig, discovered: &Labels) -> Vec<Step> {
    relabel::trace(&config.relabel, discovered)
}

fn try_resolve(config: &PoolConfig, discovered: &Labels) -> Result<Target, TargetRefusal> {
    let mut labels = discovered.to_builder();
    relabel::apply_to_builder(&config.relabel, &mut labels)
        .map_err(|rule| TargetRefusal::DroppedByRelabelling { rule })?;
    let address = labels.get(ADDRESS).to_owned();
    if address.is_empty() && labels.get(UNIX_SOCKET).is_empty() {
        return Err(TargetRefusal::NoAddress);
    }
    check_address(&address).map_err(|_| TargetRefusal::InvalidAddress(address.clone()))?;
    let (interval, timeout) = times(&labels)?;
    let histograms = HistogramSwitches {
        scrape_native: switch(&labels, NATIVE_HISTOGRAMS)?
            .unwrap_or(config.scrape_native_histograms),
        always_classic: switch(&labels, CLASSIC_HISTOGRAMS)?
            .unwrap_or(config.always_scrape_classic_histograms),
        convert_to_nhcb: switch(&labels, CONVERT_TO_NHCB)?
            .unwrap_or(config.convert_classic_histograms_to_nhcb),
    };
    labels.retain(|name| !name.starts_with(META_PREFIX));
    if !labels.contains(INSTANCE) {
        labels.set(INSTANCE, address.as_str());
    }
    let url = url(config, &labels);
    let all_labels = labels.build();
    let labels = all_labels.filtered(|name| !name.starts_with(RESERVED_PREFIX));
    if labels.is_empty() {
        return Err(TargetRefusal::NoLabels);
    }
    Ok(Target {
        all_labels,
        labels,
        url,
        interval,
        timeout,
        histograms,
    })
}

fn times(labels: &LabelsBuilder) -> Result<(Duration, Duration), TargetRefusal> {
    let (interval_text, timeout_text) = (labels.get(INTERVAL), labels.get(TIMEOUT));
    let interval = Duration::parse(interval_text)
        .map_err(|error| TargetRefusal::InvalidInterval(error.to_string()))?;
    if interval.is_zero() {
        return Err(TargetRefusal::ZeroInterval);
    }
    let timeout = Duration::parse(timeout_text)
        .map_err(|error| TargetRefusal::InvalidTimeout(error.to_string()))?;
    if timeout.is_zero() {
        return Err(TargetRefusal::ZeroTimeout);
    }
    if timeout > interval {
        return Err(TargetRefusal::TimeoutAboveInterval {
            timeout: timeout_text.to_owned(),
            interval: interval_text.to_owned(),
        });
    }
    Ok((interval, timeout))
}

/// A label that holds a boolean as Go reads it; `None` if it is not there.
fn switch(labels: &LabelsBuilder, label: &'static str) -> Result<Option<bool>, TargetRefusal> {
    match labels.get(label) {
        "" => Ok(None),
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Some(true)),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Some(false)),
        value => Err(TargetRefusal::InvalidSwitch {
            label,
            value: value.to_owned(),
        }),
    }
}

/// `__param_<name>` labels replace the first value of the parameter.
fn url(config: &PoolConfig, labels: &LabelsBuilder) -> String {
    let mut params: BTreeMap<String, Vec<String>> = config.params.clone();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix(PARAM_PREFIX) else {
            continue;
        };
        let values = params.entry(name.to_owned()).or_default();
        match values.first_mut() {
            Some(first) => value.clone_into(first),
            None => values.push(value.to_owned()),
        }
    }
    let parts = UrlParts {
        scheme: labels.get(SCHEME),
        host: match labels.get(ADDRESS) {
            "" => "localhost",
            address => address,
        },
        path: labels.get(METRICS_PATH),
        params: &params,
    };
    parts.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::pattern::Pattern;
    use model::relabel::{Action, RelabelConfig};

    fn rule(action: Action, source: &str, regex: &str) -> RelabelConfig {
        let mut rule = RelabelConfig::new(action);
        rule.source_labels = vec![source.to_owned()];
        rule.regex = Pattern::new(regex).unwrap();
        rule
    }

    fn resolved(config: &PoolConfig, labels: &[(&str, &str)]) -> Result<Target, TargetRefusal> {
        let target = Labels::from_pairs(labels.iter().copied());
        try_resolve(
            config,
            &discovered_labels(config, &target, &Labels::empty()),
        )
    }

    #[test]
    fn labels_and_url_of_a_target() {
        let mut config = PoolConfig::new("node");
        config
            .params
            .insert("module".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        let mut address = rule(Action::Replace, "__meta_ip", "(.+)");
        address.target_label = "__address__".to_owned();
        address.replacement = "$1:9100".to_owned();
        config.relabel = vec![address];
        let target = resolved(
            &config,
            &[
                ("__meta_ip", "10.0.0.1"),
                ("zone", "x"),
                ("__param_module", "c"),
            ],
        )
        .unwrap();
        assert_eq!(
            target.labels().to_string(),
            r#"{instance="10.0.0.1:9100", job="node", zone="x"}"#
        );
        assert_eq!(
            target.url(),
            "http://10.0.0.1:9100/metrics?module=c&module=b"
        );
        assert_eq!(target.interval(), Duration::from_secs(60));
    }

    #[test]
    fn refusals() {
        let config = PoolConfig::new("node");
        let text = |labels: &[(&str, &str)]| resolved(&config, labels).unwrap_err().to_string();
        assert_eq!(text(&[("a", "b")]), "no address");
        assert_eq!(
            text(&[("__address__", "http://x/y")]),
            r#""http://x/y" is not a valid hostname"#
        );
        assert_eq!(
            text(&[("__address__", "x"), ("__scrape_interval__", "5s")]),
            r#"scrape timeout cannot be greater than scrape interval ("10s" > "5s")"#
        );
        assert_eq!(
            text(&[("__address__", "x"), ("__scrape_interval__", "0")]),
            "scrape interval cannot be 0"
        );
        let mut dropping = PoolConfig::new("node");
        dropping.relabel = vec![
            rule(Action::Keep, "job", "node"),
            rule(Action::Drop, "__address__", "x"),
        ];
        assert_eq!(
            resolved(&dropping, &[("__address__", "x")]),
            Err(TargetRefusal::DroppedByRelabelling { rule: 1 })
        );
    }
}
