//! From a set of objects to configurations, with a decision about every object.

use std::collections::BTreeMap;

use diag::{Diagnostics, Source};
use yaml::{Mapping, Value};

use crate::alertmanager::{self, Builder};
use crate::assets::{AssetFile, Assets};
use crate::decision::{Decision, Outcome};
use crate::diagnose;
use crate::enforcement::Enforcement;
use crate::expressions::parser_options;
use crate::object::{Kind, Object, ObjectRef};
use crate::problem::{Checked, Problem, Within};
use crate::prometheus::{
    Additional, Features, Jobs, Mode, PrometheusInput, RULES_FOLDER, check_selected, generate,
    prometheus_version,
};
use crate::rules::{RULES_BYTES_MAX, RuleFormat, RuleOptions, pack_rules, rule_file};
use crate::schema_check::check_schema;
use crate::select::{Choice, Namespaces};
use crate::tree::Tree;
use crate::version::Version;

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub features: Features,
}

impl Default for Options {
    /// A current cluster with the operator's default feature gates.
    fn default() -> Self {
        let features = Features {
            endpoint_slices: true,
            topology_sharding: true,
            ..Features::default()
        };
        Self { features }
    }
}

/// Everything that was made.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    pub prometheuses: Vec<CompiledPrometheus>,
    pub alertmanagers: Vec<CompiledAlertmanager>,
    /// At least one for every object of the kinds that are read.
    pub decisions: Vec<Decision>,
    /// What is valid but will not do what its author wants, and fields that were left out.
    pub diagnostics: Diagnostics,
}

#[derive(Clone, Debug)]
pub struct CompiledPrometheus {
    /// `None`: no Prometheus object was given, so everything was used.
    pub object: Option<ObjectRef>,
    pub mode: Mode,
    pub version: Version,
    /// The tree of `prometheus.yaml`. Its `rule_files` match the paths of `rule_files` below.
    pub config: Value,
    pub rule_files: Vec<RuleFile>,
    /// TLS files, named in the configuration below `/etc/prometheus/certs`.
    pub files: Vec<AssetFile>,
}

#[derive(Clone, Debug)]
pub struct RuleFile {
    /// The absolute path at which the operator mounts it.
    pub path: String,
    pub content: Value,
    /// The PrometheusRule that it was made of.
    pub object: ObjectRef,
}

#[derive(Clone, Debug)]
pub struct CompiledAlertmanager {
    /// `None`: no Alertmanager object was given, so everything was used.
    pub object: Option<ObjectRef>,
    pub version: Version,
    /// The tree of `alertmanager.yaml`.
    pub config: Value,
    /// Other keys of the Secret with the base configuration: templates in `/etc/alertmanager/config`.
    pub templates: Vec<(String, Vec<u8>)>,
    /// TLS files, named in the configuration below `/etc/alertmanager/certs`.
    pub files: Vec<AssetFile>,
}

/// The kinds that a Prometheus selects, with its fields.
const SELECTED: [(Kind, &str, &str); 5] = [
    (
        Kind::ServiceMonitor,
        "serviceMonitorSelector",
        "serviceMonitorNamespaceSelector",
    ),
    (
        Kind::PodMonitor,
        "podMonitorSelector",
        "podMonitorNamespaceSelector",
    ),
    (Kind::Probe, "probeSelector", "probeNamespaceSelector"),
    (
        Kind::ScrapeConfig,
        "scrapeConfigSelector",
        "scrapeConfigNamespaceSelector",
    ),
    (
        Kind::PrometheusRule,
        "ruleSelector",
        "ruleNamespaceSelector",
    ),
];

/// Stands in where objects ask for a Prometheus and none is given: it selects everything, and adds no
/// external labels because there is nothing that it could be told apart from.
const STAND_IN_PROMETHEUS: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: keepwatch, namespace: default}
spec:
  scrapeInterval: 30s
  evaluationInterval: 30s
  prometheusExternalLabelName: ''
  replicaExternalLabelName: ''
  serviceMonitorSelector: {}
  serviceMonitorNamespaceSelector: {}
  podMonitorSelector: {}
  podMonitorNamespaceSelector: {}
  probeSelector: {}
  probeNamespaceSelector: {}
  scrapeConfigSelector: {}
  scrapeConfigNamespaceSelector: {}
  ruleSelector: {}
  ruleNamespaceSelector: {}
";

const STAND_IN_ALERTMANAGER: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: keepwatch, namespace: default}
spec:
  alertmanagerConfigSelector: {}
  alertmanagerConfigNamespaceSelector: {}
";

