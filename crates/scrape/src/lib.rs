//! Scraping: from discovered groups of targets to committed samples.
//!
//! In reading order: [`config`] (what a pool is told), [`target`] (relabelling groups into targets),
//! [`fetch`] (the trait that brings pages), `schedule` (when), `cache` and `page` (a page into a batch of
//! samples without allocation in the steady state), `cycle` (one scrape from fetch to commit), `target_loop`
//! (one task per target), [`pools`] (all jobs; reload and sync), [`status`] and [`refusal`] (what the API
//! and users see).
//!
//! Invariants: one scrape is one batch is one commit; a page that is wrong anywhere leaves no sample but
//! staleness markers and the report series; every target or sample that is not taken has a reason in the
//! [`diag::ReasonBook`].
//!
//! Not here: HTTP (`net`), finding targets (`discovery`), formats (`wire`), storage (`tsdb`).

mod cache;
pub mod config;
mod cycle;
pub mod fetch;
mod histogram_limit;
mod labels;
mod metadata;
mod page;
mod pool;
pub mod pools;
pub mod refusal;
mod report;
mod reuse;
mod schedule;
mod stats;
pub mod status;
pub mod target;
mod target_loop;
mod url;

pub use config::{Limits, PoolConfig};
pub use fetch::{Fetch, FetchAnswer, FetchError, FetchFuture, FetchRequest};
pub use metadata::MetadataEntry;
pub use pools::{Collaborators, PoolSetup, Pools, ScrapeOptions};
pub use refusal::{ScrapeRefusal, TargetRefusal};
pub use stats::StatsSnapshot;
pub use status::{DroppedTarget, Health, TargetStatus};
pub use target::{Resolution, Target, TargetGroup, resolve};
pub use url::{GlobalUrlBase, global_url};
