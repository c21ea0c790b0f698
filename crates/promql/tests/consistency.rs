//! Random queries: nothing panics, the same bits come out twice, and a range query agrees with instant
//! queries at its steps.

use model::sample::{STALE_NAN, Value};
use model::{Duration, FloatHistogram, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{
    Engine, EngineOptions, Feature, MatrixSeries, ParserOptions, Query, QueryValue, RangeTimes,
};
use proptest::prelude::*;

const STEP_MS: i64 = 15_000;

fn storage(values: &[Option<f64>]) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for row in 0..4u32 {
        let labels = Labels::from_pairs([
            ("__name__", if row < 3 { "m" } else { "n" }.to_owned()),
            ("a", (row % 2).to_string()),
            ("le", if row == 2 { "+Inf" } else { "0.5" }.to_owned()),
        ]);
        let mut time = i64::from(row) * 1000;
        for (at, value) in values.iter().enumerate() {
            time += STEP_MS;
            match value {
                None if at % 5 == 0 => storage.add(&labels, time, Value::Float(STALE_NAN)),
                None => {}
                Some(value) if row == 3 && at % 3 == 0 => {
                    let histogram = FloatHistogram {
                        count: value.abs(),
                        sum: *value,
                        zero_count: value.abs(),
                        ..FloatHistogram::default()
                    };
                    storage.add(&labels, time, Value::Histogram(histogram.into()));
                }
                Some(value) => storage.add(&labels, time, Value::Float(*value + f64::from(row))),
            }
        }
    }
    storage
}

fn selector() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("m".to_owned()),
        Just("n".to_owned()),
        Just("{__name__=~\"m|n\"}".to_owned()),
        Just("m{a=\"0\"} offset 20s".to_owned()),
        Just("m @ 100".to_owned()),
        Just("m smoothed".to_owned()),
    ]
}

fn range_call() -> impl Strategy<Value = String> {
    let function = prop_oneof![
        Just("rate"),
        Just("increase"),
        Just("delta"),
        Just("irate"),
        Just("idelta"),
        Just("resets"),
        Just("changes"),
        Just("avg_over_time"),
        Just("sum_over_time"),
        Just("min_over_time"),
        Just("last_over_time"),
        Just("stddev_over_time"),
        Just("absent_over_time"),
        Just("deriv"),
        Just("mad_over_time"),
        Just("ts_of_max_over_time"),
        Just("count_over_time"),
    ];
    let range = prop_oneof![
        Just("m[1m]"),
        Just("n[90s]"),
        Just("m[1m] offset 10s"),
        Just("m[1m:10s]"),
        Just("(m + n)[1m:20s] @ 150"),
        Just("m[2m] @ 200"),
    ];
    (function, range).prop_map(|(function, range)| format!("{function}({range})"))
}

fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![selector(), range_call()];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let op = prop_oneof![
            Just("+"),
            Just("-"),
            Just("/"),
            Just("^"),
            Just("> bool"),
            Just("<"),
            Just("=="),
            Just("and"),
            Just("or"),
            Just("unless"),
            Just("+ on (a, le)"),
            Just("* on (a) group_left"),
            Just("- ignoring (le) fill (1)"),
            Just("</"),
        ];
        // Those that pick series are not here: among equals the order of the input decides.
        let aggregate = prop_oneof![
            Just("sum by (a)"),
            Just("avg"),
            Just("min without (le)"),
            Just("count"),
            Just("stddev"),
            Just("group by (le)"),
            Just("quantile(0.3,"),
            Just("count_values(\"v\","),
        ];
        let function = prop_oneof![
            Just("abs("),
            Just("-("),
            Just("histogram_count("),
            Just("histogram_quantile(0.9,"),
            Just("absent("),
            Just("timestamp("),
            Just("clamp(1, 3, ").prop_map(|_| "round("),
            Just("sgn("),
            Just("scalar("),
            Just("vector(1) + ("),
            Just("histogram_fraction(0,1,"),
        ];
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (aggregate, inner.clone()).prop_map(|(aggregate, inner)| {
                if aggregate.ends_with(',') {
                    format!("{aggregate} {inner})")
                } else {
                    format!("{aggregate} ({inner})")
                }
            }),
            (function, inner.clone()).prop_map(|(function, inner)| format!("{function}{inner})")),
            (inner, 1..4i32).prop_map(|(inner, k)| format!("({inner}) * {k}")),
        ]
    })
}

