//! What tests of this and other crates need: series in memory, and scripts of loads and queries.

pub mod memory;
