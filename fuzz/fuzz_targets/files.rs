//! The modules of tsdb's tests that the targets need.

#[path = "../../crates/tsdb/tests/fuzz/folder.rs"]
pub mod folder;
#[path = "../../crates/tsdb/tests/fuzz/repair.rs"]
pub mod repair;
#[path = "../../crates/tsdb/tests/fuzz/targets.rs"]
pub mod targets;
