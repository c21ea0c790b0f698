#![no_main]
#![allow(dead_code, unused_imports, reason = "the modules serve ten targets")]

mod files;

// The modules name each other from the root of their crate.
use files::{folder, repair, targets};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::file(targets::Kind::Log, bytes));
