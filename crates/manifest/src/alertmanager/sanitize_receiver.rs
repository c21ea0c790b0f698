//! Fits receivers to an Alertmanager version.

use yaml::Value;

use super::sanitize::{Fitting, check_slack_update, http};
use crate::problem::{Checked, Problem};
use crate::url;
use crate::version::Numbers;

/// How one integration is fitted, and since when it exists.
type Rule = (&'static str, Numbers, fn(&mut Fitting<'_>) -> Checked);

const RULES: [Rule; 18] = [
    ("email_configs", (0, 0, 0), email),
    ("opsgenie_configs", (0, 0, 0), opsgenie),
    ("pagerduty_configs", (0, 0, 0), pagerduty),
    ("pushover_configs", (0, 0, 0), pushover),
    ("slack_configs", (0, 0, 0), slack),
    ("victorops_configs", (0, 0, 0), victorops),
    ("webhook_configs", (0, 0, 0), webhook),
    ("wechat_configs", (0, 0, 0), wechat),
    ("sns_configs", (0, 0, 0), sns),
    ("telegram_configs", (0, 24, 0), telegram),
    ("discord_configs", (0, 25, 0), discord),
    ("webex_configs", (0, 25, 0), webex),
    ("msteams_configs", (0, 26, 0), msteams),
    ("msteamsv2_configs", (0, 28, 0), msteams_v2),
    ("jira_configs", (0, 28, 0), jira),
    ("rocketchat_configs", (0, 28, 0), rocketchat),
    ("mattermost_configs", (0, 30, 0), mattermost),
    ("incidentio_configs", (0, 29, 0), incidentio),
];

pub(super) fn receiver(fitting: &mut Fitting<'_>) -> Checked {
    for (key, since, rule) in RULES {
        let (major, minor, patch) = since;
        fitting.require(
            fitting.knows(since) || !fitting.has(key),
            &format!("{key} needs Alertmanager >= {major}.{minor}.{patch}"),
        )?;
        fitting.each(key, |config| {
            rule(config)?;
            config.inside("http_config", http)
        })?;
    }
    Ok(())
}

/// The keys must be URLs if they are set.
fn plain_urls(fitting: &Fitting<'_>, keys: &[&str]) -> Checked {
    for key in keys.iter().filter(|key| fitting.has(key)) {
        let checked = url::check_http(fitting.text(key));
        checked.map_err(|why| Problem::new(format!("invalid '{key}': {why}")))?;
    }
    Ok(())
}

/// The keys must be URLs or templates if they are set.
fn template_urls(fitting: &Fitting<'_>, keys: &[&str]) -> Checked {
    for key in keys.iter().filter(|key| fitting.has(key)) {
        let checked = url::check_http_or_template(fitting.text(key));
        checked.map_err(|why| Problem::new(format!("invalid '{key}': {why}")))?;
    }
    Ok(())
}

/// At least one of the keys must be set.
fn one_of(fitting: &Fitting<'_>, keys: &[&str]) -> Checked {
    let has_one = keys.iter().any(|key| fitting.has(key));
    fitting.require(
        has_one,
        &format!("missing mandatory field {}", keys.join(" or ")),
    )
}

fn at_most_one(fitting: &Fitting<'_>, first: &str, second: &str) -> Checked {
    let has_both = fitting.is_set(first) && fitting.has(second);
    fitting.require(
        !has_both,
        &format!("at most one of {first} & {second} must be configured"),
    )
}

fn email(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 25, 0), &["auth_password_file"]);
    fitting.prefer("auth_password", "auth_password_file");
    fitting.drop_before((0, 31, 0), &["force_implicit_tls", "auth_secret_file"]);
    fitting.prefer("auth_secret", "auth_secret_file");
    fitting.drop_before((0, 30, 0), &["threading"]);
    fitting.inside("threading", |threading| {
        let by_date = threading.text("thread_by_date");
        threading.require(
            matches!(by_date, "daily" | "none"),
            "invalid 'thread_by_date': the value must be 'daily' or 'none'",
        )
    })
}

