//! Requests in JSON, and the series that they become.

use super::translate::translate;
use super::*;
use model::storage::HistogramSample;
use wire::otlp::Request;
use wire::remote::write1::{Item, Reader, Series};

/// Series as lines, and the problems.
fn translated(request: &str, settings: &Settings) -> (Vec<String>, Vec<String>) {
    let request = Request::from_json(request.as_bytes()).unwrap();
    let translated = translate(&request, settings);
    let mut reader = Reader::new(&translated.content);
    let mut series = Series::default();
    let mut lines = Vec::new();
    while reader.next(&mut series).unwrap() == Item::Series {
        let labels = series.labels().unwrap().unwrap();
        for sample in &series.samples {
            lines.push(format!("{labels} {} @{}", sample.value, sample.time.0));
        }
        for written in series.histograms() {
            let HistogramSample::Integer(histogram) = written.unwrap().histogram else {
                panic!("a float histogram");
            };
            lines.push(format!("{labels} {}", histogram.to_float()));
        }
        for exemplar in series.exemplars() {
            let exemplar = exemplar.unwrap();
            lines.push(format!("  # {} {}", exemplar.labels, exemplar.value));
        }
    }
    (lines, translated.problems)
}

fn request(metrics: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{
            "resource":{{"attributes":[
                {{"key":"service.name","value":{{"stringValue":"svc"}}}},
                {{"key":"service.namespace","value":{{"stringValue":"ns"}}}},
                {{"key":"service.instance.id","value":{{"stringValue":"i1"}}}},
                {{"key":"host.name","value":{{"stringValue":"h"}}}}]}},
            "scopeMetrics":[{{"scope":{{"name":"lib","version":"1","attributes":[
                {{"key":"a.b","value":{{"intValue":"7"}}}}]}},
                "schemaUrl":"http://s","metrics":[{metrics}]}}]}}]}}"#
    )
}

const GAUGE: &str = r#"{"name":"my.gauge","unit":"By","gauge":{"dataPoints":[
    {"asInt":"7","timeUnixNano":"1000000000","attributes":[
        {"key":"x.y","value":{"stringValue":"1"}},{"key":"x_y","value":{"stringValue":"2"}}]}]}}"#;

const TARGET_INFO: &str =
    r#"{__name__="target_info", host_name="h", instance="i1", job="ns/svc"} 1 @1000"#;

#[test]
fn attributes_become_labels() {
    let (lines, problems) = translated(&request(GAUGE), &Settings::default());
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        lines,
        [
            r#"{__name__="my_gauge_bytes", instance="i1", job="ns/svc", x_y="1;2"} 7 @1000"#,
            TARGET_INFO
        ]
    );
    let utf8 = Settings {
        naming: Naming {
            adds_suffixes: false,
            allows_utf8: true,
            ..Settings::default().naming
        },
        promotion: Promotion::AllBut(["service.name".to_owned()].into()),
        promotes_scope: true,
        keeps_identity: true,
        adds_type_and_unit: true,
        ..Settings::default()
    };
    let (lines, _) = translated(&request(GAUGE), &utf8);
    assert_eq!(
        lines,
        [
            r#"{__name__="my.gauge", __type__="gauge", __unit__="bytes", "host.name"="h", instance="i1", job="ns/svc", "otel_scope_a.b"="7", otel_scope_name="lib", otel_scope_schema_url="http://s", otel_scope_version="1", "service.instance.id"="i1", "service.namespace"="ns", "x.y"="1", x_y="2"} 7 @1000"#,
            r#"{__name__="target_info", "host.name"="h", instance="i1", job="ns/svc", "service.instance.id"="i1", "service.name"="svc", "service.namespace"="ns"} 1 @1000"#,
        ]
    );
}

