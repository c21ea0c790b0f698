//! Credentials, TLS and proxies.

use super::Checker;
use crate::assets::origin_of;
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;
use crate::url;

impl Checker<'_> {
    /// The Secret's key must exist; an absent selector is fine.
    pub(crate) fn secret(&self, field: &str, selector: Tree<'_>) -> Checked {
        if selector.is_set() {
            self.assets
                .secret_key(self.namespace, selector)
                .within(field, selector)?;
        }
        Ok(())
    }

    pub(crate) fn basic_auth(&self, owner: Tree<'_>) -> Checked {
        let auth = owner.at("basicAuth");
        if !auth.is_set() {
            return Ok(());
        }
        for part in ["username", "password"] {
            let field = format!("basicAuth: failed to get basic auth {part}");
            self.assets
                .secret_key(self.namespace, auth.at(part))
                .within(field, auth)?;
        }
        Ok(())
    }

    pub(crate) fn authorization(&self, owner: Tree<'_>) -> Checked {
        let auth = owner.at("authorization");
        let credentials = auth.at("credentials");
        if !credentials.is_set() {
            return Ok(());
        }
        check_safe_authorization(auth).within("authorization", auth)?;
        if credentials.at("name").filled().is_some() {
            self.secret("authorization", credentials)?;
        }
        Ok(())
    }

    pub(crate) fn oauth2(&self, owner: Tree<'_>) -> Checked {
        let oauth2 = owner.at("oauth2");
        if !oauth2.is_set() {
            return Ok(());
        }
        check_oauth2(oauth2).within("oauth2", oauth2)?;
        let id = self.assets.key(self.namespace, oauth2.at("clientId"));
        id.within("oauth2: failed to get oauth2 client id", oauth2)?;
        let secret = self
            .assets
            .secret_key(self.namespace, oauth2.at("clientSecret"));
        secret.within("oauth2: failed to get oauth2 client secret", oauth2)?;
        self.proxy_headers(oauth2).within("oauth2", oauth2)?;
        self.tls(oauth2).within("oauth2", oauth2)
    }

    /// TLS sections that cannot name files.
    pub(crate) fn tls(&self, owner: Tree<'_>) -> Checked {
        let tls = owner.at("tlsConfig");
        if !tls.is_set() {
            return Ok(());
        }
        check_safe_tls(tls).within("tlsConfig", tls)?;
        self.assets
            .check_tls(self.namespace, tls)
            .within("tlsConfig", tls)
    }

    /// TLS sections that can name files.
    pub(crate) fn tls_with_files(&self, owner: Tree<'_>) -> Checked {
        let tls = owner.at("tlsConfig");
        if !tls.is_set() {
            return Ok(());
        }
        check_tls_files(tls).within("tlsConfig", tls)?;
        self.assets
            .check_tls(self.namespace, tls)
            .within("tlsConfig", tls)
    }

    /// The proxy fields beside others in `owner`.
    pub(crate) fn proxy(&self, owner: Tree<'_>) -> Checked {
        check_proxy(owner)?;
        self.proxy_headers(owner)
    }

    pub(crate) fn proxy_headers(&self, owner: Tree<'_>) -> Checked {
        for (name, selectors) in owner.at("proxyConnectHeader").entries() {
            for (at, selector) in selectors.items().enumerate() {
                let value = self.assets.secret_key(self.namespace, selector);
                value.within(format!("header[{name}][{at}]"), selector)?;
            }
        }
        Ok(())
    }
}

/// Several ways to authenticate exclude each other.
pub(crate) fn check_one_credential(owner: Tree<'_>) -> Checked {
    let fields = ["authorization", "basicAuth", "bearerTokenSecret", "oauth2"];
    let set: Vec<&str> = fields
        .into_iter()
        .filter(|field| owner.at(field).is_set())
        .collect();
    if let [first, second, ..] = set[..] {
        let message = format!("{first} and {second} cannot be configured at the same time");
        return Err(Problem::at(owner.at(second), message));
    }
    let auth = owner.at("authorization");
    if auth.is_set() {
        check_safe_authorization(auth).within("authorization", auth)?;
    }
    let oauth2 = owner.at("oauth2");
    if oauth2.is_set() {
        check_oauth2(oauth2).within("oauth2", oauth2)?;
    }
    Ok(())
}

/// `authorization` that must name its credentials.
pub(crate) fn check_safe_authorization(auth: Tree<'_>) -> Checked {
    check_type(auth)?;
    if !auth.at("credentials").is_set() {
        return Err(Problem::at(
            auth,
            "'authorization' credentials are required",
        ));
    }
    Ok(())
}

/// `authorization` that may name a file.
pub(crate) fn check_authorization(auth: Tree<'_>) -> Checked {
    if auth.at("credentials").is_set() && auth.at("credentialsFile").filled().is_some() {
        let message = "authorization can not specify both \"credentials\" and \"credentialsFile\"";
        return Err(Problem::at(auth, message));
    }
    check_type(auth)
}

