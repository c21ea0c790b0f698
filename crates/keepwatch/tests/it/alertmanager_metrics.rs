//! The metrics of an Alertmanager alone: all that the peer has, beside a real one, and what they count; and its spans.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::json as value;
use testkit::process::{Page, PageRequest, PageServer, Peer, Signal, get, is_installed, until};

use crate::alertmanager_role::{
    ALONE, FLAGS, PEER, add_silence, metric, post_alert, post_json, start,
};
use crate::support::{BOUND, json};

/// A type with the names of the labels, without those that the type itself gives.
type Family = (String, BTreeSet<String>);

/// What a page of metrics has, by name.
fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let own = ["", "_bucket", "_sum", "_count"].iter().find_map(|suffix| {
                let name = name.strip_suffix(suffix)?;
                families.contains_key(name).then(|| name.to_owned())
            });
            let (kind, labels) = families.get_mut(&own.unwrap()).unwrap();
            labels.extend(label_names(line));
            match kind.as_str() {
                "histogram" => labels.remove("le"),
                "summary" => labels.remove("quantile"),
                _ => false,
            };
        }
    }
    families
}

/// Values hold no quotation marks here.
fn label_names(line: &str) -> Vec<String> {
    let Some((_, rest)) = line.split_once('{') else {
        return Vec::new();
    };
    let mut parts = rest.split('"');
    let mut names = Vec::new();
    while let Some(name) = parts.next().and_then(|part| part.strip_suffix('=')) {
        names.push(name.trim_start_matches(',').to_owned());
        parts.next();
    }
    names
}

/// What an Alertmanager 0.34 has without a mesh, once it was asked for its metrics.
const KNOWN: &str = "
alertmanager_alerts gauge state
alertmanager_alerts_invalid_total counter version
alertmanager_alerts_per_alert_limit gauge
alertmanager_alerts_received_total counter status version
alertmanager_build_info gauge branch goarch goos goversion revision tags version
alertmanager_cluster_enabled gauge
alertmanager_config_hash gauge
alertmanager_config_last_reload_success_timestamp_seconds gauge
alertmanager_config_last_reload_successful gauge
alertmanager_dispatcher_aggregation_group_creation_given_up_total counter
alertmanager_dispatcher_aggregation_group_creation_retries_total counter
alertmanager_dispatcher_aggregation_group_limit_reached_total counter
alertmanager_dispatcher_aggregation_groups gauge
alertmanager_dispatcher_alert_processing_duration_seconds summary
alertmanager_http_concurrency_limit_exceeded_total counter method
alertmanager_http_request_duration_seconds histogram code handler method
alertmanager_http_requests_in_flight gauge method
alertmanager_http_response_size_bytes histogram handler method
alertmanager_inhibition_rules gauge
alertmanager_integrations gauge
alertmanager_nflog_gc_duration_seconds summary
alertmanager_nflog_gossip_messages_propagated_total counter
alertmanager_nflog_maintenance_errors_total counter
alertmanager_nflog_maintenance_total counter
alertmanager_nflog_queries_total counter
alertmanager_nflog_query_duration_seconds histogram
alertmanager_nflog_query_errors_total counter
alertmanager_nflog_snapshot_duration_seconds summary
alertmanager_nflog_snapshot_size_bytes gauge
alertmanager_notification_latency_seconds histogram integration
alertmanager_notification_requests_failed_total counter integration
alertmanager_notification_requests_total counter integration
alertmanager_notifications_failed_total counter integration reason
alertmanager_notifications_total counter integration
alertmanager_receivers gauge
alertmanager_silences gauge state
alertmanager_silences_gc_duration_seconds summary
alertmanager_silences_gc_errors_total counter
alertmanager_silences_gossip_messages_propagated_total counter
alertmanager_silences_maintenance_errors_total counter
alertmanager_silences_maintenance_total counter
alertmanager_silences_matcher_compile_errors_total counter stage
alertmanager_silences_matcher_index_size gauge
alertmanager_silences_queries_total counter
alertmanager_silences_query_duration_seconds histogram
alertmanager_silences_query_errors_total counter
alertmanager_silences_query_silences_scanned_total counter
alertmanager_silences_query_silences_skipped_total counter
alertmanager_silences_snapshot_duration_seconds summary
alertmanager_silences_snapshot_size_bytes gauge
alertmanager_silences_state_size gauge
alertmanager_silences_version_index_size gauge
promhttp_metric_handler_requests_in_flight gauge
promhttp_metric_handler_requests_total counter code
";

