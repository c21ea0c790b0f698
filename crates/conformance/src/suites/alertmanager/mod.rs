//! The Alertmanager's suites, one file each.

pub(super) mod alerts;
pub(super) mod amtool;
pub(super) mod api;
pub(super) mod config;
mod goldens;
pub(super) mod inhibition;
mod mail;
pub(super) mod notify;
pub(super) mod routes;
pub(super) mod scenarios;
pub(super) mod storage;
pub(super) mod templates;
