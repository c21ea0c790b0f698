//! Service discovery: finds targets and keeps the list fresh.
//!
//! A provider is one file and one variant of [`ProviderConfig`]; [`start`] runs it as a task that
//! publishes [`Snapshot`]s on a watch channel. A provider that fails keeps its last good list and says
//! why in the snapshot: losing the discovery endpoint must never lose its targets.
//!
//! Not here: relabelling and scraping (`scrape`), which configuration asks for what (`server`).

pub mod file;
mod glob;
pub use glob::matching_files;
mod group;
pub mod http;
pub mod kubernetes;
mod provider;
mod refusal;

pub use group::{GroupError, TargetGroup, parse_json_groups, parse_yaml_groups};
pub use provider::{ProviderConfig, ProviderTask, Snapshot, start};
pub use refusal::DiscoveryRefusal;