/// Those of the peer's integrations that only newer ones than Debian's have are in it.
const KINDS: usize = 18;

/// A receiver with one integration that takes notifications, and one that refuses them for good.
fn config(hook: &PageServer) -> String {
    let hook = hook.address();
    format!(
        "route: {{receiver: hook, group_wait: 0s, group_by: ['...']}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{hook}/good'}}, {{url: 'http://{hook}/bad'}}]}}]\n"
    )
}

fn hook() -> PageServer {
    PageServer::start(answer)
}

fn answer(request: &PageRequest) -> Page {
    Page {
        status: if request.path == "/good" { 200 } else { 400 },
        ..Page::ok("text/plain", "")
    }
}

/// Waits until a value is there and as wanted.
fn wait_for(address: &str, series: &str, wanted: f64) {
    until(series, BOUND, || {
        let found = metric(address, series);
        let is_wanted = found.is_some_and(|found| (found - wanted).abs() < 1e-9);
        is_wanted.then_some(()).ok_or_else(|| format!("{found:?}"))
    });
}

#[test]
fn all_metrics_of_the_peer_are_there_from_the_start() {
    let root = tempfile::tempdir().unwrap();
    let server = start(root.path(), &config(&hook()), &[ALONE]);
    server.get("/metrics");
    let page = server.get("/metrics").body;
    let families = families(&page);
    for line in KNOWN.trim().lines() {
        let mut words = line.split(' ').map(str::to_owned);
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let expected = (kind, words.collect());
        assert_eq!(families.get(&name), Some(&expected), "{name}");
    }
    // Nothing is left to be found out about what counts from zero.
    let count = |start: &str| page.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("alertmanager_notifications_total{"), KINDS);
    assert_eq!(count("alertmanager_notifications_failed_total{"), KINDS * 7);
    assert_eq!(
        count("alertmanager_notification_latency_seconds_count{"),
        KINDS
    );
    assert_eq!(count("alertmanager_alerts_received_total{"), 2);
    assert_eq!(
        count("alertmanager_silences_matcher_compile_errors_total{"),
        2
    );
}

/// What Debian's Alertmanager shows and we do not, with the reason.
fn why_absent(name: &str) -> Option<&'static str> {
    match name {
        "alertmanager_marked_alerts" => Some("newer ones have it no more"),
        _ if name.starts_with("go_") => Some("there is no Go"),
        _ if name.starts_with("net_conntrack_") => {
            Some("it watches the connections of one Go library")
        }
        _ => None,
    }
}

/// Labels that newer ones have beside those of Debian's.
const NEWER: [(&str, &str); 3] = [
    ("alertmanager_build_info", "tags"),
    ("alertmanager_http_request_duration_seconds", "code"),
    ("alertmanager_notifications_failed_total", "reason"),
];

/// After the same traffic.
const SAME: [&str; 20] = [
    "alertmanager_alerts{state=\"active\"}",
    "alertmanager_alerts{state=\"suppressed\"}",
    "alertmanager_alerts{state=\"unprocessed\"}",
    "alertmanager_alerts_invalid_total{version=\"v2\"}",
    "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"}",
    "alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"}",
    "alertmanager_dispatcher_aggregation_groups",
    "alertmanager_dispatcher_alert_processing_duration_seconds_count",
    "alertmanager_integrations",
    "alertmanager_nflog_queries_total",
    "alertmanager_nflog_query_duration_seconds_count",
    "alertmanager_nflog_query_errors_total",
    "alertmanager_notification_latency_seconds_count{integration=\"webhook\"}",
    "alertmanager_notification_requests_failed_total{integration=\"webhook\"}",
    "alertmanager_notification_requests_total{integration=\"webhook\"}",
    "alertmanager_notifications_total{integration=\"webhook\"}",
    "alertmanager_receivers",
    "alertmanager_silences{state=\"active\"}",
    "alertmanager_silences{state=\"expired\"}",
    "alertmanager_silences_query_errors_total",
];