/// Compiles all workloads among the objects. Never fails: what cannot be used is in the decisions, and a
/// workload without a usable configuration is left out with the decision that says why.
pub fn compile(objects: &[Object], options: &Options) -> Compiled {
    let mut out = Compiled::default();
    let definitions: Vec<&Object> = objects
        .iter()
        .filter(|object| object.id.kind == "CustomResourceDefinition")
        .collect();
    let usable: Vec<&Object> = objects
        .iter()
        .filter(|object| object.is_readable() && fits_schema(object, &definitions, &mut out))
        .collect();
    let mut compiler = Compiler {
        namespaces: Namespaces::new(usable.iter().copied()),
        assets: Assets::new(usable.iter().copied()),
        objects: usable,
        options,
        out,
    };
    compiler.prometheuses();
    compiler.alertmanagers();
    compiler
        .out
        .diagnostics
        .extend(diagnose::diagnose(objects, &compiler.out.decisions));
    compiler.out
}

/// Whether an API server with these definitions would store the object. Without a definition of its kind
/// every object is taken.
fn fits_schema(object: &Object, definitions: &[&Object], out: &mut Compiled) -> bool {
    let mut reports = definitions
        .iter()
        .filter_map(|it| check_schema(object, it.root()));
    let Some(report) = reports.next() else {
        return true;
    };
    report
        .unknown
        .into_iter()
        .for_each(|unknown| out.diagnostics.push(unknown));
    let Some(first) = report.problems.first() else {
        return true;
    };
    let messages: Vec<&str> = report
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let outcome = Outcome::Rejected {
        message: messages.join("; "),
        span: first.span,
    };
    out.decisions.push(Decision::new(object, None, outcome));
    false
}

struct Compiler<'a> {
    objects: Vec<&'a Object>,
    namespaces: Namespaces,
    assets: Assets,
    options: &'a Options,
    out: Compiled,
}

/// A workload that selects. The stand-in is not an object of the user's, so decisions do not name it.
#[derive(Clone, Copy)]
struct Workload<'a> {
    object: &'a Object,
    is_stand_in: bool,
}