fn check_type(auth: Tree<'_>) -> Checked {
    if auth.at("type").str().trim().eq_ignore_ascii_case("basic") {
        let message = "'authorization' type cannot be set to \"basic\", use \"basicAuth\" instead";
        return Err(Problem::at(auth.at("type"), message));
    }
    Ok(())
}

pub(crate) fn check_oauth2(oauth2: Tree<'_>) -> Checked {
    if oauth2.at("tokenUrl").filled().is_none() {
        return Err(Problem::at(oauth2, "OAuth2 tokenURL must be specified"));
    }
    let id = oauth2.at("clientId");
    if origin_of(id).is_none() {
        return Err(Problem::at(oauth2, "OAuth2 'clientID' must be specified"));
    }
    check_one_origin(id).within("invalid OAuth2 'clientID'", id)?;
    check_safe_tls(oauth2.at("tlsConfig")).within("invalid OAuth2 'tlsConfig'", oauth2)?;
    check_proxy(oauth2).within("invalid OAuth2 proxyConfig", oauth2)
}

/// `{secret}` and `{configMap}` exclude each other.
fn check_one_origin(selector: Tree<'_>) -> Checked {
    if selector.at("secret").is_set() && selector.at("configMap").is_set() {
        return Err(Problem::at(
            selector,
            "cannot specify both Secret and ConfigMap",
        ));
    }
    Ok(())
}

fn check_tls_common(tls: Tree<'_>) -> Checked {
    for part in ["ca", "cert"] {
        check_one_origin(tls.at(part)).within(part, tls)?;
    }
    let (min, max) = (tls.at("minVersion"), tls.at("maxVersion"));
    if min.is_set() && max.is_set() && max.str() < min.str() {
        return Err(Problem::at(
            max,
            "maxVersion must more than or equal to minVersion",
        ));
    }
    Ok(())
}

pub(crate) fn check_safe_tls(tls: Tree<'_>) -> Checked {
    check_tls_common(tls)?;
    let (cert, key) = (
        origin_of(tls.at("cert")).is_some(),
        tls.at("keySecret").is_set(),
    );
    match (cert, key) {
        (true, false) => Err(Problem::at(tls, "client cert specified without client key")),
        (false, true) => Err(Problem::at(tls, "client key specified without client cert")),
        _ => Ok(()),
    }
}

/// A TLS section that may name files besides Secrets and ConfigMaps.
pub(crate) fn check_tls_files(tls: Tree<'_>) -> Checked {
    check_tls_common(tls)?;
    let has_file = |field: &str| tls.at(field).filled().is_some();
    let has_ca = origin_of(tls.at("ca")).is_some();
    let has_cert = origin_of(tls.at("cert")).is_some();
    let has_key = tls.at("keySecret").is_set();
    let pairs = [
        (has_ca, "caFile", "ca"),
        (has_cert, "certFile", "cert"),
        (has_key, "keyFile", "keySecret"),
    ];
    for (is_set, file, field) in pairs {
        if is_set && has_file(file) {
            return Err(Problem::at(
                tls,
                format!("cannot specify both '{file}' and '{field}'"),
            ));
        }
    }
    match (
        has_cert || has_file("certFile"),
        has_key || has_file("keyFile"),
    ) {
        (true, false) => Err(Problem::at(
            tls,
            "cannot specify client cert without client key",
        )),
        (false, true) => Err(Problem::at(
            tls,
            "cannot specify client key without client cert",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn check_proxy(owner: Tree<'_>) -> Checked {
    let has_url = owner.at("proxyUrl").filled().is_some();
    let has_environment = owner.at("proxyFromEnvironment").flag() == Some(true);
    let has_exceptions = owner.at("noProxy").filled().is_some();
    let headers = owner.at("proxyConnectHeader");
    let refuse = |message: &str| Err(Problem::at(owner, message));
    if !headers.entries().is_empty() && !has_environment && !has_url {
        return refuse(
            "if proxyConnectHeader is configured, proxyUrl or proxyFromEnvironment must also be configured",
        );
    }
    if has_environment && has_url {
        return refuse("if proxyFromEnvironment is configured, proxyUrl must not be configured");
    }
    if has_environment && has_exceptions {
        return refuse("if proxyFromEnvironment is configured, noProxy must not be configured");
    }
    if !has_url && has_exceptions {
        return refuse("if noProxy is configured, proxyUrl must also be configured");
    }
    for (name, selectors) in headers.entries() {
        if selectors.items().len() == 0 {
            return refuse(&format!(
                "proxyConnectHeader[{name}]: selector must not be empty"
            ));
        }
        if selectors.items().any(Tree::is_zero) {
            return refuse(&format!(
                "proxyConnectHeader[{name}]: selector must be defined"
            ));
        }
    }
    if let Some(text) = owner.at("proxyUrl").text() {
        url::parse(text)
            .map_err(|why| Problem::at(owner.at("proxyUrl"), format!("parse {text:?}: {why}")))?;
    }
    Ok(())
}
