//! The built program from outside: started as users start it, asked over HTTP.
//!
//! `support` starts it; then one module per promise: the Kasten scenario (`demo`, `routing`), what survives
//! `kill -9` (`crash`), what bad input does (`bad_input`), the same answers as a peer (`differential`), the
//! peer's command line (`flags`), samples that other servers send (`remote_write`, `otlp`; `sent` has some) and
//! read (`remote_read`, `federation`), queries under limits (`query_life`), queries that cannot be answered
//! (`query_errors`), data folders without a server (`query_offline`), silences (`silences`), alerts for other
//! Alertmanagers (`alertmanagers`), what is answered before the data is read (`starting`), a target that grows
//! without end (`memory`), 50 kills under load (`kills`), start timestamps (`start_times`), the role promtool
//! beside the real one (`promtool`), the role amtool too (`amtool`), an Alertmanager alone
//! (`alertmanager_role`) and its metrics (`alertmanager_metrics`), tools for data folders (`tsdb_tools`), imports into a running server (`online_import`),
//! series that need not stay (`retention`), agent mode (`agent`), what became of alerts (`journal`), where they
//! would go (`route_compare`), what is recorded about them (`event_recorder`), TLS and users beside the peers
//! (`web_config`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod agent;
mod alertmanager_metrics;
mod alertmanager_role;
mod alertmanagers;
mod amtool;
mod bad_input;
mod crash;
mod demo;
mod differential;
mod drill;
mod event_recorder;
mod federation;
mod flags;
mod journal;
mod kills;
mod memory;
mod mesh;
mod online_import;
mod otlp;
mod promtool;
mod query_errors;
mod query_life;
mod query_offline;
mod remote_read;
mod remote_write;
mod retention;
mod route_compare;
mod route_explain;
mod routing;
mod rule_backfill;
mod sent;
mod silences;
mod start_times;
mod starting;
mod support;
mod tsdb_tools;
mod web_config;
