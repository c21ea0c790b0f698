//! `promtool check …`: what is wrong with files, before a server reads them.
//!
//! [`rules`]: rule files and their duplicates. [`config`]: a configuration with the files it names.
//! [`metrics`]: a page of metrics, and [`lint`], what its names should look like. [`discovery`]: the targets of a job, as discovery finds them.
//! [`web`]: who may connect to a server. [`alive`]: whether one answers.

pub mod alive;
pub mod config;
pub mod discovery;
mod lint;
pub mod metrics;
mod page;
pub mod rules;
mod targets;
pub mod web;
