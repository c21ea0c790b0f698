//! The `global` section from `spec.alertmanagerConfiguration.global`.

use yaml::Mapping;

use super::convert::{Converter, duration};
use super::validate;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::url;
use crate::version::{Numbers, Version};

/// Sections with an `apiURL`: field, key of the URL, since when, whether it must be an HTTP URL.
const API_URLS: [(&str, &str, Numbers); 6] = [
    ("telegram", "telegram_api_url", (0, 24, 0)),
    ("jira", "jira_api_url", (0, 28, 0)),
    ("rocketChat", "rocketchat_api_url", (0, 28, 0)),
    ("webex", "webex_api_url", (0, 25, 0)),
    ("wechat", "wechat_api_url", (0, 0, 0)),
    ("victorops", "victorops_api_url", (0, 0, 0)),
];

/// Values of Secrets: path of the selector, key.
const SECRETS: [(&[&str], &str); 8] = [
    (&["smtp", "authPassword"], "smtp_auth_password"),
    (&["smtp", "authSecret"], "smtp_auth_secret"),
    (&["opsGenieApiKey"], "opsgenie_api_key"),
    (&["rocketChat", "token"], "rocketchat_token"),
    (&["rocketChat", "tokenID"], "rocketchat_token_id"),
    (&["wechat", "apiSecret"], "wechat_api_secret"),
    (&["victorops", "apiKey"], "victorops_api_key"),
    (&["mattermost", "webhookURL"], "mattermost_webhook_url"),
];

/// Values of Secrets that must be URLs.
const SECRET_URLS: [(&[&str], &str); 2] = [
    (&["slackApiUrl"], "slack_api_url"),
    (&["opsGenieApiUrl"], "opsgenie_api_url"),
];

pub(super) fn convert(global: Tree<'_>, converter: &Converter<'_>) -> Checked<Option<Mapping>> {
    if !global.is_set() {
        return Ok(None);
    }
    check(global, converter.version)?;
    let mut out = Mapping::new();
    put_smtp(&mut out, global.at("smtp"), converter);
    let http = global.at("httpConfig");
    if let Some(section) = converter
        .http(http)
        .within("invalid global httpConfig", http)?
    {
        out.put("http_config", section);
    }
    if let Some(text) = global.at("resolveTimeout").filled() {
        out.put(
            "resolve_timeout",
            duration(global.at("resolveTimeout"), text)?,
        );
    }
    for (path, key) in SECRETS {
        let selector = global.path(path);
        if selector.is_set() {
            out.put(
                key,
                converter
                    .secret(selector)
                    .within(path.join("."), selector)?
                    .trim(),
            );
        }
    }
    for (path, key) in SECRET_URLS {
        let selector = global.path(path);
        if selector.is_set() {
            let value = converter
                .secret(selector)
                .within(path.join("."), selector)?;
            url::parse(&value)
                .map_err(|why| Problem::at(selector, format!("parse {key}: {why}")))?;
            out.put(key, value);
        }
    }
    let pagerduty = global.at("pagerdutyUrl");
    if let Some(text) = pagerduty.text() {
        url::parse(text).map_err(|why| Problem::at(pagerduty, format!("parse URL: {why}")))?;
        out.put("pagerduty_url", text);
    }
    for (field, key, _) in API_URLS {
        if let Some(text) = global.at(field).at("apiURL").text() {
            out.put(key, text);
        }
    }
    if let Some(text) = global.path(&["wechat", "apiCorpID"]).text() {
        out.put("wechat_api_corp_id", text);
    }
    if let Some(hook) = out
        .get("mattermost_webhook_url")
        .and_then(yaml::Value::as_str)
    {
        let place = global.path(&["mattermost", "webhookURL"]);
        url::check_http(hook).map_err(|why| Problem::at(place, why))?;
    }
    Ok(Some(out))
}

fn check(global: Tree<'_>, version: &Version) -> Checked {
    let http = global.at("httpConfig");
    validate::check_http(http).within("'httpConfig'", http)?;
    let sections = API_URLS.iter().map(|(field, _, since)| (*field, *since));
    for (field, since) in sections.chain([("mattermost", (0, 32, 0))]) {
        let section = global.at(field);
        if !section.is_set() {
            continue;
        }
        validate::plain_url(section, "apiURL").within(field, section)?;
        check_since(section, field, since, version)?;
    }
    let implicit = global.path(&["smtp", "forceImplicitTLS"]);
    if implicit.is_set() {
        check_since(implicit, "forceImplicitTLS", (0, 31, 0), version)?;
    }
    Ok(())
}

fn check_since(tree: Tree<'_>, field: &str, since: Numbers, version: &Version) -> Checked {
    if version.is_at_least(since) {
        return Ok(());
    }
    let (major, minor, patch) = since;
    let message =
        format!("'{field}' requires Alertmanager >= {major}.{minor}.{patch} - current {version}");
    Err(Problem::at(tree, message))
}

fn put_smtp(out: &mut Mapping, smtp: Tree<'_>, converter: &Converter<'_>) {
    for (field, key) in [
        ("from", "smtp_from"),
        ("hello", "smtp_hello"),
        ("authUsername", "smtp_auth_username"),
        ("authIdentity", "smtp_auth_identity"),
    ] {
        out.put(key, smtp.at(field).str());
    }
    for (field, key) in [
        ("forceImplicitTLS", "smtp_force_implicit_tls"),
        ("requireTLS", "smtp_require_tls"),
    ] {
        if let Some(flag) = smtp.at(field).flag() {
            out.put(key, flag);
        }
    }
    let host = smtp.at("smartHost");
    if host.is_set() {
        let (name, port) = (host.at("host").str(), host.at("port").str());
        // Addresses of IPv6 contain colons themselves.
        let name = if name.contains(':') {
            format!("[{name}]")
        } else {
            name.to_owned()
        };
        out.put("smtp_smarthost", format!("{name}:{port}"));
    }
    if smtp.at("tlsConfig").is_set() {
        out.put("smtp_tls_config", converter.tls(smtp.at("tlsConfig")));
    }
}
