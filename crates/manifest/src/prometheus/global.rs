//! The `global` section, limits, and what depends on both.

use std::collections::BTreeMap;

use model::Duration;
use yaml::{Mapping, Value};

use super::Generator;
use crate::problem::{Checked, Problem};
use crate::tree::Tree;
use crate::version::Numbers;

/// A limit of the workload or a job: name in the custom resource, in the configuration, in the
/// workload's enforcement, and since when jobs and the global section know it.
struct Limit {
    field: &'static str,
    key: &'static str,
    enforced: &'static str,
    since: Numbers,
    global_since: Numbers,
}

const LIMITS: [Limit; 6] = [
    Limit {
        field: "sampleLimit",
        key: "sample_limit",
        enforced: "enforcedSampleLimit",
        since: (0, 0, 0),
        global_since: (2, 45, 0),
    },
    Limit {
        field: "targetLimit",
        key: "target_limit",
        enforced: "enforcedTargetLimit",
        since: (2, 21, 0),
        global_since: (2, 45, 0),
    },
    Limit {
        field: "labelLimit",
        key: "label_limit",
        enforced: "enforcedLabelLimit",
        since: (2, 27, 0),
        global_since: (2, 45, 0),
    },
    Limit {
        field: "labelNameLengthLimit",
        key: "label_name_length_limit",
        enforced: "enforcedLabelNameLengthLimit",
        since: (2, 27, 0),
        global_since: (2, 45, 0),
    },
    Limit {
        field: "labelValueLengthLimit",
        key: "label_value_length_limit",
        enforced: "enforcedLabelValueLengthLimit",
        since: (2, 27, 0),
        global_since: (2, 45, 0),
    },
    Limit {
        field: "keepDroppedTargets",
        key: "keep_dropped_targets",
        enforced: "enforcedKeepDroppedTargets",
        since: (2, 47, 0),
        global_since: (2, 47, 0),
    },
];

