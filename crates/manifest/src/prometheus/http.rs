//! Authentication, TLS and proxies: the sections that jobs, discoveries and remote endpoints share.
//!
//! Credentials are written into the configuration; TLS material is named by file.

use yaml::{Mapping, Value};

use super::Generator;
use crate::assets::{Origin, origin_of};
use crate::tree::Tree;

/// Where TLS material is mounted.
const CERTS_FOLDER: &str = "/etc/prometheus/certs";

/// A TLS section, perhaps completed from a scrape class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tls<'a> {
    section: Tree<'a>,
    ca_file: &'a str,
    cert_file: &'a str,
    key_file: &'a str,
}

impl<'a> Tls<'a> {
    pub(super) fn of(section: Tree<'a>) -> Self {
        Self {
            section,
            ca_file: section.at("caFile").str(),
            cert_file: section.at("certFile").str(),
            key_file: section.at("keyFile").str(),
        }
    }

    /// The object's section with the class's files where it says nothing, or the class's section.
    pub(super) fn merged(section: Tree<'a>, class: Tree<'a>) -> Self {
        let class = class.at("tlsConfig");
        if !section.is_set() {
            return Self::of(class);
        }
        let mut tls = Self::of(section);
        if !class.is_set() {
            return tls;
        }
        if tls.ca_file.is_empty() && section.at("ca").is_zero() {
            tls.ca_file = class.at("caFile").str();
        }
        if tls.cert_file.is_empty() && section.at("cert").is_zero() {
            tls.cert_file = class.at("certFile").str();
        }
        if tls.key_file.is_empty() && !section.at("keySecret").is_set() {
            tls.key_file = class.at("keyFile").str();
        }
        tls
    }

    /// As [`Self::merged`] for sections that cannot name files, where an empty one counts as absent.
    pub(super) fn merged_unless_empty(section: Tree<'a>, class: Tree<'a>) -> Self {
        let section = if section.is_zero() {
            Tree::default()
        } else {
            section
        };
        Self::merged(section, class)
    }
}

