//! `file_sd_configs`: lists of target groups in JSON and YAML files, read again when they change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

use crate::glob::matching_files;
use crate::group::{TargetGroup, parse_json_groups, parse_yaml_groups};
use crate::provider::{Snapshot, publish};
use crate::refusal::DiscoveryRefusal;

#[derive(Clone, Debug)]
pub struct FileConfig {
    /// Paths; the last element may hold `*`, `?` and `[…]`.
    pub patterns: Vec<String>,
    /// Files are read again at least this often, also if they look unchanged.
    pub refresh_interval: Duration,
}

/// How often files are looked at for changes of time or size. A look costs one system call a file.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What tells that a file changed: modification time and length.
type Stamp = Option<(std::time::SystemTime, u64)>;

pub(crate) async fn run(config: FileConfig, publisher: watch::Sender<Snapshot>) {
    let mut files = Files {
        patterns: config.patterns,
        known: BTreeMap::new(),
    };
    let mut ticks = tokio::time::interval(config.refresh_interval.min(LOOK_INTERVAL));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last_full: Option<tokio::time::Instant> = None;
    loop {
        ticks.tick().await;
        let is_due = last_full.is_none_or(|last| last.elapsed() >= config.refresh_interval);
        if is_due {
            last_full = Some(tokio::time::Instant::now());
        }
        // File systems can block (network mounts): stay off the async threads.
        let refreshed = tokio::task::spawn_blocking(move || {
            let result = files.refresh(is_due);
            (files, result)
        });
        let (returned, result) = match refreshed.await {
            Ok(refreshed) => refreshed,
            Err(error) => {
                tracing::error!(%error, "file discovery ended by a defect; its last list stays in use");
                // Keeps the list: a closed channel would look to readers as if there were no more news.
                publisher.closed().await;
                return;
            }
        };
        files = returned;
        if let Some(result) = result {
            publish(&publisher, Ok(files.groups()));
            if let Err(refusal) = result {
                publish(&publisher, Err(refusal));
            }
        }
    }
}

/// The last good groups of each file.
struct Files {
    patterns: Vec<String>,
    known: BTreeMap<PathBuf, (Stamp, Vec<TargetGroup>)>,
}

impl Files {
    /// Reads changed files (all of them if `is_due`). `None` if nothing changed. A file that cannot be
    /// read keeps its last good groups; a file that is gone loses them.
    fn refresh(&mut self, is_due: bool) -> Option<Result<(), DiscoveryRefusal>> {
        let mut found = Vec::new();
        let mut refusal = None;
        for pattern in &self.patterns {
            match matching_files(pattern) {
                Ok(files) => found.extend(files),
                Err(error) => {
                    refusal = Some(DiscoveryRefusal::Unreadable {
                        from: pattern.clone(),
                        problem: error.to_string(),
                    });
                }
            }
        }
        let count = self.known.len();
        if refusal.is_none() {
            self.known.retain(|file, _| found.contains(file));
        }
        let mut is_changed = is_due || self.known.len() != count;
        for file in found {
            let stamp = stamp(&file);
            let is_same = self
                .known
                .get(&file)
                .is_some_and(|(known, _)| *known == stamp);
            if is_same && !is_due {
                continue;
            }
            is_changed = true;
            match read(&file) {
                Ok(groups) => {
                    self.known.insert(file, (stamp, groups));
                }
                Err(problem) => {
                    // Remember the stamp, so that a broken file is reported once per change.
                    self.known.entry(file).or_default().0 = stamp;
                    refusal = Some(problem);
                }
            }
        }
        is_changed.then_some(refusal.map_or(Ok(()), Err))
    }

    fn groups(&self) -> Vec<TargetGroup> {
        self.known
            .values()
            .flat_map(|(_, groups)| groups.iter().cloned())
            .collect()
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(file: &Path) -> Result<Vec<TargetGroup>, DiscoveryRefusal> {
    let from = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| DiscoveryRefusal::Unreadable {
        from: from.clone(),
        problem: error.to_string(),
    })?;
    let source = diag::Source::new(from.as_str(), text);
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    let parse = if is_json {
        parse_json_groups
    } else {
        parse_yaml_groups
    };
    parse(&source, &[("__meta_filepath", &from)]).map_err(|error| DiscoveryRefusal::Malformed {
        from: from.clone(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_keeps_its_last_good_groups() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("targets.json");
        let pattern = folder.path().join("*.json").display().to_string();
        let mut files = Files {
            patterns: vec![pattern],
            known: BTreeMap::new(),
        };
        fs::write(&file, r#"[{"targets": ["a:1"]}]"#).unwrap();
        assert_eq!(files.refresh(false), Some(Ok(())));
        assert_eq!(
            files.refresh(false),
            None,
            "unchanged files are not read again"
        );
        fs::write(&file, "[{").unwrap();
        assert!(matches!(
            files.refresh(false),
            Some(Err(DiscoveryRefusal::Malformed { .. }))
        ));
        assert_eq!(files.groups().len(), 1);
        fs::remove_file(&file).unwrap();
        assert_eq!(files.refresh(false), Some(Ok(())));
        assert!(files.groups().is_empty());
    }
}
