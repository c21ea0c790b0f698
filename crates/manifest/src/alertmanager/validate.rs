//! What holds for an AlertmanagerConfig whatever the Alertmanager's version is: names are unique and exist,
//! required fields are there, URLs and times can be read.

use std::collections::HashSet;

use super::convert::VICTOROPS_RESERVED;
use super::integration::INTEGRATIONS;
use super::{intervals, matcher};
use crate::check::{check_oauth2, check_proxy, check_safe_authorization, check_safe_tls};
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::url;

/// Checks the spec of an AlertmanagerConfig, in either version.
pub(super) fn spec(spec: Tree<'_>) -> Checked {
    let mut receivers = HashSet::new();
    for receiver in spec.at("receivers").items() {
        let name = receiver.at("name").str();
        if !receivers.insert(name) {
            return Err(Problem::at(
                receiver,
                format!("{name:?} receiver is not unique"),
            ));
        }
        for integration in &INTEGRATIONS {
            let Some(validate) = integration.validate else {
                continue;
            };
            for (at, config) in receiver.at(integration.field).items().enumerate() {
                let field = format!(
                    "failed to validate receiver {name:?}: '{}'[{at}]",
                    integration.field
                );
                validate(config).within(field, config)?;
            }
        }
    }
    let mut names = HashSet::new();
    for (at, interval) in intervals::of_spec(spec).items().enumerate() {
        let name = interval.at("name").str();
        let field = format!("{}[{at}] is invalid", intervals::word(spec));
        if name.is_empty() {
            return Err(Problem::at(interval, "empty name field for time interval").within(field));
        }
        intervals::convert(interval, String::new()).within(field, interval)?;
        names.insert(name);
    }
    let route_tree = spec.at("route");
    if !route_tree.is_set() {
        return Ok(());
    }
    if route_tree.at("receiver").str().is_empty() {
        return Err(Problem::at(route_tree, "root route must define a receiver"));
    }
    route(route_tree, &receivers, &names)
}

const ROUTE_FIELDS: [&str; 10] = [
    "receiver",
    "groupBy",
    "groupWait",
    "groupInterval",
    "repeatInterval",
    "matchers",
    "continue",
    "routes",
    "muteTimeIntervals",
    "activeTimeIntervals",
];

fn route(tree: Tree<'_>, receivers: &HashSet<&str>, intervals: &HashSet<&str>) -> Checked {
    let receiver = tree.at("receiver");
    if !receiver.str().is_empty() && !receivers.contains(receiver.str()) {
        let message = format!("receiver {:?} not found", receiver.str());
        return Err(Problem::at(receiver, message));
    }
    let groups = tree.at("groupBy").texts();
    let unique: HashSet<&&str> = groups.iter().collect();
    if unique.len() < groups.len() {
        let message = format!("duplicate values not permitted in route 'groupBy': {groups:?}");
        return Err(Problem::at(tree.at("groupBy"), message));
    }
    if groups.len() > 1 && unique.contains(&"...") {
        let message = format!("'...' must be a sole value in route 'groupBy': {groups:?}");
        return Err(Problem::at(tree.at("groupBy"), message));
    }
    for field in ["muteTimeIntervals", "activeTimeIntervals"] {
        for name in tree.at(field).items() {
            if !intervals.contains(name.str()) {
                return Err(Problem::at(
                    name,
                    format!("time interval {:?} not found", name.str()),
                ));
            }
        }
    }
    for (at, matcher) in tree.at("matchers").items().enumerate() {
        matcher::check(matcher).within(format!("matcher[{at}]"), matcher)?;
    }
    for (at, child) in tree.at("routes").items().enumerate() {
        child_shape(child)
            .and_then(|()| route(child, receivers, intervals))
            .within(format!("route[{at}]"), child)?;
    }
    Ok(())
}

/// Whether all routes below have the fields of a route.
pub(super) fn child_routes(route: Tree<'_>) -> Checked {
    for (at, child) in route.at("routes").items().enumerate() {
        child_shape(child)
            .and_then(|()| child_routes(child))
            .within(format!("route[{at}]"), child)?;
    }
    Ok(())
}

