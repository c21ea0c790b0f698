//! What the API shows of targets.

use model::relabel::Step;
use model::{Duration, Labels, Timestamp};

use crate::refusal::TargetRefusal;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Unknown,
    Up,
    Down,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// The last scrape of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastScrape {
    pub health: Health,
    /// When it began.
    pub time: Option<Timestamp>,
    /// In seconds.
    pub duration: f64,
    /// Empty if it succeeded.
    pub error: String,
    /// Code of the refusal, if it failed.
    pub error_code: Option<&'static str>,
    pub samples_scraped: usize,
}

/// A target that is scraped.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetStatus {
    pub job: String,
    pub discovered_labels: Labels,
    pub labels: Labels,
    pub scrape_url: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub last: LastScrape,
    /// Intervals that passed without a scrape.
    pub intervals_missed: u64,
}

/// A target that is not scraped.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedTarget {
    pub job: String,
    /// The group that it came from.
    pub source: String,
    pub discovered_labels: Labels,
    pub refusal: TargetRefusal,
}

/// How relabelling treats a target.
#[derive(Clone, Debug, PartialEq)]
pub struct RelabelTrace {
    pub discovered_labels: Labels,
    pub steps: Vec<Step>,
}