fn opsgenie(fitting: &mut Fitting<'_>) -> Checked {
    let since = (0, 24, 0);
    fitting.drop_before(since, &["actions", "entity", "update_alerts"]);
    fitting.each("responders", |responder| {
        let is_fine = responder.text("type") != "teams" || responder.knows(since);
        responder.require(
            is_fine,
            "'teams' set in 'opsgenieResponder' but supported in Alertmanager >= 0.24.0 only",
        )
    })?;
    plain_urls(fitting, &["api_url"])?;
    fitting.prefer("api_key", "api_key_file");
    fitting.drop_before(since, &["api_key_file"]);
    Ok(())
}

fn pagerduty(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before(
        (0, 25, 0),
        &["source", "routing_key_file", "service_key_file"],
    );
    fitting.prefer("service_key", "service_key_file");
    fitting.prefer("routing_key", "routing_key_file");
    fitting.drop_before((0, 30, 0), &["timeout"]);
    if !fitting.knows((0, 30, 0))
        && let Some(Value::Mapping(details)) = fitting.map.get("details")
    {
        let is_text = details.0.iter().all(|(_, value)| value.as_str().is_some());
        fitting.require(
            is_text,
            "'details' value in non-string format is supported in Alertmanager >= 0.30.0 only",
        )?;
    }
    Ok(())
}

fn pushover(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 26, 0), &["user_key_file", "token_file", "device"]);
    one_of(fitting, &["user_key", "user_key_file"])?;
    fitting.prefer("user_key", "user_key_file");
    one_of(fitting, &["token", "token_file"])?;
    fitting.prefer("token", "token_file");
    fitting.drop_before((0, 27, 0), &["ttl"]);
    if !fitting.knows((0, 29, 0)) && fitting.is_true("monospace") {
        fitting.remove("monospace");
        fitting.map.put("monospace", false);
    }
    fitting.require(
        !(fitting.is_true("html") && fitting.is_true("monospace")),
        "either monospace or html must be configured",
    )?;
    template_urls(fitting, &["url"])
}

fn slack(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before(
        (0, 30, 0),
        &["timeout", "app_token", "app_token_file", "app_url"],
    );
    fitting.drop_before((0, 31, 0), &["message_text"]);
    fitting.drop_before((0, 32, 0), &["update_message"]);
    check_slack_update(fitting)?;
    fitting.prefer("app_token", "app_token_file");
    let has_app = fitting.has("app_token") || fitting.has("app_token_file");
    let has_api = fitting.has("api_url") || fitting.has("api_url_file");
    fitting.require(
        !(has_app && has_api),
        "at most one of app_token/app_token_file & api_url/api_url_file must be configured",
    )?;
    fitting.drop_before((0, 22, 0), &["api_url_file"]);
    fitting.prefer("api_url", "api_url_file");
    Ok(())
}

fn victorops(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 25, 0), &["api_key_file"]);
    fitting.prefer("api_key", "api_key_file");
    plain_urls(fitting, &["api_url"])
}

fn webhook(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 26, 0), &["url_file"]);
    fitting.prefer("url", "url_file");
    fitting.drop_before((0, 28, 0), &["timeout"]);
    fitting.drop_before((0, 32, 0), &["payload"]);
    template_urls(fitting, &["url"])
}

fn wechat(fitting: &mut Fitting<'_>) -> Checked {
    plain_urls(fitting, &["api_url"])?;
    fitting.drop_before((0, 31, 0), &["api_secret_file"]);
    fitting.prefer("api_secret", "api_secret_file");
    Ok(())
}

fn sns(fitting: &mut Fitting<'_>) -> Checked {
    template_urls(fitting, &["api_url"])?;
    fitting.inside("sigv4", |sigv4| {
        sigv4.require(
            !sigv4.has("external_id") || sigv4.has("role_arn"),
            "'external_id' in sigv4 config requires 'role_arn' to be set",
        )?;
        sigv4.drop_before((0, 33, 0), &["external_id"]);
        Ok(())
    })?;
    fitting.drop_before((0, 33, 0), &["use_aws_http_client"]);
    Ok(())
}