/// A point: series and time, the value, the histogram as it prints.
type Point = (String, f64, String);

fn points(value: &QueryValue, at: Option<i64>) -> Vec<Point> {
    let key = |labels: &Labels, time: i64| format!("{labels} {time}");
    let of_matrix = |series: &MatrixSeries| -> Vec<(i64, Point)> {
        let floats = series.times.iter().zip(&series.values);
        let floats = floats
            .map(|(time, value)| (*time, (key(&series.labels, *time), *value, String::new())));
        let histograms = series.histograms.iter();
        let histograms = histograms.map(|(time, histogram)| {
            (
                *time,
                (key(&series.labels, *time), 0.0, histogram.to_string()),
            )
        });
        floats.chain(histograms).collect()
    };
    let mut points: Vec<Point> = match value {
        QueryValue::Matrix(matrix) => matrix
            .iter()
            .flat_map(of_matrix)
            .filter(|(time, _)| at.is_none_or(|at| at == *time))
            .map(|(_, point)| point)
            .collect(),
        QueryValue::Vector(samples) => samples
            .iter()
            .map(|sample| {
                let histogram = sample.histogram.as_ref();
                let histogram = histogram.map_or_else(String::new, ToString::to_string);
                (key(&sample.labels, sample.time), sample.value, histogram)
            })
            .collect(),
        QueryValue::Scalar { time, value } => {
            vec![(key(&Labels::empty(), *time), *value, String::new())]
        }
        QueryValue::String { value, .. } => vec![(value.clone(), 0.0, String::new())],
    };
    points.sort_by(|a, b| a.0.cmp(&b.0));
    points
}

/// Equal but for rounding: the order of series, and so of additions, may differ between both forms.
fn almost_equal(a: &[Point], b: &[Point]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            let is_close = a.1 == b.1
                || a.1.is_nan() && b.1.is_nan()
                || (a.1 - b.1).abs() <= 1e-9 * (1.0 + a.1.abs().max(b.1.abs()));
            a.0 == b.0 && is_close && a.2 == b.2
        })
}

