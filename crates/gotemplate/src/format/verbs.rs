//! One value under one verb.

use super::{Printer, format_float};
use crate::chars::is_printable;
use crate::object::Object;
use crate::quote::{go_quote, go_quote_ascii, go_quote_char, go_quote_char_ascii};
use crate::value::{List, Map, Value};

#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v` and `%#v`.
    pub(super) plus_v: bool,
    pub(super) sharp_v: bool,
}

impl Printer {
    pub(super) fn value(&mut self, value: &Value, verb: char, flags: &Flags, depth: usize) {
        if self.is_over() {
            return;
        }
        if verb == 'T' {
            self.string(&value.type_name(), 's', flags);
            return;
        }
        let is_text_verb = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') && !flags.sharp_v;
        if is_text_verb && let Some(text) = display(value) {
            self.string(&text, verb, flags);
            return;
        }
        match value {
            Value::Nil if verb == 'v' && flags.sharp_v && depth > 0 => {
                self.push("interface {}(nil)")
            }
            Value::Nil if verb == 'v' => self.pad("<nil>", flags),
            Value::Nil if depth > 0 => self.push(&format!("%!{verb}(<nil>)")),
            Value::Nil => self.bad_verb(value, verb, flags),
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { "true" } else { "false" }, flags),
                _ => self.bad_verb(value, verb, flags),
            },
            Value::Int(int, _) => {
                self.integer(
                    Number {
                        negative: *int < 0,
                        magnitude: int.unsigned_abs(),
                    },
                    value,
                    verb,
                    flags,
                );
            }
            Value::Duration(duration) => {
                let ns = duration.nanoseconds();
                self.integer(
                    Number {
                        negative: ns < 0,
                        magnitude: ns.unsigned_abs(),
                    },
                    value,
                    verb,
                    flags,
                );
            }
            Value::Uint(uint, _) if verb == 'v' && flags.sharp_v => {
                self.pad(&format!("{uint:#x}"), flags);
            }
            Value::Uint(uint, _) => {
                self.integer(
                    Number {
                        negative: false,
                        magnitude: *uint,
                    },
                    value,
                    verb,
                    flags,
                );
            }
            Value::Float(float) => self.float(*float, value, verb, flags),
            Value::Str(text) | Value::Safe(_, text) => match verb {
                'v' if flags.sharp_v => self.string(
                    text,
                    'q',
                    &Flags {
                        sharp: false,
                        ..flags.clone()
                    },
                ),
                'v' | 's' | 'x' | 'X' | 'q' => self.string(text, verb, flags),
                _ => self.bad_verb(value, verb, flags),
            },
            Value::List(list) => self.list(list, &value.type_name(), verb, flags, depth),
            Value::Map(map) => self.map(map, &value.type_name(), verb, flags, depth),
            Value::Time(time) if flags.sharp_v => {
                if let Some(function) = crate::time::time_method(time, "GoString")
                    && let Ok(text) = function.call(&mut crate::exec::NoScope, &[])
                {
                    self.value(&text, 's', &Flags::default(), depth);
                }
            }
            Value::Time(_) => self.bad_verb(value, verb, flags),
            Value::Func(_) => self.pad("0x0", flags),
            Value::Object(object) => self.object(object.as_ref(), verb, flags, depth),
        }
    }

    fn object(&mut self, object: &dyn Object, verb: char, flags: &Flags, depth: usize) {
        if let Some(plain) = object.underlying() {
            match &plain {
                Value::List(list) => self.list(list, object.type_name(), verb, flags, depth),
                Value::Map(map) => self.map(map, object.type_name(), verb, flags, depth),
                plain => self.value(plain, verb, flags, depth),
            }
            return;
        }
        let type_name = object.type_name();
        let pointee = type_name.strip_prefix('*');
        if pointee.is_some() {
            if depth > 0 {
                // Go prints the address, which means nothing to anyone.
                self.push("0xc000000000");
                return;
            }
            self.push("&");
        }
        if flags.sharp_v {
            self.push(pointee.unwrap_or(type_name));
        }
        self.push("{");
        for (i, field) in object.fields().iter().enumerate() {
            if i > 0 {
                self.push(if flags.sharp_v { ", " } else { " " });
            }
            if flags.plus_v || flags.sharp_v {
                self.push(field.name);
                self.push(":");
            }
            self.value(&field.value, verb, flags, depth + 1);
        }
        self.push("}");
    }

    fn list(&mut self, list: &List, type_name: &str, verb: char, flags: &Flags, depth: usize) {
        let (open, separator, close) = if flags.sharp_v {
            ("{", ", ", "}")
        } else {
            ("[", " ", "]")
        };
        if flags.sharp_v {
            self.push(type_name);
        }
        self.push(open);
        for (i, item) in list.items().iter().enumerate() {
            if i > 0 {
                self.push(separator);
            }
            self.value(item, verb, flags, depth + 1);
        }
        self.push(close);
    }

    fn map(&mut self, map: &Map, type_name: &str, verb: char, flags: &Flags, depth: usize) {
        if flags.sharp_v {
            self.push(type_name);
            self.push("{");
        } else {
            self.push("map[");
        }
        for (i, (key, item)) in map.iter().enumerate() {
            if i > 0 {
                self.push(if flags.sharp_v { ", " } else { " " });
            }
            self.value(&Value::Str(key.clone()), verb, flags, depth + 1);
            self.push(":");
            self.value(item, verb, flags, depth + 1);
        }
        self.push(if flags.sharp_v { "}" } else { "]" });
    }

    /// `%!d(string=s)`
    fn bad_verb(&mut self, value: &Value, verb: char, flags: &Flags) {
        self.push("%!");
        self.push_char(verb);
        self.push("(");
        if matches!(value, Value::Nil) {
            self.push("<nil>");
        } else {
            self.push(&value.type_name());
            self.push("=");
            self.value(value, 'v', flags, 0);
        }
        self.push(")");
    }

    /// To the width, counted in characters.
    fn pad(&mut self, text: &str, flags: &Flags) {
        let missing = flags
            .width
            .unwrap_or(0)
            .saturating_sub(text.chars().count());
        if flags.minus {
            self.push(text);
            self.push(&" ".repeat(missing));
        } else {
            self.push(&if flags.zero { "0" } else { " " }.repeat(missing));
            self.push(text);
        }
    }

    fn string(&mut self, text: &str, verb: char, flags: &Flags) {
        let cut: String = match flags.precision {
            Some(precision) if !matches!(verb, 'x' | 'X') => text.chars().take(precision).collect(),
            _ => text.to_owned(),
        };
        match verb {
            'x' | 'X' => {
                let bytes = text.as_bytes();
                let shown = bytes.get(..flags.precision.unwrap_or(usize::MAX).min(bytes.len()));
                let text = hex(shown.unwrap_or(bytes), flags, verb);
                self.pad(&text, flags);
            }
            'q' if flags.sharp && can_back_quote(&cut) => self.pad(&format!("`{cut}`"), flags),
            'q' if flags.plus => self.pad(&go_quote_ascii(&cut), flags),
            'q' => self.pad(&go_quote(&cut), flags),
            _ => self.pad(&cut, flags),
        }
    }

    fn integer(&mut self, number: Number, value: &Value, verb: char, flags: &Flags) {
        let code = || {
            let code = u32::try_from(number.magnitude)
                .ok()
                .filter(|_| !number.negative);
            code.and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let digits = match verb {
            'd' | 'v' => number.magnitude.to_string(),
            'b' => format!("{:b}", number.magnitude),
            'o' | 'O' => format!("{:o}", number.magnitude),
            'x' => format!("{:x}", number.magnitude),
            'X' => format!("{:X}", number.magnitude),
            'c' => return self.pad(&code().to_string(), flags),
            'q' if flags.plus => return self.pad(&go_quote_char_ascii(code()), flags),
            'q' => return self.pad(&go_quote_char(code()), flags),
            'U' => {
                let mut text = format!("U+{:04X}", number.magnitude);
                if flags.sharp && is_printable(code()) {
                    text.push_str(&format!(" '{}'", code()));
                }
                return self.pad(
                    &text,
                    &Flags {
                        zero: false,
                        ..flags.clone()
                    },
                );
            }
            _ => return self.bad_verb(value, verb, flags),
        };
        let prefix = match verb {
            'O' => "0o",
            'b' if flags.sharp => "0b",
            'o' if flags.sharp => "0",
            'x' if flags.sharp => "0x",
            'X' if flags.sharp => "0X",
            _ => "",
        };
        let sign = sign(number.negative, flags);
        let zero_width = flags
            .width
            .filter(|_| flags.zero && !flags.minus && flags.precision.is_none());
        let least = zero_width.map_or(flags.precision.unwrap_or(0), |width| {
            width.saturating_sub(sign.len())
        });
        let digits = if flags.precision == Some(0) && number.magnitude == 0 {
            String::new()
        } else {
            digits
        };
        let text = format!("{sign}{prefix}{digits:0>least$}");
        self.pad(
            &text,
            &Flags {
                zero: false,
                ..flags.clone()
            },
        );
    }

    fn float(&mut self, float: f64, value: &Value, verb: char, flags: &Flags) {
        let (format, precision) = match verb {
            'v' => ('g', flags.precision),
            'g' | 'G' | 'x' | 'X' => (verb, flags.precision),
            'e' | 'E' | 'f' | 'F' => (verb, Some(flags.precision.unwrap_or(6))),
            _ => return self.bad_verb(value, verb, flags),
        };
        let text = format_float(float.abs(), format, precision);
        let text = text.trim_start_matches('+');
        let negative = float.is_sign_negative() && !float.is_nan();
        let sign = if float.is_infinite() && !negative {
            "+"
        } else {
            sign(negative, flags)
        };
        let digits_pad = flags.zero && !flags.minus && float.is_finite();
        if let Some(width) = flags.width.filter(|_| digits_pad) {
            let least = width.saturating_sub(sign.len());
            self.push(&format!("{sign}{text:0>least$}"));
        } else {
            self.pad(
                &format!("{sign}{text}"),
                &Flags {
                    zero: false,
                    ..flags.clone()
                },
            );
        }
    }
}

