//! What runs, shown to the API.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use api::{
    ActiveTargetView, AdminSource, AlertmanagersView, ConfigSource, DecisionView,
    DroppedTargetView, FilesView, HeadPart, Import, ImportFailure, ImportSource, PlaceView,
    ProblemView, ReasonSource, RelabelStepView, ReplayProgressView, TargetSource, TargetsView,
    TsdbCount, TsdbSource, TsdbStatusView,
};
use config::RelabelRules;
use diag::{Diagnostic, Reason, ReasonBook, ReasonEntry};
use manifest::Decision;
use model::storage::TimeRange;
use model::{Clock, Exemplar, Labels, Matcher, Metadata, Timestamp};
use parking_lot::RwLock;
use scrape::Pools;
use tsdb::Db;

use crate::alertmanagers::Alertmanagers;
use crate::budget::MemoryBudget;
use crate::import::{self, ImportPlace};
use crate::retention::Limits;
use crate::shown_flags::ShownFlags;
use crate::storage::random;

use crate::StartError;
use crate::plan::Plan;

/// Parts of the state that a reload changes.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) yaml: String,
    pub(crate) external_labels: Labels,
    /// Jobs by name, printed.
    pub(crate) jobs: BTreeMap<String, String>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) is_reload_ok: bool,
    pub(crate) loaded_at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct TargetView {
    pub(crate) pools: Arc<Pools>,
    /// Replaces the host of targets on this machine in links.
    pub(crate) external_host: String,
}

impl TargetSource for TargetView {
    fn targets(&self) -> TargetsView {
        let mut view = TargetsView::default();
        for (job, targets) in self.pools.active() {
            view.active
                .extend(targets.into_iter().map(|target| ActiveTargetView {
                    discovered_labels: target.discovered_labels.to_map(),
                    labels: target.labels.to_map(),
                    scrape_pool: job.clone(),
                    global_url: self.global_url(&target.scrape_url),
                    scrape_url: target.scrape_url,
                    last_error: target.last.error,
                    last_scrape: api::rfc3339(target.last.time),
                    last_scrape_duration: target.last.duration,
                    health: target.last.health.as_str().to_owned(),
                    scrape_interval: target.interval.to_string(),
                    scrape_timeout: target.timeout.to_string(),
                    last_error_code: target.last.error_code,
                    last_samples: target.last.samples_scraped,
                }));
        }
        for (job, (dropped, count)) in self.pools.dropped() {
            view.dropped_counts.insert(job.clone(), count);
            view.dropped
                .extend(dropped.into_iter().map(|target| DroppedTargetView {
                    discovered_labels: target.discovered_labels.to_map(),
                    scrape_pool: job.clone(),
                    reason: target.refusal.to_string(),
                    code: target.refusal.code(),
                }));
        }
        view
    }

    fn pools(&self) -> Vec<String> {
        self.pools.jobs()
    }

    fn metadata(&self) -> Vec<(String, Metadata)> {
        let targets = self.pools.metadata().into_iter();
        targets
            .flat_map(|(_, entries)| entries)
            .map(|entry| (entry.family, entry.metadata))
            .collect()
    }

    fn target_metadata(&self) -> Vec<(Labels, Vec<(String, Metadata)>)> {
        let pairs = |entries: Vec<scrape::MetadataEntry>| {
            let entries = entries.into_iter();
            entries
                .map(|entry| (entry.family, entry.metadata))
                .collect()
        };
        let targets = self.pools.metadata().into_iter();
        targets
            .map(|(labels, entries)| (labels, pairs(entries)))
            .collect()
    }

    fn relabel_rules(&self, pool: &str) -> Option<Vec<model::relabel::RelabelConfig>> {
        Some(self.pools.config(pool)?.relabel.clone())
    }

    fn relabel_steps(&self, pool: &str, discovered: &Labels) -> Option<Vec<RelabelStepView>> {
        let config = self.pools.config(pool)?;
        let trace = self.pools.relabel_trace(pool, discovered)?;
        let steps = trace.steps.into_iter().map(|step| RelabelStepView {
            rule: config
                .relabel
                .get(step.rule)
                .map(RelabelRules::rule_text)
                .unwrap_or_default(),
            kept: step.kept,
            labels: step.labels.to_map(),
        });
        Some(steps.collect())
    }

