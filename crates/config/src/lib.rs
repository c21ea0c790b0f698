//! Typed configuration of all roles.
//!
//! A file is read strictly, with defaults filled in and every problem collected with its place; the
//! result can be printed exactly as the peers print theirs. Files are reached through [`FileReader`]
//! only.
//!
//! - [`prometheus`]: the server's and the agent's configuration, with one file per kind of service
//!   discovery.
//! - [`rules`]: rule files; [`rule_tests`]: files with unit tests of them.
//! - [`alertmanager`]: the Alertmanager's configuration, with one file per integration, matchers and
//!   time intervals.
//! - [`http`]: the options of HTTP clients, shared by all of them. [`web`]: who may connect to a server.
//! - [`mesh_tls`]: certificates of a mesh of Alertmanagers.
//!
//! Not here: parsing of PromQL and of templates; callers hand in checkers for them.

#[macro_use]
mod section;

pub mod alertmanager;
mod amount;
mod files;
mod go_duration;
pub mod http;
pub mod mesh_tls;
mod place;
pub mod prometheus;
mod quote;
mod relabel;
pub mod rule_tests;
pub mod rules;
mod secret;
mod sigv4;
mod text;
mod url;
pub mod web;

pub use amount::ByteSize;
pub use files::{FileReader, LoadError, join_path};
pub use go_duration::GoDuration;
pub use place::Place;
pub use relabel::RelabelRules;
pub use secret::Secret;
pub use sigv4::SigV4;
pub use text::{BinaryText, FilePath};
pub use url::Url;
