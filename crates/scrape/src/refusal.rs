//! Why a target is not scraped, and why a scrape failed.

use std::fmt;

use diag::Reason;
use model::format::go_quote;
use wire::ParseError;
use wire::negotiate::ContentTypeError;

use crate::fetch::FetchError;

/// Why a discovered target is not scraped. `Display` is the peer's wording where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetRefusal {
    /// A relabelling rule (by index) dropped it.
    DroppedByRelabelling {
        rule: usize,
    },
    NoAddress,
    InvalidAddress(String),
    InvalidInterval(String),
    ZeroInterval,
    InvalidTimeout(String),
    ZeroTimeout,
    TimeoutAboveInterval {
        timeout: String,
        interval: String,
    },
    InvalidSwitch {
        label: &'static str,
        value: String,
    },
    /// Another target of the pool has the same labels and URL.
    Duplicate,
    /// Relabelling left no label that is not internal.
    NoLabels,
}

impl Reason for TargetRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::DroppedByRelabelling { .. } => "target-dropped-by-relabelling",
            Self::NoAddress => "target-no-address",
            Self::InvalidAddress(_) => "target-invalid-address",
            Self::InvalidInterval(_) | Self::ZeroInterval => "target-invalid-interval",
            Self::InvalidTimeout(_) | Self::ZeroTimeout => "target-invalid-timeout",
            Self::TimeoutAboveInterval { .. } => "target-timeout-above-interval",
            Self::InvalidSwitch { .. } => "target-invalid-switch",
            Self::Duplicate => "target-duplicate",
            Self::NoLabels => "target-no-labels",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::DroppedByRelabelling { rule } => {
                format!("look at rule {} of relabel_configs of the job", rule + 1)
            }
            Self::NoAddress => {
                "set __address__ in relabel_configs, or check what discovery found".to_owned()
            }
            Self::InvalidAddress(_) => {
                "put only host and port into __address__, and the path into __metrics_path__"
                    .to_owned()
            }
            Self::TimeoutAboveInterval { .. } => {
                "lower scrape_timeout or raise scrape_interval".to_owned()
            }
            Self::Duplicate => {
                "targets with the same labels and URL are scraped once; give them a label that differs"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl fmt::Display for TargetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DroppedByRelabelling { rule } => {
                write!(f, "dropped by relabelling rule {}", rule + 1)
            }
            Self::NoAddress => f.write_str("no address"),
            Self::InvalidAddress(address) => {
                write!(f, "{} is not a valid hostname", go_quote(address))
            }
            Self::InvalidInterval(problem) => {
                write!(f, "error parsing scrape interval: {problem}")
            }
            Self::ZeroInterval => f.write_str("scrape interval cannot be 0"),
            Self::InvalidTimeout(problem) => write!(f, "error parsing scrape timeout: {problem}"),
            Self::ZeroTimeout => f.write_str("scrape timeout cannot be 0"),
            Self::TimeoutAboveInterval { timeout, interval } => write!(
                f,
                "scrape timeout cannot be greater than scrape interval ({} > {})",
                go_quote(timeout),
                go_quote(interval)
            ),
            Self::InvalidSwitch { label, value } => write!(
                f,
                "error parsing {label}: strconv.ParseBool: parsing {}: invalid syntax",
                go_quote(value)
            ),
            Self::Duplicate => f.write_str("another target has the same labels and URL"),
            Self::NoLabels => f.write_str("relabelling left no labels"),
        }
    }
}

/// Why a scrape failed as a whole; nothing of its page was stored.
#[derive(Clone, Debug, PartialEq)]
pub enum ScrapeRefusal {
    Fetch(FetchError),
    /// The status line after the version: `500 Internal Server Error`.
    Status(String),
    BodySizeLimit,
    ContentType(ContentTypeError),
    Parse(ParseError),
    NoMetricName,
    InvalidName(String),
    InvalidLabels(String),
    SampleLimit,
    LabelLimit(String),
    BucketLimit,
    TargetLimit {
        targets: usize,
        limit: usize,
    },
    /// Storage took nothing.
    NotStored(String),
    /// Reading the page ended in a defect of this program.
    Internal,
}

impl Reason for ScrapeRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Fetch(FetchError::Timeout { .. }) => "scrape-timeout",
            Self::Fetch(_) => "scrape-no-connection",
            Self::Status(_) => "scrape-bad-status",
            Self::BodySizeLimit => "scrape-body-size-limit",
            Self::ContentType(_) => "scrape-content-type",
            Self::Parse(_) => "scrape-bad-page",
            Self::NoMetricName | Self::InvalidName(_) | Self::InvalidLabels(_) => {
                "scrape-invalid-labels"
            }
            Self::SampleLimit => "scrape-sample-limit",
            Self::LabelLimit(_) => "scrape-label-limit",
            Self::BucketLimit => "scrape-bucket-limit",
            Self::TargetLimit { .. } => "scrape-target-limit",
            Self::NotStored(_) => "scrape-not-stored",
            Self::Internal => "scrape-internal-error",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ContentType(_) => "set fallback_scrape_protocol for the job".to_owned(),
            Self::Parse(error) if error.line > 0 => {
                format!("look at line {} of the page", error.line)
            }
            Self::SampleLimit => {
                "raise sample_limit, or drop series with metric_relabel_configs".to_owned()
            }
            Self::BodySizeLimit => "raise body_size_limit".to_owned(),
            Self::TargetLimit { .. } => "raise target_limit, or drop targets".to_owned(),
            Self::Fetch(FetchError::Timeout { .. }) => {
                "raise scrape_timeout, or see why the target is slow".to_owned()
            }
            _ => return None,
        })
    }
}

impl fmt::Display for ScrapeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Status(status) => write!(f, "server returned HTTP status {status}"),
            Self::BodySizeLimit => f.write_str("body size limit exceeded"),
            Self::ContentType(error) => error.fmt(f),
            Self::Parse(error) => error.fmt(f),
            Self::NoMetricName => f.write_str("missing metric name (__name__ label)"),
            Self::InvalidName(labels) => {
                write!(f, "invalid metric name or label names: {labels}")
            }
            Self::InvalidLabels(problem) => f.write_str(problem),
            Self::SampleLimit => f.write_str("sample limit exceeded"),
            Self::LabelLimit(problem) => f.write_str(problem),
            Self::BucketLimit => f.write_str("histogram bucket limit exceeded"),
            Self::TargetLimit { targets, limit } => write!(
                f,
                "target_limit exceeded (number of targets: {targets}, limit: {limit})"
            ),
            Self::NotStored(problem) => write!(f, "storing the scrape: {problem}"),
            Self::Internal => f.write_str("internal error while reading the page"),
        }
    }
}

/// Single samples or lines that were left out of a scrape that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// The page has the series twice.
    DuplicateSeries,
    /// The timestamp is more than ten minutes ahead.
    TooFarAhead,
    /// An interval passed without a scrape, because the one before took too long.
    MissedInterval,
}

impl Reason for Leftover {
    fn code(&self) -> &'static str {
        match self {
            Self::DuplicateSeries => "sample-duplicate-in-page",
            Self::TooFarAhead => "sample-too-far-ahead",
            Self::MissedInterval => "scrape-interval-missed",
        }
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateSeries => "the page has a series more than once; the first one counts",
            Self::TooFarAhead => "a sample has a timestamp too far in the future",
            Self::MissedInterval => "a scrape took longer than the interval",
        })
    }
}
