//! What must hold for single discoveries, besides references and TLS.

use super::Checker;
use crate::problem::{Checked, Problem};
use crate::selector::{check_field_query, check_label_query};
use crate::tree::Tree;
use crate::url;
use crate::version::Numbers;

impl Checker<'_> {
    /// A field that older versions do not have.
    fn field_since(&self, section: Tree<'_>, field: &str, since: Numbers) -> Checked {
        let value = section.at(field);
        if !value.is_set() || self.version.is_at_least(since) {
            return Ok(());
        }
        let (major, minor, patch) = since;
        let message = format!(
            "field `{field}` is only supported for Prometheus version >= {major}.{minor}.{patch}"
        );
        Err(Problem::at(value, message))
    }
}

fn parsed(field: Tree<'_>) -> Checked<url::Url> {
    url::parse(field.str())
        .map_err(|why| Problem::at(field, format!("parse {:?}: {why}", field.str())))
}

fn server(section: Tree<'_>) -> Checked {
    let field = section.at("server");
    let url = parsed(field).map_err(|problem| problem.within("cannot parse server"))?;
    if url.scheme.is_empty() || url.host.is_empty() {
        let message = format!("must not be empty and have a scheme: {}", field.str());
        return Err(Problem::at(field, message));
    }
    Ok(())
}

pub(crate) fn http(_: &Checker<'_>, section: Tree<'_>) -> Checked {
    parsed(section.at("url")).map(drop)
}

pub(crate) fn docker(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    checker.field_since(section, "matchFirstNetwork", (2, 54, 1))?;
    parsed(section.at("host")).map(drop)
}

pub(crate) fn docker_swarm(_: &Checker<'_>, section: Tree<'_>) -> Checked {
    parsed(section.at("host")).map(drop)
}

pub(crate) fn kuma(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    checker.field_since(section, "clientID", (2, 50, 0))?;
    server(section)
}

pub(crate) fn nomad(_: &Checker<'_>, section: Tree<'_>) -> Checked {
    server(section)
}

pub(crate) fn hetzner(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    checker.field_since(section, "labelSelector", (3, 5, 0))
}

pub(crate) fn consul(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    checker.field_since(section, "pathPrefix", (2, 45, 0))?;
    checker.field_since(section, "namespace", (2, 28, 0))?;
    checker.field_since(section, "healthFilter", (3, 11, 2))?;
    if section.at("filter").is_set() && checker.version.major() < 3 {
        let message = "field `filter` is only supported for Prometheus version >= 3.0.0";
        return Err(Problem::at(section.at("filter"), message));
    }
    Ok(())
}

pub(crate) fn dns(_: &Checker<'_>, section: Tree<'_>) -> Checked {
    let kind = section.at("type");
    if kind.is_set() && kind.str() != "SRV" && !section.at("port").is_set() {
        let message = format!("port required for record type {:?}", kind.str());
        return Err(Problem::at(section, message));
    }
    Ok(())
}

pub(crate) fn azure(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    let method = section.at("authenticationMethod");
    let since = match method.str() {
        "SDK" => (2, 52, 0),
        "WorkloadIdentity" => (3, 11, 0),
        _ => (0, 0, 0),
    };
    checker.field_since(section, "authenticationMethod", since)?;
    checker.field_since(section, "resourceGroup", (2, 35, 0))?;
    if matches!(method.str(), "ManagedIdentity" | "SDK" | "WorkloadIdentity") {
        return Ok(());
    }
    // The default method is OAuth, which needs all three.
    for field in ["tenantID", "clientID", "clientSecret"] {
        let value = section.at(field);
        let is_given = if field == "clientSecret" {
            value.is_set()
        } else {
            value.filled().is_some()
        };
        if !is_given {
            return Err(Problem::at(
                section,
                format!("configuration requires a {field}"),
            ));
        }
    }
    Ok(())
}

pub(crate) fn openstack(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    let role = section.at("role");
    if role.str() == "LoadBalancer" && !checker.version.is_at_least((3, 2, 0)) {
        let message = "the LoadBalancer role is only supported from Prometheus version 3.2.0";
        return Err(Problem::at(role, message));
    }
    Ok(())
}

pub(crate) fn puppetdb(_: &Checker<'_>, section: Tree<'_>) -> Checked {
    let field = section.at("url");
    let url = parsed(field)?;
    if !matches!(url.scheme.as_str(), "http" | "https") {
        return Err(Problem::at(field, "URL scheme must be 'http' or 'https'"));
    }
    if url.host.is_empty() {
        return Err(Problem::at(field, "host is missing in URL"));
    }
    Ok(())
}

/// The authorization must be usable even where it is not given with credentials.
pub(crate) fn ionos(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    checker.authorization(section)
}

pub(crate) fn kubernetes(checker: &Checker<'_>, section: Tree<'_>) -> Checked {
    let role = section.at("role").str().to_lowercase();
    if role == "endpointslice" && !checker.version.is_at_least((2, 21, 0)) {
        let message = "EndpointSlice role is only supported for Prometheus version >= 2.21.0";
        return Err(Problem::at(section.at("role"), message));
    }
    let own = section.path(&["namespaces", "ownNamespace"]);
    if section.at("apiServer").is_set() && own.flag() == Some(true) {
        let message = "cannot use 'apiServer' and 'namespaces.ownNamespace' simultaneously";
        return Err(Problem::at(own, message));
    }
    let allowed: &[&str] = match role.as_str() {
        "pod" => &["pod"],
        "service" => &["service"],
        "endpointslice" => &["pod", "service", "endpointslice"],
        "endpoints" => &["pod", "service", "endpoints"],
        "node" => &["node"],
        "ingress" => &["ingress"],
        _ => &[],
    };
    for selector in section.at("selectors").items() {
        let wanted = selector.at("role").str().to_lowercase();
        if !allowed.contains(&wanted.as_str()) {
            let message = format!("{role} role supports only {} selectors", allowed.join(", "));
            return Err(Problem::at(selector, message));
        }
        if let Some(text) = selector.at("label").text() {
            check_label_query(text).map_err(|problem| problem.or_at(selector.at("label")))?;
        }
        if let Some(text) = selector.at("field").text() {
            check_field_query(text).map_err(|problem| problem.or_at(selector.at("field")))?;
        }
    }
    Ok(())
}
