//! Printing as Go's yaml.v2 does: two blanks of indentation, lists at the level of their key, long
//! texts folded behind column 80.

use crate::scalar_style::{InFlow, Place, ScalarStyle, choose, is_break, is_printable};
use crate::value::{Mapping, Value};

/// Behind this column a line is folded at the next blank.
const WIDTH: usize = 80;
/// Longer keys are written as `? key`.
const KEY_LENGTH_MAX: usize = 128;
const STEP: usize = 2;

/// The document's text, with a line break at its end.
pub fn to_text(value: &Value) -> String {
    let mut printer = Printer::default();
    printer.value(value, 0);
    if !printer.out.ends_with('\n') {
        printer.out.push('\n');
    }
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    /// In characters.
    column: usize,
}

impl Printer {
    /// At the start of a line, or behind `- `.
    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Mapping(map) if !map.0.is_empty() => self.mapping(map, indent),
            Value::Sequence(items) if !items.is_empty() => self.sequence(items, indent),
            other => self.leaf(other, indent, Place::Block, InFlow::No),
        }
    }

    fn mapping(&mut self, map: &Mapping, indent: usize) {
        for (at, (key, value)) in map.0.iter().enumerate() {
            if at > 0 {
                self.line(indent);
            }
            let text = key
                .as_str()
                .map(str::to_owned)
                .unwrap_or_else(|| plain_text(key));
            if text.contains(is_break) || text.len() > KEY_LENGTH_MAX {
                self.write("? ");
                self.leaf(key, indent + STEP, Place::Block, InFlow::No);
                self.line(indent);
                self.write(":");
            } else {
                self.leaf(key, indent, Place::Key, InFlow::No);
                self.write(":");
            }
            match value {
                Value::Mapping(map) if !map.0.is_empty() => {
                    self.line(indent + STEP);
                    self.mapping(map, indent + STEP);
                }
                Value::Sequence(items) if !items.is_empty() => {
                    self.line(indent);
                    self.sequence(items, indent);
                }
                other => {
                    self.write(" ");
                    self.leaf(other, indent + STEP, Place::Block, InFlow::No);
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.line(indent);
            }
            self.write("- ");
            self.value(item, indent + STEP);
        }
    }

    fn leaf(&mut self, value: &Value, indent: usize, place: Place, in_flow: InFlow) {
        match value {
            Value::String(text) => self.string(text, indent, place, in_flow),
            Value::FlowSequence(items) | Value::Sequence(items) => {
                self.write("[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.write(",");
                        if self.column > WIDTH {
                            self.line(indent);
                        } else {
                            self.write(" ");
                        }
                    }
                    self.leaf(item, indent, Place::Flow, InFlow::Yes);
                }
                self.write("]");
            }
            // Filled mappings are leaves only within a list that is printed on one line.
            Value::Mapping(map) => {
                self.write("{");
                for (at, (key, value)) in map.0.iter().enumerate() {
                    if at > 0 {
                        self.write(", ");
                    }
                    self.leaf(key, indent, Place::Key, InFlow::Yes);
                    self.write(": ");
                    self.leaf(value, indent, Place::Flow, InFlow::Yes);
                }
                self.write("}");
            }
            other => self.write(&plain_text(other)),
        }
    }

    fn string(&mut self, text: &str, indent: usize, place: Place, in_flow: InFlow) {
        let folds = place != Place::Key;
        match choose(text, place, in_flow) {
            ScalarStyle::Plain => self.folded(text, indent, folds, Edge::AnyBlank),
            ScalarStyle::Single => {
                self.write("'");
                self.folded(&text.replace('\'', "''"), indent, folds, Edge::InnerBlank);
                self.write("'");
            }
            ScalarStyle::Double => self.double(text, indent, folds),
            ScalarStyle::Literal => self.literal(text, indent),
        }
    }

    /// Characters, with a line break in place of a single blank beyond the width.
    fn folded(&mut self, text: &str, indent: usize, folds: bool, edge: Edge) {
        let mut chars = text.chars().enumerate().peekable();
        let mut after_blank = false;
        while let Some((at, c)) = chars.next() {
            if c != ' ' {
                self.push(c);
                after_blank = false;
                continue;
            }
            let next = chars.peek().map(|(_, next)| *next);
            let may_fold = edge == Edge::AnyBlank || (at > 0 && next.is_some());
            if folds && !after_blank && self.column > WIDTH && may_fold && next != Some(' ') {
                self.line(indent);
            } else {
                self.push(c);
            }
            after_blank = true;
        }
    }

    fn double(&mut self, text: &str, indent: usize, folds: bool) {
        self.write("\"");
        let mut chars = text.chars().enumerate().peekable();
        let mut after_blank = false;
        while let Some((at, c)) = chars.next() {
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.write(&escape(c));
                after_blank = false;
            } else if c == ' ' {
                let next = chars.peek().map(|(_, next)| *next);
                if folds && !after_blank && self.column > WIDTH && at > 0 && next.is_some() {
                    self.line(indent);
                    if next == Some(' ') {
                        self.write("\\");
                    }
                } else {
                    self.push(c);
                }
                after_blank = true;
            } else {
                self.push(c);
                after_blank = false;
            }
        }
        self.write("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        // At the top level the text is indented all the same.
        let indent = indent.max(STEP);
        self.write("|");
        if text.starts_with(|c: char| c == ' ' || is_break(c)) {
            self.write("2");
        }
        let body = text.strip_suffix('\n');
        match body {
            None => self.write("-"),
            Some(body) if body.is_empty() || body.ends_with('\n') => self.write("+"),
            Some(_) => {}
        }
        for line in body.unwrap_or(text).split('\n') {
            self.push('\n');
            if !line.is_empty() {
                self.write(&" ".repeat(indent));
                self.write(line);
            }
        }
        if body.is_some_and(|body| body.is_empty() || body.ends_with('\n')) {
            self.push('\n');
        }
    }

    fn line(&mut self, indent: usize) {
        if !(self.out.ends_with('\n') && self.column == 0) {
            self.push('\n');
        }
        self.write(&" ".repeat(indent));
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.push(c);
        }
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }
}

