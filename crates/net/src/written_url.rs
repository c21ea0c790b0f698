//! URLs as people and templates write them, made fit for a request as Go's `net/url` does: labels in a path may
//! hold spaces and any other character.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A URL without what cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenUrl {
    pub url: String,
    /// The `Authorization` header for a user in front of the host.
    pub authorization: Option<String>,
}

impl WrittenUrl {
    /// Any text will do; what is no URL stays as it is, and is refused when it is sent.
    pub fn new(text: &str) -> Self {
        let as_written = || Self {
            url: text.to_owned(),
            authorization: None,
        };
        let before_fragment = text.split('#').next().unwrap_or_default();
        let Some((scheme, rest)) = before_fragment.split_once("://") else {
            return as_written();
        };
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let Some(path) = escaped_path(path) else {
            return as_written();
        };
        let mut url = format!("{scheme}://{host}{path}");
        if let Some(query) = query {
            url.push('?');
            url.push_str(&escaped(query.as_bytes(), is_sent_in_query));
        }
        Self {
            url,
            authorization: user.and_then(basic),
        }
    }
}

fn basic(user: &str) -> Option<String> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut pair = unescaped(name)?;
    pair.push(b':');
    pair.extend(unescaped(password)?);
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

/// The path as it is if it is escaped well, else escaped anew. None if an escape is broken.
fn escaped_path(path: &str) -> Option<String> {
    let plain = unescaped(path)?;
    let is_escaped = |byte: &u8| is_path_byte(*byte) || b"!'()*[]%".contains(byte);
    if path.as_bytes().iter().all(is_escaped) {
        return Some(path.to_owned());
    }
    Some(escaped(&plain, is_path_byte))
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte)
}

/// Go sends queries as they are written; what would end the request line is escaped here.
fn is_sent_in_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>".contains(&byte)
}

fn escaped(bytes: &[u8], is_kept: fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if is_kept(*byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A label with a space or an umlaut in the URL of a webhook was no URL, and nobody was notified.
    #[test]
    fn paths_are_escaped_as_go_does() {
        for (text, url) in [
            ("http://h/Al<&>ü/x y", "http://h/Al%3C&%3E%C3%BC/x%20y"),
            ("http://h/a%2Fb", "http://h/a%2Fb"),
            ("http://h/a%2Fb c", "http://h/a/b%20c"),
            ("http://h/(a)!*'[x]", "http://h/(a)!*'[x]"),
            ("http://h/(a) b", "http://h/%28a%29%20b"),
            ("http://h/a\"{b}|^`\\", "http://h/a%22%7Bb%7D%7C%5E%60%5C"),
            ("http://h?q=ü x#f", "http://h?q=%C3%BC%20x"),
            (
                "https://h:9/p?q=a%20b&c=d/e?f",
                "https://h:9/p?q=a%20b&c=d/e?f",
            ),
            ("http://h/%zz", "http://h/%zz"),
            ("nothing", "nothing"),
        ] {
            let written = WrittenUrl::new(text);
            assert_eq!((written.url.as_str(), written.authorization), (url, None));
        }
    }

    #[test]
    fn a_user_becomes_a_header() {
        let written = WrittenUrl::new("http://us%40er:p:w@h/x");
        assert_eq!(written.url, "http://h/x");
        let expected = format!("Basic {}", STANDARD.encode("us@er:p:w"));
        assert_eq!(written.authorization, Some(expected));
    }
}
