//! Media types of requests to Alertmanager's API: what a body may be, and what an answer may be. The peer leaves
//! this to Go's `mime` and to go-openapi; what is wrong is said in their words.

use net::axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::error::Error;

const JSON: &str = "application/json";
/// The media type of bodies that name none.
const UNNAMED: &str = "application/octet-stream";

/// Whether the body is JSON, as its header says.
pub(super) fn check_content(headers: &HeaderMap) -> Result<(), Error> {
    let text = match headers.get(header::CONTENT_TYPE) {
        None => UNNAMED.into(),
        Some(value) => String::from_utf8_lossy(value.as_bytes()),
    };
    if let Err(problem) = parse(&text) {
        let quoted = model::format::go_quote(&text);
        return Err(Error::bad_body(format!(
            "parsing Content-Type header from {quoted} failed, because {problem}"
        )));
    }
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    let essence = model::format::go_quote(&essence.to_ascii_lowercase());
    Err(Error::Schema {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: 415,
        message: format!("unsupported media type {essence}, only [{JSON}] are allowed"),
    })
}

/// Whether the client takes JSON.
pub(super) fn check_accepted(headers: &HeaderMap) -> Result<(), Error> {
    if !headers.contains_key(header::ACCEPT) {
        return Ok(());
    }
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut ranges = accepted
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(','));
    if ranges.any(covers_json) {
        return Ok(());
    }
    Err(Error::Schema {
        status: StatusCode::NOT_ACCEPTABLE,
        code: 406,
        message: format!("unsupported media type requested, only [{JSON}] are available"),
    })
}

fn covers_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_refused = parts.any(|parameter| {
        let quality = parameter.strip_prefix("q=").map(str::parse);
        matches!(quality, Some(Ok(0.0_f64)))
    });
    !is_refused && ["*/*", "application/*", JSON].contains(&essence.as_str())
}

/// What is wrong with a media type and its parameters, as Go's `mime.ParseMediaType` says it.
fn parse(text: &str) -> Result<(), String> {
    let end = text.find(';').unwrap_or(text.len());
    let (essence, mut rest) = text.split_at(end);
    let essence = essence.trim().to_ascii_lowercase();
    let (kind, after) = token(&essence);
    if kind.is_empty() {
        return Err("mime: no media type".to_owned());
    }
    if let Some(subtype) = after.strip_prefix('/') {
        let (subtype, after) = token(subtype);
        if subtype.is_empty() {
            return Err("mime: expected token after slash".to_owned());
        }
        if !after.is_empty() {
            return Err("mime: unexpected content after media subtype".to_owned());
        }
    } else if !after.is_empty() {
        return Err("mime: expected slash after first token".to_owned());
    }
    let mut names: Vec<String> = Vec::new();
    // A semicolon at the end is one too many, but does no harm.
    while !matches!(rest.trim(), "" | ";") {
        let Some((name, after)) = parameter(rest) else {
            return Err("mime: invalid media parameter".to_owned());
        };
        let name = name.to_ascii_lowercase();
        if names.contains(&name) {
            return Err("mime: duplicate parameter name".to_owned());
        }
        names.push(name);
        rest = after;
    }
    if after.is_empty() {
        let quoted = model::format::go_quote(&essence);
        return Err(format!("mediatype: malformed: {quoted} has no subtype"));
    }
    Ok(())
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A token, which may be empty, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let bytes = text.bytes();
    let end = bytes.take_while(|byte| is_token_byte(*byte)).count();
    text.split_at(end)
}

/// The name of `; name=value`, and what follows.
fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, after) = token(text.trim_start().strip_prefix(';')?.trim_start());
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    if name.is_empty() {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        let (value, after) = token(value);
        return (!value.is_empty()).then_some((name, after));
    };
    let mut is_escaped = false;
    let end = quoted.find(|character| {
        let is_end = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    })?;
    Some((name, &quoted[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn refusal(text: &'static str) -> Option<String> {
        match check_content(&headers(header::CONTENT_TYPE, text)) {
            Ok(()) => None,
            Err(Error::Schema { message, .. } | Error::Handler { message, .. }) => Some(message),
        }
    }

    /// `x` and broken parameters were taken for a type that is not supported, or not seen at all.
    #[test]
    fn what_is_no_media_type_is_said_as_go_does() {
        for (text, problem) in [
            ("x", "mediatype: malformed: \"x\" has no subtype"),
            ("/", "mime: no media type"),
            ("application/", "mime: expected token after slash"),
            ("a/b/c", "mime: unexpected content after media subtype"),
            ("a b", "mime: expected slash after first token"),
            ("application/json;;", "mime: invalid media parameter"),
            ("application/json; charset", "mime: invalid media parameter"),
            ("application/json; a=\"x", "mime: invalid media parameter"),
            (
                "application/json; a=b; A=c",
                "mime: duplicate parameter name",
            ),
        ] {
            let quoted = model::format::go_quote(text);
            let expected =
                format!("parsing Content-Type header from {quoted} failed, because {problem}");
            assert_eq!(refusal(text), Some(expected));
        }
        for text in ["application/json", "Application/JSON ; charset=\"a\\\"b\";"] {
            assert_eq!(refusal(text), None, "{text}");
        }
        let expected = "unsupported media type \"text/plain\", only [application/json] are allowed";
        assert_eq!(refusal("Text/plain; a=b").as_deref(), Some(expected));
    }

    #[test]
    fn who_takes_no_json_gets_none() {
        for (accept, is_taken) in [
            ("*/*", true),
            ("application/*", true),
            ("text/html, application/json;q=0.5", true),
            ("application/json;charset=utf-8", true),
            ("text/html,*/*;q=0.1", true),
            ("text/html", false),
            ("", false),
            ("application/json;q=0", false),
            ("application/vnd.x+json", false),
        ] {
            let accepted = check_accepted(&headers(header::ACCEPT, accept));
            assert_eq!(accepted.is_ok(), is_taken, "{accept}");
        }
        assert!(check_accepted(&HeaderMap::new()).is_ok());
    }
}
