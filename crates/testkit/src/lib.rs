//! Test support, used in dev-dependencies only.
//!
//! [`disk`]: a disk in memory that fails, tears writes, forgets what was not synced and fills up.

pub mod disk;