impl<'a> Compiler<'a> {
    fn of_kind(&self, kind: Kind) -> Vec<&'a Object> {
        let mut found: Vec<&Object> = self
            .objects
            .iter()
            .copied()
            .filter(|object| object.kind == kind)
            .collect();
        found.sort_by_key(|object| object.id.key());
        found
    }

    fn prometheuses(&mut self) {
        let mut workloads = self.of_kind(Kind::Prometheus);
        workloads.extend(self.of_kind(Kind::PrometheusAgent));
        for object in &workloads {
            self.prometheus(Workload {
                object,
                is_stand_in: false,
            });
        }
        let wants_one = SELECTED
            .iter()
            .any(|(kind, ..)| !self.of_kind(*kind).is_empty());
        if workloads.is_empty()
            && wants_one
            && let Some(object) = stand_in(STAND_IN_PROMETHEUS)
        {
            self.prometheus(Workload {
                object: &object,
                is_stand_in: true,
            });
        }
    }

    fn prometheus(&mut self, workload: Workload<'_>) {
        if workload.object.spec().at("paused").flag() == Some(true) {
            self.decide(workload.object, None, Outcome::Paused);
            return;
        }
        match self.compile_prometheus(workload) {
            Ok(compiled) => {
                if !workload.is_stand_in {
                    self.decide(workload.object, None, Outcome::Compiled);
                }
                self.out.prometheuses.push(compiled);
            }
            Err(problem) => self.fail(workload, problem),
        }
    }

    fn fail(&mut self, workload: Workload<'_>, problem: Problem) {
        let Problem { message, span } = problem;
        self.decide(workload.object, None, Outcome::Failed { message, span });
    }

    fn decide(&mut self, object: &Object, by: Option<&Object>, outcome: Outcome) {
        self.out.decisions.push(Decision::new(object, by, outcome));
    }

    /// Selects and checks the objects of one kind; notes a decision about each.
    fn select(
        &mut self,
        workload: Workload<'_>,
        (kind, selector, namespaces): (Kind, &'static str, &'static str),
        check: impl Fn(&Self, &'a Object) -> Checked,
    ) -> Checked<Vec<&'a Object>> {
        let choice = Choice::read(workload.object, selector, namespaces)?;
        let mut selected = Vec::new();
        for object in self.of_kind(kind) {
            let mut outcome = choice.decide(object, &self.namespaces);
            if outcome == Outcome::Selected {
                match check(self, object) {
                    Ok(()) => selected.push(object),
                    Err(Problem { message, span }) => outcome = Outcome::Rejected { message, span },
                }
            }
            if workload.is_stand_in && outcome == Outcome::Selected {
                let missing = if kind == Kind::AlertmanagerConfig {
                    "Alertmanager"
                } else {
                    "Prometheus"
                };
                outcome = Outcome::SelectedByDefault { missing };
            }
            let by = (!workload.is_stand_in).then_some(workload.object);
            self.decide(object, by, outcome);
        }
        Ok(selected)
    }

    fn compile_prometheus(&mut self, workload: Workload<'_>) -> Checked<CompiledPrometheus> {
        let object = workload.object;
        let mode = Mode::of(object);
        let version = prometheus_version(object)?;
        let mut chosen: BTreeMap<Kind, Vec<&Object>> = BTreeMap::new();
        for fields in SELECTED {
            if fields.0 == Kind::PrometheusRule {
                continue;
            }
            let selected = self.select(workload, fields, |compiler, selected| {
                check_selected(object, selected, &compiler.assets)
            })?;
            chosen.insert(fields.0, selected);
        }
        let mut rule_files = Vec::new();
        let mut rule_folders = Vec::new();
        if mode == Mode::Server {
            (rule_files, rule_folders) = self.rules(workload, &version)?;
        }
        let mut take = |kind| chosen.remove(&kind).unwrap_or_default();
        let input = PrometheusInput {
            mode,
            workload: object,
            jobs: Jobs {
                service_monitors: take(Kind::ServiceMonitor),
                pod_monitors: take(Kind::PodMonitor),
                probes: take(Kind::Probe),
                scrape_configs: take(Kind::ScrapeConfig),
            },
            assets: &self.assets,
            additional: self.additional(object)?,
            rule_folders,
            features: self.options.features,
        };
        let generated = generate(&input)?;
        self.out.diagnostics.extend(generated.warnings);
        Ok(CompiledPrometheus {
            object: (!workload.is_stand_in).then(|| object.id.clone()),
            mode,
            version,
            config: generated.config,
            rule_files,
            files: generated.files,
        })
    }

    fn additional(&self, workload: &Object) -> Checked<Additional> {
        let read = |field: &str| {
            let selector = workload.spec().at(field);
            if !selector.is_set() {
                return Ok(None);
            }
            self.assets
                .secret_key(workload.namespace(), selector)
                .within(field, selector)
                .map(Some)
        };
        Ok(Additional {
            scrape_configs: read("additionalScrapeConfigs")?,
            alert_relabel_configs: read("additionalAlertRelabelConfigs")?,
            alertmanager_configs: read("additionalAlertManagerConfigs")?,
        })
    }

    /// The rule files, and the folders that hold them.
    fn rules(
        &mut self,
        workload: Workload<'_>,
        version: &Version,
    ) -> Checked<(Vec<RuleFile>, Vec<String>)> {
        let spec = workload.object.spec();
        let enforcement = Enforcement::of_workload(spec);
        let options = RuleOptions {
            format: RuleFormat::Prometheus,
            version,
            parser: parser_options(spec),
            enforcement: &enforcement,
        };
        let selected = self.select(workload, SELECTED[4], |_, object| {
            rule_file(object, &options).map(drop)
        })?;
        let mut files: BTreeMap<String, (Value, ObjectRef)> = BTreeMap::new();
        for object in selected {
            let content = rule_file(object, &options)?;
            files.insert(rule_file_name(object), (content, object.id.clone()));
        }
        let sizes: Vec<(String, usize)> = files
            .iter()
            .map(|(name, (content, _))| (name.clone(), yaml::to_text(content).len()))
            .collect();
        let prefix = format!("prometheus-{}", workload.object.name());
        let folders = pack_rules(&sizes, &prefix, RULES_BYTES_MAX);
        let mut written = Vec::new();
        for folder in &folders {
            for name in &folder.files {
                if let Some((content, object)) = files.remove(name) {
                    let path = format!("{RULES_FOLDER}/{}/{name}", folder.name);
                    written.push(RuleFile {
                        path,
                        content,
                        object,
                    });
                }
            }
        }
        // The operator always names three folders, so that a new one does not restart pods.
        let count = folders.len().max(3);
        let names = (0..count)
            .map(|at| format!("{prefix}-rulefiles-{at}"))
            .collect();
        Ok((written, names))
    }

    fn alertmanagers(&mut self) {
        let workloads = self.of_kind(Kind::Alertmanager);
        for object in &workloads {
            self.alertmanager(Workload {
                object,
                is_stand_in: false,
            });
        }
        if workloads.is_empty()
            && !self.of_kind(Kind::AlertmanagerConfig).is_empty()
            && let Some(object) = stand_in(STAND_IN_ALERTMANAGER)
        {
            self.alertmanager(Workload {
                object: &object,
                is_stand_in: true,
            });
        }
    }

    fn alertmanager(&mut self, workload: Workload<'_>) {
        if workload.object.spec().at("paused").flag() == Some(true) {
            self.decide(workload.object, None, Outcome::Paused);
            return;
        }
        match self.compile_alertmanager(workload) {
            Ok(compiled) => {
                if !workload.is_stand_in {
                    self.decide(workload.object, None, Outcome::Compiled);
                }
                self.out.alertmanagers.push(compiled);
            }
            Err(problem) => self.fail(workload, problem),
        }
    }

    fn compile_alertmanager(&mut self, workload: Workload<'_>) -> Checked<CompiledAlertmanager> {
        let object = workload.object;
        let version = alertmanager::version_of(object)?;
        let spec = object.spec();
        let global = spec.at("alertmanagerConfiguration");
        let mut templates = Vec::new();
        let mut base_text = String::new();
        if !global.is_set() {
            let base = alertmanager::base(object, &self.assets);
            if !workload.is_stand_in {
                self.decide(object, None, base.outcome);
            }
            (base_text, templates) = (base.text, base.files);
        }
        let config = if spec.at("alertmanagerConfigSelector").is_set() || global.is_set() {
            let assets = std::mem::take(&mut self.assets);
            let merged = self.merge(workload, &assets, &version, (global, &base_text));
            self.assets = assets;
            merged?
        } else {
            // Without a selector the user's text is used as it stands.
            self.select(workload, AMC_FIELDS, |_, _| Ok(()))?;
            parse_base(&base_text)?
        };
        Ok(CompiledAlertmanager {
            object: (!workload.is_stand_in).then(|| object.id.clone()),
            version,
            config,
            templates,
            files: self.assets.take_files(),
        })
    }

    fn merge(
        &mut self,
        workload: Workload<'_>,
        assets: &Assets,
        version: &Version,
        (global, base_text): (Tree<'_>, &str),
    ) -> Checked<Value> {
        let object = workload.object;
        let name = global.at("name").str();
        let is_global =
            |other: &Object| other.namespace() == object.namespace() && other.name() == name;
        let mut builder = if global.is_set() {
            let found = self
                .of_kind(Kind::AlertmanagerConfig)
                .into_iter()
                .find(|it| is_global(it));
            let Some(found) = found else {
                let message = format!(
                    "AlertmanagerConfig {}/{name} does not exist",
                    object.namespace()
                );
                return Err(Problem::at(global, message));
            };
            Builder::from_object(object, version.clone(), assets, found, global.at("global"))?
        } else {
            Builder::from_text(object, version.clone(), assets, base_text)
                .within("base configuration", Tree::default())?
        };
        let selected = self.select(workload, AMC_FIELDS, |_, selected| {
            alertmanager::check_alertmanager_config(selected, assets, version)?;
            builder.check_addition(selected)
        })?;
        let added: Vec<&Object> = selected
            .into_iter()
            .filter(|selected| !global.is_set() || !is_global(selected))
            .collect();
        builder.add(&added)?;
        Ok(builder.finish())
    }
}

