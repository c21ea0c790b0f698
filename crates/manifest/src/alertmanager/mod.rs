//! An Alertmanager object and the AlertmanagerConfigs that it selected, to `alertmanager.yaml`.
//!
//! A base configuration is read by the operator's own strict model; each AlertmanagerConfig adds its
//! inhibition rules, one route in front of the base's routes, and its receivers and time intervals
//! under prefixed names. The result is fitted to the Alertmanager's version.

mod base;
mod check;
mod conversion;
mod convert;
mod global;
mod integration;
mod intervals;
mod matcher;
mod sanitize;
mod sanitize_receiver;
mod schema;
mod schema_receivers;
mod validate;

use diag::{Diagnostics, Source};
use yaml::{Mapping, Value};

use self::convert::Converter;
use crate::assets::Assets;
use crate::object::Object;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::version::Version;

pub use base::{Base, base};
pub use conversion::{AlertmanagerConfigVersion, answer_conversion, convert_alertmanager_config};

/// What the operator of release 0.93 deploys if `spec.version` is absent.
pub const DEFAULT_ALERTMANAGER_VERSION: Version = Version::new(0, 33, 1);

/// Where the files of templates are mounted.
const TEMPLATES_FOLDER: &str = "/etc/alertmanager/templates";

/// The version in an Alertmanager object; unsupported ones are refused.
pub(crate) fn version_of(alertmanager: &Object) -> Checked<Version> {
    let field = alertmanager.spec().at("version");
    let Some(text) = field.filled() else {
        return Ok(DEFAULT_ALERTMANAGER_VERSION);
    };
    let refuse = |why: &str| Problem::at(field, format!("{why} {text:?}"));
    let version =
        Version::parse(text).ok_or_else(|| refuse("failed to parse alertmanager version"))?;
    if version.major() > 0 || !version.is_at_least((0, 15, 0)) {
        return Err(refuse("unsupported Alertmanager version"));
    }
    Ok(version)
}

/// Which alerts the routes of an AlertmanagerConfig may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    OnNamespace,
    ExceptOwnNamespace,
    None,
}

/// A configuration that grows by AlertmanagerConfigs.
#[derive(Debug)]
pub struct Builder<'a> {
    config: Mapping,
    version: Version,
    strategy: Strategy,
    alertmanager: &'a Object,
    assets: &'a Assets,
}

impl<'a> Builder<'a> {
    /// Starts with a text, as it stands in a Secret.
    pub fn from_text(
        alertmanager: &'a Object,
        version: Version,
        assets: &'a Assets,
        text: &str,
    ) -> Result<Self, Problem> {
        let source = Source::new("alertmanager.yaml", text);
        let mut diagnostics = Diagnostics::new();
        let node = yaml::parse(&source, &mut diagnostics);
        let Some(node) = node else {
            let why = diagnostics
                .iter()
                .next()
                .map_or("not YAML", |first| &first.message);
            return Err(Problem::new(why));
        };
        // Places would lie in another text than the object's.
        let unplaced = |problem: Problem| Problem {
            span: None,
            ..problem
        };
        let config = schema::read(&schema::CONFIG, Tree::of(&node)).map_err(unplaced)?;
        check_root(&config)?;
        check_names(&config)?;
        Ok(Self::new(alertmanager, version, assets, config))
    }

    /// Starts with the AlertmanagerConfig named in `spec.alertmanagerConfiguration`, whose routes see
    /// all alerts. `global` is the section of that name beside it.
    pub fn from_object(
        alertmanager: &'a Object,
        version: Version,
        assets: &'a Assets,
        object: &Object,
        global: Tree<'_>,
    ) -> Result<Self, Problem> {
        check::object(object, assets, &version)?;
        let spec = object.spec();
        let mut converter = Converter {
            assets,
            version: &version,
            owner: &object.id,
            global: None,
        };
        let global = global::convert(global, &converter)?;
        converter.global = global.as_ref();
        let mut config = Mapping::new();
        let rules = spec
            .at("inhibitRules")
            .items()
            .map(|rule| converter.inhibit_rule(rule));
        config.put("inhibit_rules", rules.collect::<Vec<_>>());
        if spec.at("route").is_set() {
            config.put("route", converter.route(spec.at("route")));
        }
        config.put("receivers", receivers(&converter, spec)?);
        config.put("mute_time_intervals", time_intervals(&converter, spec)?);
        if let Some(global) = &global {
            config.put("global", global.clone());
        }
        let wanted = alertmanager
            .spec()
            .path(&["alertmanagerConfiguration", "templates"]);
        let mut templates = Vec::new();
        for template in wanted.items() {
            for origin in ["configMap", "secret"] {
                if let Some(key) = template.at(origin).at("key").filled() {
                    templates.push(format!("{TEMPLATES_FOLDER}/{key}"));
                }
            }
        }
        config.put("templates", templates);
        sanitize::config(&mut config, &version)?;
        check_root(&config)?;
        Ok(Self::new(alertmanager, version, assets, config))
    }

