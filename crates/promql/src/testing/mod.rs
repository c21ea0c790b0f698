//! What tests of this and other crates need: series in memory, and scripts of loads and queries.
//!
//! [`memory`] is the store; [`script`] reads scripts, [`session`] runs them, `compare` judges results,
//! `starts` reads start timestamps, `nhcb` turns classic histograms into native ones.

mod compare;
pub mod memory;
mod nhcb;
pub mod script;
pub mod session;
mod starts;
mod variants;
