//! Why a query has no answer.

use promql::{ParseErrors, QueryError};

/// `Display` is Prometheus' wording where it has one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueryFailure {
    /// The text is no query.
    #[error("{0}")]
    Unreadable(ParseErrors),
    /// Its type does not fit a range query.
    #[error("{0}")]
    WrongType(String),
    /// No place became free in time.
    #[error("query timed out in query queue")]
    QueueTimeout,
    /// So many queries wait that one more would only take memory.
    #[error(
        "{waiting} queries are waiting already; try again later, or raise --query.max-concurrency"
    )]
    QueueFull { waiting: usize },
    #[error("{0}")]
    Evaluation(#[from] QueryError),
    /// While it waited, or while it was evaluated.
    #[error("query was canceled in {stage}: it was killed by an operator")]
    Killed { stage: &'static str },
    /// A defect of ours.
    #[error("evaluating the query failed: {0}")]
    Internal(String),
}
