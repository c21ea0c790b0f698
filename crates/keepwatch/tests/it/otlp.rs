//! OpenTelemetry metrics over HTTP: protobuf and JSON, plain and with gzip, become the same series; what is
//! refused, and with what text; what a reload of the `otlp` section changes.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use testkit::process::{Answer, percent_encoded, post, post_bytes};

use crate::support::{Server, serve};

const METRICS: &str = "/api/v1/otlp/v1/metrics";
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
const GZIP: (&str, &str) = ("Content-Encoding", "gzip");
const SECONDS: u64 = 1_704_067_260;

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let common = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--web.enable-lifecycle",
        "--log.level=error",
    ];
    serve(dir, &[&common, flags].concat())
}

/// A field of protobuf with a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend(content);
    bytes
}

fn fixed(number: u8, bits: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &bits.to_le_bytes()].concat()
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let value = field(2, &field(1, value.as_bytes()));
    [field(1, key.as_bytes()), value].concat()
}

/// A monotonic sum of `app`, with an attribute.
fn protobuf(name: &str, value: f64) -> Vec<u8> {
    let point = [
        fixed(3, SECONDS * 1_000_000_000),
        fixed(4, value.to_bits()),
        field(7, &attribute("http.method", "GET")),
    ]
    .concat();
    // Cumulative, monotonic.
    let sum = [field(1, &point), vec![0x10, 2, 0x18, 1]].concat();
    let metric = [field(1, name.as_bytes()), field(3, b"s"), field(7, &sum)].concat();
    let attributes = [("service.name", "app"), ("host.name", "here")];
    let resource = attributes.map(|(key, value)| field(1, &attribute(key, value)));
    let resource_metrics = [field(1, &resource.concat()), field(2, &field(2, &metric))];
    field(1, &resource_metrics.concat())
}

fn json(name: &str, temporality: u8) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[
            {{"key":"service.name","value":{{"stringValue":"app"}}}},
            {{"key":"host.name","value":{{"stringValue":"here"}}}}]}},
        "scopeMetrics":[{{"metrics":[{{"name":"{name}","unit":"s","sum":{{
            "isMonotonic":true,"aggregationTemporality":{temporality},"dataPoints":[{{"asDouble":5,
            "timeUnixNano":"{SECONDS}000000000","attributes":[
            {{"key":"http.method","value":{{"stringValue":"GET"}}}}]}}]}}}}]}}]}}]}}"#
    )
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn send(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    post_bytes(&server.address, METRICS, headers, body).1
}

fn told(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: body.to_owned(),
    }
}

/// Series and their values, sorted.
fn found(server: &Server, selector: &str) -> Vec<String> {
    let selector = percent_encoded(selector);
    let answer = server.json(&format!("/api/v1/query?time={SECONDS}&query={selector}"));
    let result = answer["data"]["result"].as_array().cloned();
    let line = |series: &serde_json::Value| format!("{} {}", series["metric"], series["value"][1]);
    let mut lines: Vec<String> = result.unwrap_or_default().iter().map(line).collect();
    lines.sort();
    lines
}

const TARGET_INFO: &str = r#"{"__name__":"target_info","host_name":"here","job":"app"} "1""#;

fn counter(name: &str) -> String {
    format!(r#"{{"__name__":"{name}","http_method":"GET","job":"app"}} "5""#)
}

#[test]
fn every_encoding_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &["--web.enable-otlp-receiver"]);
    let stored = told(200, "");
    assert_eq!(
        send(&server, &[PROTOBUF], &protobuf("of.protobuf", 5.0)),
        stored
    );
    let body = gzipped(&protobuf("of.gzip", 5.0));
    assert_eq!(send(&server, &[PROTOBUF, GZIP], &body), stored);
    assert_eq!(
        send(&server, &[JSON], json("of.json", 2).as_bytes()),
        stored
    );
    let body = gzipped(json("of.json.gzip", 2).as_bytes());
    assert_eq!(send(&server, &[JSON, GZIP], &body), stored);
    let wanted = [
        counter("of_gzip_seconds_total"),
        counter("of_json_gzip_seconds_total"),
        counter("of_json_seconds_total"),
        counter("of_protobuf_seconds_total"),
        TARGET_INFO.to_owned(),
    ];
    assert_eq!(found(&server, "{job=\"app\"}"), wanted);
}

