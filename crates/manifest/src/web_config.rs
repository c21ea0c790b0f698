//! The web configuration file of Prometheus, Alertmanager and Thanos Ruler, from `spec.web`.

use yaml::{Mapping, Value};

use crate::tree::Tree;

/// The tree of `web-config.yaml`; null if there is nothing to say. `mount_folder` is where the operator
/// mounts the Secrets and ConfigMaps with certificates.
pub fn web_config(tls: Tree<'_>, http: Tree<'_>, mount_folder: &str) -> Value {
    let mut out = Mapping::new();
    if tls.is_set() {
        out.put("tls_server_config", tls_section(tls, mount_folder));
    }
    if http.is_set() {
        out.put("http_server_config", http_section(http));
    }
    if out.0.is_empty() {
        Value::Null
    } else {
        out.into()
    }
}

fn tls_section(tls: Tree<'_>, folder: &str) -> Mapping {
    let mut out = Mapping::new();
    // A file that is named wins over a reference.
    let file = |field: &str, selector: Tree<'_>, suffix: &str| {
        let named = tls.at(field).filled().map(str::to_owned);
        named.or_else(|| mounted(selector, folder, suffix))
    };
    let key_path = || {
        let key = tls.at("keySecret");
        let name = key.at("name").filled()?;
        Some(format!(
            "{folder}/secret/{name}-key/{}",
            key.at("key").str()
        ))
    };
    let key_file = tls
        .at("keyFile")
        .filled()
        .map(str::to_owned)
        .or_else(key_path);
    let files = [
        ("cert_file", file("certFile", tls.at("cert"), "cert")),
        ("key_file", key_file),
        (
            "client_ca_file",
            file("clientCAFile", tls.at("client_ca"), "ca"),
        ),
    ];
    for (key, path) in files {
        if let Some(path) = path {
            out.put(key, path);
        }
    }
    for (field, key) in [
        ("clientAuthType", "client_auth_type"),
        ("minVersion", "min_version"),
        ("maxVersion", "max_version"),
    ] {
        out.put_unless_empty(key, tls.at(field).str());
    }
    for (field, key) in [
        ("cipherSuites", "cipher_suites"),
        ("curvePreferences", "curve_preferences"),
    ] {
        out.put_unless_empty(key, tls.at(field).texts());
    }
    if let Some(flag) = tls.at("preferServerCipherSuites").flag() {
        out.put("prefer_server_cipher_suites", flag);
    }
    out
}

/// Where the operator mounts what a selector refers to.
fn mounted(selector: Tree<'_>, folder: &str, suffix: &str) -> Option<String> {
    let kinds = [("secret", "secret"), ("configMap", "configmap")];
    kinds.iter().find_map(|(field, word)| {
        let name = selector.at(field).at("name").filled()?;
        let key = selector.at(field).at("key").str();
        Some(format!("{folder}/{word}/{name}-{suffix}/{key}"))
    })
}

fn http_section(http: Tree<'_>) -> Mapping {
    let mut out = Mapping::new();
    if let Some(flag) = http.at("http2").flag() {
        out.put("http2", flag);
    }
    let headers = http.at("headers");
    if !headers.is_set() {
        return out;
    }
    let mut written = Mapping::new();
    for (field, name) in [
        ("contentSecurityPolicy", "Content-Security-Policy"),
        ("strictTransportSecurity", "Strict-Transport-Security"),
        ("xContentTypeOptions", "X-Content-Type-Options"),
        ("xFrameOptions", "X-Frame-Options"),
        ("xXSSProtection", "X-XSS-Protection"),
    ] {
        let text = headers.at(field).str();
        // These two are enums, which the custom resource writes in capitals.
        let is_enum = matches!(field, "xContentTypeOptions" | "xFrameOptions");
        let text = if is_enum {
            text.to_lowercase()
        } else {
            text.to_owned()
        };
        written.put_unless_empty(name, text);
    }
    out.put("headers", written);
    out
}