    fn new(
        alertmanager: &'a Object,
        version: Version,
        assets: &'a Assets,
        config: Mapping,
    ) -> Self {
        let strategy = alertmanager
            .spec()
            .path(&["alertmanagerConfigMatcherStrategy", "type"]);
        let strategy = match strategy.str() {
            "None" => Strategy::None,
            "OnNamespaceExceptForAlertmanagerNamespace" => Strategy::ExceptOwnNamespace,
            _ => Strategy::OnNamespace,
        };
        Self {
            config,
            version,
            strategy,
            alertmanager,
            assets,
        }
    }

    /// Adds AlertmanagerConfigs, in the order of `namespace/name`. They must have passed
    /// [`check_alertmanager_config`].
    pub fn add(&mut self, objects: &[&Object]) -> Result<(), Problem> {
        let mut routes: Vec<Value> = Vec::new();
        for object in objects {
            let added = self.convert(object);
            let added = added.within(&object.id, object.spec())?;
            self.extend("inhibit_rules", added.inhibit_rules);
            if let Some(route) = added.route {
                routes.push(route.into());
                self.extend("receivers", added.receivers);
                self.extend("mute_time_intervals", added.time_intervals);
            }
        }
        if let Some(Value::Mapping(root)) = matcher::get_mut(&mut self.config, "route") {
            if let Some(Value::Sequence(base)) = matcher::get_mut(root, "routes") {
                routes.append(base);
                *base = routes;
            } else if !routes.is_empty() {
                root.put("routes", routes);
            }
        }
        sanitize::config(&mut self.config, &self.version)
    }

    /// What one object would add; fails where it cannot be used with this base.
    fn convert(&self, object: &Object) -> Checked<Addition> {
        let spec = object.spec();
        let global = match self.config.get("global") {
            Some(Value::Mapping(global)) => Some(global),
            _ => None,
        };
        let converter = Converter {
            assets: self.assets,
            version: &self.version,
            owner: &object.id,
            global,
        };
        let is_enforced = match self.strategy {
            Strategy::None => false,
            Strategy::OnNamespace => true,
            Strategy::ExceptOwnNamespace => object.namespace() != self.alertmanager.namespace(),
        };
        let mut inhibit_rules = Vec::new();
        for rule in spec.at("inhibitRules").items() {
            let mut rule = converter.inhibit_rule(rule);
            if is_enforced {
                for side in ["source", "target"] {
                    let keys = ["matchers", "match", "match_re"].map(|key| format!("{side}_{key}"));
                    let keys = [keys[0].as_str(), keys[1].as_str(), keys[2].as_str()];
                    matcher::enforce_namespace(&mut rule, keys, object.namespace(), &self.version);
                }
            }
            inhibit_rules.push(rule);
        }
        let mut addition = Addition {
            inhibit_rules,
            ..Addition::default()
        };
        let tree = spec.at("route");
        if tree.is_set() {
            let mut route = converter.route(tree);
            if is_enforced {
                matcher::add_namespace(&mut route, object.namespace(), &self.version);
            }
            // Alerts that an object takes must still reach those behind it.
            if let Some(value) = matcher::get_mut(&mut route, "continue") {
                *value = true.into();
            }
            addition.route = Some(route);
            addition.receivers = receivers(&converter, spec)?;
            addition.time_intervals = time_intervals(&converter, spec)?;
        }
        Ok(addition)
    }

    /// Whether an object that passed its checks can be added to this base.
    pub(crate) fn check_addition(&self, object: &Object) -> Checked {
        let addition = self.convert(object)?;
        let mut config = Mapping::new();
        config.put("inhibit_rules", addition.inhibit_rules);
        config.put("receivers", addition.receivers);
        if let Some(route) = addition.route {
            config.put("route", route);
        }
        sanitize::config(&mut config, &self.version)
    }

    fn extend(&mut self, key: &str, added: Vec<Mapping>) {
        if added.is_empty() {
            return;
        }
        let added = added.into_iter().map(Value::from);
        match matcher::get_mut(&mut self.config, key) {
            Some(Value::Sequence(items)) => items.extend(added),
            _ => self.config.put(key, added.collect::<Vec<_>>()),
        }
    }

