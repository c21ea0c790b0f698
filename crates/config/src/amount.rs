//! Sizes in bytes with the peers' binary units.

use std::fmt;

use yaml::{FromYaml, Node, Reading, Value};

use crate::quote::quote;
use crate::section::Field;

/// Bytes. Units are powers of 1024 whether written `KB` or `KiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub i64);

const UNITS: [(&str, &str, i64); 6] = [
    ("EB", "EiB", 1 << 60),
    ("PB", "PiB", 1 << 50),
    ("TB", "TiB", 1 << 40),
    ("GB", "GiB", 1 << 30),
    ("MB", "MiB", 1 << 20),
    ("KB", "KiB", 1 << 10),
];

impl ByteSize {
    /// Reads `512MB`, `1.5GiB`, `1GB512MB`, `0`; a unit is required otherwise.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("units: invalid {}", text);
        let (is_negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
            rest = &rest[digits..];
            let end = rest
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(rest.len());
            let unit = &rest[..end];
            rest = &rest[end..];
            let factor = UNITS
                .iter()
                .find(|(short, long, _)| *short == unit || *long == unit)
                .map(|(.., factor)| *factor)
                .or(if unit == "B" { Some(1) } else { None })
                .ok_or_else(|| format!("units: unknown unit {unit} in {text}"))?;
            total += number * factor as f64;
        }
        // 2^63 as a float; the cast below is exact enough under it.
        if total >= 9_223_372_036_854_775_808.0 {
            return Err(format!("units: overflow parsing unit {}", quote(text)));
        }
        let bytes = total as i64;
        Ok(Self(if is_negative { -bytes } else { bytes }))
    }
}

/// The largest units first: `1GiB512MiB`; plain bytes as `100B`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (_, name, factor) in UNITS {
            let factor = factor.unsigned_abs();
            if rest >= factor {
                write!(f, "{}{name}", rest / factor)?;
                rest %= factor;
            }
        }
        if rest > 0 {
            write!(f, "{rest}B")?;
        }
        Ok(())
    }
}

impl Field for ByteSize {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = String::from_yaml(node, reading)?;
        match Self::parse(&text) {
            Ok(size) => Some(size),
            Err(problem) => {
                let hint = "a number and a unit, as in `512MB` or `10GB`";
                reading.refuse_with_hint(node.span, "bad-size", problem, hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "units.Base2Bytes".to_owned()
    }

    fn to_value(&self) -> Value {
        if self.0 == 0 {
            Value::Int(0)
        } else {
            self.to_string().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_print() {
        assert_eq!(ByteSize::parse("15MB"), Ok(ByteSize(15 << 20)));
        assert_eq!(ByteSize::parse("1.5GiB").unwrap().to_string(), "1GiB512MiB");
        assert_eq!(
            ByteSize::parse("100"),
            Err("units: unknown unit  in 100".into())
        );
        assert_eq!(ByteSize::parse("-1GB").unwrap().to_string(), "-1GiB");
    }
}