impl Generator<'_> {
    pub(super) fn put_basic_auth(&self, map: &mut Mapping, namespace: &str, auth: Tree<'_>) {
        if !auth.is_set() {
            return;
        }
        let read = |key| {
            self.assets
                .secret_key(namespace, auth.at(key))
                .unwrap_or_default()
        };
        let mut out = Mapping::new();
        out.put("username", read("username"));
        out.put("password", read("password"));
        map.put("basic_auth", out);
    }

    /// `authorization` of objects that may not name files; those that may are completed from the class.
    pub(super) fn put_authorization(&self, map: &mut Mapping, namespace: &str, auth: Tree<'_>) {
        self.write_authorization(map, namespace, (auth, auth.at("credentials"), ""));
    }

    pub(super) fn put_authorization_with_file(
        &self,
        map: &mut Mapping,
        namespace: &str,
        auth: Tree<'_>,
    ) {
        let file = auth.at("credentialsFile").str();
        self.write_authorization(map, namespace, (auth, auth.at("credentials"), file));
    }

    /// The object's `authorization`, completed from the scrape class.
    pub(super) fn put_merged_authorization(
        &self,
        map: &mut Mapping,
        namespace: &str,
        auth: Tree<'_>,
        class: Tree<'_>,
    ) {
        let class = class.at("authorization");
        if auth.is_zero() {
            return self.put_authorization_with_file(map, namespace, class);
        }
        let mut credentials = auth.at("credentials");
        let mut file = "";
        if class.is_set() && !credentials.is_set() {
            credentials = class.at("credentials");
            if !credentials.is_set() {
                file = class.at("credentialsFile").str();
            }
        }
        self.write_authorization(map, namespace, (auth, credentials, file));
    }

    fn write_authorization(
        &self,
        map: &mut Mapping,
        namespace: &str,
        (auth, credentials, file): (Tree<'_>, Tree<'_>, &str),
    ) {
        if !auth.is_set() {
            return;
        }
        let mut out = Mapping::new();
        let scheme = auth.at("type").filled().unwrap_or("Bearer").trim();
        out.put("type", scheme);
        if credentials.is_set()
            && let Ok(value) = self.assets.secret_key(namespace, credentials)
        {
            out.put("credentials", value);
        }
        if !file.is_empty() {
            out.put("credentials_file", file);
        }
        self.put_since(map, (2, 26, 0), "authorization", out);
    }

    pub(super) fn put_bearer_token(&self, map: &mut Mapping, namespace: &str, selector: Tree<'_>) {
        if selector.at("name").filled().is_some()
            && let Ok(token) = self.assets.secret_key(namespace, selector)
        {
            map.put("bearer_token", token);
        }
    }

    pub(super) fn put_oauth2(&self, map: &mut Mapping, namespace: &str, oauth2: Tree<'_>) {
        if !oauth2.is_set() {
            return;
        }
        let (Ok(id), Ok(secret)) = (
            self.assets.key(namespace, oauth2.at("clientId")),
            self.assets.secret_key(namespace, oauth2.at("clientSecret")),
        ) else {
            return;
        };
        let mut out = Mapping::new();
        out.put("client_id", id);
        out.put("client_secret", secret);
        out.put("token_url", oauth2.at("tokenUrl").str());
        let scopes = oauth2.at("scopes").texts();
        if !scopes.is_empty() {
            out.put("scopes", scopes);
        }
        let params = oauth2.at("endpointParams");
        if !params.entries().is_empty() {
            out.put("endpoint_params", text_map(params));
        }
        if self.supports((2, 43, 0)) {
            self.put_proxy(&mut out, namespace, oauth2);
            self.put_tls(&mut out, namespace, Tls::of(oauth2.at("tlsConfig")));
        }
        self.put_since(map, (2, 27, 0), "oauth2", out);
    }

    /// The proxy fields stand beside others in `owner`.
    pub(super) fn put_proxy(&self, map: &mut Mapping, namespace: &str, owner: Tree<'_>) {
        if let Some(url) = owner.at("proxyUrl").text() {
            map.put("proxy_url", url);
        }
        let since = (2, 43, 0);
        if let Some(hosts) = owner.at("noProxy").text() {
            self.put_since(map, since, "no_proxy", hosts);
        }
        if let Some(flag) = owner.at("proxyFromEnvironment").flag() {
            self.put_since(map, since, "proxy_from_environment", flag);
        }
        let headers = owner.at("proxyConnectHeader");
        if headers.is_set() {
            let headers = headers.entries().into_iter().map(|(name, selectors)| {
                let read = |selector| {
                    self.assets
                        .secret_key(namespace, selector)
                        .unwrap_or_default()
                };
                (name, selectors.items().map(read).collect::<Vec<_>>())
            });
            let value = Value::sorted_map(headers);
            self.put_since(map, since, "proxy_connect_header", value);
        }
    }

    pub(super) fn put_tls(&self, map: &mut Mapping, namespace: &str, tls: Tls<'_>) {
        let section = tls.section;
        if !section.is_set() {
            return;
        }
        let mut out = Mapping::new();
        if let Some(flag) = section.at("insecureSkipVerify").flag() {
            out.put("insecure_skip_verify", flag);
        }
        self.put_certificate(&mut out, "ca", namespace, section.at("ca"));
        self.put_certificate(&mut out, "cert", namespace, section.at("cert"));
        let key = section.at("keySecret");
        if key.is_set() {
            if !self.features.inline_tls {
                let file = self.assets.tls_file(Origin::Secret, namespace, key);
                out.put("key_file", format!("{CERTS_FOLDER}/{file}"));
            } else if let Ok(key) = self.assets.secret_key(namespace, key) {
                out.put("key", key);
            }
        }
        if let Some(name) = section.at("serverName").filled() {
            out.put("server_name", name);
        }
        self.copy_since(
            &mut out,
            (2, 35, 0),
            "min_version",
            section.at("minVersion"),
        );
        self.copy_since(
            &mut out,
            (2, 41, 0),
            "max_version",
            section.at("maxVersion"),
        );
        let files = [
            ("ca_file", tls.ca_file),
            ("cert_file", tls.cert_file),
            ("key_file", tls.key_file),
        ];
        for (key, file) in files {
            out.put_unless_empty(key, file);
        }
        map.put("tls_config", out);
    }

    fn put_certificate(&self, out: &mut Mapping, key: &str, namespace: &str, selector: Tree<'_>) {
        if origin_of(selector).is_none() {
            return;
        }
        if self.features.inline_tls {
            if let Ok(value) = self.assets.key(namespace, selector) {
                out.put(key, value);
            }
        } else if let Some(file) = self.assets.tls_file_of_either(namespace, selector) {
            out.put(&format!("{key}_file"), format!("{CERTS_FOLDER}/{file}"));
        }
    }

    /// `sigv4` of remote endpoints and Alertmanagers.
    pub(super) fn put_sigv4(&self, map: &mut Mapping, namespace: &str, sigv4: Tree<'_>) {
        if !sigv4.is_set() {
            return;
        }
        let mut out = Mapping::new();
        out.put_unless_empty("region", sigv4.at("region").str());
        let read = |key| {
            self.assets
                .secret_key(namespace, sigv4.at(key))
                .unwrap_or_default()
        };
        let (access, secret) = (read("accessKey"), read("secretKey"));
        if !access.is_empty() && !secret.is_empty() {
            out.put("access_key", access);
            out.put("secret_key", secret);
        }
        out.put_unless_empty("profile", sigv4.at("profile").str());
        out.put_unless_empty("role_arn", sigv4.at("roleArn").str());
        if let Some(id) = sigv4.at("externalId").filled() {
            self.put_since(&mut out, (3, 11, 0), "external_id", id);
        }
        self.copy_since(
            &mut out,
            (2, 54, 0),
            "use_fips_sts_endpoint",
            sigv4.at("useFIPSSTSEndpoint"),
        );
        map.put("sigv4", out);
    }

    /// The HTTP fields of Probes and PodMonitors that are neither credentials nor proxy.
    pub(super) fn put_http(
        &self,
        map: &mut Mapping,
        namespace: &str,
        owner: Tree<'_>,
        class: Tree<'_>,
    ) {
        self.copy_since(
            map,
            (2, 26, 0),
            "follow_redirects",
            owner.at("followRedirects"),
        );
        self.copy_since(map, (2, 35, 0), "enable_http2", owner.at("enableHttp2"));
        self.put_tls(
            map,
            namespace,
            Tls::merged_unless_empty(owner.at("tlsConfig"), class),
        );
    }
}

/// A map of texts, in the order in which the peers print maps.
pub(super) fn text_map(map: Tree<'_>) -> Value {
    Value::sorted_map(
        map.entries()
            .into_iter()
            .map(|(key, value)| (key, value.str())),
    )
}

/// `HTTPS` or `https` to `https`.
pub(super) fn lower(field: Tree<'_>) -> Option<String> {
    field.text().map(str::to_lowercase)
}
