//! `host:port` texts, split as Go's `net` package does.

use std::net::IpAddr;

/// Host without brackets, and port; none if it is not of that form.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    let (host, port) = (text.get(..colon)?, text.get(colon + 1..)?);
    let inner = match host.strip_prefix('[') {
        Some(bracketed) => {
            let inner = bracketed.strip_suffix(']')?;
            if inner.contains(['[', ']']) {
                return None;
            }
            inner
        }
        None if host.contains([':', '[', ']']) => return None,
        None => host,
    };
    (!port.contains(['[', ']'])).then_some((inner, port))
}

fn join(host: &str, port: &str) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

pub(super) fn strip_port(text: &str) -> String {
    split(text).map_or(text, |(host, _)| host).to_owned()
}

/// Drops the domain of a host name; addresses stay.
pub(super) fn strip_domain(text: &str) -> String {
    let (host, port) = split(text).unwrap_or((text, ""));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let host = host.split('.').next().unwrap_or("");
    if port.is_empty() {
        host.to_owned()
    } else {
        join(host, port)
    }
}