    fn samples_appended(&self) -> u64 {
        self.pools.stats().samples_appended
    }
}

impl TargetView {
    fn global_url(&self, url: &str) -> String {
        for local in ["://localhost", "://127.0.0.1", "://[::1]"] {
            if let Some((scheme, rest)) = url.split_once(local)
                && rest.starts_with([':', '/'])
            {
                return format!("{scheme}://{}{rest}", self.external_host);
            }
        }
        url.to_owned()
    }
}

/// A diagnostic as the API shows it.
pub(crate) fn problem(diagnostic: &Diagnostic) -> ProblemView {
    let places = diagnostic.places.iter().map(|place| {
        let position = place.source.position(place.span.start);
        PlaceView {
            file: place.source.name().to_owned(),
            line: position.line,
            column: position.column,
            text: place.source.slice(place.span).to_owned(),
            remark: place.remark.clone(),
        }
    });
    ProblemView {
        severity: diagnostic.severity.as_str(),
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        places: places.collect(),
        hints: diagnostic.hints.clone(),
    }
}

/// What a plan says of the files that it was made of.
pub(crate) fn files(plan: Result<Plan, StartError>) -> FilesView {
    match plan {
        Ok(plan) => FilesView {
            texts: Some((plan.config.to_text(), plan.routing.written.text)),
            problems: plan.notices.iter().map(problem).collect(),
            failure: None,
        },
        Err(StartError::Configuration(problems)) => FilesView {
            problems: problems.iter().map(problem).collect(),
            ..FilesView::default()
        },
        Err(other) => FilesView {
            failure: Some(other.to_string()),
            ..FilesView::default()
        },
    }
}

pub(crate) struct TsdbView {
    pub(crate) db: Db,
    /// The data folder.
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) import: ImportPlace,
}

impl TsdbSource for TsdbView {
    fn exemplars(
        &self,
        range: TimeRange,
        selectors: &[Vec<Matcher>],
    ) -> Vec<(Labels, Vec<Exemplar>)> {
        self.db.head().exemplars(range, selectors)
    }

    fn status(&self, limit: usize) -> TsdbStatusView {
        let stats = self.db.head().stats(limit);
        let counts = |counts: Vec<tsdb::head::NamedCount>| {
            counts
                .into_iter()
                .map(|count| TsdbCount {
                    name: count.name,
                    value: count.count,
                })
                .collect()
        };
        let range = stats.range;
        TsdbStatusView {
            head_stats: api::HeadStatsView {
                num_series: stats.series,
                num_label_pairs: stats.label_pairs as u64,
                chunk_count: stats.chunks as u64,
                // Go's extremes stand for "no sample", as in the peer.
                min_time: range.map_or(i64::MAX, |range| range.start.millis()),
                max_time: range.map_or(i64::MIN, |range| range.end.millis()),
            },
            series_count_by_metric_name: counts(stats.labels.series_by_metric),
            label_value_count_by_label_name: counts(stats.labels.values_by_label),
            memory_in_bytes_by_label_name: counts(stats.labels.bytes_by_label),
            series_count_by_label_value_pair: counts(stats.labels.series_by_pair),
        }
    }

    fn blocks(&self) -> Vec<serde_json::Value> {
        let metas = self.db.blocks().into_iter().map(|block| block.meta());
        // A struct of numbers and texts always has a JSON form.
        metas
            .filter_map(|meta| serde_json::to_value(meta).ok())
            .collect()
    }

    fn replay_progress(&self) -> ReplayProgressView {
        let progress = self.db.replay_progress();
        ReplayProgressView {
            first: progress.first,
            last: progress.last,
            current: progress.current,
        }
    }
}

impl AdminSource for TsdbView {
    fn delete_series(&self, range: TimeRange, matchers: &[Matcher]) -> Result<(), String> {
        let deleted = self.db.delete(range, matchers);
        let series = deleted.map_err(|error| error.to_string())?;
        tracing::info!(series, "series deleted over HTTP");
        Ok(())
    }

