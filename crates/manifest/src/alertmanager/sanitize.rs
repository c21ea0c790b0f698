//! Fits a configuration to an Alertmanager version: what the version does not know is left out where that
//! does no harm, and refused where alerts would go another way.

use model::Duration;
use yaml::{Mapping, Value};

use super::check::SLACK_POST_URL;
use super::matcher::{TEXT_SINCE, get_mut};
use super::sanitize_receiver;
use crate::problem::{Checked, Problem};
use crate::version::{Numbers, Version};

/// One section while it is fitted.
pub(super) struct Fitting<'m> {
    pub(super) map: &'m mut Mapping,
    pub(super) version: &'m Version,
}

impl Fitting<'_> {
    pub(super) fn knows(&self, since: Numbers) -> bool {
        self.version.is_at_least(since)
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.map.get(key).and_then(Value::as_str).unwrap_or("")
    }

    /// Set and not empty.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_empty())
    }

    /// Set, perhaps empty.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.map
            .get(key)
            .is_some_and(|value| !matches!(value, Value::Null))
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.map.get(key) == Some(&Value::Bool(true))
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.map.0.retain(|(name, _)| name.as_str() != Some(key));
    }

    /// Leaves the keys out of versions older than `since`.
    pub(super) fn drop_before(&mut self, since: Numbers, keys: &[&str]) {
        if !self.knows(since) {
            keys.iter().for_each(|key| self.remove(key));
        }
    }

    /// Of two keys that exclude each other the first one counts.
    pub(super) fn prefer(&mut self, kept: &str, dropped: &str) {
        if self.has(kept) && self.has(dropped) {
            self.remove(dropped);
        }
    }

    pub(super) fn require(&self, holds: bool, message: &str) -> Checked {
        if holds {
            Ok(())
        } else {
            Err(Problem::new(message))
        }
    }

    /// Fits a section inside, if it is there.
    pub(super) fn inside(
        &mut self,
        key: &str,
        fit: impl FnOnce(&mut Fitting<'_>) -> Checked,
    ) -> Checked {
        match get_mut(self.map, key) {
            Some(Value::Mapping(map)) => fit(&mut Fitting {
                map,
                version: self.version,
            })
            .map_err(|problem| problem.within(key)),
            _ => Ok(()),
        }
    }

    /// Fits every section of a list inside.
    pub(super) fn each(
        &mut self,
        key: &str,
        mut fit: impl FnMut(&mut Fitting<'_>) -> Checked,
    ) -> Checked {
        let Some(Value::Sequence(items)) = get_mut(self.map, key) else {
            return Ok(());
        };
        for (at, item) in items.iter_mut().enumerate() {
            if let Value::Mapping(map) = item {
                fit(&mut Fitting {
                    map,
                    version: self.version,
                })
                .map_err(|problem| problem.within(format!("{key}[{at}]")))?;
            }
        }
        Ok(())
    }
}

/// The whole configuration.
pub(super) fn config(map: &mut Mapping, version: &Version) -> Checked {
    let mut fitting = Fitting { map, version };
    fitting.inside("global", global)?;
    fitting.each("receivers", sanitize_receiver::receiver)?;
    fitting.each("inhibit_rules", inhibit_rule)?;
    fitting.drop_before((0, 22, 0), &["mute_time_intervals"]);
    fitting.drop_before((0, 24, 0), &["time_intervals"]);
    for key in ["mute_time_intervals", "time_intervals"] {
        fitting.each(key, |interval| {
            interval.each("time_intervals", |period| {
                period.drop_before((0, 25, 0), &["location"]);
                Ok(())
            })
        })?;
    }
    fitting.inside("route", route)
}

fn global(fitting: &mut Fitting<'_>) -> Checked {
    fitting.inside("http_config", http)?;
    fitting.drop_before((0, 28, 0), &["smtp_tls_config"]);
    fitting.prefer("slack_api_url", "slack_api_url_file");
    fitting.drop_before((0, 22, 0), &["slack_api_url_file"]);
    fitting.drop_before(
        (0, 30, 0),
        &["slack_app_token", "slack_app_token_file", "slack_app_url"],
    );
    fitting.prefer("slack_app_token", "slack_app_token_file");
    let has_app = fitting.has("slack_app_token") || fitting.has("slack_app_token_file");
    if has_app && fitting.is_set("slack_api_url") && fitting.is_set("slack_app_url") {
        let is_same = fitting.text("slack_api_url") == fitting.text("slack_app_url");
        fitting.require(
            is_same,
            "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must \
             be configured (unless slack_api_url matches slack_app_url)",
        )?;
    }
    let gates: [(Numbers, &[&str]); 5] = [
        ((0, 24, 0), &["opsgenie_api_key_file"]),
        (
            (0, 25, 0),
            &["smtp_auth_password_file", "victorops_api_key_file"],
        ),
        (
            (0, 31, 0),
            &[
                "wechat_api_secret_file",
                "telegram_bot_token",
                "telegram_bot_token_file",
            ],
        ),
        (
            (0, 31, 0),
            &["smtp_auth_secret_file", "smtp_force_implicit_tls"],
        ),
        (
            (0, 32, 0),
            &["mattermost_webhook_url", "mattermost_webhook_url_file"],
        ),
    ];
    for (since, keys) in gates {
        fitting.drop_before(since, keys);
    }
    for (kept, dropped) in [
        ("smtp_auth_password", "smtp_auth_password_file"),
        ("victorops_api_key", "victorops_api_key_file"),
        ("wechat_api_secret", "wechat_api_secret_file"),
        ("telegram_bot_token", "telegram_bot_token_file"),
        ("smtp_auth_secret", "smtp_auth_secret_file"),
        ("mattermost_webhook_url", "mattermost_webhook_url_file"),
    ] {
        fitting.prefer(kept, dropped);
    }
    Ok(())
}

/// Headers that the client sets itself.
const RESERVED_HEADERS: [&str; 16] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
];

