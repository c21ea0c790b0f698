//! Why a rule made nothing at an evaluation.

use diag::Reason;
use model::storage::SampleRefusal;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    #[error("{0}")]
    Query(String),
    #[error("vector contains metrics with the same labelset after applying {kind} labels")]
    SameLabels {
        /// `rule` or `alert`.
        kind: &'static str,
    },
    #[error("exceeded limit of {limit} with {count} {what}")]
    Limit {
        limit: usize,
        count: usize,
        /// `series` or `alerts`.
        what: &'static str,
    },
    #[error("writing the results: {0}")]
    Write(String),
    /// Of some of the results; the others are stored.
    #[error("{text}")]
    Sample {
        refusal: SampleRefusal,
        /// In the peer's words.
        text: String,
    },
    #[error(
        "{missed} evaluations of the group were missed: an evaluation took longer than the interval"
    )]
    Missed { missed: i64 },
}

impl Reason for RuleRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "rule-query-failed",
            Self::SameLabels { .. } => "rule-same-labels",
            Self::Limit { .. } => "rule-limit",
            Self::Write(_) | Self::Sample { .. } => "rule-write-failed",
            Self::Missed { .. } => "rule-evaluations-missed",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::SameLabels { .. } => {
                "two results differ only in labels that the rule overwrites: aggregate, or keep the label"
            }
            Self::Limit { .. } => "raise the group's `limit`, or aggregate",
            Self::Missed { .. } => "raise the group's interval, or split the group",
            Self::Sample {
                refusal: SampleRefusal::DuplicateTimestamp,
                ..
            } => {
                "another rule, or a scrape, writes the same series: give one of them another name or label"
            }
            Self::Query(_) | Self::Write(_) | Self::Sample { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
