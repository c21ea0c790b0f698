//! What the journal holds of one event: a draft before it is written, a record when it is read.

use std::fmt;
use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::alert::{Alert, Fingerprint};
use crate::delivery::NotifiedAlert;
use crate::event::GroupRef;
use crate::time::Time;

/// What an event is about in the first place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Alert,
    Group,
    Delivery,
    Silence,
    Config,
    Rule,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Alert,
        Self::Group,
        Self::Delivery,
        Self::Silence,
        Self::Config,
        Self::Rule,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Group => "group",
            Self::Delivery => "delivery",
            Self::Silence => "silence",
            Self::Config => "config",
            Self::Rule => "rule",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// As it is on disk; never changes.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Alert => 1,
            Self::Group => 2,
            Self::Delivery => 3,
            Self::Silence => 4,
            Self::Config => 5,
            Self::Rule => 6,
        }
    }

    pub(super) fn of_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// The alert that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
}

impl Subject {
    pub fn of_labels(labels: Labels) -> Self {
        Self {
            fingerprint: Fingerprint(labels.fingerprint()),
            labels,
        }
    }
}

impl From<&Alert> for Subject {
    fn from(alert: &Alert) -> Self {
        Self {
            fingerprint: alert.fingerprint,
            labels: alert.labels.clone(),
        }
    }
}

/// Names of details, as they are on disk and in answers.
pub mod detail {
    /// Why a notification is sent, or why not; in words.
    pub const REASON: &str = "reason";
    pub const STARTS_AT: &str = "startsAt";
    pub const ENDS_AT: &str = "endsAt";
    /// When the alert's group is looked at next.
    pub const FLUSH_AT: &str = "flushAt";
    pub const FIRING: &str = "firing";
    pub const RESOLVED: &str = "resolved";
    /// Ids of silences, with commas.
    pub const SILENCES: &str = "silences";
    pub const INHIBITED_BY: &str = "inhibitedBy";
    /// The labels of the alert that inhibits.
    pub const INHIBITED_BY_LABELS: &str = "inhibitedByLabels";
    pub const INHIBIT_RULE: &str = "inhibitRule";
    /// Names of time intervals, with commas.
    pub const INTERVALS: &str = "intervals";
    /// If nothing changes, the first flush after this time notifies again.
    pub const REPEATS_AFTER: &str = "repeatsAfter";
    /// The status code of the receiver's answer.
    pub const STATUS: &str = "status";
    /// The kind of failure, as metrics name it.
    pub const FAILURE: &str = "failure";
    /// What the receiver, or whoever refused, said.
    pub const MESSAGE: &str = "message";
    pub const NEXT_AT: &str = "nextAt";
    pub const SILENCE: &str = "silence";
    pub const CREATED_BY: &str = "createdBy";
    pub const COMMENT: &str = "comment";
    pub const MATCHERS: &str = "matchers";
    /// Of a rule: the value of its expression.
    pub const VALUE: &str = "value";
    pub const EXPR: &str = "expr";
    pub const RULE: &str = "rule";
    pub const RULE_GROUP: &str = "ruleGroup";
    pub const RULE_FILE: &str = "ruleFile";
    /// When the expression was first seen to hold.
    pub const ACTIVE_AT: &str = "activeAt";
    /// How long the expression must hold before the alert fires.
    pub const HOLD: &str = "for";
    /// How many alerts of one name there may be.
    pub const LIMIT: &str = "limit";
    /// How many events could not be written.
    pub const DROPPED: &str = "dropped";
}

/// An event that is to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    pub at: Timestamp,
    pub kind: Kind,
    /// Stable, kebab-case.
    pub code: &'static str,
    pub subject: Option<Subject>,
    pub group: Option<Arc<GroupRef>>,
    pub integration: Option<Arc<str>>,
    /// Unique among the deliveries of one process.
    pub delivery: Option<u64>,
    pub attempt: Option<u32>,
    /// All alerts that it is about, where that is not one.
    pub alerts: Option<Arc<[NotifiedAlert]>>,
    /// By names of [`detail`].
    pub details: Vec<(&'static str, Detail)>,
}

/// The value of a detail. Times and numbers take less room than their texts, and less time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Text(String),
    Time(Timestamp),
    Number(u64),
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Time(at) => Time::from(*at).fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Draft {
    pub fn new(at: Timestamp, kind: Kind, code: &'static str) -> Self {
        Self {
            at,
            kind,
            code,
            subject: None,
            group: None,
            integration: None,
            delivery: None,
            attempt: None,
            alerts: None,
            details: Vec::new(),
        }
    }

    #[must_use]
    pub fn about(mut self, subject: impl Into<Subject>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let text = Detail::Text(value.to_string());
        self.details.push((name, text));
        self
    }

    #[must_use]
    pub fn with_time(mut self, name: &'static str, at: Timestamp) -> Self {
        self.details.push((name, Detail::Time(at)));
        self
    }

    /// A detail that is a time.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.details.iter().find_map(|(own, value)| match value {
            Detail::Time(at) if *own == name => Some(*at),
            _ => None,
        })
    }

    /// Whether it is a reason for which somebody is not told.
    pub fn is_not_notified(&self) -> bool {
        self.code.starts_with("alert-")
            && self.details.iter().any(|(name, _)| *name == detail::REASON)
    }

    /// What would be read of it, for whoever does not want to wait for the disk. All its alerts are mentioned.
    pub fn to_record(&self) -> Record {
        let alerts = self.alerts.iter().flat_map(|alerts| alerts.iter());
        let alerts: Vec<Mention> = alerts
            .map(|notified| Mention {
                subject: Subject::from(&*notified.alert),
                is_resolved: notified.is_resolved,
            })
            .collect();
        let details = self.details.iter();
        let details = details.map(|(name, value)| ((*name).to_owned(), value.to_string()));
        Record {
            at: self.at,
            kind: self.kind,
            code: self.code.to_owned(),
            subject: self.subject.clone(),
            group: self.group.clone(),
            integration: self.integration.as_deref().map(str::to_owned),
            delivery: self.delivery,
            attempt: self.attempt,
            alert_count: alerts.len(),
            alerts,
            details: details.collect(),
        }
    }

    #[must_use]
    pub fn with_count(mut self, name: &'static str, count: usize) -> Self {
        let number = u64::try_from(count).unwrap_or(u64::MAX);
        self.details.push((name, Detail::Number(number)));
        self
    }
}

/// An alert among those that a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub subject: Subject,
    pub is_resolved: bool,
}

/// An event that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub at: Timestamp,
    pub kind: Kind,
    pub code: String,
    pub subject: Option<Subject>,
    pub group: Option<Arc<GroupRef>>,
    pub integration: Option<String>,
    pub delivery: Option<u64>,
    pub attempt: Option<u32>,
    /// The first of the alerts that it is about; those that were asked for come first.
    pub alerts: Vec<Mention>,
    /// How many there are in all.
    pub alert_count: usize,
    pub details: Vec<(String, String)>,
}

impl Record {
    /// The value of a detail, or "".
    pub fn detail(&self, name: &str) -> &str {
        let mut details = self.details.iter();
        details
            .find(|(own, _)| own == name)
            .map_or("", |(_, value)| value)
    }
}
