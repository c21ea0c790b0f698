//! Queries from the API and from rules, run within limits.
//!
//! [`QueryService::run`] takes a [`QueryRequest`] through its life: read and checked, listed as active
//! ([`active`]), given a place or made to wait for one, written to `queries.active` ([`crash_file`]),
//! evaluated on a blocking thread within its [`Limits`], counted (`counters`) and logged ([`log`]).
//! In reading order: [`request`], [`limits`], [`active`], [`crash_file`], [`log`], [`stats`], [`recent`],
//! `counters`, [`failure`], [`service`].
//!
//! A query holds its place until its evaluation has really ended, also when its client is gone: so no
//! more than the allowed number ever run. Rules do not wait: their number is bounded by their schedule,
//! and dashboards must not hold up alerts.
//!
//! Not here: the language and its evaluation (`promql`), parameters and answers of HTTP (`api`).

pub mod active;
mod counters;
pub mod crash_file;
pub mod failure;
pub mod limits;
pub mod log;
pub mod recent;
pub mod request;
pub mod service;
pub mod stats;

#[cfg(test)]
mod tests;

pub use active::{ActiveQuery, Kind, Stage};
pub use crash_file::UnfinishedQuery;
pub use failure::QueryFailure;
pub use limits::{Limits, NoRoom, Room};
pub use log::QueryLogFile;
pub use recent::Tally;
pub use request::{Origin, QueryRequest, When};
pub use service::{Analysis, Answer, QueryService, Settings};
pub use stats::{StatsDetail, StatsTwin, Timings};