impl Generator<'_> {
    /// `evaluation_interval` and what else only servers have is added by the caller.
    pub(super) fn global(&self) -> Mapping {
        let spec = self.spec;
        let mut out = Mapping::new();
        out.put("scrape_interval", spec.at("scrapeInterval").str());
        out.put_unless_empty("scrape_timeout", spec.at("scrapeTimeout").str());
        self.put_scrape_protocols(&mut out, spec);
        out.put("external_labels", self.external_labels());
        self.put_global_limits(&mut out);
        if let Some(file) = spec.at("scrapeFailureLogFile").text() {
            self.put_since(
                &mut out,
                (2, 55, 0),
                "scrape_failure_log_file",
                log_path(file),
            );
        }
        self.put_name_schemes(&mut out, spec);
        let histograms = [
            (
                "convertClassicHistogramsToNHCB",
                "convert_classic_histograms_to_nhcb",
                (3, 4, 0),
            ),
            (
                "scrapeClassicHistograms",
                "always_scrape_classic_histograms",
                (3, 5, 0),
            ),
            (
                "scrapeNativeHistograms",
                "scrape_native_histograms",
                (3, 8, 0),
            ),
        ];
        for (field, key, since) in histograms {
            self.copy_since(&mut out, since, key, spec.at(field));
        }
        out
    }

    fn external_labels(&self) -> Value {
        let spec = self.spec;
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |name: &str, value: String| {
            if !name.is_empty() {
                labels.insert(name.to_owned(), value);
            }
        };
        let name = spec
            .at("prometheusExternalLabelName")
            .text()
            .unwrap_or("prometheus");
        add(name, self.workload.id.key());
        add(self.replica_label(), "$(POD_NAME)".to_owned());
        let strategy = spec.at("shardingStrategy");
        if self.features.topology_sharding
            && strategy.at("mode").str() == "Topology"
            && strategy.at("topology").is_set()
        {
            let name = strategy
                .path(&["topology", "externalLabelName"])
                .text()
                .unwrap_or("zone");
            add(name, "$(TOPOLOGY_ZONE)".to_owned());
        }
        for (name, value) in spec.at("externalLabels").entries() {
            if labels.contains_key(name) {
                self.workload_warning(
                    "manifest-external-label-reserved",
                    format!("external label {name} is reserved and was left out"),
                );
            } else {
                labels.insert(name.to_owned(), value.str().to_owned());
            }
        }
        Value::Mapping(Mapping(
            labels
                .into_iter()
                .map(|(name, value)| (Value::from(name), Value::from(value)))
                .collect(),
        ))
    }

    /// Empty: replicas are not told apart.
    pub(super) fn replica_label(&self) -> &str {
        self.spec
            .at("replicaExternalLabelName")
            .text()
            .unwrap_or("prometheus_replica")
    }

    fn put_global_limits(&self, out: &mut Mapping) {
        let spec = self.spec;
        let body = spec.at("bodySizeLimit");
        if let Some(limit) = body.text().or(spec.at("enforcedBodySizeLimit").filled()) {
            self.put_since(out, (2, 45, 0), "body_size_limit", limit);
        }
        for limit in &LIMITS {
            let own = spec.at(limit.field).int().filter(|own| *own > 0);
            let enforced = spec
                .at(limit.enforced)
                .int()
                .filter(|enforced| *enforced > 0);
            let effective = match (own, enforced) {
                (Some(own), Some(enforced)) => own.min(enforced),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => continue,
            };
            self.put_since(out, limit.global_since, limit.key, effective);
        }
    }

    /// The limits of a job, none greater than the enforced one.
    pub(super) fn put_limits(&self, out: &mut Mapping, object_spec: Tree<'_>) {
        for limit in &LIMITS {
            let own = object_spec.at(limit.field).int();
            let enforced = self.spec.at(limit.enforced).int().unwrap_or(0);
            let effective = match own {
                _ if enforced == 0 => own,
                // The global section applies to jobs that say nothing.
                None | Some(0) if self.version.is_at_least((2, 45, 0)) => None,
                None | Some(0) => Some(enforced),
                Some(own) => Some(own.min(enforced)),
            };
            if let Some(effective) = effective {
                self.put_since(out, limit.since, limit.key, effective);
            }
        }
    }

    /// The smaller of the job's and the enforced body size.
    pub(super) fn put_body_size_limit(&self, out: &mut Mapping, own: Tree<'_>) {
        let own = own.filled();
        let enforced = self.spec.at("enforcedBodySizeLimit").filled();
        let effective = match (own, enforced) {
            (Some(own), Some(enforced)) if bytes(own) > bytes(enforced) => enforced,
            (Some(own), _) => own,
            (None, Some(enforced)) => enforced,
            (None, None) => return,
        };
        self.put_since(out, (2, 28, 0), "body_size_limit", effective);
    }

    pub(super) fn put_scrape_protocols(&self, out: &mut Mapping, owner: Tree<'_>) {
        let protocols = owner.at("scrapeProtocols").texts();
        if protocols.is_empty() {
            return;
        }
        let knows_text_1 = self.features.skip_version_checks
            || Some(&self.version) >= crate::version::Version::parse("3.0.0-rc.0").as_ref();
        let known: Vec<&str> = protocols
            .into_iter()
            .filter(|protocol| knows_text_1 || *protocol != "PrometheusText1.0.0")
            .collect();
        self.put_since(out, (2, 49, 0), "scrape_protocols", known);
    }

    pub(super) fn put_name_schemes(&self, out: &mut Mapping, owner: Tree<'_>) {
        if let Some(scheme) = owner.at("nameValidationScheme").text() {
            let scheme = scheme.to_lowercase();
            self.put_since(out, (3, 0, 0), "metric_name_validation_scheme", scheme);
        }
        let escaping = match owner.at("nameEscapingScheme").str() {
            "AllowUTF8" => "allow-utf-8",
            "Underscores" => "underscores",
            "Dots" => "dots",
            "Values" => "values",
            _ => return,
        };
        self.put_since(out, (3, 4, 0), "metric_name_escaping_scheme", escaping);
    }

    /// The histogram fields of a job.
    pub(super) fn put_histograms(&self, out: &mut Mapping, owner: Tree<'_>) {
        let copy = |out: &mut Mapping, since, key, field| {
            self.copy_since(out, since, key, owner.at(field));
        };
        copy(
            out,
            (3, 8, 0),
            "scrape_native_histograms",
            "scrapeNativeHistograms",
        );
        copy(
            out,
            (2, 45, 0),
            "native_histogram_bucket_limit",
            "nativeHistogramBucketLimit",
        );
        let factor = owner.at("nativeHistogramMinBucketFactor");
        if let Some(factor) = quantity(factor) {
            self.put_since(
                out,
                (2, 50, 0),
                "native_histogram_min_bucket_factor",
                factor,
            );
        }
        let (key, since) = match self.version.major() {
            3 => ("always_scrape_classic_histograms", (0, 0, 0)),
            _ => ("scrape_classic_histograms", (2, 45, 0)),
        };
        copy(out, since, key, "scrapeClassicHistograms");
        let convert = "convertClassicHistogramsToNHCB";
        copy(
            out,
            (3, 0, 0),
            "convert_classic_histograms_to_nhcb",
            convert,
        );
    }

    pub(super) fn put_honor_labels(&self, out: &mut Mapping, wish: Tree<'_>) {
        let is_overridden = self.spec.at("overrideHonorLabels").flag() == Some(true);
        out.put("honor_labels", wish.flag() == Some(true) && !is_overridden);
    }

    pub(super) fn put_honor_timestamps(&self, out: &mut Mapping, wish: Option<bool>) {
        let is_overridden = self.spec.at("overrideHonorTimestamps").flag() == Some(true);
        if wish.is_some() || is_overridden {
            let value = wish == Some(true) && !is_overridden;
            self.put_since(out, (2, 9, 0), "honor_timestamps", value);
        }
    }

    pub(super) fn put_fallback_protocol(
        &self,
        out: &mut Mapping,
        owner: Tree<'_>,
        class: Tree<'_>,
    ) {
        let own = owner.at("fallbackScrapeProtocol");
        let wish = if own.is_set() {
            own
        } else {
            class.at("fallbackScrapeProtocol")
        };
        self.copy_since(out, (3, 0, 0), "fallback_scrape_protocol", wish);
    }

    pub(super) fn check_scrape_timeout(&self) -> Checked {
        let timeout = self.spec.at("scrapeTimeout");
        check_timeout(timeout.str(), self.spec.at("scrapeInterval").str(), timeout)
    }
}