    fn clean_tombstones(&self) -> Result<(), String> {
        let cleaned = self.db.clean_tombstones();
        let blocks = cleaned.map_err(|error| error.to_string())?;
        tracing::info!(blocks, "blocks written without what is deleted");
        Ok(())
    }

    fn snapshot(&self, head: HeadPart) -> Result<String, String> {
        let name = snapshot_name(self.clock.now(), random())?;
        let head = match head {
            HeadPart::Include => tsdb::db::HeadPart::Include,
            HeadPart::Skip => tsdb::db::HeadPart::Skip,
        };
        let dir = self.dir.join("snapshots").join(&name);
        let made = self.db.snapshot(&dir, head);
        made.map_err(|error| format!("create snapshot: {error}"))?;
        tracing::info!(dir = %dir.display(), "snapshot made");
        Ok(name)
    }

    fn begin_import(&self, source: ImportSource) -> Result<Box<dyn Import>, ImportFailure> {
        let into = import::Destination {
            db: self.db.clone(),
            dir: self.dir.clone(),
            budget: Arc::clone(&self.budget),
            now: self.clock.now(),
        };
        let import = import::begin(&self.import, source, into)?;
        Ok(Box::new(import))
    }
}

/// As the peer names snapshots: the time in UTC and a number.
fn snapshot_name(now: Timestamp, random: u64) -> Result<String, String> {
    let time =
        jiff::Timestamp::from_millisecond(now.millis()).map_err(|error| error.to_string())?;
    Ok(format!("{}-{random:016x}", time.strftime("%Y%m%dT%H%M%SZ")))
}

#[derive(Debug)]
pub(crate) struct ConfigView {
    pub(crate) current: Arc<RwLock<Current>>,
    pub(crate) flags: ShownFlags,
    pub(crate) limits: Arc<RwLock<Limits>>,
    pub(crate) external_url: String,
    /// Outside of this process.
    pub(crate) alertmanagers: Arc<Alertmanagers>,
}

impl ConfigSource for ConfigView {
    fn yaml(&self) -> String {
        self.current.read().yaml.clone()
    }

    fn scrape_pool_yaml(&self, pool: &str) -> Option<String> {
        self.current.read().jobs.get(pool).cloned()
    }

    fn flags(&self) -> BTreeMap<String, String> {
        self.flags.usual.clone()
    }

    fn all_flags(&self) -> BTreeMap<String, String> {
        self.flags.all()
    }

    fn last_reload(&self) -> (bool, Timestamp) {
        let current = self.current.read();
        (current.is_reload_ok, current.loaded_at)
    }

    fn retention_text(&self) -> String {
        self.limits.read().to_text()
    }

    fn external_labels(&self) -> Labels {
        self.current.read().external_labels.clone()
    }

    fn external_url(&self) -> String {
        self.external_url.clone()
    }

    fn alertmanagers(&self) -> AlertmanagersView {
        // Else alerts stay with the dispatcher of this process, which has this address for people.
        self.alertmanagers
            .view()
            .unwrap_or_else(|| AlertmanagersView {
                active: vec![format!("{}/api/v2/alerts", self.external_url)],
                dropped: Vec::new(),
            })
    }
}

#[derive(Debug)]
pub(crate) struct ReasonView {
    pub(crate) book: Arc<ReasonBook>,
    pub(crate) current: Arc<RwLock<Current>>,
}

impl ReasonSource for ReasonView {
    fn entries(&self, code: Option<&str>) -> Vec<ReasonEntry> {
        self.book.entries(code)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.book.counts()
    }

    fn decisions(&self) -> Vec<DecisionView> {
        let decision = |decision: &Decision| DecisionView {
            object: decision.object.to_string(),
            by: decision.by.as_ref().map(ToString::to_string),
            code: decision.outcome.code(),
            message: decision.outcome.to_string(),
            hint: decision.outcome.hint(),
            in_use: decision.outcome.is_in_use(),
            file: decision.source.name().to_owned(),
            line: decision.source.position(decision.span.start).line,
        };
        self.current.read().decisions.iter().map(decision).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_named_as_the_peer_does() {
        let name = snapshot_name(Timestamp(1_795_235_413_999), 0x6d95_f3c3_77b1_da8c);
        assert_eq!(name.unwrap(), "20261121T043013Z-6d95f3c377b1da8c");
    }
}
