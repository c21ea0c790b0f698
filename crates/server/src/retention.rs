//! How long samples are kept: what the configuration says, else what the command line says.

use std::path::Path;

use config::ByteSize;
use config::prometheus::{Config, Exemplars, Retention as Configured};
use model::Duration;
use tsdb::db::Retention;

use crate::options::StorageOptions;

/// Where nobody says anything.
const DEFAULT: Duration = Duration::from_secs(15 * 24 * 60 * 60);

/// The limits in force; 0: there is none of this kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) bytes: u64,
    /// Of the file system; goes before `bytes`.
    pub(crate) percentage: f64,
}

impl Limits {
    pub(crate) fn new(options: &StorageOptions, config: &Config) -> Self {
        let tsdb = config.storage.tsdb.as_ref();
        let configured = tsdb.and_then(|tsdb| tsdb.retention.as_ref());
        Self::of(options, configured.unwrap_or(&Configured::default()))
    }

    fn of(options: &StorageOptions, retention: &Configured) -> Self {
        let mut limits = Self {
            time: options.retention_time,
            bytes: options.retention_bytes,
            percentage: retention.percentage,
        };
        if !retention.time.is_zero() {
            limits.time = retention.time;
        }
        // Negative sizes are refused when the configuration is read.
        if let Ok(bytes @ 1..) = u64::try_from(retention.size.0) {
            limits.bytes = bytes;
        }
        if limits.time.is_zero() && limits.bytes == 0 && limits.percentage == 0.0 {
            limits.time = DEFAULT;
        }
        limits
    }

    /// As the database takes it; asks how large the file system of the data folder is.
    pub(crate) fn of_folder(self, dir: &Path) -> Retention {
        let by_percentage = (self.percentage > 0.0)
            .then(|| self.bytes_of_share(dir))
            .flatten();
        Retention {
            time: (!self.time.is_zero()).then_some(self.time),
            bytes: by_percentage.or((self.bytes > 0).then_some(self.bytes)),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a disk need not be exact, and is less than the disk"
    )]
    fn bytes_of_share(self, dir: &Path) -> Option<u64> {
        let system = match rustix::fs::statvfs(dir) {
            Ok(system) => system,
            Err(error) => {
                let dir = dir.display();
                tracing::warn!(%dir, %error, "the size of the file system is not known; the retention by percentage has no effect");
                return None;
            }
        };
        let bytes = system.f_blocks.saturating_mul(system.f_frsize) as f64;
        Some((bytes * self.percentage / 100.0) as u64)
    }

    /// As the peer shows it.
    pub(crate) fn to_text(self) -> String {
        let mut texts = Vec::new();
        if !self.time.is_zero() {
            texts.push(self.time.to_string());
        }
        if self.bytes > 0 {
            texts.push(ByteSize(i64::try_from(self.bytes).unwrap_or(i64::MAX)).to_string());
        }
        if self.percentage > 0.0 {
            texts.push(format!("{}%", self.percentage));
        }
        texts.join(" or ")
    }
}

/// Exemplars that are kept where the configuration does not say how many.
const EXEMPLARS_MAX: i64 = 100_000;

/// Writes into the configuration what is in force where it says nothing, so that whoever looks at it sees that.
pub(crate) fn fill_in(config: &mut Config, options: &StorageOptions) {
    let limits = Limits::new(options, config);
    let retention = Configured {
        time: limits.time,
        size: ByteSize(i64::try_from(limits.bytes).unwrap_or(i64::MAX)),
        percentage: limits.percentage,
    };
    config.storage.tsdb.get_or_insert_default().retention = Some(retention);
    config.storage.exemplars.get_or_insert(Exemplars {
        max_exemplars: EXEMPLARS_MAX,
    });
}

/// The longest blocks: a tenth of the retention, so that at most that much is kept too long.
pub(crate) fn block_range_max(options: &StorageOptions, limits: Limits) -> Duration {
    const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
    if !options.block_range_max.is_zero() {
        return options.block_range_max;
    }
    if limits.time.is_zero() {
        return LONGEST;
    }
    LONGEST.min(Duration(limits.time.0 / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryBudgetOption;

    const DAY: i64 = 24 * 60 * 60;

    /// Days and bytes on the command line; days, bytes and percentage in the configuration.
    fn limits(flags: (i64, u64), configured: (i64, i64, f64)) -> (String, i64) {
        let options = StorageOptions {
            retention_time: Duration::from_secs(flags.0 * DAY),
            retention_bytes: flags.1,
            retention_rules: crate::RetentionRules::default(),
            block_range: Duration::from_secs(7200),
            block_range_max: Duration(0),
            memory: MemoryBudgetOption::default(),
            log_compression: tsdb::log::Compression::default(),
            log_segment_bytes: 0,
            is_locked: true,
            uploads_file: None,
        };
        let configured = Configured {
            time: Duration::from_secs(configured.0 * DAY),
            size: ByteSize(configured.1),
            percentage: configured.2,
        };
        let limits = Limits::of(&options, &configured);
        let longest = block_range_max(&options, limits).0 / 1000 / 3600;
        (limits.to_text(), longest)
    }

    #[test]
    fn the_configuration_goes_before_the_command_line() {
        const GIB: u64 = 1 << 30;
        let none = (0, 0, 0.0);
        assert_eq!(limits((0, 0), none), ("15d".to_owned(), 36));
        assert_eq!(limits((30, 0), none), ("30d".to_owned(), 72));
        assert_eq!(limits((0, GIB), none), ("1GiB".to_owned(), 31 * 24));
        assert_eq!(limits((30, GIB), none), ("30d or 1GiB".to_owned(), 72));
        assert_eq!(limits((30, GIB), (1, 0, 0.0)), ("1d or 1GiB".to_owned(), 2));
        let both = limits((30, GIB), (0, 2 << 30, 50.0));
        assert_eq!(both, ("30d or 2GiB or 50%".to_owned(), 72));
        assert_eq!(limits((9999, 0), none).1, 31 * 24);
    }

    #[test]
    fn a_percentage_is_one_of_the_file_system() {
        let limits = Limits {
            percentage: 50.0,
            bytes: 7,
            ..Limits::default()
        };
        let dir = tempfile::tempdir().unwrap();
        let half = limits.of_folder(dir.path()).bytes.unwrap();
        assert!(half > 1 << 20, "{half}");
        let nowhere = dir.path().join("none");
        assert_eq!(limits.of_folder(&nowhere).bytes, Some(7));
    }
}
