//! The engine against what nobody wrote for speed: random queries over random data, compared with the
//! reference evaluator in `reference`, and what must hold for every text and every tree.
//!
//! How to replay a failure and to fuzz: `docs/fuzzing.md`.
//!
//! `generate` makes the queries, `compare` judges, `shrink` makes a failing case small.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod bad_input;
mod compare;
mod differential;
mod fuzz;
mod generate;
mod peer;
mod reference;
mod round_trip;
mod shrink;
mod steps;
