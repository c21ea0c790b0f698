//! Why a query has no answer.

use promql::{ParseErrors, QueryError};

use crate::limits::NoRoom;

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
    /// So much memory is in use that one more query might be too much.
    #[error("{0}, and queries are refused; try again later, or raise it")]
    NoRoom(NoRoom),
    /// Memory ran out while it was evaluated.
    #[error("the query was ended, because memory runs out; ask for less, or raise --memory.budget")]
    OutOfRoom,
    #[error("{0}")]
    Evaluation(#[from] QueryError),
    /// While it waited, or while it was evaluated.
    #[error("query was canceled in {stage}: it was killed by an operator")]
    Killed { stage: &'static str },
    /// A defect of ours.
    #[error("evaluating the query failed: {0}")]
    Internal(String),
}
