//! Bodies of requests to Alertmanager's API. What is wrong with one is said in the words of the peer, which are
//! those of Go's JSON decoder and of its schema checks: clients show them, and tests compare them.

use net::axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::error::Error;
use super::media;

/// A body that was read, and how errors call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'n> {
    /// `alerts` or `silence`.
    pub(super) name: &'n str,
}

impl Body<'_> {
    /// Whether there is a body, and of the right type.
    pub(super) fn check(self, headers: &HeaderMap, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Err(self.required());
        }
        media::check_content(headers)
    }

    /// The JSON value. What follows it does not matter, as in the peer. Texts that are no UTF-8 are mended.
    pub(super) fn read(self, headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Error> {
        self.check(headers, bytes)?;
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Err(self.required());
        }
        let read = |text: &str| {
            let mut reader = serde_json::Deserializer::from_str(text);
            serde::Deserialize::deserialize(&mut reader)
        };
        read(&text)
            .or_else(|_| read(&without_lone_surrogates(&text)))
            .map_err(|error| self.unreadable(&syntax(&text, &error)))
    }

    fn required(self) -> Error {
        missing(&format!("{} in body", self.name))
    }

    /// The JSON cannot be read as what it should be.
    pub(super) fn unreadable(self, problem: &str) -> Error {
        Error::bad_body(format!(
            "parsing {} body from \"\" failed, because {problem}",
            self.name
        ))
    }
}

/// `0.labels in body is required`
pub(super) fn missing(what: &str) -> Error {
    unfit(602, format!("{what} is required"))
}

/// It is readable, but breaks a rule of the interface.
pub(super) fn unfit(code: u16, message: String) -> Error {
    Error::Schema {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code,
        message,
    }
}

/// Where a value stands, as Go's decoder names it, and what it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'n> {
    /// `Alert.labels`; empty for the value as a whole.
    pub(super) place: &'n str,
    pub(super) go_type: &'n str,
}

impl Field<'_> {
    fn refuse(self, value: &Value) -> String {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if self.place.is_empty() {
            return format!(
                "json: cannot unmarshal {kind} into Go value of type {}",
                self.go_type
            );
        }
        format!(
            "json: cannot unmarshal {kind} into Go struct field {} of type {}",
            self.place, self.go_type
        )
    }

    /// None for null, which stands for nothing given.
    pub(super) fn object(self, value: &Value) -> Result<Option<&Map<String, Value>>, String> {
        match value {
            Value::Null => Ok(None),
            Value::Object(fields) => Ok(Some(fields)),
            other => Err(self.refuse(other)),
        }
    }

    pub(super) fn array(self, value: &Value) -> Result<Option<&[Value]>, String> {
        match value {
            Value::Null => Ok(None),
            Value::Array(items) => Ok(Some(items)),
            other => Err(self.refuse(other)),
        }
    }

    pub(super) fn string(self, value: &Value) -> Result<Option<&str>, String> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => Err(self.refuse(other)),
        }
    }

    pub(super) fn bool(self, value: &Value) -> Result<Option<bool>, String> {
        match value {
            Value::Null => Ok(None),
            Value::Bool(value) => Ok(Some(*value)),
            other => Err(self.refuse(other)),
        }
    }
}

/// A value of the object; null if it is not there. Names are compared without case, as Go does.
pub(super) fn field<'v>(object: &'v Map<String, Value>, name: &str) -> &'v Value {
    let exact = object.get(name);
    let found = exact.or_else(|| {
        let mut fields = object.iter();
        let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value)
    });
    found.unwrap_or(&Value::Null)
}

/// The text with U+FFFD in place of escapes that are half of a character, as Go's decoder reads them.
fn without_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = String::with_capacity(text.len());
    let mut rest = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push_str(&text[rest..at]);
                mended.push_str("\\ufffd");
                rest = at + 6;
                6
            }
            (Some(_), _) => 6,
            // An escape of one character, which may be a backslash.
            (None, _) => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        at += length;
    }
    mended.push_str(&text[rest..]);
    mended
}