    /// The configuration as the operator prints it.
    pub fn finish(&self) -> Value {
        schema::print(&schema::CONFIG, &self.config).into()
    }
}

#[derive(Default)]
struct Addition {
    inhibit_rules: Vec<Mapping>,
    route: Option<Mapping>,
    receivers: Vec<Mapping>,
    time_intervals: Vec<Mapping>,
}

fn receivers(converter: &Converter<'_>, spec: Tree<'_>) -> Checked<Vec<Mapping>> {
    spec.at("receivers")
        .items()
        .map(|receiver| converter.receiver(receiver))
        .collect()
}

fn time_intervals(converter: &Converter<'_>, spec: Tree<'_>) -> Checked<Vec<Mapping>> {
    let intervals = intervals::of_spec(spec).items();
    intervals
        .map(|interval| intervals::convert(interval, converter.prefixed(interval.at("name").str())))
        .collect()
}

/// The root route takes every alert.
fn check_root(config: &Mapping) -> Checked {
    let refuse = |message: &str| Err(Problem::new(message));
    let Some(Value::Mapping(root)) = config.get("route") else {
        return refuse("root route must exist");
    };
    let has = |key: &str| root.get(key).is_some_and(|value| !value.is_empty());
    if has("continue") {
        return refuse("cannot have continue in root route");
    }
    if !has("receiver") {
        return refuse("root route's receiver must exist");
    }
    if has("matchers") || has("match") || has("match_re") {
        return refuse("'matchers' not permitted on root route");
    }
    if has("mute_time_intervals") || has("active_time_intervals") {
        return refuse("time intervals are not permitted on root route");
    }
    Ok(())
}

/// Names of receivers are unique, and those that routes use exist.
fn check_names(config: &Mapping) -> Checked {
    let mut names = std::collections::HashSet::new();
    if let Some(Value::Sequence(receivers)) = config.get("receivers") {
        for receiver in receivers {
            let Value::Mapping(receiver) = receiver else {
                continue;
            };
            let name = receiver.get("name").and_then(Value::as_str).unwrap_or("");
            if !names.insert(name) {
                let message = format!("notification config name {name:?} is not unique");
                return Err(Problem::new(message));
            }
        }
    }
    match config.get("route") {
        Some(Value::Mapping(route)) => check_route_names(route, &names),
        _ => Ok(()),
    }
}

fn check_route_names(route: &Mapping, names: &std::collections::HashSet<&str>) -> Checked {
    let receiver = route.get("receiver").and_then(Value::as_str).unwrap_or("");
    if !receiver.is_empty() && !names.contains(receiver) {
        return Err(Problem::new(format!(
            "undefined receiver {receiver:?} used in route"
        )));
    }
    if let Some(Value::Sequence(routes)) = route.get("routes") {
        for child in routes {
            if let Value::Mapping(child) = child {
                check_route_names(child, names)?;
            }
        }
    }
    Ok(())
}

/// Whether an AlertmanagerConfig can be used with this version: the check that decides about selected
/// objects.
pub fn check_alertmanager_config(
    object: &Object,
    assets: &Assets,
    version: &Version,
) -> Result<(), Problem> {
    check::object(object, assets, version)
}

/// The part of [`check_alertmanager_config`] that depends neither on a version nor on other objects.
pub fn validate_alertmanager_config(object: &Object) -> Result<(), Problem> {
    validate::spec(object.spec())
}

/// Fits a configuration, a `route` or an `httpClientConfig` section to a version. `section` is the
/// operator's name of the kind of section.
pub fn fit_to_version(section: &str, text: &str, version: &Version) -> Result<Value, Problem> {
    let source = Source::new("alertmanager.yaml", text);
    let mut diagnostics = Diagnostics::new();
    let node = yaml::parse(&source, &mut diagnostics).ok_or_else(|| Problem::new("not YAML"))?;
    let schema = match section {
        "route" => &schema::ROUTE,
        "httpClientConfig" => &schema::HTTP,
        _ => &schema::CONFIG,
    };
    let mut map = schema::read(schema, Tree::of(&node))?;
    match section {
        "route" => sanitize::route(&mut sanitize::Fitting {
            map: &mut map,
            version,
        })?,
        "httpClientConfig" => sanitize::http(&mut sanitize::Fitting {
            map: &mut map,
            version,
        })?,
        _ => sanitize::config(&mut map, version)?,
    }
    Ok(schema::print(schema, &map).into())
}
