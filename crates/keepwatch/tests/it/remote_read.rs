//! Remote read over HTTP: what other servers get is what they would get of Prometheus. The same samples are
//! sent to both by remote write, then both are asked the same. A third server, Debian's Prometheus again, has
//! ours as its only source.

use std::collections::BTreeMap;

use model::storage::{HistogramSample, SeriesBatch, TimeRange};
use model::{MatchOp, Timestamp};
use serde_json::Value;
use testkit::process::{RawAnswer, is_installed, percent_encoded, post_for_bytes};
use tsdb::chunk::histogram::HistogramValue;
use tsdb::chunk::{Encoding, Wanted};
use wire::remote::chunked::next_frame;
use wire::remote::read::{Query, RawMatcher, Request, ResponseType, decode_response};
use wire::remote::{compress, decompress};

use crate::sent::{PROMETHEUS, SPAN, now, prometheus, receiver, send, series};
use crate::support::json;

const CONFIG: &str = "global:\n  external_labels: {cluster: here, job: never}\n";

/// `name=value`, with all four operators.
fn query(start: i64, end: i64, matchers: &[(&str, MatchOp, &str)]) -> Query {
    let matchers = matchers.iter().map(|(name, op, value)| RawMatcher {
        name: (*name).to_owned(),
        op: Some(*op),
        value: (*value).to_owned(),
    });
    Query {
        range: TimeRange::new(Timestamp(start), Timestamp(end)),
        matchers: matchers.collect(),
        hints: None,
    }
}

fn ask(address: &str, queries: &[Query], accepted: &[ResponseType]) -> RawAnswer {
    let request = Request {
        queries: queries.to_vec(),
        accepted: accepted.to_vec(),
    };
    let body = compress(&request.encode()).unwrap();
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
    ];
    post_for_bytes(address, "/api/v1/read", &headers, &body)
}

/// Samples as text, by the number of the query and the labels.
type Found = BTreeMap<(usize, String), Vec<String>>;

/// Whether no reset is known or known not to be is left open: 2.42 does not tell at the start of a chunk.
fn shown(histogram: &HistogramSample, time: i64) -> String {
    format!("{histogram:?}@{time}").replace("NotReset", "Unknown")
}

fn of_samples(answer: &RawAnswer) -> Found {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert_eq!(answer.header("content-encoding"), "snappy");
    let content = decompress(&answer.body, 1 << 30).unwrap();
    let mut found = Found::new();
    for (number, result) in decode_response(&content).unwrap().into_iter().enumerate() {
        for series in result {
            let floats = series.samples.iter();
            let mut texts: Vec<String> = floats
                .map(|sample| format!("{:x}@{}", sample.value.to_bits(), sample.time.0))
                .collect();
            let histograms = series.histograms.iter();
            texts.extend(histograms.map(|written| shown(&written.histogram, written.time.0)));
            if !texts.is_empty() {
                found.insert((number, series.labels.to_string()), texts);
            }
        }
    }
    found
}

fn of_chunks(answer: &RawAnswer) -> Found {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(
        answer.header("content-type"),
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    );
    let mut stream = &answer.body[..];
    let mut found = Found::new();
    let mut last = None;
    while let Some(all) = next_frame(&mut stream, 2 << 20).unwrap() {
        for series in all {
            let key = (series.query as usize, series.labels.to_string());
            let texts = series.chunks.iter().flat_map(|chunk| {
                let encoding = Encoding::from_byte(chunk.encoding).unwrap();
                decoded(encoding, chunk.data)
            });
            let of_series = (series.query, series.labels.clone());
            assert!(
                last.as_ref() <= Some(&of_series),
                "{last:?} before {of_series:?}"
            );
            last = Some(of_series);
            found.entry(key).or_default().extend(texts);
        }
    }
    found
}

fn decoded(encoding: Encoding, data: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if encoding.is_float() {
        let mut batch = SeriesBatch::new();
        tsdb::chunk::decode(encoding, data, Wanted::ALL, &mut batch).unwrap();
        let floats = batch.times.iter().zip(&batch.values);
        texts.extend(floats.map(|(time, value)| format!("{:x}@{time}", value.to_bits())));
    } else {
        tsdb::chunk::histogram::decode(encoding, data, usize::MAX, |sample| {
            let histogram = match sample.value {
                HistogramValue::Integer(histogram) => HistogramSample::Integer(histogram),
                HistogramValue::Float(histogram) => HistogramSample::Float(histogram),
            };
            texts.push(shown(&histogram, sample.time));
            true
        })
        .unwrap();
    }
    texts
}

fn assert_same(found: &Found, wanted: &Found) {
    for (key, texts) in found {
        let wanted = wanted
            .get(key)
            .unwrap_or_else(|| panic!("{key:?} is too much"));
        for (text, wanted) in texts.iter().zip(wanted) {
            assert_eq!(text, wanted, "{key:?}");
        }
        assert_eq!(texts.len(), wanted.len(), "{key:?}");
    }
    let missing = wanted.keys().find(|key| !found.contains_key(*key));
    assert_eq!(missing, None, "is missing");
}