/// What Go's scanner says of a text that is no JSON.
fn syntax(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let message = error.to_string();
    let line = text.split('\n').nth(error.line().saturating_sub(1));
    // Columns count bytes, from 1; the peer takes a byte for a character.
    let before = error.column().saturating_sub(1);
    let found = line
        .and_then(|line| line.as_bytes().get(before))
        .map_or('\n', |byte| char::from(*byte));
    let context = [
        (
            "key must be a string",
            "looking for beginning of object key string",
        ),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("trailing comma", "looking for beginning of value"),
        ("control character", "in string literal"),
        ("invalid escape", "in string escape code"),
        ("invalid number", "in numeric literal"),
    ];
    let context = context
        .iter()
        .find(|(part, _)| message.starts_with(part))
        .map_or("looking for beginning of value", |(_, context)| *context);
    let found = match found {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        other => {
            let quoted = model::format::go_quote(&other.to_string());
            format!("'{}'", quoted.trim_matches('"'))
        }
    };
    format!("invalid character {found} {context}")
}

/// What Go says of a text that is none of the forms of a time: its last attempt is a date.
pub(super) fn no_time(text: &str) -> String {
    const PARTS: [(&str, usize); 5] = [("2006", 4), ("-", 0), ("01", 2), ("-", 0), ("02", 2)];
    let quoted = model::format::go_quote(text);
    let mut rest = text;
    for (part, digits) in PARTS {
        let taken = match digits {
            0 => rest.strip_prefix(part),
            digits => rest
                .get(..digits)
                .filter(|head| head.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|_| &rest[digits..]),
        };
        let month = taken.filter(|_| part == "01").map(|_| &rest[..digits]);
        if month.is_some_and(|month| !("01"..="12").contains(&month)) {
            return format!("parsing time {quoted}: month out of range");
        }
        let Some(after) = taken else {
            let rest = model::format::go_quote(rest);
            return format!(
                "parsing time {quoted} as \"2006-01-02\": cannot parse {rest} as {part:?}"
            );
        };
        rest = after;
    }
    if rest.is_empty() {
        return format!("parsing time {quoted}: day out of range");
    }
    format!(
        "parsing time {quoted}: extra text: {}",
        model::format::go_quote(rest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_said_as_go_does() {
        for (text, expected) in [
            ("{", "unexpected EOF"),
            ("[1", "unexpected EOF"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            (
                "{\"a\":1 2}",
                "invalid character '2' after object key:value pair",
            ),
            (
                "{1:2}",
                "invalid character '1' looking for beginning of object key string",
            ),
            (
                "\u{feff}[]",
                "invalid character 'ï' looking for beginning of value",
            ),
            ("[\"a\tb\"]", "invalid character '\\t' in string literal"),
            ("[\"]", "unexpected EOF"),
        ] {
            let error = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(syntax(text, &error), expected, "{text}");
        }
    }

    #[test]
    fn halves_of_characters_are_mended() {
        for (text, mended) in [
            (r#"["\ud800"]"#, r#"["\ufffd"]"#),
            (r#"["\ud83d\udd25\udc00x"]"#, r#"["\ud83d\udd25\ufffdx"]"#),
            (r#"["\\ud800\n\u00e9"]"#, r#"["\\ud800\n\u00e9"]"#),
            (r#"["\ud800\u0041"]"#, r#"["\ufffd\u0041"]"#),
            ("\\", "\\"),
        ] {
            assert_eq!(without_lone_surrogates(text), mended, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_said_as_go_does() {
        for (text, expected) in [
            ("yesterday", "cannot parse \"yesterday\" as \"2006\""),
            ("2024/01/02", "cannot parse \"/01/02\" as \"-\""),
            ("2024-1-02", "cannot parse \"1-02\" as \"01\""),
        ] {
            let message = no_time(text);
            let start = format!("parsing time \"{text}\" as \"2006-01-02\": ");
            assert_eq!(message.strip_prefix(&start), Some(expected));
        }
        assert_eq!(
            no_time("2024-13-02T"),
            "parsing time \"2024-13-02T\": month out of range"
        );
        assert_eq!(
            no_time("2024-01-02T"),
            "parsing time \"2024-01-02T\": extra text: \"T\""
        );
    }
}