#[test]
fn histograms_of_both_kinds() {
    let classic = r#"{"name":"h","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"count":"6","sum":9,"bucketCounts":["1","2","3"],"explicitBounds":[1,2.5],"timeUnixNano":"1000000000",
         "exemplars":[{"asDouble":2,"traceId":"ab"},{"asInt":"9","spanId":"cd"}]}]}}"#;
    let (lines, _) = translated(&request(classic), &Settings::default());
    let own = r#"instance="i1", job="ns/svc""#;
    assert_eq!(
        lines,
        [
            format!("{{__name__=\"h_milliseconds_sum\", {own}}} 9 @1000"),
            format!("{{__name__=\"h_milliseconds_count\", {own}}} 6 @1000"),
            format!("{{__name__=\"h_milliseconds_bucket\", {own}, le=\"1\"}} 1 @1000"),
            format!("{{__name__=\"h_milliseconds_bucket\", {own}, le=\"2.5\"}} 3 @1000"),
            "  # {trace_id=\"ab\"} 2".to_owned(),
            format!("{{__name__=\"h_milliseconds_bucket\", {own}, le=\"+Inf\"}} 6 @1000"),
            "  # {span_id=\"cd\"} 9".to_owned(),
            TARGET_INFO.to_owned(),
        ]
    );
    let custom = Settings {
        converts_to_custom_buckets: true,
        ..Settings::default()
    };
    let (lines, _) = translated(&request(classic), &custom);
    assert!(
        lines[0].starts_with(&format!(
            "{{__name__=\"h_milliseconds\", {own}}} {{count:6, sum:9,"
        )),
        "{lines:?}"
    );
    let exponential = r#"{"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
        {"count":"4","sum":9,"scale":1,"zeroCount":"1","positive":{"offset":0,"bucketCounts":["1","2"]},
         "timeUnixNano":"1000000000"}]}}"#;
    let (lines, _) = translated(&request(exponential), &Settings::default());
    assert_eq!(
        lines[0],
        format!(
            "{{__name__=\"e\", {own}}} {{count:4, sum:9, [-1e-128,1e-128]:1, (1,1.414213562373095]:1, (1.414213562373095,2]:2}}"
        )
    );
}

#[test]
fn summaries_counters_and_ended_series() {
    let metrics = r#"{"name":"s","summary":{"dataPoints":[{"count":"2","sum":3,"timeUnixNano":"1000000000",
            "quantileValues":[{"quantile":0.5,"value":1}]}]}},
        {"name":"c","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[
            {"asDouble":5,"timeUnixNano":"1000000000"},{"asDouble":1,"flags":1,"timeUnixNano":"2000000000"}]}}"#;
    let (lines, _) = translated(&request(metrics), &Settings::default());
    let own = r#"instance="i1", job="ns/svc""#;
    assert_eq!(
        lines[..5],
        [
            format!("{{__name__=\"s_sum\", {own}}} 3 @1000"),
            format!("{{__name__=\"s_count\", {own}}} 2 @1000"),
            format!("{{__name__=\"s\", {own}, quantile=\"0.5\"}} 1 @1000"),
            format!("{{__name__=\"c_total\", {own}}} 5 @1000"),
            format!("{{__name__=\"c_total\", {own}}} NaN @2000"),
        ]
    );
}

/// One every two and a half minutes, and one at the end.
#[test]
fn target_info_can_be_found_at_any_time() {
    let metrics = r#"{"name":"g","gauge":{"dataPoints":[
        {"asDouble":1,"timeUnixNano":"1000000000"},{"asDouble":1,"timeUnixNano":"400000000000"}]}}"#;
    let (lines, _) = translated(&request(metrics), &Settings::default());
    let times: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains("target_info"))
        .filter_map(|line| Some(line.split_once('@')?.1))
        .collect();
    assert_eq!(times, ["1000", "151000", "301000", "400000"]);
}

/// Points at the beginning and at the end of time must not make samples for all the time between.
#[test]
fn target_info_has_an_end() {
    let metrics = format!(
        r#"{{"name":"g","gauge":{{"dataPoints":[
        {{"asDouble":1,"timeUnixNano":"0"}},{{"asDouble":1,"timeUnixNano":"{}"}}]}}}}"#,
        i64::MAX
    );
    let (lines, problems) = translated(&request(&metrics), &Settings::default());
    assert_eq!(problems, [""; 0]);
    assert!((10_002..10_010).contains(&lines.len()), "{}", lines.len());
    assert!(
        lines.last().unwrap().ends_with("@9223372036854"),
        "{:?}",
        lines.last()
    );
}

#[test]
fn what_cannot_be_translated_costs_nothing_but_itself() {
    let delta = r#"{"name":"my.delta","sum":{"aggregationTemporality":1,"dataPoints":[
        {"asDouble":5,"timeUnixNano":"1000000000"}]}}"#;
    let (lines, problems) = translated(&request(&format!("{delta},{GAUGE}")), &Settings::default());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        problems,
        ["invalid temporality and type combination for metric \"my.delta\""]
    );
    let taking = Settings {
        takes_delta: true,
        ..Settings::default()
    };
    let (lines, problems) = translated(&request(delta), &taking);
    assert_eq!((lines.len(), problems.len()), (2, 0));
    let (_, problems) = translated(&request(r#"{"name":"nothing"}"#), &Settings::default());
    assert_eq!(problems.len(), 1);
}
