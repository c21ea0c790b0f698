//! Putting URLs together as Go's `net/url` does.

/// `base` with more at the end of its path, in front of a query. What is no part of a path is escaped.
pub(crate) fn with_path(base: &str, more: &str) -> String {
    let end = base.find(['?', '#']).unwrap_or(base.len());
    let (path, rest) = base.split_at(end);
    format!("{path}{}{rest}", path_escaped(more))
}

/// [`with_path`] with exactly one slash between the two.
pub(crate) fn joined(base: &str, more: &str) -> String {
    let end = base.find(['?', '#']).unwrap_or(base.len());
    let (path, rest) = base.split_at(end);
    let path = path.trim_end_matches('/');
    let more = path_escaped(more.trim_start_matches('/'));
    format!("{path}/{more}{rest}")
}

/// `url` with parameters added to its query.
pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let end = url.find('#').unwrap_or(url.len());
    let url = &url[..end];
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{}", form(parameters))
}

/// Parameters sorted by name, as Go's `Values.Encode` writes them.
pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_by_key(|(name, _)| *name);
    let pairs = sorted
        .iter()
        .map(|(name, value)| format!("{}={}", query_escaped(name), query_escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// `QueryEscape`: spaces become `+`.
pub(crate) fn query_escaped(text: &str) -> String {
    escaped(text, |byte| match byte {
        b' ' => Some('+'),
        _ => unreserved(byte),
    })
}

/// What may stand in a path stays, also slashes.
fn path_escaped(text: &str) -> String {
    escaped(text, |byte| match byte {
        b'/' | b'$' | b'&' | b'+' | b',' | b':' | b';' | b'=' | b'@' => Some(char::from(byte)),
        _ => unreserved(byte),
    })
}

fn unreserved(byte: u8) -> Option<char> {
    let stays = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    stays.then_some(char::from(byte))
}

fn escaped(text: &str, kept: impl Fn(u8) -> Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match kept(byte) {
            Some(character) => out.push(character),
            None => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_grow_before_the_query() {
        assert_eq!(
            with_path("http://h/a/?x=1", "b c/ü?"),
            "http://h/a/b%20c/%C3%BC%3F?x=1"
        );
        assert_eq!(joined("http://h/a//", "/b"), "http://h/a/b");
        assert_eq!(joined("http://h", "b"), "http://h/b");
    }

    #[test]
    fn queries_are_sorted_and_escaped() {
        assert_eq!(
            with_query("http://h/a#f", &[("z", "1 &"), ("a", "ü~")]),
            "http://h/a?a=%C3%BC~&z=1+%26"
        );
        assert_eq!(
            with_query("http://h/?k=v", &[("a", "")]),
            "http://h/?k=v&a="
        );
    }
}
