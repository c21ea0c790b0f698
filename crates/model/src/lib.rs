//! The vocabulary that all other crates share. Pure: no I/O, no clock, no async runtime.
//!
//! In reading order: [`time`] (timestamps, durations), [`pairs`], [`labels`], [`matcher`], [`sample`] with
//! staleness, [`histogram`], [`exemplar`], [`metadata`], [`name`] (validity and escaping),
//! [`relabel`] (with a trace of every step), [`storage`] (the traits that readers and writers of series
//! speak), [`clock`] and [`disk`] (what a pure crate takes as a parameter), [`format`] (numbers as the
//! peers print them).
//!
//! Not here: parsing of exposition formats (`wire`), query evaluation (`promql`), files (`tsdb`).

pub mod clock;
pub mod disk;
pub mod exemplar;
pub mod format;
pub mod histogram;
pub mod labels;
pub mod matcher;
pub mod metadata;
pub mod name;
pub mod pairs;
pub mod pattern;
pub mod relabel;
pub mod sample;
pub mod storage;
pub mod time;

pub use clock::Clock;
pub use exemplar::Exemplar;
pub use histogram::{FloatHistogram, Histogram};
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};
pub use metadata::{Metadata, MetricType};
pub use pairs::Pairs;
pub use sample::{Sample, Value};
pub use time::{Duration, Timestamp};
