//! Parts of the server for tools that work without one: what they say of files and folders is what the server
//! would say.

use std::sync::Arc;

use config::prometheus::ScrapeConfig;
use discovery::ProviderConfig;
use net::Overrides;
use scrape::PoolConfig;
use tokio::sync::watch;
use tsdb::block::UlidSource;

use crate::features::Features;

pub use crate::address::route_prefix;
pub use crate::checks::{expression, template};
pub use crate::clock::SystemClock;
pub use crate::files::{RealFiles, folder_of};
pub use crate::groups::groups;
pub use crate::http_client::client_options;
pub use crate::offline::open_read_only;
pub use crate::queries::samples;
pub use crate::routing::{failing_templates, route_tree, template_files, template_problem};
pub use crate::storage::{is_in_use, lock_folder};

/// Names for blocks.
pub fn ulids() -> UlidSource {
    UlidSource::new(Arc::new(SystemClock), crate::storage::random())
}

/// What scraping is told of a job, where no feature is switched on.
pub fn pool(job: &ScrapeConfig) -> PoolConfig {
    crate::jobs::pool(job, Features::default())
}

/// What finds the targets of a job, and what of its discovery cannot be done.
pub fn providers(job: &ScrapeConfig) -> (Vec<ProviderConfig>, Vec<String>) {
    // Nobody feeds objects of a cluster; the providers keep what they hold of it.
    let (_, objects) = watch::channel(Arc::default());
    let context = crate::jobs::JobContext {
        overrides: &Overrides::default(),
        objects: &objects,
        user_agent: concat!("keepwatch/", env!("CARGO_PKG_VERSION")),
        features: Features::default(),
    };
    let (plan, refusals) = crate::jobs::plan(job, &context);
    let problems = refusals.iter().map(ToString::to_string).collect();
    (
        plan.map(|plan| plan.providers).unwrap_or_default(),
        problems,
    )
}
