//! Values as Go's `encoding/json` writes them: sorted maps, `<`, `>` and `&` escaped.

use crate::format::{Printer, TooLong, format_float};
use crate::value::Value;

/// JSON of a value, at most `limit` bytes. Functions and floats that JSON cannot hold are errors.
pub fn to_json(value: &Value, limit: usize) -> Result<String, String> {
    let mut printer = Printer::new(limit);
    write(&mut printer, value)?;
    printer
        .finish()
        .map_err(|TooLong| "the text is too long".to_owned())
}

fn write(out: &mut Printer, value: &Value) -> Result<(), String> {
    if out.is_over() {
        return Ok(());
    }
    match value {
        Value::Nil => out.push("null"),
        Value::Bool(value) => out.push(if *value { "true" } else { "false" }),
        Value::Int(value, _) => out.push(&value.to_string()),
        Value::Uint(value, _) => out.push(&value.to_string()),
        Value::Duration(value) => out.push(&value.nanoseconds().to_string()),
        Value::Float(value) => out.push(&float(*value)?),
        Value::Str(text) | Value::Safe(_, text) => out.push(&quote(text)),
        Value::Time(time) => {
            out.push(&quote(&time.format("2006-01-02T15:04:05.999999999Z07:00")));
        }
        Value::Func(_) => return Err("json: unsupported type: func()".to_owned()),
        Value::List(list) => {
            out.push("[");
            for (i, item) in list.items().iter().enumerate() {
                if i > 0 {
                    out.push(",");
                }
                write(out, item)?;
            }
            out.push("]");
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.as_ref(), value.clone()));
            members(out, entries)?;
        }
        Value::Object(object) if object.is_nil() => out.push("null"),
        Value::Object(object) => match object.underlying() {
            Some(plain) => write(out, &plain)?,
            None => members(
                out,
                object
                    .fields()
                    .into_iter()
                    .filter(|field| !field.json.is_empty())
                    .map(|field| (field.json, field.value)),
            )?,
        },
    }
    Ok(())
}

fn members<'a>(
    out: &mut Printer,
    entries: impl Iterator<Item = (&'a str, Value)>,
) -> Result<(), String> {
    out.push("{");
    for (i, (key, value)) in entries.enumerate() {
        if i > 0 {
            out.push(",");
        }
        out.push(&quote(key));
        out.push(":");
        write(out, &value)?;
    }
    out.push("}");
    Ok(())
}

pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Exponents only for very small and very large numbers, as in JavaScript.
fn float(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err(format!(
            "json: unsupported value: {}",
            format_float(value, 'g', None)
        ));
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        return Ok(format_float(value, 'e', None)
            .replace("e-0", "e-")
            .replace("e+0", "e+"));
    }
    Ok(format_float(value, 'f', None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_like_go() {
        let json = |value: Value| to_json(&value, 1000);
        assert_eq!(
            json(Value::str("<a&\u{1}\n\">")),
            Ok("\"\\u003ca\\u0026\\u0001\\n\\\"\\u003e\"".to_owned())
        );
        assert_eq!(json(Value::Float(1e21)), Ok("1e+21".to_owned()));
        assert_eq!(json(Value::Float(1e-7)), Ok("1e-7".to_owned()));
        assert_eq!(
            json(Value::Float(1e20)),
            Ok("100000000000000000000".to_owned())
        );
        assert_eq!(
            json(Value::string_map([("b", "1"), ("a", "2")])),
            Ok("{\"a\":\"2\",\"b\":\"1\"}".to_owned())
        );
        assert!(json(Value::Float(f64::NAN)).is_err());
        assert!(to_json(&Value::str("abc"), 3).is_err());
    }
}
