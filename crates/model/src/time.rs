//! Timestamps and durations in milliseconds, with Prometheus' text forms.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Rounds to the nearest millisecond, as the query API does with float seconds. Saturates.
    pub fn from_seconds(seconds: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, which is what is wanted"
        )]
        Self((seconds * 1000.0).round() as i64)
    }

    pub fn millis(self) -> i64 {
        self.0
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds as the peers' float")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The time that passed since `earlier`; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// A signed span of time in milliseconds. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration(pub i64);

/// Unit name and length in milliseconds, longest first. Years have 365 days, as in Prometheus.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Why a text is not a duration. `Display` is the peers' wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("empty duration string")]
    Empty,
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    #[error("unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit { unit: String, text: String },
    #[error("duration out of range")]
    OutOfRange,
}

impl Duration {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds as the peers' float")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// For timers; negative durations become zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Whole milliseconds, rounded down; saturates.
    pub fn from_std(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    /// Reads `1d2h30m`, `15s`, `0`: units in descending order, each at most once, no sign, no fraction
    /// (`ParseDuration` of prometheus/common; its range is that of 64-bit nanoseconds).
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Self::ZERO),
            _ => {}
        }
        let invalid = || DurationError::Invalid(text.to_owned());
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut total_ms: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let end = tail
                .find(|letter: char| letter.is_ascii_digit())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            if digits == 0 || unit.is_empty() {
                return Err(invalid());
            }
            if !UNITS.iter().any(|(name, _)| *name == unit) {
                let (unit, text) = (unit.to_owned(), text.to_owned());
                return Err(DurationError::UnknownUnit { unit, text });
            }
            let Some((_, unit_ms)) = units.find(|(name, _)| *name == unit) else {
                return Err(invalid());
            };
            let number: i64 = number.parse().map_err(|_| DurationError::OutOfRange)?;
            total_ms = number
                .checked_mul(*unit_ms)
                .and_then(|part| total_ms.checked_add(part))
                .filter(|total| *total <= i64::MAX / 1_000_000)
                .ok_or(DurationError::OutOfRange)?;
            rest = tail;
        }
        Ok(Self(total_ms))
    }
}

/// Prints as Prometheus does: `1d12h`, `1h30m`, `0s`; weeks and years only where they divide exactly.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (name, unit_ms) in UNITS {
            let unit_ms = unit_ms.unsigned_abs();
            // Years and weeks only where nothing remains: 90d is easier to read than 12w6d.
            if matches!(name, "y" | "w") && !rest.is_multiple_of(unit_ms) {
                continue;
            }
            let count = rest / unit_ms;
            if count > 0 {
                write!(f, "{count}{name}")?;
                rest -= count * unit_ms;
            }
        }
        Ok(())
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Duration {
    type Output = Self;

    fn mul(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Neg for Duration {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in [
            "0s", "5m", "1h30m", "15s", "1d", "1w", "1y", "12h", "250ms", "1m1s", "90d", "1d12h",
        ] {
            let parsed = Duration::parse(text).unwrap();
            let printed = parsed.to_string();
            assert_eq!(
                Duration::parse(&printed).unwrap(),
                parsed,
                "{text} -> {printed}"
            );
        }
        assert_eq!(Duration::parse("90d").unwrap().to_string(), "90d");
        assert_eq!(Duration::parse("14d").unwrap().to_string(), "2w");
        assert_eq!(Duration::parse("36h").unwrap().to_string(), "1d12h");
        assert_eq!(Duration::parse("60s").unwrap().to_string(), "1m");
    }

    #[test]
    fn refuses_what_the_peers_refuse() {
        for text in [
            "",
            "5",
            "1s1m",
            "1.5h",
            "-1m",
            "5 m",
            "m",
            "1m1m",
            "99999999999y",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }
}