fn telegram(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 31, 0), &["chat_id_file"]);
    one_of(fitting, &["chat_id", "chat_id_file"])?;
    fitting.prefer("chat_id", "chat_id_file");
    fitting.drop_before((0, 26, 0), &["bot_token_file", "message_thread_id"]);
    fitting.prefer("bot_token", "bot_token_file");
    if !fitting.knows((0, 31, 0)) {
        // Later versions have a token for all receivers.
        one_of(fitting, &["bot_token", "bot_token_file"])?;
    }
    plain_urls(fitting, &["api_url"])
}

fn discord(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 28, 0), &["content", "username", "avatar_url"]);
    Ok(())
}

fn webex(fitting: &mut Fitting<'_>) -> Checked {
    one_of(fitting, &["room_id"])?;
    plain_urls(fitting, &["api_url"])
}

fn msteams(fitting: &mut Fitting<'_>) -> Checked {
    one_of(fitting, &["webhook_url"])?;
    plain_urls(fitting, &["webhook_url"])?;
    fitting.drop_before((0, 27, 0), &["summary"]);
    Ok(())
}

fn msteams_v2(fitting: &mut Fitting<'_>) -> Checked {
    one_of(fitting, &["webhook_url", "webhook_url_file"])?;
    let has_both = fitting.has("webhook_url") && fitting.has("webhook_url_file");
    fitting.require(
        !has_both,
        "both webhook_url and webhook_url_file cannot be set at the same time",
    )?;
    plain_urls(fitting, &["webhook_url"])
}

fn jira(fitting: &mut Fitting<'_>) -> Checked {
    one_of(fitting, &["project"])?;
    one_of(fitting, &["issue_type"])?;
    fitting.drop_before((0, 29, 0), &["api_type"]);
    fitting.require(
        matches!(
            fitting.text("api_type"),
            "" | "auto" | "cloud" | "datacenter"
        ),
        "invalid 'api_type': a value must be 'auto', 'cloud' or 'datacenter'",
    )?;
    plain_urls(fitting, &["api_url"])
}

fn rocketchat(fitting: &mut Fitting<'_>) -> Checked {
    at_most_one(fitting, "token", "token_file")?;
    at_most_one(fitting, "token_id", "token_id_file")
}

/// Keys of attachments that hold URLs or templates.
const ATTACHMENT_URLS: [&str; 6] = [
    "author_link",
    "author_icon",
    "title_link",
    "thumb_url",
    "footer_icon",
    "image_url",
];

fn mattermost(fitting: &mut Fitting<'_>) -> Checked {
    if !fitting.knows((0, 32, 0)) {
        one_of(fitting, &["webhook_url", "webhook_url_file"])?;
    }
    fitting.prefer("webhook_url", "webhook_url_file");
    fitting.drop_before(
        (0, 32, 0),
        &[
            "fallback",
            "color",
            "pretext",
            "author_name",
            "author_link",
            "author_icon",
            "title",
            "title_link",
            "thumb_url",
            "footer",
            "footer_icon",
            "image_url",
            "fields",
        ],
    );
    plain_urls(fitting, &["webhook_url"])?;
    template_urls(fitting, &["icon_url"])?;
    template_urls(fitting, &ATTACHMENT_URLS)?;
    fitting.each("attachments", |attachment| {
        template_urls(attachment, &ATTACHMENT_URLS)
    })
}

fn incidentio(fitting: &mut Fitting<'_>) -> Checked {
    one_of(fitting, &["url", "url_file"])?;
    at_most_one(fitting, "url", "url_file")?;
    plain_urls(fitting, &["url"])?;
    at_most_one(fitting, "alert_source_token", "alert_source_token_file")?;
    let has_token = fitting.has("alert_source_token") || fitting.has("alert_source_token_file");
    let has_authorization = match fitting.map.get("http_config") {
        Some(Value::Mapping(http)) => http.get("authorization").is_some(),
        _ => false,
    };
    fitting.require(
        !(has_token && has_authorization),
        "cannot specify alert_source_token or alert_source_token_file when using http_config.authorization",
    )?;
    fitting.require(
        has_token || has_authorization,
        "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be \
         configured",
    )
}