/// One alert that two integrations are told of, one of them in vain; one that is invalid, one silence.
fn traffic(address: &str) {
    add_silence(address, "here");
    post_alert(address);
    let invalid = value!([{"labels": {}}]);
    let json_type = [("Content-Type", "application/json")];
    let body = invalid.to_string();
    let (_, answer) =
        testkit::process::post_bytes(address, "/api/v2/alerts", &json_type, body.as_bytes());
    assert_eq!(answer.status, 400, "{answer:?}");
    json(address, "/api/v2/silences");
    let told = "alertmanager_notification_requests_total{integration=\"webhook\"}";
    wait_for(address, told, 2.0);
    // The peer counts a failure after the request.
    let page = || get(address, "/metrics").body;
    until("the failed notification", BOUND, || {
        let page = page();
        let failed = "alertmanager_notifications_failed_total{integration=\"webhook\"";
        let mut lines = page.lines().filter(|line| line.starts_with(failed));
        let has_failed = lines.any(|line| line.ends_with(" 1"));
        has_failed.then_some(()).ok_or(page)
    });
}

#[test]
fn metrics_are_those_of_a_real_alertmanager() {
    if !is_installed(PEER) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (ours, theirs) = (root.path().join("ours"), root.path().join("theirs"));
    for dir in [&ours, &theirs] {
        fs::create_dir(dir).unwrap();
    }
    let hook = hook();
    let config = config(&hook);
    let server = start(&ours, &config, &[ALONE]);
    let peer = peer(&theirs, &config);
    for address in [&server.address, &peer.address] {
        traffic(address);
    }
    let (own, page) = (
        server.get("/metrics").body,
        get(&peer.address, "/metrics").body,
    );
    let (own_families, peer_families) = (families(&own), families(&page));
    assert!(peer_families.len() > 40, "{page}");
    for (name, (kind, labels)) in peer_families {
        let Some((own_kind, own_labels)) = own_families.get(&name) else {
            assert!(why_absent(&name).is_some(), "{name} is missing");
            continue;
        };
        assert_eq!(*own_kind, kind, "{name}");
        let newer = NEWER.iter().filter(|(newer, _)| *newer == name);
        let mut expected = labels;
        expected.extend(newer.map(|(_, label)| (*label).to_owned()));
        assert_eq!(*own_labels, expected, "{name}");
    }
    for series in SAME {
        let values = [&server.address, &peer.address].map(|address| metric(address, series));
        assert!(values[0].is_some(), "{series}");
        assert_eq!(values[0], values[1], "{series}");
    }
}

fn peer(dir: &Path, config: &str) -> Peer {
    fs::write(dir.join("alertmanager.yml"), config).unwrap();
    let mut command = Command::new(PEER);
    command.current_dir(dir).args(FLAGS).arg(ALONE);
    Peer::start(PEER, command)
}

#[test]
fn metrics_count_what_happens() {
    let root = tempfile::tempdir().unwrap();
    let hook = hook();
    let server = start(root.path(), &config(&hook), &[ALONE]);
    let address = &server.address;
    let is = |series: &str, expected: f64| {
        assert_eq!(metric(address, series), Some(expected), "{series}");
    };
    traffic(address);
    is(
        "alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"clientError\"}",
        1.0,
    );
    is(
        "alertmanager_alerts_subscriber_channel_writes_total{subscriber=\"inhibitor\"}",
        1.0,
    );
    is("alertmanager_silences_state_size", 1.0);
    is("alertmanager_silences_matcher_index_size", 1.0);
    // The one silence was looked at for the list only: its index spared the alert's flush the look.
    is("alertmanager_silences_queries_total", 2.0);
    is("alertmanager_silences_query_silences_scanned_total", 1.0);
    is("alertmanager_silences_query_silences_skipped_total", 1.0);
    for series in [
        "alertmanager_silences_snapshot_size_bytes",
        "alertmanager_silences_snapshot_duration_seconds_sum",
        "alertmanager_dispatcher_alert_processing_duration_seconds_sum",
    ] {
        assert!(metric(address, series).unwrap() > 0.0, "{series}");
    }
    // Soon after the notification, in a file that has its size.
    let size = "alertmanager_nflog_snapshot_size_bytes";
    until("the notification log", BOUND, || {
        match metric(address, size) {
            Some(size) if size > 0.0 => Ok(()),
            size => Err(format!("{size:?}")),
        }
    });
    let file = fs::metadata(root.path().join("store/nflog")).unwrap();
    is(size, f64::from(u32::try_from(file.len()).unwrap()));
    let handler = "handler=\"/-/ready\",method=\"get\"";
    let answers =
        format!("alertmanager_http_request_duration_seconds_count{{code=\"200\",{handler}}}");
    let answers = metric(address, &answers).unwrap();
    assert!(answers > 0.0);
    // Each is `OK`.
    let bytes = format!("alertmanager_http_response_size_bytes_sum{{{handler}}}");
    is(&bytes, answers * 2.0);
}

