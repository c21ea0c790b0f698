//! Versions of the programs a configuration is written for.

use std::cmp::Ordering;
use std::fmt;

/// A semantic version, read as tolerantly as the operator does: `v3.1` is 3.1.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: Numbers,
    /// Dot-separated identifiers behind `-`; a version without is newer.
    pre: Vec<String>,
}

/// Major, minor and patch: how minimum versions are written in this crate.
pub(crate) type Numbers = (u64, u64, u64);

impl Version {
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self {
            numbers: (major, minor, patch),
            pre: Vec::new(),
        }
    }

    /// `None` if the text is no version.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, pre.split('.').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let parts: Vec<u64> = numbers
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        if parts.is_empty() || parts.len() > 3 {
            return None;
        }
        let part = |at: usize| parts.get(at).copied().unwrap_or(0);
        Some(Self {
            numbers: (part(0), part(1), part(2)),
            pre,
        })
    }

    pub fn major(&self) -> u64 {
        self.numbers.0
    }

    pub(crate) fn is_at_least(&self, numbers: Numbers) -> bool {
        *self
            >= Self {
                numbers,
                pre: Vec::new(),
            }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre(&self.pre, &other.pre),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numbers by value and before words, as semantic versioning says.
fn compare_pre(a: &[String], b: &[String]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.pre.is_empty() {
            Ok(())
        } else {
            write!(f, "-{}", self.pre.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_tolerantly_and_orders_releases_behind_candidates() {
        let version = |text| Version::parse(text).unwrap();
        assert_eq!(version("v3.1"), Version::new(3, 1, 0));
        assert!(version("3.0.0-rc.0") < version("3.0.0"));
        assert!(version("3.0.0-rc.2") < version("3.0.0-rc.10"));
        assert!(version("2.55.1") < version("3.0.0-rc.0"));
        assert!(version("v2.45.0").is_at_least((2, 45, 0)));
        assert_eq!(Version::parse("latest"), None);
        assert_eq!(version("v3.0.0-rc.0").to_string(), "3.0.0-rc.0");
    }
}
