//! Receivers, routes and inhibition rules of an AlertmanagerConfig to sections of `alertmanager.yaml`.

use model::Duration;
use yaml::{Mapping, Value};

use super::integration::{INTEGRATIONS, Part};
use super::matcher;
use crate::assets::{Assets, Origin};
use crate::object::ObjectRef;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::url;
use crate::version::Version;

/// Where TLS material is mounted.
const CERTS_FOLDER: &str = "/etc/alertmanager/certs";

/// Converts the parts of one AlertmanagerConfig.
pub(super) struct Converter<'a> {
    pub(super) assets: &'a Assets,
    pub(super) version: &'a Version,
    /// Of the AlertmanagerConfig: its names get this prefix, its references resolve in its namespace.
    pub(super) owner: &'a ObjectRef,
    /// The `global` section, which fills in for fields that receivers leave out.
    pub(super) global: Option<&'a Mapping>,
}

impl Converter<'_> {
    /// `namespace/name/text`: how names of different objects are kept apart.
    pub(super) fn prefixed(&self, name: &str) -> String {
        if name.is_empty() {
            String::new()
        } else {
            format!("{}/{name}", self.owner.key())
        }
    }

    pub(super) fn secret(&self, selector: Tree<'_>) -> Checked<String> {
        self.assets.secret_key(&self.owner.namespace, selector)
    }

    pub(super) fn route(&self, tree: Tree<'_>) -> Mapping {
        let mut out = Mapping::new();
        out.put("receiver", self.prefixed(tree.at("receiver").str()));
        out.put("group_by", tree.at("groupBy").texts());
        for (field, key) in [
            ("groupWait", "group_wait"),
            ("groupInterval", "group_interval"),
            ("repeatInterval", "repeat_interval"),
        ] {
            out.put(key, tree.at(field).str());
        }
        out.put("continue", tree.at("continue").flag() == Some(true));
        matcher::convert(tree.at("matchers"), self.version)
            .put(&mut out, ["matchers", "match", "match_re"]);
        for (field, key) in [
            ("muteTimeIntervals", "mute_time_intervals"),
            ("activeTimeIntervals", "active_time_intervals"),
        ] {
            let names = tree
                .at(field)
                .texts()
                .into_iter()
                .map(|name| self.prefixed(name));
            out.put(key, names.collect::<Vec<_>>());
        }
        let children = tree.at("routes").items().map(|child| self.route(child));
        out.put("routes", children.collect::<Vec<_>>());
        out
    }

    pub(super) fn inhibit_rule(&self, tree: Tree<'_>) -> Mapping {
        let mut out = Mapping::new();
        matcher::convert(tree.at("targetMatch"), self.version).put(
            &mut out,
            ["target_matchers", "target_match", "target_match_re"],
        );
        matcher::convert(tree.at("sourceMatch"), self.version).put(
            &mut out,
            ["source_matchers", "source_match", "source_match_re"],
        );
        out.put("equal", tree.at("equal").texts());
        out
    }

    pub(super) fn receiver(&self, tree: Tree<'_>) -> Checked<Mapping> {
        let mut out = Mapping::new();
        out.put("name", self.prefixed(tree.at("name").str()));
        for integration in &INTEGRATIONS {
            let configs = tree.at(integration.field);
            let mut written: Vec<Value> = Vec::new();
            for (at, config) in configs.items().enumerate() {
                let field = format!("{}[{at}]", integration.field);
                written.push(
                    self.section(integration.parts, config)
                        .within(field, config)?
                        .into(),
                );
            }
            if !written.is_empty() {
                out.put(integration.key, written);
            }
        }
        Ok(out)
    }

    fn section(&self, parts: &[Part], tree: Tree<'_>) -> Checked<Mapping> {
        let mut out = Mapping::new();
        for part in parts {
            self.part(&mut out, *part, tree)?;
        }
        Ok(out)
    }

    fn part(&self, out: &mut Mapping, part: Part, tree: Tree<'_>) -> Checked {
        match part {
            Part::Text(field, key) => {
                if let Some(text) = tree.at(field).text() {
                    out.put(key, text);
                }
            }
            Part::Plain(field, key) => {
                if tree.at(field).is_set() {
                    out.put(key, tree.at(field).value());
                }
            }
            Part::Pairs(field, key) => {
                let pairs = tree.at(field).items();
                if pairs.len() > 0 {
                    let pairs = pairs.map(|pair| (pair.at("key").str(), pair.at("value").str()));
                    out.put(key, unique(pairs));
                }
            }
            Part::Map(field, key) => {
                let entries = tree.at(field).entries().into_iter();
                out.put(
                    key,
                    unique(entries.map(|(name, value)| (name, value.str()))),
                );
            }
            Part::Secret(field, key) => {
                if tree.at(field).is_set() {
                    out.put(key, self.secret(tree.at(field)).within(field, tree)?);
                }
            }
            Part::FilledSecret(field, key) => {
                let selector = tree.at(field);
                if selector.is_set() {
                    let value = self.secret(selector).within(field, tree)?;
                    if value.is_empty() {
                        return Err(Problem::at(
                            selector,
                            format!("mandatory field {field:?} is empty"),
                        ));
                    }
                    out.put(key, value);
                }
            }
            Part::SecretUrl(field, key) => {
                let selector = tree.at(field);
                if selector.is_set() {
                    let value = self.secret(selector).within(field, tree)?;
                    let value = value.trim();
                    url::check_http(value).map_err(|why| Problem::at(selector, why))?;
                    out.put(key, value);
                }
            }
            Part::Duration(field, key) => {
                if let Some(text) = tree.at(field).filled() {
                    out.put(key, duration(tree.at(field), text)?);
                }
            }
            Part::Section(field, key, parts) => {
                if tree.at(field).is_set() {
                    out.put(key, self.section(parts, tree.at(field))?);
                }
            }
            Part::Sections(field, key, parts) => {
                let items: Checked<Vec<Mapping>> = tree
                    .at(field)
                    .items()
                    .map(|item| self.section(parts, item))
                    .collect();
                out.put(key, items?);
            }
            Part::Http => {
                if let Some(http) = self.http(tree.at("httpConfig"))? {
                    out.put("http_config", http);
                }
            }
            Part::Tls => {
                if tree.at("tlsConfig").is_set() {
                    out.put("tls_config", self.tls(tree.at("tlsConfig")));
                }
            }
            Part::Custom(write) => write(self, out, tree)?,
        }
        Ok(())
    }

    pub(super) fn http(&self, tree: Tree<'_>) -> Checked<Option<Mapping>> {
        if !tree.is_set() {
            return Ok(None);
        }
        let mut out = Mapping::new();
        self.put_proxy(&mut out, tree)?;
        for (field, key) in [
            ("followRedirects", "follow_redirects"),
            ("enableHttp2", "enable_http2"),
        ] {
            if let Some(flag) = tree.at(field).flag() {
                out.put(key, flag);
            }
        }
        let basic = tree.at("basicAuth");
        if basic.is_set() {
            let username = self
                .secret(basic.at("username"))
                .within("basicAuth username", basic)?;
            let password = self
                .secret(basic.at("password"))
                .within("basicAuth password", basic)?;
            if !username.is_empty() || !password.is_empty() {
                let mut section = Mapping::new();
                section.put("username", username);
                section.put("password", password);
                out.put("basic_auth", section);
            }
        }
        let authorization = tree.at("authorization");
        if authorization.is_set() {
            let credentials = self.secret(authorization.at("credentials"));
            let credentials = credentials.within("authorization credentials", authorization)?;
            if !credentials.is_empty() {
                let mut section = Mapping::new();
                section.put(
                    "type",
                    authorization.at("type").filled().unwrap_or("Bearer"),
                );
                section.put("credentials", credentials);
                out.put("authorization", section);
            }
        }
        if tree.at("tlsConfig").is_set() {
            out.put("tls_config", self.tls(tree.at("tlsConfig")));
        }
        let token = tree.at("bearerTokenSecret");
        if token.is_set() {
            out.put(
                "bearer_token",
                self.secret(token).within("bearerTokenSecret", token)?,
            );
        }
        self.put_oauth2(&mut out, tree.at("oauth2"))?;
        Ok(Some(out))
    }

    fn put_oauth2(&self, out: &mut Mapping, oauth2: Tree<'_>) -> Checked {
        if !oauth2.is_set() {
            return Ok(());
        }
        let mut section = Mapping::new();
        let id = self
            .assets
            .key(&self.owner.namespace, oauth2.at("clientId"));
        section.put("client_id", id.within("clientID", oauth2)?);
        section.put(
            "client_secret",
            self.secret(oauth2.at("clientSecret"))
                .within("client secret", oauth2)?,
        );
        section.put("scopes", oauth2.at("scopes").texts());
        section.put("token_url", oauth2.at("tokenUrl").str());
        let params = oauth2.at("endpointParams").entries().into_iter();
        section.put(
            "endpoint_params",
            unique(params.map(|(name, value)| (name, value.str()))),
        );
        self.put_proxy(&mut section, oauth2)?;
        out.put("oauth2", section);
        Ok(())
    }

    fn put_proxy(&self, out: &mut Mapping, tree: Tree<'_>) -> Checked {
        // `proxyURL` is the older spelling and wins.
        let url = tree.at("proxyURL").filled().or(tree.at("proxyUrl").text());
        out.put("proxy_url", url.unwrap_or(""));
        out.put("no_proxy", tree.at("noProxy").str());
        out.put(
            "proxy_from_environment",
            tree.at("proxyFromEnvironment").flag() == Some(true),
        );
        let mut headers: Vec<(&str, Vec<String>)> = Vec::new();
        for (name, selectors) in tree.at("proxyConnectHeader").entries() {
            let values: Checked<Vec<String>> =
                selectors.items().map(|it| self.secret(it)).collect();
            headers.push((name, values.within("proxyConnectHeader", selectors)?));
        }
        if !headers.is_empty() {
            out.put("proxy_connect_header", Value::sorted_map(headers));
        }
        Ok(())
    }

    pub(super) fn tls(&self, tree: Tree<'_>) -> Mapping {
        let namespace = &self.owner.namespace;
        let mut out = Mapping::new();
        for (field, key) in [("ca", "ca_file"), ("cert", "cert_file")] {
            if let Some(file) = self.assets.tls_file_of_either(namespace, tree.at(field)) {
                out.put(key, format!("{CERTS_FOLDER}/{file}"));
            }
        }
        if tree.at("keySecret").is_set() {
            let file = self
                .assets
                .tls_file(Origin::Secret, namespace, tree.at("keySecret"));
            out.put("key_file", format!("{CERTS_FOLDER}/{file}"));
        }
        out.put("server_name", tree.at("serverName").str());
        out.put(
            "insecure_skip_verify",
            tree.at("insecureSkipVerify").flag() == Some(true),
        );
        out.put("min_version", tree.at("minVersion").str());
        out.put("max_version", tree.at("maxVersion").str());
        out
    }

    fn global_text(&self, key: &str) -> &str {
        self.global
            .and_then(|global| global.get(key))
            .and_then(Value::as_str)
            .unwrap_or("")
    }
}

