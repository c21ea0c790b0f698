//! Whether an AlertmanagerConfig can be used by one Alertmanager: its version knows what is asked for, and
//! references resolve.

use super::convert::duration;
use super::integration::{INTEGRATIONS, Part};
use super::{matcher, validate};
use crate::assets::Assets;
use crate::check::Checker;
use crate::object::Object;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::url;
use crate::version::{Numbers, Version};

/// Checks the receivers of one AlertmanagerConfig.
pub(super) struct ReceiverChecker<'a> {
    assets: &'a Assets,
    version: &'a Version,
    namespace: &'a str,
}

/// Everything that must hold for the object.
pub(super) fn object(object: &Object, assets: &Assets, version: &Version) -> Checked {
    let spec = object.spec();
    validate::spec(spec)?;
    let checker = ReceiverChecker {
        assets,
        version,
        namespace: object.namespace(),
    };
    for receiver in spec.at("receivers").items() {
        checker.receiver(receiver)?;
    }
    let has_texts = version.is_at_least(matcher::TEXT_SINCE);
    if !has_texts {
        check_old_route(spec.at("route"))?;
    }
    for (at, rule) in spec.at("inhibitRules").items().enumerate() {
        for field in ["targetMatch", "sourceMatch"] {
            for (index, item) in rule.at(field).items().enumerate() {
                let place = format!("inhibitRules[{at}].{field}[{index}]");
                if has_texts {
                    matcher::check(item).within(place, item)?;
                } else {
                    check_old_matcher(item).within(place, item)?;
                }
            }
        }
    }
    Ok(())
}

fn check_old_matcher(item: Tree<'_>) -> Checked {
    if item.at("matchType").filled().is_some() {
        let message = "'matchType' is supported in Alertmanager >= 0.22.0 only";
        return Err(Problem::at(item.at("matchType"), message));
    }
    Ok(())
}

fn check_old_route(route: Tree<'_>) -> Checked {
    for item in route.at("matchers").items() {
        check_old_matcher(item)?;
    }
    for child in route.at("routes").items() {
        check_old_route(child)?;
    }
    Ok(())
}

impl ReceiverChecker<'_> {
    fn receiver(&self, receiver: Tree<'_>) -> Checked {
        for integration in &INTEGRATIONS {
            let configs = receiver.at(integration.field);
            if configs.items().len() == 0 {
                continue;
            }
            self.since(configs, integration.field, integration.since)?;
            for (at, config) in configs.items().enumerate() {
                let field = format!("{}[{at}]", integration.field);
                for part in integration.parts {
                    self.part(*part, config).within(&field, config)?;
                }
                if let Some(check) = integration.check {
                    check(self, config).within(&field, config)?;
                }
            }
        }
        Ok(())
    }

    fn part(&self, part: Part, config: Tree<'_>) -> Checked {
        match part {
            Part::Secret(field, _) | Part::FilledSecret(field, _) => {
                self.secret(config, field).map(drop)
            }
            Part::SecretUrl(field, _) => {
                let Some(value) = self.secret(config, field)? else {
                    return Ok(());
                };
                url::check_http(value.trim()).map_err(|why| {
                    Problem::at(
                        config.at(field),
                        format!("failed to validate {field}: {why}"),
                    )
                })
            }
            Part::Http => self.http(config.at("httpConfig")),
            Part::Tls => self.references().tls(config),
            _ => Ok(()),
        }
    }

    fn references(&self) -> Checker<'_> {
        Checker {
            assets: self.assets,
            version: self.version,
            namespace: self.namespace,
            workload: Tree::default(),
        }
    }

    /// The value behind a selector; `None` if the selector is absent.
    fn secret(&self, config: Tree<'_>, field: &str) -> Checked<Option<String>> {
        let selector = config.at(field);
        if !selector.is_set() {
            return Ok(None);
        }
        self.assets
            .secret_key(self.namespace, selector)
            .within(field, selector)
            .map(Some)
    }

    /// As [`Self::secret`]; the selector must be there.
    fn required_secret(&self, config: Tree<'_>, field: &str) -> Checked<String> {
        let missing = || Problem::at(config, format!("mandatory field {field} is empty"));
        self.secret(config, field)?.ok_or_else(missing)
    }

    /// Refuses a set field in older versions.
    fn since(&self, tree: Tree<'_>, field: &str, since: Numbers) -> Checked {
        if !tree.is_set() || self.version.is_at_least(since) {
            return Ok(());
        }
        let (major, minor, patch) = since;
        let message = format!(
            "'{field}' is available in Alertmanager >= {major}.{minor}.{patch} only - current {}",
            self.version
        );
        Err(Problem::at(tree, message))
    }

    fn http(&self, http: Tree<'_>) -> Checked {
        if !http.is_set() {
            return Ok(());
        }
        for field in ["authorization", "oauth2"] {
            self.since(http.at(field), field, (0, 22, 0))?;
        }
        for field in ["noProxy", "proxyFromEnvironment", "proxyConnectHeader"] {
            self.since(http.at(field), field, (0, 25, 0))?;
        }
        let references = self.references();
        references.secret("bearerTokenSecret", http.at("bearerTokenSecret"))?;
        references.authorization(http)?;
        references.basic_auth(http)?;
        references.tls(http)?;
        references.proxy_headers(http)?;
        references.oauth2(http)
    }
}

