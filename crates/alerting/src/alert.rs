//! Alerts: what is posted, what is kept, and how a repeated post changes what is kept.

use std::cmp::Ordering;
use std::fmt;

use model::format::go_quote;
use model::labels::{ALERT_NAME, INSTANCE, JOB};
use model::name::NameScheme;
use model::{Duration, Labels, Pairs};

use crate::about::About;
use crate::text::compare_label_sets;
use crate::time::Time;

/// Identifies an alert by its labels; shown as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// An alert as a client sends it. Absent times are filled in on receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedAlert {
    pub labels: Labels,
    /// In order of names, each name once; values may be empty.
    pub annotations: Pairs,
    pub starts_at: Option<Time>,
    pub ends_at: Option<Time>,
    pub generator_url: String,
}

impl PostedAlert {
    /// An alert with labels only: it starts when it is received.
    pub fn from_labels(labels: Labels) -> Self {
        Self {
            labels,
            annotations: Pairs::empty(),
            starts_at: None,
            ends_at: None,
            generator_url: String::new(),
        }
    }
}

/// Why a posted alert is not taken. `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    #[error("start time missing")]
    NoStart,
    #[error("start time must be before end time")]
    EndsBeforeStart,
    #[error("at least one label pair required")]
    NoLabels,
    #[error("invalid label set: invalid name {}", go_quote(.0))]
    LabelName(String),
    #[error("invalid annotations: invalid name {}", go_quote(.0))]
    AnnotationName(String),
}

impl diag::Reason for AlertError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoStart => "alert-refused-without-start",
            Self::EndsBeforeStart => "alert-refused-ends-before-start",
            Self::NoLabels => "alert-refused-without-labels",
            Self::LabelName(_) => "alert-refused-label-name",
            Self::AnnotationName(_) => "alert-refused-annotation-name",
        }
    }
}

/// How the end of an alert became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// The client named it.
    Explicit,
    /// Nobody did, so it is the time of receipt plus the resolve timeout.
    Timeout,
}

/// An alert as it is kept. Immutable; a change makes a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    pub about: About,
    pub starts_at: Time,
    /// Always set; in the future while the alert fires.
    pub ends_at: Time,
    pub end_kind: EndKind,
    /// When it was last received.
    pub updated_at: Time,
}

impl Alert {
    /// Fills in the times that the client left out and checks the result.
    pub fn from_posted(
        posted: &PostedAlert,
        now: Time,
        resolve_timeout: Duration,
        names: NameScheme,
    ) -> Result<Self, AlertError> {
        let receipt = Receipt {
            now,
            resolve_timeout,
            names,
        };
        let fingerprint = Fingerprint(posted.labels.fingerprint());
        let about = About::new(posted.annotations.clone(), &posted.generator_url);
        receipt.alert(posted, fingerprint, posted.labels.clone(), about)
    }

    /// The alert's name, or "".
    pub fn name(&self) -> &str {
        self.labels.value(ALERT_NAME)
    }

    /// Whether the alert has ended at `now`.
    pub fn is_resolved_at(&self, now: Time) -> bool {
        self.ends_at <= now
    }

    /// What the notification log remembers of an alert: xxHash64 of its labels.
    pub fn log_hash(&self) -> u64 {
        self.labels.xxhash()
    }

    /// Whether a repeated post continues this alert, so that both must be merged; otherwise the new one
    /// replaces it.
    pub fn overlaps(&self, newer: &Self) -> bool {
        let inside = |time: Time| self.starts_at < time && time < self.ends_at;
        inside(newer.ends_at) || inside(newer.starts_at)
    }

    /// One alert from two posts with the same labels. The one received later gives annotations and
    /// generator; the start is the earlier one; of two resolved posts the later end counts; an explicit
    /// end that is later than a firing newer post's end wins over it.
    #[must_use]
    pub fn merge(&self, other: &Self, now: Time) -> Self {
        let (older, younger) = if other.updated_at < self.updated_at {
            (other, self)
        } else {
            (self, other)
        };
        let mut merged = younger.clone();
        if older.starts_at < younger.starts_at {
            merged.starts_at = older.starts_at;
        }
        let older_end_counts = if younger.is_resolved_at(now) {
            older.is_resolved_at(now)
        } else {
            older.end_kind == EndKind::Explicit
        };
        if older_end_counts && older.ends_at > younger.ends_at {
            merged.ends_at = older.ends_at;
        }
        merged
    }
}

/// How posted alerts are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) now: Time,
    pub(crate) resolve_timeout: Duration,
    pub(crate) names: NameScheme,
}

impl Receipt {
    /// The alert as it will be kept. `labels` and `about` say what the posted ones say, and may share memory with other
    /// alerts.
    pub(crate) fn alert(
        self,
        posted: &PostedAlert,
        fingerprint: Fingerprint,
        labels: Labels,
        about: About,
    ) -> Result<Alert, AlertError> {
        let alert = Alert {
            fingerprint,
            labels,
            about,
            starts_at: posted.starts_at.or(posted.ends_at).unwrap_or(self.now),
            ends_at: self.ends_at(posted),
            end_kind: match posted.ends_at {
                Some(_) => EndKind::Explicit,
                None => EndKind::Timeout,
            },
            updated_at: self.now,
        };
        let parts = AlertParts {
            labels: alert.labels.iter(),
            annotations: posted.annotations.iter(),
            starts_at: Some(alert.starts_at),
            ends_at: Some(alert.ends_at),
        };
        parts.check(self.names)?;
        Ok(alert)
    }

