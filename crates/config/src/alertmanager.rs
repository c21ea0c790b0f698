//! The configuration of an Alertmanager.

mod event_recorder;
mod global;
mod inhibit;
mod interval_changes;
mod load;
mod loosely_typed;
pub mod matchers;
pub mod receivers;
mod route;
pub mod time_interval;
mod urls;

#[cfg(test)]
mod peer_tests;

pub use event_recorder::{EventRecorder, FileOutput, KafkaOutput, StdoutOutput, WebhookOutput};
pub use global::{Global, HostPort};
pub use inhibit::InhibitRule;
pub use interval_changes::next_change;
pub use load::{Config, LoadOptions, load};
pub use receivers::Receiver;
pub use route::{GroupBy, Route};
pub use time_interval::{NamedTimeInterval, TimeInterval};
pub use urls::{ApiUrl, SecretUrl};
