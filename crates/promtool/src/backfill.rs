//! Recording rules evaluated over the past: a server, or a data folder, is asked what a rule would have recorded, and
//! the answers become blocks. Rules of one group that need each other's results are filled one run after the other.

use std::path::Path;
use std::sync::Arc;

use config::prometheus::Global;
use config::rules::UnknownFields;
use diag::Source;
use folder::progress::Progress;
use model::disk::Disk;
use model::labels::METRIC_NAME;
use model::{Duration, Labels, LabelsBuilder, Timestamp};
use promql::ParserOptions;
use rules::schedule::first_time;
use rules::{GroupSpec, RecordingSpec, RuleSpec};
use serde_json::Value;
use tsdb::RealDisk;
use tsdb::block::{BlockBuilder, BlockMeta};

use crate::check::rules::inspect_rules;
use crate::console::{Console, read_text};
use crate::http::Parameters;

/// Length of blocks: that of the head's.
const RANGE: i64 = 2 * 3600 * 1000;
/// Servers answer no more points per series.
const POINTS_MAX: i64 = 10_000;
/// Memory that results of one block may take.
const MEMORY_MAX: usize = 512 << 20;

/// Answers `query_range`: an API answer that tells of success.
pub type Ask<'a> = &'a dyn Fn(&str, &Parameters) -> Result<Value, String>;

/// What is filled, and from where.
pub struct Backfill<'a> {
    pub ask: Ask<'a>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// For groups without an interval of their own.
    pub interval: Duration,
    /// Where the blocks go.
    pub dir: &'a Path,
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for Backfill<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backfill")
            .field("start", &self.start)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Fills all recording rules of the files; gives the blocks.
pub fn backfill(
    console: &mut Console<'_>,
    files: &[String],
    backfill: &Backfill<'_>,
) -> Result<Vec<BlockMeta>, String> {
    if backfill.start >= backfill.end {
        return Err("start time is not before end time".to_owned());
    }
    let rules = recording_rules(files, backfill.interval)?;
    std::fs::create_dir_all(backfill.dir)
        .map_err(|error| format!("making {}: {error}", backfill.dir.display()))?;
    let mut run = Run {
        backfill,
        disk: Arc::new(RealDisk),
        builder: BlockBuilder::new(),
        blocks: Vec::new(),
        histograms: 0,
    };
    let (first, last) = (backfill.start.millis(), backfill.end.millis());
    let ranges = last.div_euclid(RANGE) - first.div_euclid(RANGE) + 1;
    backfill.progress.begin(
        "evaluating rules",
        ranges.unsigned_abs() * rules.len() as u64,
    );
    for range in first.div_euclid(RANGE)..=last.div_euclid(RANGE) {
        let start = Timestamp(first.max(range * RANGE));
        let end = Timestamp(last.min(range * RANGE + RANGE - 1));
        for (group, rule) in &rules {
            run.rule(console, group, rule, (start, end))?;
            backfill.progress.advance(1);
        }
        run.write()?;
    }
    backfill.progress.end();
    if run.histograms > 0 {
        console.problem(format_args!(
            "note: {} native histograms were left out: the API gives them without their schema",
            run.histograms
        ));
    }
    Ok(run.blocks)
}

/// Each with its group.
fn recording_rules(
    files: &[String],
    interval: Duration,
) -> Result<Vec<(GroupSpec, RecordingSpec)>, String> {
    let global = Global {
        evaluation_interval: interval,
        ..Global::prometheus_default()
    };
    let mut rules = Vec::new();
    for file in files {
        let fail = |error: &str| format!("rule importer parse error: {file}: {error}");
        let text = read_text(file).map_err(|error| fail(&error))?;
        let source = Source::new(file.as_str(), text);
        let inspected = inspect_rules(&source, UnknownFields::Refused, &ParserOptions::ALL);
        if let Some(error) = inspected.peer_errors.first() {
            return Err(fail(error));
        }
        let groups = server::pieces::groups(&inspected.file, file, &global, &ParserOptions::ALL);
        for group in groups {
            for rule in &group.rules {
                if let RuleSpec::Recording(rule) = rule {
                    rules.push((group.clone(), rule.clone()));
                }
            }
        }
    }
    if rules.is_empty() {
        return Err("there is no recording rule in these files".to_owned());
    }
    Ok(rules)
}

struct Run<'a> {
    backfill: &'a Backfill<'a>,
    disk: Arc<dyn Disk>,
    builder: BlockBuilder,
    blocks: Vec<BlockMeta>,
    histograms: usize,
}

