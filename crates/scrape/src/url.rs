//! URLs of targets, built and changed as Go's `net/url` does.

use std::collections::BTreeMap;

use model::format::go_quote;

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn push_escaped(out: &mut String, byte: u8) {
    out.push_str(&format!("%{byte:02X}"));
}

/// Escapes for a query component: space becomes `+`.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            _ if is_unreserved(byte) => out.push(char::from(byte)),
            _ => push_escaped(&mut out, byte),
        }
    }
    out
}

/// Escapes for a path; what is escaped already stays.
fn path_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) || b"$&+,/:;=@!'()*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(&mut out, byte);
        }
    }
    out
}

/// The parts of a target's URL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UrlParts<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) params: &'a BTreeMap<String, Vec<String>>,
}

impl UrlParts<'_> {
    pub(crate) fn build(&self) -> String {
        let mut url = format!("{}://{}", self.scheme, self.host);
        if !self.path.is_empty() && !self.path.starts_with('/') {
            url.push('/');
        }
        url.push_str(&path_escape(self.path));
        let mut separator = '?';
        for (name, values) in self.params {
            for value in values {
                url.push(separator);
                separator = '&';
                url.push_str(&query_escape(name));
                url.push('=');
                url.push_str(&query_escape(value));
            }
        }
        url
    }
}

/// How this server is reached from outside.
#[derive(Clone, Debug)]
pub struct GlobalUrlBase {
    /// `host:port` that we listen on.
    pub listen_address: String,
    /// Host, with port if any, of the external URL.
    pub host: String,
    pub scheme: String,
}

/// The URL of a target for people elsewhere: local hosts are replaced by ours.
pub fn global_url(url: &str, base: &GlobalUrlBase) -> String {
    let unchanged = || url.to_owned();
    let Some((scheme, rest)) = url.split_once("://") else {
        return unchanged();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host_and_port, tail) = rest.split_at(end);
    let Some((host, port)) = split_port(host_and_port) else {
        return unchanged();
    };
    if !matches!(host, "127.0.0.1" | "localhost" | "::1") {
        return unchanged();
    }
    let Some((_, own_port)) = split_port(&base.listen_address) else {
        return unchanged();
    };
    if port == own_port {
        return format!("{}://{}{tail}", base.scheme, base.host);
    }
    let host = split_port(&base.host).map_or(base.host.as_str(), |(host, _)| host);
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!("{scheme}://{host}:{port}{tail}")
}

/// Host (without brackets) and port.
fn split_port(address: &str) -> Option<(&str, &str)> {
    let (host, port) = address.rsplit_once(':')?;
    if let Some(inner) = host.strip_prefix('[') {
        return Some((inner.strip_suffix(']')?, port));
    }
    (!host.contains(':')).then_some((host, port))
}

/// The address may only be host and port.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    if address.contains('/') {
        return Err(go_quote(address));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_urls() {
        let params = BTreeMap::from([
            ("module".to_owned(), vec!["http 2xx".to_owned()]),
            ("a".to_owned(), vec!["1".to_owned(), "ä&".to_owned()]),
        ]);
        let parts = UrlParts {
            scheme: "https",
            host: "h:1",
            path: "met rics?x",
            params: &params,
        };
        assert_eq!(
            parts.build(),
            "https://h:1/met%20rics%3Fx?a=1&a=%C3%A4%26&module=http+2xx"
        );
    }

    #[test]
    fn local_targets_get_the_external_host() {
        let base = GlobalUrlBase {
            listen_address: "0.0.0.0:9090".to_owned(),
            host: "prom.example:443".to_owned(),
            scheme: "https".to_owned(),
        };
        let cases = [
            (
                "http://localhost:9090/metrics",
                "https://prom.example:443/metrics",
            ),
            (
                "http://127.0.0.1:1/metrics?x=1",
                "http://prom.example:1/metrics?x=1",
            ),
            ("http://[::1]:8080/m", "http://prom.example:8080/m"),
            ("http://other:1/metrics", "http://other:1/metrics"),
            ("http://localhost/metrics", "http://localhost/metrics"),
        ];
        for (url, wanted) in cases {
            assert_eq!(global_url(url, &base), wanted);
        }
    }
}
