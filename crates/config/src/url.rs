//! URLs, taken apart as far as validation needs, with the texts of Go's parser.

use std::fmt;

use yaml::{FromYaml, Node, Reading, Value};

use crate::quote::quote;
use crate::section::Field;

/// A URL as written. Empty means "none given".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    text: String,
}

impl Url {
    /// Accepts what Go's `url.Parse` accepts: absolute URLs and relative references.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("parse {}: {what}", quote(text)));
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return problem("net/url: invalid control character in URL");
        }
        let before_fragment = text.split('#').next().unwrap_or("");
        let (scheme, rest) = match split_scheme(before_fragment) {
            Ok(parts) => parts,
            Err(what) => return problem(what),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            let is_rooted = rest.starts_with('/');
            let segment = rest.split(['/', '?']).next().unwrap_or("");
            if scheme.is_empty() && !is_rooted && segment.contains(':') {
                return problem("first path segment in URL cannot contain colon");
            }
            if let Some(escape) = bad_escape(rest.split('?').next().unwrap_or("")) {
                return problem(&format!("invalid URL escape {}", quote(escape)));
            }
            return Ok(Self {
                text: text.to_owned(),
            });
        };
        let authority = rest.split(['/', '?']).next().unwrap_or("");
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        if let Some(what) = bad_host(host) {
            return problem(&what);
        }
        if let Some(escape) = bad_escape(rest.split('?').next().unwrap_or("")) {
            return problem(&format!("invalid URL escape {}", quote(escape)));
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Lower-case; empty for relative references.
    pub fn scheme(&self) -> String {
        split_scheme(&self.text).map_or_else(|_| String::new(), |(scheme, _)| scheme)
    }

    /// Host with port, without user; empty if there is none.
    pub fn host(&self) -> &str {
        let Ok((_, rest)) = split_scheme(&self.text) else {
            return "";
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return "";
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
    }

    /// The path with a slash at its end, as some of the peers' base URLs need it.
    #[must_use]
    pub fn with_trailing_slash(&self) -> Self {
        let end = self.text.find(['?', '#']).unwrap_or(self.text.len());
        let (path, rest) = self.text.split_at(end);
        if path.ends_with('/') {
            self.clone()
        } else {
            Self {
                text: format!("{path}/{rest}"),
            }
        }
    }

    /// The text with a password replaced by `xxxxx`.
    pub fn redacted(&self) -> String {
        let Some((head, rest)) = self.text.split_once("://") else {
            return self.text.clone();
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        match authority
            .rsplit_once('@')
            .and_then(|(user, host)| Some((user.split_once(':')?.0, host)))
        {
            Some((user, host)) => format!("{head}://{user}:xxxxx@{host}{tail}"),
            None => self.text.clone(),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

/// Scheme in lower case, or empty, and the rest behind the colon.
fn split_scheme(text: &str) -> Result<(String, &str), &'static str> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme"),
            ':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn bad_host(host: &str) -> Option<String> {
    let port = if let Some(rest) = host.strip_prefix('[') {
        match rest.split_once(']') {
            Some((_, port)) => port,
            None => return Some("missing ']' in host".to_owned()),
        }
    } else {
        host.find(':').map_or("", |at| &host[at..])
    };
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return Some(format!("invalid port {} after host", quote(port)));
    }
    let is_bad = |c: char| {
        matches!(
            c,
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}' | '|'
        )
    };
    host.chars()
        .find(|c| is_bad(*c))
        .map(|c| format!("invalid character {} in host name", quote(&c.to_string())))
}

fn bad_escape(text: &str) -> Option<&str> {
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let end = text
                .char_indices()
                .map(|(i, _)| i)
                .find(|i| *i >= at + 3)
                .unwrap_or(text.len());
            return Some(&text[at..end]);
        }
    }
    None
}

impl Field for Url {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = String::from_yaml(node, reading)?;
        match Self::parse(&text) {
            Ok(url) => Some(url),
            Err(problem) => {
                let hint = "write it as in `http://host:port/path`";
                reading.refuse_with_hint(node.span, "bad-url", problem, hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        if self.text.is_empty() {
            Value::Null
        } else {
            self.redacted().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_go_parses() {
        assert_eq!(Url::parse("http://u:p@h:1/x?y").unwrap().host(), "h:1");
        assert_eq!(Url::parse("localhost:9090").unwrap().scheme(), "localhost");
        assert!(Url::parse("foo").unwrap().host().is_empty());
        assert_eq!(
            Url::parse("://invalid").unwrap_err(),
            "parse \"://invalid\": missing protocol scheme"
        );
        assert_eq!(
            Url::parse("http://h:x/").unwrap_err(),
            "parse \"http://h:x/\": invalid port \":x\" after host"
        );
        assert_eq!(
            Url::parse("1:2").unwrap_err(),
            "parse \"1:2\": first path segment in URL cannot contain colon"
        );
        assert_eq!(
            Url::parse("http://u:p@h/").unwrap().redacted(),
            "http://u:xxxxx@h/"
        );
    }
}