#[test]
fn fire_drills_are_not_counted() {
    let root = tempfile::tempdir().unwrap();
    let hook = hook();
    let server = start(root.path(), &config(&hook), &[ALONE]);
    let address = &server.address;
    let path = "/api/keepwatch/v1/alerts/drill";
    for drill in [
        value!({"receiver": "hook"}),
        value!({"labels": {"alertname": "Disk"}, "wait": "30s"}),
    ] {
        let answer = post_json(address, path, &drill);
        let ends = answer["data"]["ends"].as_array().unwrap();
        let outcomes: BTreeSet<_> = ends.iter().map(|end| end["outcome"].to_string()).collect();
        let expected = ["\"delivered\"", "\"failed\""].map(str::to_owned);
        assert_eq!(outcomes, BTreeSet::from(expected), "{answer}");
    }
    let page = server.get("/metrics").body;
    let counted = [
        "alertmanager_alerts_received_total{",
        "alertmanager_alerts_subscriber_channel_writes_total{",
        "alertmanager_notifications_total{",
        "alertmanager_notifications_failed_total{",
        "alertmanager_notification_requests_total{",
        "alertmanager_notification_requests_failed_total{",
        "alertmanager_notification_latency_seconds_count{",
    ];
    for line in page
        .lines()
        .filter(|line| counted.iter().any(|start| line.starts_with(start)))
    {
        assert!(line.ends_with(" 0"), "{line}");
    }
    let proven = "keepwatch_last_proven_delivery_timestamp_seconds{receiver=\"hook\"}";
    assert!(metric(address, proven).unwrap() > 0.0);
    // A real one is, all the same.
    traffic(address);
    let notifications = "alertmanager_notifications_total{integration=\"webhook\"}";
    assert_eq!(metric(address, notifications), Some(2.0));
}

