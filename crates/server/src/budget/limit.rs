//! How much memory there is: of the control group, the process's limits or the machine, whichever is least.

use std::fmt;
use std::path::{Path, PathBuf};

use config::ByteSize;
use rustix::process::{Resource, getrlimit};

/// `--memory.budget`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemoryBudgetOption {
    /// Of what there is; between 0 and 1.
    Share(f64),
    Bytes(u64),
}

/// `--memory.budget` is neither a share nor a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}: write it as a share of the memory that there is, 60%, or as a size, 2GB")]
pub struct MemoryBudgetError {
    text: String,
}

impl Default for MemoryBudgetOption {
    fn default() -> Self {
        Self::Share(0.6)
    }
}

impl MemoryBudgetOption {
    /// `60%` or `2GB`.
    pub fn parse(text: &str) -> Result<Self, MemoryBudgetError> {
        let refused = || MemoryBudgetError {
            text: text.to_owned(),
        };
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| refused())?;
            let is_share = percent > 0.0 && percent <= 100.0;
            return is_share
                .then_some(Self::Share(percent / 100.0))
                .ok_or_else(refused);
        }
        let bytes = ByteSize::parse(text).map_err(|_| refused())?;
        let bytes = u64::try_from(bytes.0).map_err(|_| refused())?;
        (bytes > 0)
            .then_some(Self::Bytes(bytes))
            .ok_or_else(refused)
    }
}

/// A budget, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct MemoryLimit {
    pub(crate) bytes: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Given,
    Part { of: u64, what: String },
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        match &self.source {
            Source::Given => write!(f, "{} MiB", mib(self.bytes)),
            Source::Part { of, what } => {
                write!(
                    f,
                    "{} MiB of the {} MiB of {what}",
                    mib(self.bytes),
                    mib(*of)
                )
            }
        }
    }
}

impl MemoryLimit {
    pub(crate) fn new(option: MemoryBudgetOption) -> Self {
        match option {
            MemoryBudgetOption::Bytes(bytes) => Self {
                bytes,
                source: Source::Given,
            },
            MemoryBudgetOption::Share(share) => {
                let (of, what) = available(Path::new("/"));
                Self {
                    bytes: part(of, share),
                    source: Source::Part { of, what },
                }
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a size is a rough figure, and not negative"
)]
fn part(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

/// If nothing says how much there is, this much is assumed.
const ASSUMED: u64 = 1 << 30;

/// `root` is where the files of the system are.
fn available(root: &Path) -> (u64, String) {
    let mut found = vec![];
    found.extend(machine(root).map(|bytes| (bytes, "the machine".to_owned())));
    found.extend(control_group(root));
    for (resource, name) in [
        (Resource::As, "the limit of the address space"),
        (Resource::Data, "the limit of the data segment"),
    ] {
        found.extend(
            getrlimit(resource)
                .current
                .map(|bytes| (bytes, name.to_owned())),
        );
    }
    let least = found.into_iter().min_by_key(|(bytes, _)| *bytes);
    least.unwrap_or((ASSUMED, "memory that is assumed".to_owned()))
}

fn machine(root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The least limit of the group of this process and those above it, of either version of control groups.
fn control_group(root: &Path) -> Option<(u64, String)> {
    let text = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut least: Option<u64> = None;
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (_, Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (mount, file) = if controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let mount = root.join(mount);
        let mut group: PathBuf = mount.join(path.trim_start_matches('/'));
        // In a container the path may be that of the host; the limit is then at the mount itself.
        loop {
            let limit = std::fs::read_to_string(group.join(file)).ok();
            // `max` is no number.
            let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
            least = least.into_iter().chain(limit).min();
            if group == mount || !group.pop() || !group.starts_with(&mount) {
                break;
            }
        }
    }
    least.map(|bytes| (bytes, "the control group".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_sizes() {
        use MemoryBudgetOption::{Bytes, Share};
        for (text, expected) in [
            ("60%", Some(Share(0.6))),
            ("100%", Some(Share(1.0))),
            ("2GB", Some(Bytes(2 << 30))),
            ("512MB", Some(Bytes(512 << 20))),
            ("0%", None),
            ("101%", None),
            ("NaN%", None),
            ("0", None),
            ("-1GB", None),
            ("much", None),
            ("", None),
        ] {
            assert_eq!(MemoryBudgetOption::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_least_limit_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "proc/meminfo",
            "MemFree: 7 kB\nMemTotal:       8388608 kB\n",
        );
        assert_eq!(machine(root.path()), Some(8 << 30));
        assert!(control_group(root.path()).is_none());

        write("proc/self/cgroup", "0::/pods/one\n");
        write("sys/fs/cgroup/pods/one/memory.max", "max\n");
        assert!(control_group(root.path()).is_none());
        write("sys/fs/cgroup/pods/memory.max", "2147483648\n");
        assert_eq!(control_group(root.path()).unwrap().0, 2 << 30);
        assert_eq!(
            available(root.path()),
            (2 << 30, "the control group".to_owned())
        );

        // The first version, in a container that sees the path of the host.
        write("proc/self/cgroup", "4:cpu:/x\n3:memory:/host/path\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
        assert_eq!(control_group(root.path()).unwrap().0, 1 << 30);
    }
}