#[test]
fn the_same_answers_as_prometheus() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let flags = [
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ];
    let theirs = prometheus(dir.path(), "theirs", CONFIG, &flags);
    let ours = receiver(dir.path(), CONFIG, &[]);
    let end = now();
    for address in [&theirs.address, &ours.address] {
        send(address, &series(end));
    }
    let all = [("job", MatchOp::Equal, "sent")];
    let queries = [
        query(end - SPAN, end, &all),
        query(end - SPAN + 77_777, end - 1_234_567, &all),
        query(
            end - 100_000,
            end + 1_000_000,
            &[("__name__", MatchOp::Regex, "c.*|integers")],
        ),
        query(
            0,
            i64::MAX,
            &[
                ("__name__", MatchOp::NotRegex, "w.*"),
                ("job", MatchOp::NotEqual, ""),
            ],
        ),
        query(end, end, &[("cluster", MatchOp::Equal, "here")]),
        query(end, end, &[("cluster", MatchOp::Equal, "elsewhere")]),
        query(
            end,
            end,
            &[
                ("cluster", MatchOp::NotEqual, "elsewhere"),
                ("job", MatchOp::Equal, "sent"),
            ],
        ),
        query(end, end, &[("job", MatchOp::Equal, "never")]),
    ];
    let accepted = [
        &[][..],
        &[ResponseType::Samples, ResponseType::StreamedXorChunks],
        &[ResponseType::Unknown(9), ResponseType::Samples],
    ];
    for accepted in accepted {
        let [theirs, ours] = [&theirs.address, &ours.address]
            .map(|address| of_samples(&ask(address, &queries, accepted)));
        assert!(theirs.len() > 20, "{}", theirs.len());
        // Histograms are in its chunks, but not yet among its samples.
        let is_float = |text: &String| !text.contains("Histogram");
        let ours: Found = ours
            .into_iter()
            .filter(|(_, texts)| texts.iter().all(is_float))
            .collect();
        assert_same(&ours, &theirs);
    }
    let accepted = [ResponseType::StreamedXorChunks, ResponseType::Samples];
    let [their_answer, our_answer] =
        [&theirs.address, &ours.address].map(|address| ask(address, &queries, &accepted));
    let ours_in_chunks = of_chunks(&our_answer);
    assert_same(&ours_in_chunks, &of_chunks(&their_answer));
    let in_samples = ask(&ours.address, &queries, &[ResponseType::Samples]);
    assert_same(&of_samples(&in_samples), &ours_in_chunks);
    // What is no request is refused in the same words.
    let refused = |address: &str, body: &[u8]| {
        let answer = post_for_bytes(address, "/api/v1/read", &[], body);
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    };
    let unsupported = Request {
        queries: queries.to_vec(),
        accepted: vec![ResponseType::Unknown(7), ResponseType::Unknown(u32::MAX)],
    };
    let mut odd = query(0, 1, &[("job", MatchOp::Equal, "sent")]);
    odd.matchers[0].op = None;
    let odd = Request {
        queries: vec![odd],
        accepted: Vec::new(),
    };
    for body in [
        b"\xff\xff".to_vec(),
        compress(&unsupported.encode()).unwrap(),
        compress(&odd.encode()).unwrap(),
    ] {
        assert_eq!(
            refused(&ours.address, &body),
            refused(&theirs.address, &body)
        );
    }
}

/// Debian's Prometheus asks for samples; what it answers then is what it would answer if they were its own.
#[test]
fn a_prometheus_that_reads_from_us() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ours = receiver(dir.path(), CONFIG, &[]);
    let flags = [
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ];
    let plain = prometheus(dir.path(), "plain", "global: {}\n", &flags);
    let config = format!(
        "global:\n  external_labels: {{cluster: here}}\nremote_read:\n- url: http://{}/api/v1/read\n  read_recent: true\n",
        ours.address
    );
    let reader = prometheus(dir.path(), "reader", &config, &flags[1..]);
    let end = now();
    for address in [&ours.address, &plain.address] {
        send(address, &series(end));
    }
    let time = (end - 1000) as f64 / 1000.0;
    for expression in [
        // It does not look for histograms among samples yet.
        "{job=\"sent\",__name__!~\"special|floats|integers\"}",
        "rate(counter_total[5m])",
        "sum by (job) (increase(wild[10m]))",
        "count_over_time(stale[90m])",
    ] {
        let path = format!(
            "/api/v1/query?time={time}&query={}",
            percent_encoded(expression)
        );
        let result = |address: &str| -> Value { json(address, &path)["data"]["result"].clone() };
        let [mut wanted, mut found] =
            [&plain.address, &reader.address].map(|address| result(address));
        for value in [&mut wanted, &mut found] {
            let rows = value.as_array_mut().unwrap();
            assert!(!rows.is_empty(), "{expression}");
            rows.sort_by_key(|row| row["metric"].to_string());
        }
        assert_eq!(found, wanted, "{expression}");
    }
}

#[test]
fn limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    let ours = receiver(
        dir.path(),
        CONFIG,
        &[
            "--storage.remote.read-sample-limit=1e3",
            "--storage.remote.read-max-bytes-in-frame=200",
            "--storage.remote.read-concurrent-limit=1",
        ],
    );
    let end = now();
    send(&ours.address, &series(end));
    let all = [query(0, end, &[("job", MatchOp::Equal, "sent")])];
    let answer = ask(&ours.address, &all, &[]);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, b"exceeded sample limit (1000)\n");
    assert_eq!(answer.header("content-encoding"), "");
    let reasons = ours.json("/api/keepwatch/v1/reasons?code=remote-read-limit");
    assert_eq!(
        reasons["data"]["entries"][0]["message"],
        "exceeded sample limit (1000)"
    );
    // Streamed answers have no limit but that of their frames.
    let answer = ask(&ours.address, &all, &[ResponseType::StreamedXorChunks]);
    let mut stream = &answer.body[..];
    let mut frames = 0;
    while next_frame(&mut stream, 2000).unwrap().is_some() {
        frames += 1;
    }
    assert!(frames > 10, "{frames}");
    assert_eq!(of_chunks(&answer).len(), series(end).len());
    assert_eq!(
        ours.metric("prometheus_remote_read_handler_queries"),
        Some(0.0)
    );
}
