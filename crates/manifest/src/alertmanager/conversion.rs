//! AlertmanagerConfigs between their two versions.
//!
//! The newer one calls mute time intervals time intervals, knows no `regex` flag of matchers, and has no
//! `updateAlerts` for OpsGenie. Everything else is the same.

use yaml::{Mapping, Value};

use super::matcher::get_mut;
use super::validate;
use crate::object::GROUP;
use crate::problem::{Checked, Problem};
use crate::tree::Tree;

/// A version of AlertmanagerConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertmanagerConfigVersion {
    V1Alpha1,
    V1Beta1,
}

impl AlertmanagerConfigVersion {
    /// From `monitoring.coreos.com/v1beta1`.
    pub fn parse(api_version: &str) -> Option<Self> {
        match api_version.strip_prefix(GROUP)? {
            "/v1alpha1" => Some(Self::V1Alpha1),
            "/v1beta1" => Some(Self::V1Beta1),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "v1alpha1",
            Self::V1Beta1 => "v1beta1",
        }
    }
}

/// The object in another version. Child routes are only looked into here, so what is wrong with them is
/// found here.
pub fn convert_alertmanager_config(
    object: Tree<'_>,
    to: AlertmanagerConfigVersion,
) -> Result<Value, Problem> {
    let from = AlertmanagerConfigVersion::parse(object.at("apiVersion").str());
    let Some(from) = from else {
        let message = format!("unknown version {}", object.at("apiVersion").str());
        return Err(Problem::at(object, message));
    };
    validate::child_routes(object.path(&["spec", "route"]))?;
    let mut out = object.value();
    if from == to {
        return Ok(out);
    }
    let Value::Mapping(root) = &mut out else {
        return Ok(out);
    };
    if let Some(version) = get_mut(root, "apiVersion") {
        *version = format!("{GROUP}/{}", to.as_str()).into();
    }
    if let Some(Value::Mapping(spec)) = get_mut(root, "spec") {
        convert_spec(spec, to);
    }
    Ok(out)
}

fn convert_spec(spec: &mut Mapping, to: AlertmanagerConfigVersion) {
    let (old, new) = match to {
        AlertmanagerConfigVersion::V1Beta1 => ("muteTimeIntervals", "timeIntervals"),
        AlertmanagerConfigVersion::V1Alpha1 => ("timeIntervals", "muteTimeIntervals"),
    };
    for (key, _) in &mut spec.0 {
        if key.as_str() == Some(old) {
            *key = new.into();
        }
    }
    if to == AlertmanagerConfigVersion::V1Alpha1 {
        return;
    }
    if let Some(Value::Mapping(route)) = get_mut(spec, "route") {
        convert_route(route);
    }
    each(spec, "inhibitRules", &mut |rule| {
        for key in ["sourceMatch", "targetMatch"] {
            each(rule, key, &mut convert_matcher);
        }
    });
    each(spec, "receivers", &mut |receiver| {
        each(receiver, "opsgenieConfigs", &mut |config| {
            remove(config, "updateAlerts")
        });
    });
}

fn convert_route(route: &mut Mapping) {
    each(route, "matchers", &mut convert_matcher);
    each(route, "routes", &mut convert_route);
}

/// `regex` says what `matchType` says, unless that is there.
fn convert_matcher(matcher: &mut Mapping) {
    let operator = matcher
        .get("matchType")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let is_regex = matcher.get("regex") == Some(&Value::Bool(true));
    remove(matcher, "regex");
    if operator.is_empty() {
        remove(matcher, "matchType");
        matcher.put("matchType", if is_regex { "=~" } else { "=" });
    }
}

fn each(map: &mut Mapping, key: &str, change: &mut dyn FnMut(&mut Mapping)) {
    if let Some(Value::Sequence(items)) = get_mut(map, key) {
        for item in items {
            if let Value::Mapping(item) = item {
                change(item);
            }
        }
    }
}

fn remove(map: &mut Mapping, key: &str) {
    map.0.retain(|(name, _)| name.as_str() != Some(key));
}

/// The answer to a ConversionReview: every object in the desired version, or why not.
pub fn answer_conversion(review: Tree<'_>) -> Value {
    let request = review.at("request");
    let desired = request.at("desiredAPIVersion").str();
    let converted: Checked<Vec<Value>> = match AlertmanagerConfigVersion::parse(desired) {
        Some(to) => request
            .at("objects")
            .items()
            .map(|object| convert_alertmanager_config(object, to))
            .collect(),
        None => Err(Problem::new(format!("unknown version {desired}"))),
    };
    let mut result = Mapping::new();
    let mut response = Mapping::new();
    match converted {
        Ok(objects) => {
            response.put("convertedObjects", objects);
            result.put("metadata", Mapping::new());
            result.put("status", "Success");
        }
        Err(problem) => {
            response.put("convertedObjects", Vec::<Value>::new());
            result.put("metadata", Mapping::new());
            result.put("status", "Failure");
            result.put("message", problem.message);
        }
    }
    response.put("result", result);
    response.put("uid", request.at("uid").str());
    let mut out = Mapping::new();
    out.put("apiVersion", review.at("apiVersion").str());
    out.put("kind", review.at("kind").str());
    out.put("response", response);
    out.into()
}
