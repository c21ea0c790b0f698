//! What all parts of the generation share: the workload, its version, and the values behind references.

use std::cell::RefCell;

use diag::{Diagnostic, Diagnostics};
use yaml::{Mapping, Value};

use crate::assets::Assets;
use crate::check::{check_authorization, check_relabelings, check_tls_files};
use crate::object::Object;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::version::{Numbers, Version};

/// What the operator of release 0.93 deploys if `spec.version` is absent.
pub const DEFAULT_PROMETHEUS_VERSION: Version = Version::new(3, 13, 2);

/// Far more than anyone runs; rules that list all shards must stay small.
const SHARDS_MAX: i64 = 10_000;

/// Behaviour of the operator that flags and feature gates switch.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches with the operator's names"
)]
pub struct Features {
    /// The cluster has EndpointSlices.
    pub endpoint_slices: bool,
    /// One pod per node, which scrapes only its own node.
    pub daemon_set: bool,
    pub topology_sharding: bool,
    pub shard_retention: bool,
    /// Pods carry the zone of their node as a label.
    pub pod_topology_labels: bool,
    /// TLS material is written into the configuration instead of beside it.
    pub inline_tls: bool,
    /// Fields are written whatever the version.
    pub skip_version_checks: bool,
}

/// The version in a Prometheus object; only 2.x and 3.x can be served.
pub(crate) fn prometheus_version(workload: &Object) -> Checked<Version> {
    let field = workload.spec().at("version");
    let Some(text) = field.filled() else {
        return Ok(DEFAULT_PROMETHEUS_VERSION);
    };
    let refuse = |why: &str| Problem::at(field, format!("{why} {text:?}"));
    let version =
        Version::parse(text).ok_or_else(|| refuse("failed to parse Prometheus version"))?;
    if !matches!(version.major(), 2 | 3) {
        return Err(refuse("unsupported Prometheus version"));
    }
    Ok(version)
}

/// Generates for one Prometheus or PrometheusAgent.
#[derive(Debug)]
pub(crate) struct Generator<'a> {
    pub(crate) workload: &'a Object,
    pub(crate) spec: Tree<'a>,
    pub(crate) version: Version,
    pub(crate) features: Features,
    pub(crate) assets: &'a Assets,
    classes: Vec<Tree<'a>>,
    /// Fields left out because of the version.
    dropped: RefCell<Diagnostics>,
}

impl<'a> Generator<'a> {
    /// Fails on a version that cannot be served and on scrape classes that contradict each other.
    pub(crate) fn new(
        workload: &'a Object,
        assets: &'a Assets,
        features: Features,
    ) -> Checked<Self> {
        let spec = workload.spec();
        let version = prometheus_version(workload)?;
        let shards = spec.at("shards");
        if shards.int().is_some_and(|shards| shards > SHARDS_MAX) {
            return Err(Problem::at(
                shards,
                format!("more than {SHARDS_MAX} shards"),
            ));
        }
        let classes: Vec<Tree<'a>> = spec.at("scrapeClasses").items().collect();
        check_classes(&classes, &version)?;
        Ok(Self {
            workload,
            spec,
            version,
            features,
            assets,
            classes,
            dropped: RefCell::default(),
        })
    }

    /// Whether the version is at least `numbers`, or versions do not matter.
    pub(crate) fn supports(&self, numbers: Numbers) -> bool {
        self.features.skip_version_checks || self.version.is_at_least(numbers)
    }

    /// Writes the field if the version knows it, else notes that it was dropped.
    pub(crate) fn put_since(
        &self,
        map: &mut Mapping,
        since: Numbers,
        key: &str,
        value: impl Into<Value>,
    ) {
        if self.supports(since) {
            map.put(key, value);
        } else {
            self.drop_field(key, since);
        }
    }

    /// As [`Self::put_since`], with the value as it stands; absent fields are skipped.
    pub(crate) fn copy_since(&self, map: &mut Mapping, since: Numbers, key: &str, field: Tree<'_>) {
        if field.is_set() {
            self.put_since(map, since, key, field.value());
        }
    }

    pub(crate) fn drop_field(&self, key: &str, (major, minor, patch): Numbers) {
        let message = format!(
            "{}: field {key} left out, Prometheus {} does not know it",
            self.workload.id, self.version
        );
        let diagnostic = Diagnostic::warning("manifest-field-too-new", message)
            .at(&self.workload.source, self.workload.place())
            .hint(format!("it needs at least version {major}.{minor}.{patch}"));
        self.dropped.borrow_mut().push(diagnostic);
    }

    pub(super) fn workload_warning(&self, code: &'static str, message: String) {
        let message = format!("{}: {message}", self.workload.id);
        let diagnostic =
            Diagnostic::warning(code, message).at(&self.workload.source, self.workload.place());
        self.dropped.borrow_mut().push(diagnostic);
    }

    pub(crate) fn take_warnings(&self) -> Diagnostics {
        self.dropped.take()
    }

    /// At least 1.
    pub(crate) fn shards(&self) -> i64 {
        self.spec.at("shards").int().unwrap_or(1).max(1)
    }

    /// The class named by the object, or the default one; absent if there is neither.
    pub(crate) fn scrape_class(&self, object_spec: Tree<'_>) -> Tree<'a> {
        let name = object_spec.at("scrapeClass").text();
        let named = name.and_then(|name| {
            self.classes
                .iter()
                .rev()
                .find(|class| class.at("name").str() == name)
        });
        let default = || {
            self.classes
                .iter()
                .find(|class| class.at("default").flag() == Some(true))
        };
        named.or_else(default).copied().unwrap_or_default()
    }
}

fn check_classes(classes: &[Tree<'_>], version: &Version) -> Checked {
    let mut has_default = false;
    for class in classes {
        let name = class.at("name").str();
        check_relabelings(class.at("relabelings"), version).within(
            format!("invalid relabelings for scrapeClass {name}"),
            *class,
        )?;
        check_relabelings(class.at("metricRelabelings"), version).within(
            format!("invalid metric relabelings for scrapeClass {name}"),
            *class,
        )?;
        check_tls_files(class.at("tlsConfig"))
            .within(format!("invalid TLS config for scrapeClass {name}"), *class)?;
        check_authorization(class.at("authorization")).within(
            format!("invalid authorization for scrapeClass {name}"),
            *class,
        )?;
        if class.at("default").flag() == Some(true) {
            if has_default {
                return Err(Problem::at(
                    *class,
                    "multiple default scrape classes defined",
                ));
            }
            has_default = true;
        }
    }
    Ok(())
}