/// The schema says nothing about child routes, so unknown fields and wrong types are found only here.
fn child_shape(tree: Tree<'_>) -> Checked {
    if !tree.is_mapping() {
        return Err(Problem::at(tree, "a route must be a section"));
    }
    for (key, value) in tree.entries() {
        let is_list = [
            "groupBy",
            "matchers",
            "routes",
            "muteTimeIntervals",
            "activeTimeIntervals",
        ]
        .contains(&key);
        let is_right = match key {
            _ if !ROUTE_FIELDS.contains(&key) => {
                return Err(Problem::at(value, format!("unknown field {key:?}")));
            }
            _ if !value.is_set() => true,
            "continue" => value.flag().is_some(),
            _ if is_list => value.is_sequence(),
            _ => value.text().is_some(),
        };
        if !is_right {
            return Err(Problem::at(
                value,
                format!("field {key:?} has the wrong type"),
            ));
        }
    }
    for matcher in tree.at("matchers").items() {
        let known = ["name", "value", "matchType", "regex"];
        let unknown = matcher
            .entries()
            .into_iter()
            .find(|(key, _)| !known.contains(key));
        if let Some((key, value)) = unknown {
            return Err(Problem::at(value, format!("unknown field {key:?}")));
        }
    }
    Ok(())
}

/// `httpConfig` of a receiver.
fn http(owner: Tree<'_>) -> Checked {
    let tree = owner.at("httpConfig");
    check_http(tree).within("'httpConfig'", tree)
}

pub(super) fn check_http(tree: Tree<'_>) -> Checked {
    if !tree.is_set() {
        return Ok(());
    }
    let has = |field: &str| tree.at(field).is_set();
    let ways = [
        has("basicAuth"),
        has("oauth2"),
        has("authorization"),
        has("bearerTokenSecret"),
    ];
    if ways.iter().filter(|is_set| **is_set).count() > 1 {
        let message = "at most one of 'basicAuth', 'oauth2', 'authorization' and 'bearerTokenSecret' must \
                       be configured";
        return Err(Problem::at(tree, message));
    }
    if has("authorization") {
        check_safe_authorization(tree.at("authorization"))?;
    }
    if has("oauth2") {
        check_oauth2(tree.at("oauth2"))?;
    }
    check_safe_tls(tree.at("tlsConfig"))?;
    check_proxy(tree)
}

/// A URL that is no template.
pub(super) fn plain_url(owner: Tree<'_>, field: &str) -> Checked {
    match owner.at(field).filled() {
        Some(text) => url::check_public_http(text)
            .map_err(|why| Problem::at(owner.at(field), format!("invalid '{field}': {why}"))),
        None => Ok(()),
    }
}

fn template_url(owner: Tree<'_>, field: &str) -> Checked {
    match owner.at(field).filled() {
        Some(text) => url::check_http_or_template(text)
            .map_err(|why| Problem::at(owner.at(field), format!("invalid '{field}': {why}"))),
        None => Ok(()),
    }
}

fn required(owner: Tree<'_>, field: &str) -> Checked {
    if owner.at(field).filled().is_some() {
        return Ok(());
    }
    Err(Problem::at(owner, format!("missing '{field}'")))
}

pub(super) fn http_only(config: Tree<'_>) -> Checked {
    http(config)
}

/// Integrations with nothing special but `apiURL`.
pub(super) fn api_url(config: Tree<'_>) -> Checked {
    plain_url(config, "apiURL")?;
    http(config)
}

pub(super) fn opsgenie(config: Tree<'_>) -> Checked {
    for responder in config.at("responders").items() {
        if ["id", "name", "username"]
            .iter()
            .all(|field| responder.at(field).filled().is_none())
        {
            let message = "responder must have at least an ID, a Name or an Username defined";
            return Err(Problem::at(responder, message));
        }
        let kind = responder.at("type").str();
        let known = ["team", "teams", "user", "escalation", "schedule"];
        if kind.contains("{{") {
            url::check_template(kind).map_err(|why| Problem::at(responder, why))?;
        } else if !known.contains(&kind.to_lowercase().as_str()) {
            let message = format!("responder type {kind:?} is none of {}", known.join(", "));
            return Err(Problem::at(responder.at("type"), message));
        }
    }
    api_url(config)
}

pub(super) fn pagerduty(config: Tree<'_>) -> Checked {
    plain_url(config, "url")?;
    template_url(config, "clientURL")?;
    if !config.at("routingKey").is_set() && !config.at("serviceKey").is_set() {
        return Err(Problem::at(
            config,
            "one of 'routingKey' or 'serviceKey' is required",
        ));
    }
    for field in ["pagerDutyLinkConfigs", "pagerDutyImageConfigs"] {
        for (at, item) in config.at(field).items().enumerate() {
            template_url(item, "href").within(format!("'{field}'[{at}]"), item)?;
        }
    }
    http(config)
}