/// A sorted map in which the last of equal keys counts.
fn unique<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Value {
    let map: std::collections::BTreeMap<&str, &str> = pairs.collect();
    Value::sorted_map(map)
}

/// A duration in the form in which it is printed.
pub(super) fn duration(place: Tree<'_>, text: &str) -> Checked<String> {
    match Duration::parse(text) {
        Ok(duration) => Ok(duration.to_string()),
        Err(error) => Err(Problem::at(place, format!("{text:?}: {error}"))),
    }
}

pub(super) fn webhook_url(converter: &Converter<'_>, out: &mut Mapping, tree: Tree<'_>) -> Checked {
    let secret = tree.at("urlSecret");
    if secret.is_set() {
        out.put("url", converter.secret(secret).within("urlSecret", secret)?);
    } else if let Some(url) = tree.at("url").text() {
        out.put("url", url);
    }
    Ok(())
}

pub(super) fn email_smarthost(
    converter: &Converter<'_>,
    out: &mut Mapping,
    tree: Tree<'_>,
) -> Checked {
    for (field, key) in [("smarthost", "smtp_smarthost"), ("from", "smtp_from")] {
        if tree.at(field).filled().is_none() && converter.global_text(key).is_empty() {
            let message = format!(
                "SMTP {field} is a mandatory field, it is neither specified at global config nor at \
                 receiver level"
            );
            return Err(Problem::at(tree, message));
        }
    }
    if let Some(host) = tree.at("smarthost").filled() {
        out.put("smarthost", host);
    }
    Ok(())
}