#[derive(Clone, Copy)]
struct Number {
    negative: bool,
    magnitude: u64,
}

fn sign(negative: bool, flags: &Flags) -> &'static str {
    match (negative, flags.plus || flags.plus_v, flags.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

/// What a `String` method gives.
fn display(value: &Value) -> Option<String> {
    match value {
        Value::Time(time) => Some(time.to_go_string()),
        Value::Duration(duration) => Some(duration.to_go_string()),
        Value::Object(object) => object.display(),
        _ => None,
    }
}

fn hex(bytes: &[u8], flags: &Flags, verb: char) -> String {
    let byte = |byte: &u8| {
        if verb == 'x' {
            format!("{byte:02x}")
        } else {
            format!("{byte:02X}")
        }
    };
    let bytes: Vec<String> = bytes.iter().map(byte).collect();
    let prefix = match (flags.sharp, verb) {
        (false, _) => "",
        (true, 'x') => "0x",
        (true, _) => "0X",
    };
    if flags.space {
        bytes
            .iter()
            .map(|byte| format!("{prefix}{byte}"))
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        format!("{prefix}{}", bytes.concat())
    }
}

fn can_back_quote(text: &str) -> bool {
    !text
        .chars()
        .any(|c| (c < ' ' && c != '\t') || matches!(c, '`' | '\u{7f}' | '\u{feff}'))
}
