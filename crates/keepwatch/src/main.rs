//! Keepwatch: watches Kubernetes and keeps its data recoverable.

mod ui;

use std::process::ExitCode;

/// Threads do not wait for each other in it, and it gives memory back to the system after spikes.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), ui::FILES)
}
