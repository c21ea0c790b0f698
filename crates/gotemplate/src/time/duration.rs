//! `time.Duration`.

/// A span in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

const SECOND: u64 = 1_000_000_000;

impl Duration {
    pub fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    pub fn nanoseconds(self) -> i64 {
        self.0
    }

    pub(crate) fn seconds(self) -> f64 {
        self.units(1_000_000_000)
    }

    /// Whole units plus the fraction, added as floats: Go rounds in this order.
    pub(crate) fn units(self, unit_ns: i64) -> f64 {
        let whole = self.0 / unit_ns;
        let rest = self.0 % unit_ns;
        whole as f64 + rest as f64 / unit_ns as f64
    }

    pub(crate) fn truncate(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            self
        } else {
            Self(self.0 - self.0 % unit.0)
        }
    }

    /// To the nearest multiple of `unit`, halves away from zero.
    pub(crate) fn round(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            return self;
        }
        let (value, step) = (i128::from(self.0), i128::from(unit.0));
        let rest = value % step;
        let base = value - rest;
        let rounded = if rest.abs() * 2 < step {
            base
        } else {
            base + step * value.signum()
        };
        Self(super::clamp(rounded))
    }

    /// Go's form: `1h2m3.5s`, `1.5ms`, `0s`.
    pub(crate) fn to_go_string(self) -> String {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if magnitude == 0 {
            return "0s".to_owned();
        }
        if magnitude < SECOND {
            let (unit, name) = match magnitude {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return format!("{sign}{}{name}", decimal(magnitude, unit));
        }
        let seconds = magnitude / SECOND;
        let mut out = sign.to_owned();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            out.push_str(&format!("{hours}h"));
        }
        if seconds >= 60 {
            out.push_str(&format!("{minutes}m"));
        }
        let rest = magnitude % (60 * SECOND);
        out.push_str(&format!("{}s", decimal(rest, SECOND)));
        out
    }
}

/// `value / unit` with as many digits as needed; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let whole = value / unit;
    let rest = value % unit;
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!(
        "{whole}.{}",
        format!("{rest:0width$}").trim_end_matches('0')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_like_go() {
        let text = |ns| Duration::from_nanoseconds(ns).to_go_string();
        assert_eq!(text(0), "0s");
        assert_eq!(text(1), "1ns");
        assert_eq!(text(1_100), "1.1µs");
        assert_eq!(text(2_200_000), "2.2ms");
        assert_eq!(text(-3_300_000_000), "-3.3s");
        assert_eq!(text(300_000_000_000), "5m0s");
        assert_eq!(text(5_399_500_000_000), "1h29m59.5s");
        assert_eq!(text(i64::MIN), "-2562047h47m16.854775808s");
    }

    #[test]
    fn rounds_halves_away_from_zero() {
        let round = |ns, unit| {
            Duration::from_nanoseconds(ns)
                .round(Duration::from_nanoseconds(unit))
                .nanoseconds()
        };
        assert_eq!(round(15, 10), 20);
        assert_eq!(round(-15, 10), -20);
        assert_eq!(round(14, 10), 10);
        assert_eq!(round(7, 0), 7);
    }
}
