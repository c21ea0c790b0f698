//! Durations in Go's notation (`1m0s`, `1.5h`), where the peers take that instead of their own.

use std::fmt;

use yaml::{Node, Reading, Resolved, Value};

use crate::quote::quote;
use crate::section::Field;

/// Nanoseconds, signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub i64);

const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

impl GoDuration {
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// For timers; negative durations become zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// `None` if the text is not a duration or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut total = 0.0;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let number: f64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let end = rest
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(rest.len());
            let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end])?;
            rest = &rest[end..];
            total += number * factor;
        }
        // 2^63 as a float.
        if total >= 9_223_372_036_854_775_808.0 {
            None
        } else {
            Some(Self((sign * total) as i64))
        }
    }
}

/// As Go prints it: `1h0m0s`, `1.5s`, `100ms`, `0s`.
impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        let fraction = |value: u64, unit: u64| {
            let digits = unit.ilog10() as usize;
            let text = format!("{}.{:0digits$}", value / unit, value % unit);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        if nanos < 1_000 {
            return write!(f, "{nanos}ns");
        }
        if nanos < 1_000_000 {
            return write!(f, "{}µs", fraction(nanos, 1_000));
        }
        if nanos < 1_000_000_000 {
            return write!(f, "{}ms", fraction(nanos, 1_000_000));
        }
        let minutes = nanos / 60_000_000_000;
        let seconds = fraction(nanos % 60_000_000_000, 1_000_000_000);
        match (minutes / 60, minutes % 60) {
            (0, 0) => write!(f, "{seconds}s"),
            (0, minutes) => write!(f, "{minutes}m{seconds}s"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m{seconds}s"),
        }
    }
}

impl Field for GoDuration {
    /// Whole numbers are nanoseconds, as in the peers.
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let resolved = node.as_scalar().and_then(|scalar| scalar.resolve().ok());
        let duration = match resolved {
            Some(Resolved::Int(nanos)) => Some(Self(nanos)),
            Some(Resolved::String) => node.text().and_then(Self::parse),
            _ => None,
        };
        if duration.is_none() {
            reading.wrong_type(node, "time.Duration");
        }
        duration
    }

    fn go_type() -> String {
        "time.Duration".to_owned()
    }

    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

/// A duration that is always read as text: whole numbers lack their unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextDuration(pub GoDuration);

impl TextDuration {
    /// Why Go does not take a text.
    fn problem(text: &str) -> String {
        let quoted = quote(text);
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        while !rest.is_empty() {
            let digits = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if rest[..digits].parse::<f64>().is_err() {
                break;
            }
            rest = &rest[digits..];
            let end = rest.find(is_part).unwrap_or(rest.len());
            let unit = &rest[..end];
            if unit.is_empty() {
                return format!("time: missing unit in duration {quoted}");
            }
            if !UNITS.iter().any(|(known, _)| *known == unit) {
                let unit = quote(unit);
                return format!("time: unknown unit {unit} in duration {quoted}");
            }
            rest = &rest[end..];
        }
        format!("time: invalid duration {quoted}")
    }
}

impl Field for TextDuration {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let Some(text) = node.text() else {
            reading.wrong_type(node, "pushover.duration");
            return None;
        };
        let duration = GoDuration::parse(text);
        if duration.is_none() {
            let hint = "a number and a unit, as in `30s`, `1m30s`, `2h`";
            let problem = Self::problem(text);
            reading.refuse_with_hint(node.span, "bad-duration", problem, hint);
        }
        duration.map(Self)
    }

    fn go_type() -> String {
        "pushover.duration".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_as_go_does() {
        for (text, problem) in [
            ("5", "time: missing unit in duration \"5\""),
            ("1h5", "time: missing unit in duration \"1h5\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("abc", "time: invalid duration \"abc\""),
            ("", "time: invalid duration \"\""),
        ] {
            assert_eq!(TextDuration::problem(text), problem);
        }
    }

    #[test]
    fn reads_and_prints_as_go() {
        for (text, printed) in [
            ("60s", "1m0s"),
            ("1.5s", "1.5s"),
            ("1h", "1h0m0s"),
            ("100ms", "100ms"),
            ("1m30.25s", "1m30.25s"),
            ("0", "0s"),
            ("-2s", "-2s"),
            ("1500us", "1.5ms"),
        ] {
            assert_eq!(GoDuration::parse(text).unwrap().to_string(), printed);
        }
        assert_eq!(GoDuration::parse("1d"), None);
        assert_eq!(GoDuration::parse("5"), None);
    }
}
