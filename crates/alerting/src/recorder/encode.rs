//! Messages as JSON and as protobuf. Fields without a value are left out in both, as proto3 does.
//!
//! Source of the JSON form: "ProtoJSON Format" of the protobuf documentation; numbers of 64 bits are texts, times are
//! RFC 3339 with 0, 3, 6 or 9 digits of a second.

use std::borrow::Cow;
use std::fmt::Write as _;

use model::Duration;

use crate::codec::proto::Writer;
use crate::time::Time;

/// 9999-12-31T23:59:59Z, in seconds: the last that JSON can hold.
const SECONDS_MAX: i64 = 253_402_300_799;

/// An event that JSON cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: the time {seconds} s from 1970 is not between the years 1 and 9999")]
pub struct Unserializable {
    pub field: &'static str,
    pub seconds: i64,
}

/// A message: its fields in the order in which they are declared.
#[derive(Debug, Default)]
pub(super) struct Message<'a>(Vec<Field<'a>>);

#[derive(Debug)]
struct Field<'a> {
    number: u64,
    /// Of JSON.
    name: &'static str,
    value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Texts(Vec<&'a str>),
    U32(u32),
    U64(u64),
    U64s(Vec<u64>),
    I64(i64),
    Bool(bool),
    /// The number and the name of a choice.
    Enum(u64, &'static str),
    Time(Time),
    Duration(Duration),
    Message(Message<'a>),
    Messages(Vec<Message<'a>>),
}

impl Value<'_> {
    /// A message has a presence of its own, even if it is empty.
    fn is_absent(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Texts(texts) => texts.is_empty(),
            Self::U32(number) => *number == 0,
            Self::U64(number) | Self::Enum(number, _) => *number == 0,
            Self::U64s(numbers) => numbers.is_empty(),
            Self::I64(number) => *number == 0,
            Self::Bool(value) => !value,
            Self::Messages(messages) => messages.is_empty(),
            Self::Time(_) | Self::Duration(_) | Self::Message(_) => false,
        }
    }
}

impl<'a> Message<'a> {
    /// Adds a field, unless it has no value.
    #[must_use]
    pub(super) fn with(mut self, number: u64, name: &'static str, value: Value<'a>) -> Self {
        if !value.is_absent() {
            self.0.push(Field {
                number,
                name,
                value,
            });
        }
        self
    }

    #[must_use]
    pub(super) fn with_text(
        self,
        number: u64,
        name: &'static str,
        text: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.with(number, name, Value::Text(text.into()))
    }

    pub(super) fn to_json(&self) -> Result<String, Unserializable> {
        let mut out = String::with_capacity(512);
        self.write_json(&mut out)?;
        Ok(out)
    }

    fn write_json(&self, out: &mut String) -> Result<(), Unserializable> {
        out.push('{');
        for (index, field) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_text(out, field.name);
            out.push(':');
            field.write_json(out)?;
        }
        out.push('}');
        Ok(())
    }

    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for Field { number, value, .. } in &self.0 {
            let number = *number;
            match value {
                Value::Text(text) => out.text(number, text),
                Value::Texts(texts) => {
                    for text in texts {
                        out.message(number, text.as_bytes());
                    }
                }
                Value::U32(value) => out.number(number, u64::from(*value)),
                Value::U64(value) | Value::Enum(value, _) => out.number(number, *value),
                Value::U64s(values) => out.packed(number, values),
                Value::I64(value) => out.number(number, value.cast_unsigned()),
                Value::Bool(value) => out.number(number, u64::from(*value)),
                Value::Time(time) => out.time(number, *time),
                Value::Duration(duration) => {
                    let (seconds, nanos) = parts(*duration);
                    let mut inner = Writer::default();
                    inner.number(1, seconds.cast_unsigned());
                    inner.number(2, nanos.cast_unsigned());
                    out.message(number, &inner.into_bytes());
                }
                Value::Message(message) => out.message(number, &message.to_protobuf()),
                Value::Messages(messages) => {
                    for message in messages {
                        out.message(number, &message.to_protobuf());
                    }
                }
            }
        }
        out.into_bytes()
    }
}

impl Field<'_> {
    // Writing to a string cannot fail.
    fn write_json(&self, out: &mut String) -> Result<(), Unserializable> {
        match &self.value {
            Value::Text(text) => write_text(out, text),
            Value::Texts(texts) => {
                write_list(out, texts.iter(), |out, text| {
                    write_text(out, text);
                    Ok(())
                })?;
            }
            Value::U32(number) => {
                let _ = write!(out, "{number}");
            }
            Value::U64(number) => {
                let _ = write!(out, "\"{number}\"");
            }
            Value::U64s(numbers) => {
                write_list(out, numbers.iter(), |out, number| {
                    let _ = write!(out, "\"{number}\"");
                    Ok(())
                })?;
            }
            Value::I64(number) => {
                let _ = write!(out, "\"{number}\"");
            }
            Value::Bool(value) => {
                let _ = write!(out, "{value}");
            }
            Value::Enum(_, name) => write_text(out, name),
            Value::Time(time) => {
                let seconds = time.seconds();
                if !(Time::UNSET.seconds()..=SECONDS_MAX).contains(&seconds) {
                    return Err(Unserializable {
                        field: self.name,
                        seconds,
                    });
                }
                let whole = Time::new(seconds, 0).to_rfc3339();
                out.push('"');
                out.push_str(whole.trim_end_matches('Z'));
                write_fraction(out, i64::from(time.nanos()));
                out.push_str("Z\"");
            }
            Value::Duration(duration) => {
                let (seconds, nanos) = parts(*duration);
                out.push('"');
                if seconds == 0 && nanos < 0 {
                    out.push('-');
                }
                let _ = write!(out, "{seconds}");
                write_fraction(out, nanos.abs());
                out.push_str("s\"");
            }
            Value::Message(message) => message.write_json(out)?,
            Value::Messages(messages) => {
                write_list(out, messages.iter(), |out, message| message.write_json(out))?;
            }
        }
        Ok(())
    }
}

/// Seconds and nanoseconds, of the same sign.
fn parts(duration: Duration) -> (i64, i64) {
    let millis = duration.millis();
    (millis / 1000, millis % 1000 * 1_000_000)
}

/// 0, 3, 6 or 9 digits.
fn write_fraction(out: &mut String, nanos: i64) {
    let digits = match nanos {
        0 => return,
        nanos if nanos % 1_000_000 == 0 => 3,
        nanos if nanos % 1000 == 0 => 6,
        _ => 9,
    };
    let text = format!("{nanos:09}");
    out.push('.');
    out.push_str(text.get(..digits).unwrap_or(&text));
}

fn write_list<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> Result<(), Unserializable>,
) -> Result<(), Unserializable> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item)?;
    }
    out.push(']');
    Ok(())
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
