//! Federation: the same page as Debian's Prometheus, after the same samples were sent to both; native
//! histograms, which 2.42 does not federate, as protobuf; a Keepwatch that scrapes the page of another one.

use std::fs;

use testkit::process::{get, get_for_bytes, is_installed, percent_encoded, until};
use wire::{Entry, Exposition, Format, Options, Step};

use crate::sent::{PROMETHEUS, now, prometheus, receiver, send, series};
use crate::support::{BOUND, serve};

fn path(selectors: &[&str]) -> String {
    let pairs: Vec<String> = selectors
        .iter()
        .map(|selector| format!("match[]={}", percent_encoded(selector)))
        .collect();
    format!("/federate?{}", pairs.join("&"))
}

/// The lines of each family, sorted: the peer's order within a name is that of its sorting algorithm.
fn families(page: &str) -> Vec<Vec<&str>> {
    let mut families: Vec<Vec<&str>> = Vec::new();
    for line in page.lines() {
        match families.last_mut() {
            Some(family) if !line.starts_with('#') => family.push(line),
            _ => families.push(vec![line]),
        }
    }
    for family in &mut families {
        family.sort_unstable();
    }
    families
}

#[test]
fn the_same_page_as_prometheus() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    for external in [
        "{cluster: here, zone: z}",
        "{instance: me, job: other}",
        "{}",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = format!("global:\n  external_labels: {external}\n");
        let flags = [
            "--web.enable-remote-write-receiver",
            "--enable-feature=native-histograms",
        ];
        let theirs = prometheus(dir.path(), "theirs", &config, &flags);
        let ours = receiver(dir.path(), &config, &[]);
        let end = now();
        for address in [&theirs.address, &ours.address] {
            send(address, &series(end));
        }
        for selectors in [
            &["{job=\"sent\"}"][..],
            &[
                "{__name__=~\".*t.*\"}",
                "constant",
                "{job=\"sent\",__name__!=\"wild\"}",
            ],
            &["stale"],
            &["up"],
            &[],
        ] {
            let path = path(selectors);
            let [their_page, our_page] =
                [&theirs.address, &ours.address].map(|address| get(address, &path));
            assert_eq!(our_page.status, their_page.status);
            assert_eq!(
                families(&our_page.body),
                families(&their_page.body),
                "{external} {path}"
            );
        }
        let all = get(&ours.address, &path(&["{job=\"sent\"}"])).body;
        assert_eq!(families(&all).len(), 4, "{all}");
        let wrong = path(&["constant", "{"]);
        let [their_answer, our_answer] =
            [&theirs.address, &ours.address].map(|address| get(address, &wrong));
        assert_eq!((our_answer.status, their_answer.status), (400, 400));
    }
}

/// Names with other characters come through as the reader takes them.
#[test]
fn the_reader_says_which_form_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let ours = receiver(dir.path(), "global: {}\n", &[]);
    let end = now();
    let mut sent = series(end);
    for (series, name) in sent.iter_mut().zip(["a.b", "c.d"]) {
        series.labels =
            model::Labels::from_pairs([("__name__", name), ("job", "sent"), ("my.l", "v")]);
    }
    send(&ours.address, &sent);
    let ask = |accept| {
        get_for_bytes(
            &ours.address,
            &path(&["{job=\"sent\"}"]),
            &[("Accept", accept)],
        )
    };
    let text = ask("text/plain;version=1.0.0;escaping=allow-utf-8");
    assert_eq!(
        text.header("content-type"),
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    );
    let page = String::from_utf8(text.body).unwrap();
    assert!(
        page.contains("{\"a.b\",job=\"sent\",\"my.l\"=\"v\",instance=\"\"} 7.5 "),
        "{page}"
    );
    assert!(!page.contains("integers"), "{page}");
    let protobuf = ask(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=underscores;q=0.9,text/plain;q=0.1",
    );
    assert_eq!(
        protobuf.header("content-type"),
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
    );
    let mut scan = Exposition::new(&protobuf.body, Format::Protobuf, &Options::default());
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    while scan.advance(None).unwrap() != Step::End {
        match scan.entry() {
            Entry::Series(_) => floats.push(scan.labels().unwrap().metric_name().to_owned()),
            Entry::Histogram(_) => histograms.push(scan.labels().unwrap().metric_name().to_owned()),
            _ => {}
        }
    }
    assert_eq!(floats, ["a_b", "c_d", "special", "wild"]);
    assert_eq!(histograms, ["floats", "integers"]);
}

#[test]
fn one_keepwatch_scrapes_another() {
    let dir = tempfile::tempdir().unwrap();
    let ours = receiver(dir.path(), "global: {external_labels: {cluster: c}}\n", &[]);
    let end = now();
    send(&ours.address, &series(end));
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_native_histograms: true}}\nscrape_configs:\n- job_name: federate\n  honor_labels: true\n  metrics_path: /federate\n  params: {{'match[]': ['{{job=\"sent\"}}']}}\n  static_configs: [{{targets: ['{}']}}]\n",
        ours.address
    );
    fs::write(dir.path().join("global.yml"), config).unwrap();
    let global = serve(
        dir.path(),
        &[
            "--config.file=global.yml",
            "--storage.tsdb.path=global",
            "--log.level=error",
        ],
    );
    until("federated samples", BOUND, || {
        let count = global.query("count({cluster=\"c\",job=\"sent\"})");
        let histograms = global.query("histogram_count(integers{cluster=\"c\"})");
        if count[0]["value"][1] == "6" && histograms[0]["value"].is_array() {
            Ok(())
        } else {
            let targets = global.get("/api/v1/targets").body;
            Err(format!("{count} {histograms} {targets}"))
        }
    });
}