pub(super) fn slack(config: Tree<'_>) -> Checked {
    for action in config.at("actions").items() {
        required(action, "type")?;
        required(action, "text")?;
        if action.at("url").filled().is_none() && action.at("name").filled().is_none() {
            let message = "missing 'name' or 'url' in Slack action configuration";
            return Err(Problem::at(action, message));
        }
        if action.at("confirm").is_set() {
            required(action.at("confirm"), "text")?;
        }
    }
    for field in config.at("fields").items() {
        required(field, "title")?;
        required(field, "value")?;
    }
    http(config)
}

pub(super) fn webhook(config: Tree<'_>) -> Checked {
    if !config.at("url").is_set() && !config.at("urlSecret").is_set() {
        return Err(Problem::at(
            config,
            "one of 'url' or 'urlSecret' must be specified",
        ));
    }
    template_url(config, "url")?;
    http(config)
}

pub(super) fn email(config: Tree<'_>) -> Checked {
    required(config, "to")?;
    if let Some(host) = config.at("smarthost").filled() {
        let bare = host.rsplit_once(':').map(|(name, _)| name);
        let is_valid = bare.is_some_and(|name| {
            !name.contains(':') || (name.starts_with('[') && name.ends_with(']'))
        });
        if !is_valid {
            let message = format!("invalid 'smarthost' {host:?}: it must be host:port");
            return Err(Problem::at(config.at("smarthost"), message));
        }
    }
    let mut headers = HashSet::new();
    for header in config.at("headers").items() {
        let name = header.at("key").str().to_lowercase();
        if !headers.insert(name.clone()) {
            return Err(Problem::at(header, format!("duplicate header {name:?}")));
        }
    }
    Ok(())
}

pub(super) fn victorops(config: Tree<'_>) -> Checked {
    for field in config.at("customFields").items() {
        let key = field.at("key").str();
        if VICTOROPS_RESERVED.contains(&key) {
            let message = format!("usage of reserved word {key:?} is not allowed in custom fields");
            return Err(Problem::at(field, message));
        }
    }
    required(config, "routingKey")?;
    plain_url(config, "apiUrl")?;
    http(config)
}

pub(super) fn pushover(config: Tree<'_>) -> Checked {
    for (selector, file) in [("userKey", "userKeyFile"), ("token", "tokenFile")] {
        if !config.at(selector).is_set() && !config.at(file).is_set() {
            let message = format!("one of '{selector}' or '{file}' must be configured");
            return Err(Problem::at(config, message));
        }
    }
    exclusive_format(config)?;
    template_url(config, "url")?;
    http(config)
}

pub(super) fn exclusive_format(config: Tree<'_>) -> Checked {
    let is_true = |field: &str| config.at(field).flag() == Some(true);
    if is_true("html") && is_true("monospace") {
        return Err(Problem::at(
            config,
            "'html' and 'monospace' options are mutually exclusive",
        ));
    }
    Ok(())
}

pub(super) fn sns(config: Tree<'_>) -> Checked {
    let is_empty = |field: &str| config.at(field).filled().is_none();
    // The operator compares in a chain, which also lets all three through.
    let is_refused = (is_empty("targetARN") != is_empty("topicARN")) != is_empty("phoneNumber");
    if is_refused {
        let message = "must provide one of 'targetARN', 'topicARN', or 'phoneNumber'";
        return Err(Problem::at(config, message));
    }
    template_url(config, "apiURL")?;
    http(config)
}

pub(super) fn telegram(config: Tree<'_>) -> Checked {
    match (
        config.at("botToken").is_set(),
        config.at("botTokenFile").is_set(),
    ) {
        (false, false) => {
            return Err(Problem::at(
                config,
                "mandatory field botToken or botTokenfile is empty",
            ));
        }
        (true, true) => {
            let message = "only one of 'botToken' or 'botTokenfile' must be configured";
            return Err(Problem::at(config, message));
        }
        _ => {}
    }
    if config.at("chatID").int().unwrap_or(0) == 0 {
        return Err(Problem::at(config, "mandatory field 'chatID' is empty"));
    }
    api_url(config)
}

pub(super) fn rocketchat(config: Tree<'_>) -> Checked {
    plain_url(config, "apiURL")?;
    for field in ["iconURL", "imageURL", "thumbURL"] {
        template_url(config, field)?;
    }
    for (at, action) in config.at("actions").items().enumerate() {
        template_url(action, "url").within(format!("'actions'[{at}]"), action)?;
    }
    http(config)
}
