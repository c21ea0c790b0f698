//! The program's own metrics, under the names that dashboards and alerts for the peers expect.
//!
//! A [`Registry`] hands out cheap handles ([`Counter`], [`Gauge`], [`Histogram`], [`Summary`]); values that
//! already exist elsewhere (head statistics, target counts) are asked for when the page is rendered
//! ([`Registry::on_render`]). [`Registry::render`] writes the text format 0.0.4, sorted by name.
//!
//! Not here: reading expositions (`wire`), the `/metrics` handler (`api`).

mod instrument;
mod page;
mod registry;
mod summary;

pub use instrument::{Counter, Gauge, Histogram, Vector};
pub use page::{Kind, Page};
pub use registry::Registry;
pub use summary::Summary;
