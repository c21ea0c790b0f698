//! Test support, used in dev-dependencies only.
//!
//! [`disk`]: a disk in memory that fails, tears writes, forgets what was not synced and fills up.
//! [`kafka`]: a broker that refuses and hangs up.
//! [`process`]: real programs, started on free ports and waited for by condition.

pub mod disk;
pub mod kafka;
pub mod process;