#[test]
fn what_is_refused_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &["--web.enable-otlp-receiver"]);
    let good = protobuf("m", 5.0);
    for (headers, body, wanted) in [
        (
            &[("Content-Type", "text/plain")][..],
            &good[..],
            told(
                400,
                "unsupported content type: text/plain, supported: [application/json, application/x-protobuf]\n",
            ),
        ),
        (
            &[PROTOBUF, ("Content-Encoding", "snappy")],
            &good,
            told(
                400,
                "unsupported compression: snappy. Only \"gzip\" or no compression supported\n",
            ),
        ),
        (
            &[JSON],
            json("my.delta", 1).as_bytes(),
            told(
                500,
                "invalid temporality and type combination for metric \"my.delta\"\n",
            ),
        ),
    ] {
        assert_eq!(send(&server, headers, body), wanted, "{headers:?}");
    }
    let cut = &good[..good.len() - 1];
    for (headers, body) in [
        (&[PROTOBUF][..], cut),
        (&[PROTOBUF, GZIP], &good),
        (&[JSON], b"[]"),
        (&[JSON], b"{\"resourceMetrics\":[{"),
    ] {
        let answer = send(&server, headers, body);
        assert_eq!(answer.status, 400, "{headers:?} {answer:?}");
        assert!(answer.body.len() > 10, "{answer:?}");
    }
    // A megabyte of gzip that stands for more than the limit.
    let bomb = gzipped(&vec![0; 40 << 20]);
    assert_eq!(send(&server, &[PROTOBUF, GZIP], &bomb).status, 413);
    assert_eq!(found(&server, "m_seconds_total"), [""; 0]);
    // Another value at the same time.
    assert_eq!(send(&server, &[PROTOBUF], &good).status, 200);
    let again = send(&server, &[PROTOBUF], &protobuf("m", 6.0));
    assert_eq!(again.status, 400, "{again:?}");
    assert!(
        again.body.contains("duplicate sample for timestamp"),
        "{again:?}"
    );
    assert_eq!(
        found(&server, "m_seconds_total"),
        [counter("m_seconds_total")]
    );
}

#[test]
fn flags_and_configuration_decide() {
    let dir = tempfile::tempdir().unwrap();
    let closed = start(dir.path(), &[]);
    let answer = send(&closed, &[PROTOBUF], &protobuf("m", 5.0));
    let text = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n";
    assert_eq!(answer, told(404, text));
    drop(closed);

    let flags = [
        "--web.enable-otlp-receiver",
        "--enable-feature=otlp-native-delta-ingestion",
    ];
    let server = start(dir.path(), &flags);
    let answer = send(&server, &[JSON], json("taken", 1).as_bytes());
    assert_eq!(answer, told(200, ""));
    let section = "otlp:\n  translation_strategy: NoTranslation\n  promote_resource_attributes: [host.name]\n";
    fs::write(dir.path().join("prometheus.yml"), section).unwrap();
    assert_eq!(post(&server.address, "/-/reload", "").status, 200);
    let answer = send(&server, &[PROTOBUF], &protobuf("kept.dots", 5.0));
    assert_eq!(answer, told(200, ""));
    assert_eq!(
        found(&server, "{__name__=~\"taken.*|kept.*\"}"),
        [
            r#"{"__name__":"kept.dots","host.name":"here","http.method":"GET","job":"app"} "5""#
                .to_owned(),
            counter("taken_seconds_total"),
        ]
    );
}
