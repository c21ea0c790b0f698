//! Stretches over a real folder, and the order of rules.

use std::path::Path;
use std::sync::Arc;

use model::{Duration, Labels, Timestamp};
use promql::{ParserOptions, QueryValue};
use queries::{Limits, Origin, QueryRequest, QueryService, StatsDetail, When};
use rules::{GroupSpec, RecordingSpec, RuleSpec};
use tsdb::block::BlockBuilder;
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

use super::order;
use super::rule::{Done, Progress};
use super::stretch::{Failure, Filled, Ground, Open, fill};
use crate::clock::SystemClock;
use crate::features::Features;
use crate::options::QueryOptions;
use crate::pieces::ulids;
use crate::query_settings::query_settings;

const MINUTE: i64 = 60_000;
/// A multiple of an hour.
const START: i64 = 1_699_999_200_000;

/// A series: name, other labels, minutes.
type Given<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [i64]);

struct World {
    root: tempfile::TempDir,
    db: Db,
    queries: QueryService,
}

impl World {
    /// With one sample a minute of each series, at these minutes.
    fn new(series: &[Given<'_>]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let head = OpenOptions::new(root.path(), Arc::new(RealDisk));
        let (db, _) = Db::open(DbOptions::new(head, ulids())).unwrap();
        let queries = QueryService::new(
            query_settings(&QueryOptions::default(), Features::default(), 1),
            Arc::new(db.clone()),
            Arc::new(SystemClock),
            &metrics::Registry::new(),
            None,
        );
        let world = Self { root, db, queries };
        let mut builder = BlockBuilder::new();
        for (name, labels, minutes) in series {
            let labels = labels.iter().copied().chain([("__name__", *name)]);
            let labels = Labels::from_pairs(labels);
            for minute in *minutes {
                builder.add(&labels, START + minute * MINUTE, *minute as f64);
            }
        }
        let staged = world.path().join("staged");
        std::fs::create_dir(&staged).unwrap();
        let disk: Arc<dyn model::disk::Disk> = Arc::new(RealDisk);
        builder.write(&disk, &staged, ulids().make()).unwrap();
        let patience = std::time::Duration::from_secs(5);
        world.db.adopt(&staged, Timestamp(START), patience).unwrap();
        world
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    /// The number of samples.
    fn fill(&self, group: &GroupSpec, rule: &RecordingSpec) -> Result<u64, Failure> {
        let filled = self.fill_from(0, usize::MAX, group, rule)?;
        assert_eq!(filled.reached, START + 60 * MINUTE);
        Ok(filled.samples)
    }

    fn fill_from(
        &self,
        minute: i64,
        memory_max: usize,
        group: &GroupSpec,
        rule: &RecordingSpec,
    ) -> Result<Filled, Failure> {
        let ground = Ground {
            db: &self.db,
            dir: self.path(),
            queries: &self.queries,
            now: Timestamp(START),
            memory_max,
            rest: &|_| true,
        };
        let range = (START + minute * MINUTE, START + 60 * MINUTE);
        fill(&ground, (group, rule), range, &mut Open::new())
    }

    /// The values of a query at a minute.
    fn values(&self, text: &str, minute: i64) -> Vec<f64> {
        let request = QueryRequest {
            text: text.to_owned(),
            when: When::At(Timestamp(START + minute * MINUTE)),
            origin: Origin::Rule {
                file: String::new(),
                group: String::new(),
            },
            lookback_delta: None,
            timeout: None,
            limits: Limits::default(),
            stats: StatsDetail::Totals,
        };
        match self.queries.run_now(request).unwrap().result.value {
            QueryValue::Vector(samples) => samples.iter().map(|sample| sample.value).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn recording(record: &str, expr: &str) -> RecordingSpec {
    RecordingSpec {
        record: record.to_owned(),
        expr: expr.to_owned(),
        labels: [("by", "rule")].into_iter().collect(),
    }
}

fn group(rules: &[RecordingSpec]) -> GroupSpec {
    GroupSpec {
        name: "g".to_owned(),
        file: "f".to_owned(),
        interval: Duration(MINUTE),
        query_offset: Duration::ZERO,
        limit: 0,
        rules: rules.iter().cloned().map(RuleSpec::Recording).collect(),
        stages: Vec::new(),
    }
}

#[test]
fn gaps_are_marked_and_what_exists_stays() {
    let minutes: Vec<i64> = (0..20).chain(40..60).collect();
    let world = World::new(&[
        ("a", &[("i", "1")], &minutes),
        ("r", &[("i", "1"), ("by", "rule")], &[50]),
    ]);
    let rule = recording("r", "a");
    let samples = world.fill(&group(&[]), &rule).unwrap();
    // 25 minutes with what selectors look back to, and ten more up to the sample that exists.
    assert!((34..=36).contains(&samples), "{samples}");
    assert_eq!(world.values("r", 10).len(), 1);
    // The last one would be seen for five minutes, if it was not marked.
    assert_eq!(world.values("r", 26), Vec::<f64>::new());
    assert_eq!(world.values("r", 49).len(), 1);
    for minute in [50, 53] {
        assert_eq!(world.values("r", minute), [50.0], "{minute}");
    }
    assert_eq!(world.values("r", 58), Vec::<f64>::new());
    // Once more: now everything exists.
    assert_eq!(world.fill(&group(&[]), &rule).unwrap(), 0);
    let leftovers = std::fs::read_dir(world.path()).unwrap();
    let mut names = leftovers.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.any(|name| name.contains(".tmp")));
}

#[test]
fn a_stretch_with_many_results_is_shorter_and_whole() {
    let minutes: Vec<i64> = (0..60).collect();
    let world = World::new(&[("a", &[("i", "1")], &minutes)]);
    let often = GroupSpec {
        interval: Duration(1000),
        ..group(&[])
    };
    let rule = recording("r", "a");
    let first = world.fill_from(0, 0, &often, &rule).unwrap();
    // A group has its own moment within its interval.
    let took = first.reached - START;
    assert!((500_000..501_000).contains(&took), "{took}");
    assert_eq!(first.samples, 500);
    assert_eq!(world.values("count_over_time(r[1h])", 9), [500.0]);
    // As behind a crash before it was written down: what is there is left alone, and the rest is filled.
    let again = world.fill_from(0, 0, &often, &rule).unwrap();
    assert_eq!(again.reached, first.reached + 500_000);
    assert_eq!(again.samples, 500);
    assert_eq!(world.values("count_over_time(r[1h])", 17), [1000.0]);
}

#[test]
fn what_a_rule_could_not_record_is_not_filled() {
    let minutes: Vec<i64> = (0..60).collect();
    let world = World::new(&[
        ("a", &[("i", "1")], &minutes),
        ("a", &[("i", "2")], &minutes[30..]),
    ]);
    let limited = GroupSpec {
        limit: 1,
        ..group(&[])
    };
    world.fill(&limited, &recording("few", "a")).unwrap();
    assert_eq!(world.values("few", 20).len(), 1);
    assert_eq!(world.values("few", 50), Vec::<f64>::new());
    let same = RecordingSpec {
        labels: [("i", "x")].into_iter().collect(),
        ..recording("same", "a")
    };
    let failure = world.fill(&group(&[]), &same).unwrap_err();
    assert!(matches!(failure, Failure::Final(_)), "{failure}");
    assert!(failure.to_string().contains("differ only in labels"));
    let failure = world.fill(&group(&[]), &recording("r", "a[5m]"));
    assert!(matches!(failure, Err(Failure::Final(_))));
}

#[test]
fn rules_come_behind_those_that_they_read() {
    let rules = [
        recording("c", "rate(b[5m]) + a"),
        recording("b", "sum(a)"),
        recording("circle", "circle2 + circle"),
        recording("a", "up"),
        recording("circle2", "circle"),
        recording("all", "count({__name__=~\"a|c\"})"),
        recording("broken", "("),
    ];
    let group = Arc::new(group(&rules));
    let mut progress: Vec<Progress> = rules
        .iter()
        .map(|rule| Progress {
            group: Arc::clone(&group),
            rule: rule.clone(),
            done: Done {
                rule: Progress::identity(&group, rule),
                window_ms: 0,
                from: 0,
                reached: 0,
                until: 0,
                samples: 0,
                problem: None,
            },
            is_running: false,
        })
        .collect();
    order::sort(&mut progress, &ParserOptions::ALL);
    let names: Vec<&str> = progress
        .iter()
        .map(|one| one.rule.record.as_str())
        .collect();
    assert_eq!(names.len(), rules.len());
    let place = |name: &str| names.iter().position(|other| *other == name).unwrap();
    assert!(
        place("a") < place("b") && place("b") < place("c"),
        "{names:?}"
    );
    assert!(place("c") < place("all"), "{names:?}");
}
