#![no_main]
#![allow(dead_code, unused_imports, reason = "the modules serve three targets")]

mod proof;

// The modules name each other from the root of their crate.
use proof::{compare, fuzz, generate, reference, round_trip, shrink};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::round_trip(bytes));