/// A client section.
pub(super) fn http(fitting: &mut Fitting<'_>) -> Checked {
    for key in ["authorization", "oauth2"] {
        let is_fine = !fitting.is_set(key) || fitting.knows((0, 22, 0));
        fitting.require(
            is_fine,
            &format!("'{key}' set in 'http_config' but supported in Alertmanager >= 0.22.0 only"),
        )?;
    }
    fitting.drop_before((0, 22, 0), &["follow_redirects"]);
    fitting.drop_before((0, 25, 0), &["enable_http2"]);
    if let Some(Value::Mapping(headers)) = fitting.map.get("http_headers") {
        for (name, _) in &headers.0 {
            let name = name.as_str().unwrap_or("");
            if RESERVED_HEADERS.contains(&name.to_lowercase().as_str()) {
                return Err(Problem::new(format!(
                    "setting header {name:?} is not allowed"
                )));
            }
        }
    }
    fitting.drop_before((0, 28, 0), &["http_headers"]);
    fitting.inside("tls_config", tls)?;
    proxy(fitting)?;
    fitting.inside("oauth2", |oauth2| {
        let has_proxy = ["proxy_url", "no_proxy", "proxy_connect_header"]
            .iter()
            .any(|key| oauth2.has(key));
        if has_proxy {
            let keys = [
                "proxy_url",
                "no_proxy",
                "proxy_from_environment",
                "proxy_connect_header",
            ];
            oauth2.drop_before((0, 25, 0), &keys);
        }
        Ok(())
    })
}

fn tls(fitting: &mut Fitting<'_>) -> Checked {
    fitting.drop_before((0, 25, 0), &["min_version", "max_version"]);
    let rank = |text: &str| match text {
        "" => Ok(0),
        "TLS10" => Ok(1),
        "TLS11" => Ok(2),
        "TLS12" => Ok(3),
        "TLS13" => Ok(4),
        other => Err(Problem::new(format!("unknown TLS version: {other}"))),
    };
    let (min, max) = (
        rank(fitting.text("min_version"))?,
        rank(fitting.text("max_version"))?,
    );
    let message = format!(
        "max TLS version {:?} must be greater than or equal to min TLS version {:?}",
        fitting.text("max_version"),
        fitting.text("min_version")
    );
    fitting.require(min == 0 || max == 0 || min <= max, &message)
}

fn proxy(fitting: &mut Fitting<'_>) -> Checked {
    if !fitting.knows((0, 26, 0)) {
        let keys = ["proxy_from_environment", "no_proxy", "proxy_connect_header"];
        keys.iter().for_each(|key| fitting.remove(key));
        return Ok(());
    }
    let from_environment = fitting.is_true("proxy_from_environment");
    let (url, exceptions) = (fitting.has("proxy_url"), fitting.has("no_proxy"));
    fitting.require(
        !fitting.has("proxy_connect_header") || from_environment || url,
        "if 'proxy_connect_header' is configured, 'proxy_url' or 'proxy_from_environment' must also be \
         configured",
    )?;
    fitting.require(
        !(from_environment && url),
        "if 'proxy_from_environment' is configured, 'proxy_url' must not be configured",
    )?;
    fitting.require(
        !(from_environment && exceptions),
        "if 'proxy_from_environment' is configured, 'no_proxy' must not be configured",
    )?;
    fitting.require(
        url || !exceptions,
        "if 'no_proxy' is configured, 'proxy_url' must also be configured",
    )
}

fn inhibit_rule(fitting: &mut Fitting<'_>) -> Checked {
    let has_texts = fitting.has("target_matchers") || fitting.has("source_matchers");
    fitting.require(
        fitting.knows(TEXT_SINCE) || !has_texts,
        "target_matchers and source_matchers matching is supported in Alertmanager >= 0.22.0 only",
    )
}

/// A route with all below it.
pub(super) fn route(fitting: &mut Fitting<'_>) -> Checked {
    fitting.require(
        fitting.knows(TEXT_SINCE) || !fitting.has("matchers"),
        "invalid syntax in route config for 'matchers' comparison based matching is supported in \
         Alertmanager >= 0.22.0 only",
    )?;
    fitting.drop_before((0, 22, 0), &["mute_time_intervals"]);
    fitting.drop_before((0, 24, 0), &["active_time_intervals"]);
    for key in ["group_wait", "group_interval", "repeat_interval"] {
        let text = fitting.text(key);
        if text.is_empty() {
            continue;
        }
        let duration =
            Duration::parse(text).map_err(|error| Problem::new(format!("{key}: {error}")))?;
        // Only waiting may be zero.
        if key != "group_wait" && duration == Duration::default() {
            fitting.remove(key);
        }
    }
    fitting.each("routes", route)
}

/// Slack can change messages only through one endpoint.
pub(super) fn check_slack_update(fitting: &Fitting<'_>) -> Checked {
    let is_bad = fitting.is_true("update_message")
        && fitting.has("api_url")
        && fitting.text("api_url") != SLACK_POST_URL;
    fitting.require(
        !is_bad,
        &format!(
            "'update_message' can only be used with bot tokens, api_url must be {SLACK_POST_URL}"
        ),
    )
}
