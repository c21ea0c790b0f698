//! URLs as Go's `url.Parse` reads them, as far as accepting and refusing goes.

use diag::Source;
use gotemplate::FunctionTable;

/// The parts that checks look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case, empty if there is none.
    pub(crate) scheme: String,
    /// With port, without user.
    pub(crate) host: String,
}

/// The message says what is wrong, without the text, which may be secret.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("invalid control character in URL".to_owned());
    }
    let text = text.split_once('#').map_or(text, |(head, _)| head);
    let (scheme, rest) = split_scheme(text)?;
    let rest = rest.split_once('?').map_or(rest, |(head, _)| head);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(Url {
                scheme,
                host: String::new(),
            });
        }
        let segment = rest.split('/').next().unwrap_or(rest);
        if segment.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    check_escapes(path)?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    check_host(host)?;
    Ok(Url {
        scheme,
        host: host.to_owned(),
    })
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((text[..at].to_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn check_host(host: &str) -> Result<(), String> {
    let name = if let Some(rest) = host.strip_prefix('[') {
        let Some((name, port)) = rest.split_once(']') else {
            return Err("missing ']' in host".to_owned());
        };
        check_port(port)?;
        name
    } else {
        match host.rsplit_once(':') {
            Some((name, port)) => {
                check_port(&host[host.len() - port.len() - 1..])?;
                name
            }
            None => host,
        }
    };
    check_escapes(name)?;
    for c in name.chars() {
        let is_allowed =
            c.is_ascii_alphanumeric() || !c.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
        if !is_allowed {
            return Err(format!(
                "invalid character {:?} in host name",
                c.to_string()
            ));
        }
    }
    Ok(())
}

/// Empty, or a colon and digits.
fn check_port(port: &str) -> Result<(), String> {
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_valid = port.is_empty()
        || (port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_valid {
        Ok(())
    } else {
        Err(format!("invalid port {port:?} after host"))
    }
}

fn check_escapes(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'%' {
            let digits = bytes.get(at + 1..at + 3);
            if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                let escape: String = path[at..].chars().take(3).collect();
                return Err(format!("invalid URL escape {escape:?}"));
            }
        }
    }
    Ok(())
}

/// A URL that Alertmanager accepts: http or https, with a host. It may come from a Secret, so messages do
/// not repeat it.
pub(crate) fn check_http(text: &str) -> Result<(), String> {
    http_problem(text, "[REDACTED]").map_or(Ok(()), |why| {
        Err(format!("validate url from string failed with error: {why}"))
    })
}

/// As [`check_http`] for URLs that are no secret.
pub(crate) fn check_public_http(text: &str) -> Result<(), String> {
    http_problem(text, &format!("{text:?}")).map_or(Ok(()), |why| {
        Err(format!("validate url from string failed for {text}: {why}"))
    })
}

fn http_problem(text: &str, shown: &str) -> Option<String> {
    // Go's JSON reader gets it in quotes.
    if text.contains('"') {
        return Some("invalid character in URL".to_owned());
    }
    match parse(text) {
        Err(why) => Some(format!("parse {shown}: {why}")),
        Ok(url) if !matches!(url.scheme.as_str(), "http" | "https") => {
            Some(format!("unsupported scheme {:?} for URL", url.scheme))
        }
        Ok(url) if url.host.is_empty() => Some("missing host for URL".to_owned()),
        Ok(_) => None,
    }
}

/// As [`check_http`], or a template.
pub(crate) fn check_http_or_template(text: &str) -> Result<(), String> {
    if text.contains("{{") {
        check_template(text)
    } else {
        check_http(text)
    }
}

/// Whether the text is a Go template that can be parsed, with the built-in functions only.
pub(crate) fn check_template(text: &str) -> Result<(), String> {
    let source = Source::new("template", text);
    let problems = gotemplate::check(&source, &FunctionTable::new());
    problems
        .errors()
        .next()
        .map_or(Ok(()), |problem| Err(problem.message.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses_as_go_does() {
        for text in [
            "http://a:80/x",
            "https://[::1]:9090",
            "http://user:pw@host/",
            "/path",
            "a/b:c",
            "",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "://foo",
            "http://xxx-${dev}.svc:80",
            "http://a:b",
            "a:b c\n",
            "http://[::1",
            "1:2",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(check_http("ftp://host").is_err());
        assert!(check_http("http://").is_err());
        assert!(check_http_or_template("{{ .labels.url }}").is_ok());
        assert!(check_http_or_template("{{ .labels.url").is_err());
        assert!(check_http_or_template("{{ \"}}\" }}").is_ok());
        assert!(check_http_or_template("{{ .x-y }}").is_err());
    }
}