fn bits(points: &[Point]) -> Vec<(&str, u64, &str)> {
    points
        .iter()
        .map(|point| (point.0.as_str(), point.1.to_bits(), point.2.as_str()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn range_queries_agree_with_instant_queries(
        text in vector(),
        values in prop::collection::vec(prop::option::weighted(0.8, -5.0..50.0f64), 20),
        delayed in any::<bool>(),
    ) {
        let Ok(query) = Query::parse(text, &ParserOptions::ALL) else {
            return Ok(());
        };
        // With delayed name removal, `or` may join a series with its name and one that is to lose it.
        let delayed = delayed && !query.text().contains(" or ");
        let storage = storage(&values);
        let engine = Engine::new(EngineOptions {
            lookback_delta: Duration::from_secs(60),
            delayed_name_removal: if delayed { Feature::On } else { Feature::Off },
            ..EngineOptions::default()
        });
        let times = RangeTimes {
            start: Timestamp(90_000),
            end: Timestamp(190_000),
            step: Duration::from_secs(20),
        };
        let Ok(range) = engine.range(&storage, query.expression(), times) else {
            return Ok(());
        };
        let again = engine.range(&storage, query.expression(), times).unwrap();
        let (first, second) = (points(&range.value, None), points(&again.value, None));
        prop_assert_eq!(bits(&first), bits(&second));
        prop_assert_eq!(&range.warnings, &again.warnings);
        for step in 0..6 {
            let time = 90_000 + step * 20_000;
            let instant = engine.instant(&storage, query.expression(), Timestamp(time));
            let instant = instant.unwrap();
            let of_range = points(&range.value, Some(time));
            let of_instant = points(&instant.value, None);
            prop_assert!(
                almost_equal(&of_range, &of_instant),
                "{} at {}: {:?} and {:?}",
                query.text(),
                time,
                of_range,
                of_instant
            );
        }
    }
}

#[test]
fn long_chains_of_operators_do_not_exhaust_the_stack() {
    let storage = storage(&[Some(1.0)]);
    let text = vec!["m"; 900].join(" + ");
    let engine = Engine::new(EngineOptions::default());
    let query = Query::parse(text, &ParserOptions::default()).unwrap();
    let result = engine.instant(&storage, query.expression(), Timestamp(20_000));
    assert!(result.is_ok());
    for (open, close) in [
        ("abs(", ")"),
        ("sum(", ")"),
        ("topk(1, ", ")"),
        ("quantile(0.5, ", ")"),
        ("max_over_time(", "[1m:30s])"),
        ("m + (", ")"),
        ("m and (", ")"),
        ("-(", ")"),
        ("label_replace(", ", \"a\", \"b\", \"c\", \"d\")"),
        ("histogram_quantile(0.5, ", ")"),
        ("scalar(m) + vector(", ")"),
        ("info(", ")"),
    ] {
        let text = format!("{}m{}", open.repeat(190), close.repeat(190));
        let Ok(query) = Query::parse(text, &ParserOptions::ALL) else {
            continue;
        };
        let _ = engine.instant(&storage, query.expression(), Timestamp(20_000));
    }
}

#[test]
fn absurd_times_are_refused_or_empty() {
    let storage = storage(&[Some(1.0)]);
    let engine = Engine::new(EngineOptions::default());
    for text in [
        "m[100y:1ms]",
        "sum_over_time(m[290y:1ms])",
        "rate(m[290y] @ 9000000000000000)",
        "m offset 290y",
        "m offset -290y",
        "predict_linear(m[290y], 1e300)",
        "sum_over_time(vector(time())[290y:1ms])",
        "topk(1e18, m)",
        "month(m * 1e300)",
        "year(vector(NaN))",
    ] {
        let query = Query::parse(text, &ParserOptions::ALL).unwrap();
        for time in [i64::MIN, -1, 0, 20_000, i64::MAX] {
            let _ = engine.instant(&storage, query.expression(), Timestamp(time));
            let times = RangeTimes {
                start: Timestamp(time),
                end: Timestamp(i64::MAX),
                step: Duration::from_millis(1),
            };
            let _ = engine.range(&storage, query.expression(), times);
        }
    }
}

/// In the peer functions of floats drop type and unit with the name, functions of histograms the name only.
#[test]
fn functions_of_histograms_keep_type_and_unit() {
    let labels = Labels::from_pairs([("__name__", "m"), ("__type__", "histogram")]);
    let mut storage = MemoryStorage::new();
    let histogram = FloatHistogram {
        count: 4.0,
        ..FloatHistogram::default()
    };
    storage.add(&labels, 0, Value::Histogram(histogram.into()));
    for (text, at_once, delayed) in [
        ("histogram_count(m)", "{__type__=\"histogram\"}", "{}"),
        ("abs(histogram_count(m))", "{}", "{}"),
    ] {
        for (feature, expected) in [(Feature::Off, at_once), (Feature::On, delayed)] {
            let engine = Engine::new(EngineOptions {
                delayed_name_removal: feature,
                ..EngineOptions::default()
            });
            let query = Query::parse(text, &ParserOptions::default()).unwrap();
            let result = engine.instant(&storage, query.expression(), Timestamp(0));
            let QueryValue::Vector(samples) = result.unwrap().value else {
                panic!("{text} is a vector");
            };
            let labels: Vec<String> = samples.iter().map(|s| s.labels.to_string()).collect();
            assert_eq!(labels, [expected], "{text}");
        }
    }
}