/// Where a text may be folded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    AnyBlank,
    InnerBlank,
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => float_text(*value),
        Value::String(text) => text.clone(),
        _ => "null".to_owned(),
    }
}

/// Shortest digits; an exponent below 1e-4 and from 1e21 on, of at least two digits.
fn float_text(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..21).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => "\\0",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\x0b' => "\\v",
        '\x0c' => "\\f",
        '\r' => "\\r",
        '\x1b' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{a0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        _ => {
            let code = u32::from(c);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    short.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        let mut map = Mapping::new();
        map.put("k", text);
        to_text(&map.into())
    }

    #[test]
    fn texts_that_look_like_something_else_are_quoted() {
        for (text, printed) in [
            ("plain", "k: plain\n"),
            ("", "k: \"\"\n"),
            ("null", "k: \"null\"\n"),
            ("yes", "k: \"yes\"\n"),
            ("12", "k: \"12\"\n"),
            ("09:00", "k: \"09:00\"\n"),
            ("2020-01-01", "k: \"2020-01-01\"\n"),
            ("a: b", "k: 'a: b'\n"),
            ("{{ it's }}", "k: '{{ it''s }}'\n"),
            ("#x", "k: '#x'\n"),
            ("a#x", "k: a#x\n"),
            (" x", "k: ' x'\n"),
            ("tab\there", "k: \"tab\\there\"\n"),
            ("é", "k: é\n"),
            ("😀", "k: \"\\U0001F600\"\n"),
            ("<secret>", "k: <secret>\n"),
            ("-x", "k: -x\n"),
            ("- x", "k: '- x'\n"),
            ("*", "k: '*'\n"),
            ("a\nb", "k: |-\n  a\n  b\n"),
            ("a\n\nb\n", "k: |\n  a\n\n  b\n"),
            ("a\n\n", "k: |+\n  a\n\n"),
            (" a\nb\n", "k: |2\n   a\n  b\n"),
            ("a \nb", "k: \"a \\nb\"\n"),
        ] {
            assert_eq!(one(text), printed, "{text:?}");
        }
    }

    #[test]
    fn collections_are_nested_as_the_peers_nest_them() {
        let mut inner = Mapping::new();
        inner.put("a", 1_i64);
        inner.put("b", vec!["x", "y"]);
        let mut outer = Mapping::new();
        outer.put(
            "list",
            Value::list([Value::from(inner.clone()), Value::list(["z", "w"])]),
        );
        outer.put("map", inner);
        outer.put("none", Value::list(Vec::<Value>::new()));
        outer.put("empty", Mapping::new());
        outer.put(
            "flow",
            Value::FlowSequence(vec!["1:3".into(), "2020:2024".into(), "12".into()]),
        );
        outer.put("float", 0.5);
        outer.put("big", 1e21);
        assert_eq!(
            to_text(&outer.into()),
            "list:\n- a: 1\n  b:\n  - x\n  - \"y\"\n- - z\n  - w\nmap:\n  a: 1\n  b:\n  - x\n  - \"y\"\nnone: []\nempty: {}\nflow: [\"1:3\", '2020:2024', \"12\"]\nfloat: 0.5\nbig: 1e+21\n"
        );
    }

    #[test]
    fn long_texts_are_folded_behind_column_80() {
        let word = "x".repeat(79);
        assert_eq!(one(&format!("{word} y z")), format!("k: {word}\n  y z\n"));
        assert_eq!(one(&format!("{word}  y z")), format!("k: {word}  y\n  z\n"));
        assert_eq!(
            one(&format!("{{ {word} y")),
            format!("k: '{{ {word}\n  y'\n")
        );
    }
}