pub(super) fn email_threading(_: &Converter<'_>, out: &mut Mapping, tree: Tree<'_>) -> Checked {
    let threading = tree.at("threading");
    if threading.is_set() {
        let mut section = Mapping::new();
        section.put("enabled", true);
        section.put(
            "thread_by_date",
            threading.at("threadByDate").str().to_lowercase(),
        );
        out.put("threading", section);
    }
    Ok(())
}

/// Keys that the integration itself sends.
pub(super) const VICTOROPS_RESERVED: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

pub(super) fn victorops_fields(_: &Converter<'_>, out: &mut Mapping, tree: Tree<'_>) -> Checked {
    let pairs = tree.at("customFields").items();
    out.put(
        "custom_fields",
        unique(pairs.map(|pair| (pair.at("key").str(), pair.at("value").str()))),
    );
    Ok(())
}

pub(super) fn sns_sigv4(converter: &Converter<'_>, out: &mut Mapping, tree: Tree<'_>) -> Checked {
    let is_new = converter.version.is_at_least((0, 33, 0));
    if is_new && let Some(flag) = tree.at("useAWSHTTPClient").flag() {
        out.put("use_aws_http_client", flag);
    }
    let sigv4 = tree.at("sigv4");
    if !sigv4.is_set() {
        return Ok(());
    }
    let mut section = Mapping::new();
    for (field, key) in [
        ("region", "region"),
        ("profile", "profile"),
        ("roleArn", "role_arn"),
    ] {
        section.put(key, sigv4.at(field).str());
    }
    if is_new {
        section.put("external_id", sigv4.at("externalId").str());
    }
    if sigv4.at("accessKey").is_set() && sigv4.at("secretKey").is_set() {
        section.put(
            "access_key",
            converter
                .secret(sigv4.at("accessKey"))
                .within("accessKey", sigv4)?,
        );
        section.put(
            "secret_key",
            converter
                .secret(sigv4.at("secretKey"))
                .within("secretKey", sigv4)?,
        );
    }
    out.put("sigv4", section);
    Ok(())
}
