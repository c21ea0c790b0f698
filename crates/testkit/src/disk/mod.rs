//! A disk in memory with faults on demand, for crash tests.
//!
//! Everything a test does to it is deterministic: faults are planned by number of write or by bytes,
//! and what a crash leaves behind follows from a seed. A crash gives a new disk
//! ([`FaultDisk::after_kill`], [`FaultDisk::after_power_cut`]), so the crashed one can stay open in the
//! code under test without disturbing the next life.

mod fault;
mod files;
mod random;

pub use fault::{Fault, FaultDisk};
pub use random::Random;
