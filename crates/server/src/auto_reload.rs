//! `--config.auto-reload`: looks for changes of the files that the configuration was read from.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use config::FileReader;
use config::prometheus::Config;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::address::OwnAddress;
use crate::files::RealFiles;
use crate::input;
use crate::options::Options;

/// What the files were when somebody looked last.
#[derive(Debug)]
pub(crate) struct FileWatch {
    /// `None`: nobody looks.
    ticks: Option<Interval>,
    /// Of rule files and files with jobs.
    patterns: Vec<String>,
    seen: Option<u64>,
}

impl FileWatch {
    /// Looks at nothing before there is a configuration to [follow](Self::follow).
    pub(crate) fn new(options: &Options) -> Self {
        let pause = options.auto_reload.map(|pause| pause.to_std());
        let ticks = pause.filter(|pause| !pause.is_zero()).map(|pause| {
            let mut ticks = tokio::time::interval_at(Instant::now() + pause, pause);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self {
            ticks,
            patterns: Vec::new(),
            seen: None,
        }
    }

    /// The configuration that is in use says which other files there are. While they are the same ones the last
    /// look counts, which was before the files were read: what is written in between is not missed.
    pub(crate) fn follow(&mut self, config: &Config, options: &Options, own: OwnAddress) {
        let patterns = [&config.rule_files, &config.scrape_config_files];
        let patterns: Vec<String> = patterns.into_iter().flatten().cloned().collect();
        if self.ticks.is_some() && (self.seen.is_none() || patterns != self.patterns) {
            self.patterns = patterns;
            self.seen = self.fingerprint(options, own);
        }
    }

    /// Returns when it is time to look; never, if nobody asked for it.
    pub(crate) async fn tick(&mut self) {
        match &mut self.ticks {
            Some(ticks) => {
                ticks.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Whether the files are other ones than at the last look. Files that cannot be read now, perhaps because they
    /// are being written, are no change.
    pub(crate) fn has_changed(&mut self, options: &Options, own: OwnAddress) -> bool {
        let Some(found) = self.fingerprint(options, own) else {
            return false;
        };
        self.seen.replace(found) != Some(found)
    }

    fn fingerprint(&self, options: &Options, own: OwnAddress) -> Option<u64> {
        let input = input::read(options, own).ok()?;
        let mut hasher = DefaultHasher::new();
        for file in [&input.prometheus, &input.alertmanager]
            .into_iter()
            .flatten()
        {
            file.source.text().hash(&mut hasher);
        }
        for manifest in &input.manifests {
            (&manifest.path, &manifest.text).hash(&mut hasher);
        }
        for pattern in &self.patterns {
            for path in RealFiles.glob(pattern).ok()? {
                let text = RealFiles.read(&path).ok()?;
                (path, text).hash(&mut hasher);
            }
        }
        Some(hasher.finish())
    }
}
