//! Why a query has no result.

use model::storage::ReadError;

/// What the caller's check says between two pieces of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    Timeout,
    Canceled,
}

/// `Display` is Prometheus' wording, which clients and rules show.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The query cannot be evaluated at these times, whatever the data: it is as wrong as one that cannot be
    /// read.
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Evaluation(String),
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// Ours: the peer has no such limit.
    #[error(
        "query selects {found} series or more, and {limit} are allowed: narrow its selectors or raise the limit"
    )]
    TooManySeries { found: usize, limit: usize },
    /// Ours: the peer has no such limit.
    #[error(
        "query would hold more than the {limit} bytes allowed: narrow its selectors, shorten its range or raise the limit"
    )]
    TooManyBytes { limit: usize },
    #[error("query timed out in expression evaluation")]
    Timeout,
    #[error("query was canceled in expression evaluation")]
    Canceled,
    #[error("expanding series: {0}")]
    Storage(#[from] ReadError),
}

impl QueryError {
    pub(crate) fn same_labelset() -> Self {
        Self::Evaluation("vector cannot contain metrics with the same labelset".to_owned())
    }

    /// A plan that the type checker cannot have let through.
    pub(crate) fn unexpected(what: &str) -> Self {
        Self::Evaluation(format!("unexpected expression: {what}"))
    }
}

impl From<Interruption> for QueryError {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Timeout => Self::Timeout,
            Interruption::Canceled => Self::Canceled,
        }
    }
}