pub(super) fn opsgenie(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    for responder in config.at("responders").items() {
        if responder.at("type").str() == "teams" {
            checker.since(responder, "teams", (0, 24, 0))?;
        }
    }
    Ok(())
}

pub(super) fn discord(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.required_secret(config, "apiURL").map(drop)
}

/// The only endpoint that can change a message that was sent.
pub(super) const SLACK_POST_URL: &str = "https://slack.com/api/chat.postMessage";

pub(super) fn slack(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.since(config.at("messageText"), "messageText", (0, 31, 0))?;
    checker.since(config.at("updateMessage"), "updateMessage", (0, 32, 0))?;
    let url = checker.secret(config, "apiURL")?.unwrap_or_default();
    let is_update = config.at("updateMessage").flag() == Some(true);
    if is_update && !url.is_empty() && url != SLACK_POST_URL {
        let message = format!(
            "'updateMessage' can only be used with bot tokens, the API URL must be {SLACK_POST_URL}"
        );
        return Err(Problem::at(config.at("updateMessage"), message));
    }
    Ok(())
}

pub(super) fn webhook(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.since(config.at("payload"), "payload", (0, 32, 0))?;
    match checker.secret(config, "urlSecret")? {
        Some(url) => url::check_http_or_template(url.trim()).map_err(|why| {
            Problem::at(
                config.at("urlSecret"),
                format!("failed to validate URL: {why}"),
            )
        }),
        None => Ok(()),
    }
}

pub(super) fn email(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.since(
        config.at("forceImplicitTLS"),
        "forceImplicitTLS",
        (0, 31, 0),
    )?;
    checker.since(config.at("threading"), "threading", (0, 30, 0))
}

pub(super) fn pushover(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    for field in ["userKey", "token"] {
        if checker.required_secret(config, field)?.is_empty() {
            let message = format!("mandatory field {field} is empty");
            return Err(Problem::at(config.at(field), message));
        }
    }
    validate::exclusive_format(config)?;
    for field in ["expire", "retry"] {
        if let Some(text) = config.at(field).filled() {
            duration(config.at(field), text).within(field, config)?;
        }
    }
    Ok(())
}

pub(super) fn sns(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.since(
        config.at("useAWSHTTPClient"),
        "useAWSHTTPClient",
        (0, 33, 0),
    )?;
    let sigv4 = config.at("sigv4");
    let (access, secret) = (
        sigv4.at("accessKey").is_set(),
        sigv4.at("secretKey").is_set(),
    );
    if access != secret {
        return Err(Problem::at(
            sigv4,
            "both accessKey and secretKey should be provided",
        ));
    }
    checker.secret(sigv4, "accessKey")?;
    checker.secret(sigv4, "secretKey").map(drop)
}

pub(super) fn telegram(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.since(config.at("botTokenFile"), "botTokenFile", (0, 26, 0))
}

pub(super) fn msteams(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.required_secret(config, "webhookUrl").map(drop)
}

pub(super) fn rocketchat(checker: &ReceiverChecker<'_>, config: Tree<'_>) -> Checked {
    checker.required_secret(config, "token")?;
    checker.required_secret(config, "tokenID").map(drop)
}
