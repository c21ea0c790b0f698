//! The modules of promql's tests that the targets need.

#[path = "../../crates/promql/tests/proof/compare.rs"]
pub mod compare;
#[path = "../../crates/promql/tests/proof/fuzz.rs"]
pub mod fuzz;
#[path = "../../crates/promql/tests/proof/generate/mod.rs"]
pub mod generate;
#[path = "../../crates/promql/tests/proof/reference/mod.rs"]
pub mod reference;
#[path = "../../crates/promql/tests/proof/round_trip.rs"]
pub mod round_trip;
#[path = "../../crates/promql/tests/proof/shrink.rs"]
pub mod shrink;