impl Run<'_> {
    /// Evaluates a rule at its times from the first to the second.
    fn rule(
        &mut self,
        console: &mut Console<'_>,
        group: &GroupSpec,
        rule: &RecordingSpec,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), String> {
        let mut start = first_time(group, from);
        while start <= to {
            let end = to.min(start + group.interval * (POINTS_MAX - 1));
            let parameters = vec![
                ("query", rule.expr.clone()),
                ("start", start.seconds().to_string()),
                ("end", end.seconds().to_string()),
                ("step", group.interval.seconds().to_string()),
            ];
            let answer = (self.backfill.ask)("/api/v1/query_range", &parameters);
            let answer = answer.map_err(|error| {
                format!("rule importer error: {}: query range: {error}", rule.record)
            })?;
            for warning in answer["warnings"].as_array().into_iter().flatten() {
                let warning = warning.as_str().unwrap_or_default();
                console.problem(format_args!("{}: {warning}", rule.record));
            }
            if answer["data"]["resultType"] != "matrix" {
                return Err(format!(
                    "{}: rule result is wrong type {}",
                    rule.record, answer["data"]["resultType"]
                ));
            }
            for series in answer["data"]["result"].as_array().into_iter().flatten() {
                self.series(rule, series);
            }
            if self.builder.memory() > MEMORY_MAX {
                self.write()?;
            }
            start = first_time(group, Timestamp(end.millis() + 1));
        }
        Ok(())
    }

    fn series(&mut self, rule: &RecordingSpec, series: &Value) {
        let labels = labels(rule, &series["metric"]);
        for point in series["values"].as_array().into_iter().flatten() {
            let time = point[0].as_f64();
            let value = point[1]
                .as_str()
                .and_then(|text| wire::parse_float(text.as_bytes()).ok());
            if let (Some(time), Some(value)) = (time, value) {
                self.builder
                    .add(&labels, Timestamp::from_seconds(time).millis(), value);
            }
        }
        self.histograms += series["histograms"].as_array().map_or(0, Vec::len);
    }

    fn write(&mut self) -> Result<(), String> {
        let builder = std::mem::take(&mut self.builder);
        let ulid = server::pieces::ulids().make();
        let built = builder.write(&self.disk, self.backfill.dir, ulid);
        let built = built.map_err(|error| error.to_string())?;
        self.blocks.extend(built.map(|built| built.meta));
        Ok(())
    }
}

/// The rule's labels win over those of its result.
fn labels(rule: &RecordingSpec, metric: &Value) -> Labels {
    let mut labels = LabelsBuilder::new();
    for (name, value) in metric.as_object().into_iter().flatten() {
        labels.set(name.as_str(), value.as_str().unwrap_or_default());
    }
    for (name, value) in &rule.labels {
        labels.set(name, value);
    }
    labels.set(METRIC_NAME, rule.record.as_str());
    labels.build()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use folder::progress::Silent;
    use serde_json::json;

    use super::*;

    fn run(
        rules: &str,
        hours: i64,
        answer: &dyn Fn(&Parameters) -> Value,
    ) -> (Result<Vec<BlockMeta>, String>, Vec<Parameters>) {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("rules.yml").display().to_string();
        std::fs::write(&file, rules).unwrap();
        let asked = RefCell::new(Vec::new());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let result = backfill(
            &mut console,
            &[file],
            &Backfill {
                ask: &|path, parameters| {
                    assert_eq!(path, "/api/v1/query_range");
                    asked.borrow_mut().push(parameters.clone());
                    Ok(answer(parameters))
                },
                start: Timestamp(1_704_067_200_000),
                end: Timestamp(1_704_067_200_000 + hours * 3_600_000),
                interval: Duration::from_secs(60),
                dir: &root.path().join("out"),
                progress: &Silent,
            },
        );
        (result, asked.into_inner())
    }

    const RULES: &str = "groups:\n- name: g\n  rules:\n  - {record: r, expr: sum(up), labels: {team: x}}\n  - {alert: A, expr: up}\n";

    #[test]
    fn a_block_per_two_hours() {
        let (blocks, asked) = run(RULES, 3, &|parameters| {
            let start: f64 = parameters[1].1.parse().unwrap();
            json!({"data": {"resultType": "matrix", "result": [{"metric": {"job": "a"}, "values": [[start, "1"], [start + 60.0, "+Inf"]]}]}})
        });
        let blocks = blocks.unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!(
            (blocks[0].stats.num_samples, blocks[0].stats.num_series),
            (2, 1)
        );
        // Only the recording rule, at times of the group.
        assert_eq!(asked.len(), 2);
        assert!(
            asked
                .iter()
                .all(|parameters| parameters[0].1 == "sum(up)" && parameters[3].1 == "60")
        );
        let times: Vec<f64> = asked
            .iter()
            .map(|parameters| parameters[1].1.parse().unwrap())
            .collect();
        assert_eq!((times[1] - times[0]) % 60.0, 0.0);
    }

    #[test]
    fn short_intervals_are_asked_in_parts() {
        let rules = RULES.replace("name: g", "name: g\n  interval: 500ms");
        let (_, asked) = run(
            &rules,
            2,
            &|_| json!({"data": {"resultType": "matrix", "result": []}}),
        );
        assert!(asked.len() >= 2, "{asked:?}");
        for parameters in &asked {
            let at = |index: usize| parameters[index].1.parse::<f64>().unwrap();
            assert!((at(2) - at(1)) / 0.5 < 11_000.0, "{parameters:?}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_told() {
        let alerts = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n";
        let empty = |_: &Parameters| json!({});
        assert!(
            run(alerts, 1, &empty)
                .0
                .unwrap_err()
                .contains("no recording rule")
        );
        assert!(
            run(RULES, -1, &empty)
                .0
                .unwrap_err()
                .contains("start time is not before")
        );
        assert!(run(RULES, 1, &empty).0.unwrap_err().contains("wrong type"));
        let broken = run("groups: 1\n", 1, &empty).0.unwrap_err();
        assert!(
            broken.starts_with("rule importer parse error: "),
            "{broken}"
        );
    }
}
