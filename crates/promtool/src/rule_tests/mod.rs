//! `test rules`: unit tests of rules. The files are read in `config::rule_tests`.
//!
//! In reading order: `run` (files and the tests in them), `test` (one test: series in, rules evaluated), `store`
//! (where series go), `expected` (what is compared, and how it is shown), `diff` (alerts side by side), `junit`.

mod diff;
mod expected;
mod junit;
mod run;
mod store;
mod test;

pub use run::{TestOptions, run};
