//! The database at its border: head and blocks as one, compaction, snapshots, damage, and the peers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and say why"
)]

mod adopt;
mod chunks;
mod compaction;
mod corruption;
mod crash;
mod faults;
mod late;
mod late_peer;
mod matching;
mod opening;
mod peer;
mod rules;
mod stale;
mod starts;
mod support;
