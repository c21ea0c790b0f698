//! The configuration of a Prometheus server or agent.

mod alerting;
mod global;
mod load;
mod otlp;
mod refusals;
mod remote_read;
mod remote_write;
mod scrape;
mod scrape_files;
pub mod sd;
mod storage;
mod tracing;

pub use alerting::{Alerting, AlertmanagerClient, AlertmanagerVersion};
pub use global::{
    EscapingScheme, ExternalLabels, Global, NativeHistograms, ScrapeProtocol, ScrapeProtocols,
    Validation,
};
pub use load::{Config, LoadOptions, Mode, load};
pub use otlp::{Otlp, TranslationStrategy};
pub(crate) use refusals::Refusals;
pub use remote_read::RemoteRead;
pub use remote_write::{MetadataOptions, QueueOptions, RemoteWrite, WriteMessage};
pub use scrape::ScrapeConfig;
pub use storage::{ChunkEncoding, Exemplars, Retention, Storage, Tsdb};
pub use tracing::Tracing;
