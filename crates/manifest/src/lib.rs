//! Kubernetes custom resources of `monitoring.coreos.com`, as a pure function: a set of objects to the
//! configuration of Prometheus and Alertmanager, with a decision about every object.
//!
//! In reading order: [`read`] takes the texts of manifests to [`Object`]s, [`compile`] selects and
//! compiles them, [`Decision`] says what happened to each and why. Inside: `tree` (reading with
//! Kubernetes' meaning of null), `selector` and `select`, `check` (can a selected object be used),
//! `prometheus` and `alertmanager` (the generated trees), `rules` (rule files), `diagnose` (what is
//! valid but will not do what its author wants).
//!
//! The trees are those that the Prometheus operator of release 0.93 writes. Not here: the meaning of
//! the generated configuration (`config` reads it), talking to an API server, status and events.

mod admission;
mod alertmanager;
mod assets;
mod cel;
mod check;
mod compile;
mod decision;
mod defaults;
mod diagnose;
mod enforcement;
mod expressions;
mod folder;
mod object;
mod problem;
mod prometheus;
mod rules;
mod schema_check;
mod select;
mod selector;
mod tree;
mod url;
mod version;
mod web_config;

pub use admission::{answer_config_validation, answer_rule_validation, rule_patch};
pub use alertmanager::{
    AlertmanagerConfigVersion, Base, Builder as AlertmanagerBuilder, DEFAULT_ALERTMANAGER_VERSION,
    answer_conversion, base as alertmanager_base, check_alertmanager_config,
    convert_alertmanager_config, fit_to_version, validate_alertmanager_config,
};
pub use assets::{AssetFile, Assets};
pub use compile::{
    Compiled, CompiledAlertmanager, CompiledPrometheus, Options, RuleFile, compile, substitute,
};
pub use decision::{Decision, Outcome};
pub use enforcement::Enforcement;
pub use folder::{ManifestText, Manifests, read};
pub use object::{Kind, Object, ObjectRef};
pub use problem::Problem;
pub use prometheus::{
    Additional, DEFAULT_PROMETHEUS_VERSION, Features, Generated, Jobs, Mode, PrometheusInput,
    check_selected, generate as generate_prometheus,
};
pub use rules::{
    RULES_BYTES_MAX, RuleFolder, RuleFormat, RuleOptions, enforce_namespace, pack_rules, rule_file,
};
pub use schema_check::{SchemaReport, check_schema};
pub use selector::{Operator, Requirement, Selector};
pub use tree::Tree;
pub use version::Version;
pub use web_config::web_config;