    pub(crate) fn ends_at(self, posted: &PostedAlert) -> Time {
        posted.ends_at.unwrap_or(self.now + self.resolve_timeout)
    }
}

/// The parts of an alert that must be valid, before or after empty labels are dropped.
#[derive(Clone, Debug)]
pub struct AlertParts<L, A> {
    pub labels: L,
    pub annotations: A,
    pub starts_at: Option<Time>,
    pub ends_at: Option<Time>,
}

impl<'a, L, A> AlertParts<L, A>
where
    L: Iterator<Item = (&'a str, &'a str)>,
    A: Iterator<Item = (&'a str, &'a str)>,
{
    /// The first thing that is wrong, in the peer's order of checks.
    pub fn check(mut self, names: NameScheme) -> Result<(), AlertError> {
        let starts_at = self.starts_at.ok_or(AlertError::NoStart)?;
        if self.ends_at.is_some_and(|ends_at| ends_at < starts_at) {
            return Err(AlertError::EndsBeforeStart);
        }
        let mut labels = self.labels.peekable();
        if labels.peek().is_none() {
            return Err(AlertError::NoLabels);
        }
        let is_bad = |(name, _): &(&str, &str)| !names.allows_label(name);
        if let Some((name, _)) = labels.find(is_bad) {
            return Err(AlertError::LabelName(name.to_owned()));
        }
        match self.annotations.find(is_bad) {
            Some((name, _)) => Err(AlertError::AnnotationName(name.to_owned())),
            None => Ok(()),
        }
    }
}

/// The order of alerts inside one notification: by `job`, then `instance` (alerts without them last), then
/// by all labels.
pub fn compare_for_notification(a: &Labels, b: &Labels) -> Ordering {
    for name in [JOB, INSTANCE] {
        let order = match (a.get(name), b.get(name)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    compare_label_sets(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(starts_at: &str, ends_at: &str) -> PostedAlert {
        let time = |text: &str| (!text.is_empty()).then(|| Time::parse(text).unwrap());
        PostedAlert {
            starts_at: time(starts_at),
            ends_at: time(ends_at),
            ..PostedAlert::from_labels(Labels::from_pairs([("alertname", "A")]))
        }
    }

    fn received(starts_at: &str, ends_at: &str, at: &str) -> Alert {
        let at = Time::parse(at).unwrap();
        let timeout = Duration::from_secs(300);
        Alert::from_posted(&posted(starts_at, ends_at), at, timeout, NameScheme::Utf8).unwrap()
    }

    #[test]
    fn absent_times_are_filled_in() {
        let now = "2024-01-01T10:00:00Z";
        let open = received("", "", now);
        assert_eq!(open.starts_at.to_rfc3339(), now);
        assert_eq!(open.ends_at.to_rfc3339(), "2024-01-01T10:05:00Z");
        assert_eq!(open.end_kind, EndKind::Timeout);
        let ended = received("", "2024-01-01T09:00:00Z", now);
        assert_eq!(ended.starts_at, ended.ends_at);
        assert_eq!(ended.end_kind, EndKind::Explicit);
    }

    #[test]
    fn a_repeated_post_moves_the_timeout_and_keeps_the_start() {
        let first = received("2024-01-01T09:50:00Z", "", "2024-01-01T10:00:00Z");
        let second = received("2024-01-01T09:59:00Z", "", "2024-01-01T10:01:00Z");
        assert!(first.overlaps(&second));
        let merged = first.merge(&second, second.updated_at);
        assert_eq!(merged.starts_at, first.starts_at);
        assert_eq!(merged.ends_at, second.ends_at);
    }

    #[test]
    fn a_post_after_the_end_does_not_overlap() {
        let first = received(
            "2024-01-01T09:00:00Z",
            "2024-01-01T09:30:00Z",
            "2024-01-01T09:30:00Z",
        );
        let second = received("2024-01-01T09:40:00Z", "", "2024-01-01T09:40:00Z");
        assert!(!first.overlaps(&second));
    }

    #[test]
    fn order_in_a_notification() {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let mut sets = [
            labels(&[("a", "1")]),
            labels(&[("job", "b"), ("instance", "1")]),
            labels(&[("job", "a"), ("x", "1")]),
            labels(&[("job", "a"), ("instance", "2")]),
        ];
        sets.sort_by(compare_for_notification);
        let texts: Vec<_> = sets.iter().map(crate::text::label_set).collect();
        assert_eq!(
            texts,
            [
                r#"{instance="2", job="a"}"#,
                r#"{job="a", x="1"}"#,
                r#"{instance="1", job="b"}"#,
                r#"{a="1"}"#
            ]
        );
    }
}