/// A bare file name is put into the folder for logs; a path stays.
pub(super) fn log_path(file: &str) -> String {
    if file.is_empty() || file.contains('/') {
        file.to_owned()
    } else {
        format!("/var/log/prometheus/{file}")
    }
}

/// A timeout must not exceed the interval. An absent timeout is fine.
pub(crate) fn check_timeout(timeout: &str, interval: &str, place: Tree<'_>) -> Checked {
    if timeout.is_empty() {
        return Ok(());
    }
    let parse = |name: &str, text: &str| {
        Duration::parse(text)
            .map_err(|error| Problem::at(place, format!("invalid {name} {text:?}: {error}")))
    };
    if parse("scrapeTimeout", timeout)? > parse("scrapeInterval", interval)? {
        let message = format!("scrapeTimeout {timeout:?} greater than scrapeInterval {interval:?}");
        return Err(Problem::at(place, message));
    }
    Ok(())
}

/// A byte size such as `512MB` or `1GiB`, all with powers of 1024; 0 if it is none.
fn bytes(text: &str) -> f64 {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let power = match unit.trim_end_matches('B').trim_end_matches('i') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        "E" => 6,
        _ => return 0.0,
    };
    let scale = (0..power).fold(1.0, |scale, _| scale * 1024.0);
    number.parse::<f64>().unwrap_or(0.0) * scale
}

/// A Kubernetes quantity as a number: `1.5`, `1500m`, `2k`.
pub(crate) fn quantity(field: Tree<'_>) -> Option<f64> {
    let text = field.text()?;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let scale = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        _ => return text.parse().ok(),
    };
    // Division keeps decimals exact where multiplication with a power of ten below one would not.
    Some(if scale < 1.0 {
        number / (1.0_f64 / scale).round()
    } else {
        number * scale
    })
}
