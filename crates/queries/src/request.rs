//! What is asked, by whom, and within which limits.

use model::{Duration, Timestamp};
use promql::RangeTimes;

use crate::limits::Limits;
use crate::stats::StatsDetail;

/// One query.
#[derive(Clone, Debug)]
pub struct QueryRequest {
    pub text: String,
    pub when: When,
    pub origin: Origin,
    /// `None` for the server's.
    pub lookback_delta: Option<Duration>,
    /// Counts from the arrival of the request, waiting included. Can only shorten the server's.
    pub timeout: Option<Duration>,
    /// Can only lower the server's.
    pub limits: Limits,
    /// Whether samples are counted by step too.
    pub stats: StatsDetail,
}

/// One time or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    Over(RangeTimes),
}

impl When {
    /// First time, last time and step, as the query log shows them.
    pub(crate) fn times(self) -> (Timestamp, Timestamp, Duration) {
        match self {
            Self::At(time) => (time, time, Duration::ZERO),
            Self::Over(times) => (times.start, times.end, times.step),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Http {
        /// Address of the client, without its port; may be empty.
        client: String,
        method: String,
        /// With the route prefix, without the query string.
        path: String,
    },
    Rule {
        file: String,
        group: String,
    },
}