const AMC_FIELDS: (Kind, &str, &str) = (
    Kind::AlertmanagerConfig,
    "alertmanagerConfigSelector",
    "alertmanagerConfigNamespaceSelector",
);

fn stand_in(text: &str) -> Option<Object> {
    let source = Source::new("built-in", text);
    let node = yaml::parse(&source, &mut Diagnostics::new())?;
    Object::from_node(&source, node, "")
}

fn parse_base(text: &str) -> Checked<Value> {
    let source = Source::new("alertmanager.yaml", text);
    let mut diagnostics = Diagnostics::new();
    match yaml::parse(&source, &mut diagnostics) {
        Some(node) => Ok(Value::from_node(&node)),
        None => {
            let why = diagnostics
                .iter()
                .next()
                .map_or("not YAML", |first| &first.message);
            Err(Problem::new(format!("base configuration: {why}")))
        }
    }
}

/// With the object's uid where it has one: `a-b/c` and `a/b-c` must not meet.
fn rule_file_name(object: &Object) -> String {
    let stem = format!("{}-{}", object.namespace(), object.name());
    if object.uid.is_empty() {
        format!("{stem}.yaml")
    } else {
        format!("{stem}-{}.yaml", object.uid)
    }
}

/// Replaces `$(NAME)` in all texts of a configuration, as the operator's reloader does with the
/// environment of a pod. Unknown names stay.
pub fn substitute(config: &mut Value, variables: &BTreeMap<String, String>) {
    match config {
        Value::String(text) if text.contains("$(") => {
            for (name, value) in variables {
                *text = text.replace(&format!("$({name})"), value);
            }
        }
        Value::Sequence(items) | Value::FlowSequence(items) => {
            items
                .iter_mut()
                .for_each(|item| substitute(item, variables));
        }
        Value::Mapping(Mapping(entries)) => {
            entries
                .iter_mut()
                .for_each(|(_, value)| substitute(value, variables));
        }
        _ => {}
    }
}