#[test]
fn labels_of_metrics_are_switched_on_by_features() {
    let root = tempfile::tempdir().unwrap();
    let hook = hook();
    let good = format!("{{url: 'http://{}/good'}}", hook.address());
    let config = |receiver: &str| {
        format!(
            "route: {{receiver: {receiver}, group_wait: 0s, group_by: [alertname]}}\n\
             receivers: [{{name: {receiver}, webhook_configs: [{good}, {good}]}}, {{name: stays, webhook_configs: [{good}]}}]\n"
        )
    };
    let flags = [
        ALONE,
        "--alerts.per-alertname-limit=1",
        "--enable-feature=alert-names-in-metrics,receiver-name-in-metrics,group-key-in-metrics",
    ];
    let server = start(root.path(), &config("first"), &flags);
    let address = &server.address;
    let until_notified = |receiver: &str| {
        let labels = format!("{{integration=\"webhook\",receiver_name=\"{receiver}\"}}");
        for name in [
            "alertmanager_notifications_total",
            "alertmanager_notification_requests_total",
            "alertmanager_notification_latency_seconds_count",
        ] {
            wait_for(address, &format!("{name}{labels}"), 2.0);
        }
    };
    let disk = |number: &str| {
        let labels = value!({"alertname": "Disk", "number": number});
        value!({"labels": labels, "endsAt": "2099-01-01T00:00:00Z"})
    };
    post_json(address, "/api/v2/alerts", &value!([disk("1"), disk("2")]));
    until_notified("first");
    let is = |series: &str, expected: f64| {
        assert_eq!(metric(address, series), Some(expected), "{series}");
    };
    let key = r#"group_key="{}:{alertname=\"Disk\"}""#;
    is("alertmanager_alerts_limited_total{alertname=\"Disk\"}", 1.0);
    for (state, count) in [("active", 1.0), ("suppressed", 0.0)] {
        is(
            &format!("alertmanager_alerts{{{key},state=\"{state}\"}}"),
            count,
        );
    }
    let shown = || {
        let page = server.get("/metrics").body;
        let name = "alertmanager_notifications_total{";
        let lines = page.lines().filter(|line| line.starts_with(name));
        let names: Vec<String> = lines
            .map(|line| line.split('"').nth(3).unwrap().to_owned())
            .collect();
        let of = "alertmanager_notification_latency_seconds_count{";
        let latencies = page.lines().filter(|line| line.starts_with(of)).count();
        assert_eq!(names.len(), latencies, "{page}");
        names
    };
    assert_eq!(shown(), ["first", "stays"]);
    is(
        "alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"other\",receiver_name=\"stays\"}",
        0.0,
    );

    fs::write(root.path().join("alertmanager.yml"), config("second")).unwrap();
    assert_eq!(server.post("/-/reload").status, 200);
    until_notified("second");
    assert_eq!(shown(), ["second", "stays"]);
    let output = server.program.output();
    assert!(!output.contains("not built"), "{output}");
}

#[test]
fn requests_and_notifications_are_spans_for_a_collector() {
    let root = tempfile::tempdir().unwrap();
    let parents = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&parents);
    let hook = PageServer::start(move |request| {
        let mut headers = request.headers.iter();
        let parent = headers.find(|(name, _)| name == "traceparent");
        let parent = parent.map(|(_, value)| value.clone());
        seen.lock().unwrap().extend(parent);
        answer(request)
    });
    let spans = Arc::new(Mutex::new(String::new()));
    let collected = Arc::clone(&spans);
    let collector = PageServer::start(move |request| {
        assert_eq!(request.path, "/v1/traces");
        collected.lock().unwrap().push_str(&request.body);
        Page::ok("application/x-protobuf", "")
    });
    let traced = |fraction: &str| {
        let endpoint = collector.address();
        let tracing = format!(
            "tracing: {{client_type: http, endpoint: '{endpoint}', insecure: true, sampling_fraction: {fraction}}}\n"
        );
        config(&hook) + &tracing
    };
    let server = start(root.path(), &traced("1"), &[ALONE]);
    let address = &server.address;
    traffic(address);
    // A reload with another fraction: from now on only traces that others began.
    fs::write(root.path().join("alertmanager.yml"), traced("0")).unwrap();
    assert_eq!(server.post("/-/reload").status, 200);
    server.get("/api/v2/receivers");
    let parent = "00-6162636465666768696a6b6c6d6e6f70-7172737475767778-01";
    let headers = [("traceparent", parent)];
    testkit::process::get_for_bytes(address, "/api/v2/silence/0", &headers);
    server.program.signal(Signal::Terminate);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        !finished.stderr.contains("collector"),
        "{}",
        finished.stderr
    );
    // A receiver can go on with the trace of the attempt; of 16 and 8 bytes, in hexadecimal digits.
    let parents = parents.lock().unwrap();
    assert_eq!(parents.len(), 2);
    for parent in parents.iter() {
        let lengths: Vec<_> = parent.split('-').map(str::len).collect();
        assert_eq!(lengths, [2, 32, 16, 2], "{parent}");
    }
    let spans = spans.lock().unwrap();
    for part in [
        "service.name",
        "POST /api/v2/alerts",
        "notify.Integration.Notify",
        "alerting.receiver.name",
        "unexpected status code 400",
        "GET /api/v2/silence/{silenceID}",
        "/api/v2/silence/0",
        "abcdefghijklmnop",
        "qrstuvwx",
    ] {
        assert!(spans.contains(part), "{part}: {spans}");
    }
    assert!(!spans.contains("/api/v2/receivers"), "{spans}");
}
