//! Scraping at its border: configuration, groups and pages in, samples and reasons out.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "tests and their support"
)]

mod support;

use std::time::Duration;

use model::Labels;
use model::relabel::{Action, RelabelConfig};
use support::{Answer, World, group, job};

/// The time of the sample in a log line.
fn time_of(line: &str) -> f64 {
    line.rsplit('@').next().unwrap().parse().unwrap()
}

/// A log line without its time.
fn untimed(lines: Vec<String>) -> Vec<String> {
    lines
        .iter()
        .map(|line| line.split(" @").next().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn samples_and_reports_of_one_scrape() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "# TYPE m gauge\nm{x=\"1\"} 1\nm{x=\"2\"} 2\n");
    world.until(1).await;
    let lines = world.store.take_log();
    let times: Vec<f64> = lines.iter().map(|line| time_of(line)).collect();
    assert!(
        times.iter().all(|time| *time == times[0]),
        "one time for all: {lines:?}"
    );
    let lines: Vec<String> = untimed(lines)
        .into_iter()
        .filter(|line| !line.starts_with("scrape_duration_seconds"))
        .collect();
    assert_eq!(
        lines,
        [
            r#"m{instance="a:1", job="node", x="1"} 1"#,
            r#"m{instance="a:1", job="node", x="2"} 2"#,
            r#"scrape_samples_post_metric_relabeling{instance="a:1", job="node"} 2"#,
            r#"scrape_samples_scraped{instance="a:1", job="node"} 2"#,
            r#"scrape_series_added{instance="a:1", job="node"} 2"#,
            r#"up{instance="a:1", job="node"} 1"#,
        ]
    );
    assert_eq!(world.last_error(), "up ");
    let request = world.targets.requests.lock().unwrap()[0].clone();
    assert_eq!(request.url, "http://a:1/metrics");
    assert!(
        request
            .headers
            .contains(&("X-Prometheus-Scrape-Timeout-Seconds", "5".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn the_steady_state_resolves_nothing() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m{x=\"1\"} 1\nm{x=\"2\"} 2\n");
    world.until(1).await;
    let resolved = world.store.resolved();
    assert_eq!(resolved, 7);
    world.page("a:1", "m{x=\"1\"} 10\nm{x=\"2\"} 20\n");
    world.until(6).await;
    assert_eq!(world.store.resolved(), resolved);
    assert_eq!(world.store.commits(), 6);
}

#[tokio::test(start_paused = true)]
async fn times_are_equally_spaced_and_stable() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\n");
    world.until(5).await;
    let samples = world.store.take_samples();
    let mut times: Vec<f64> = samples.iter().map(|line| time_of(line)).collect();
    times.sort_by(f64::total_cmp);
    assert_eq!(times.len(), 5);
    for pair in times.windows(2) {
        assert!((pair[1] - pair[0] - 10.0).abs() < 1e-9, "{times:?}");
    }
    let other = World::with_job(job("node"), &["a:1"]);
    other.page("a:1", "m 1\n");
    other.until(1).await;
    assert_eq!(time_of(&other.store.take_samples()[0]), times[0]);
}

#[tokio::test(start_paused = true)]
async fn series_that_vanish_are_marked() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\nn 2\nt 3 1700000041000\n");
    world.until(1).await;
    world.store.take_log();
    world.page("a:1", "m 1\n");
    world.until(2).await;
    // `t` came with its own time, so its end is not marked.
    assert_eq!(
        untimed(world.store.take_samples()),
        [
            r#"m{instance="a:1", job="node"} 1"#,
            r#"n{instance="a:1", job="node"} stale"#
        ]
    );
    world.until(3).await;
    assert_eq!(
        untimed(world.store.take_samples()),
        [r#"m{instance="a:1", job="node"} 1"#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_page_leaves_only_markers_and_up_0() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\n");
    world.until(1).await;
    world.store.take_log();
    world.page("a:1", "m 2\nnew 1\nbroken{\n");
    world.until(2).await;
    let lines = untimed(world.store.take_log());
    assert!(
        lines.contains(&r#"m{instance="a:1", job="node"} stale"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&r#"up{instance="a:1", job="node"} 0"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&r#"scrape_samples_scraped{instance="a:1", job="node"} 2"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("new")),
        "{lines:?}"
    );
    assert!(
        world.last_error().starts_with("down expected label name"),
        "{}",
        world.last_error()
    );
    let entry = &world.reasons.entries(Some("scrape-bad-page"))[0];
    assert_eq!(entry.subject, "node http://a:1/metrics");
    assert_eq!(entry.hint.as_deref(), Some("look at line 3 of the page"));
    // And it recovers.
    world.page("a:1", "m 3\n");
    world.until(3).await;
    assert_eq!(
        untimed(world.store.take_samples()),
        [r#"m{instance="a:1", job="node"} 3"#]
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_go_wrong_with_a_fetch() {
    let cases = [
        (
            Answer::Refused,
            r#"down Get "http://a:1/metrics": connection refused"#,
        ),
        (
            Answer::Status(500, "Internal Server Error"),
            "down server returned HTTP status 500 Internal Server Error",
        ),
        (
            Answer::Typed("text/html", "m 1\n".to_owned()),
            r#"down received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target"#,
        ),
        (
            Answer::Slow(Duration::from_secs(60), "m 1\n".to_owned()),
            r#"down Get "http://a:1/metrics": context deadline exceeded"#,
        ),
        (Answer::Page(String::new()), "up "),
    ];
    for (answer, wanted) in cases {
        let world = World::with_job(job("node"), &["a:1"]);
        world.targets.set("http://a:1/metrics", answer);
        world.until(2).await;
        assert_eq!(world.last_error(), wanted);
        assert_eq!(world.store.take_samples(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn limits_fail_the_scrape_and_are_named() {
    let page = "m{x=\"1\"} 1\nm{x=\"2\"} 2\nm{x=\"3\"} 3\n";
    type Change = fn(&mut scrape::PoolConfig);
    let cases: [(Change, &str); 4] = [
        (
            |config| config.limits.samples = 2,
            "down sample limit exceeded",
        ),
        (
            |config| config.limits.body_size = 10,
            "down body size limit exceeded",
        ),
        (
            |config| config.limits.labels = 3,
            "down label_limit exceeded (metric: m, number of labels: 4, limit: 3)",
        ),
        (|config| config.limits.samples = 3, "up "),
    ];
    for (change, wanted) in cases {
        let mut config = job("node");
        config.extra_metrics = true;
        change(&mut config);
        let world = World::with_job(config, &["a:1"]);
        world.page("a:1", page);
        world.until(1).await;
        assert_eq!(world.last_error(), wanted);
        let is_up = wanted == "up ";
        let lines = world.store.take_log();
        assert_eq!(
            lines.iter().any(|line| line.starts_with("m{")),
            is_up,
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("scrape_body_size_bytes")),
            "{lines:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn more_targets_than_allowed_fail_all_scrapes_of_the_job() {
    let mut config = job("node");
    config.limits.targets = 1;
    let world = World::with_job(config, &["a:1", "b:1"]);
    world.page("a:1", "m 1\n");
    world.until(1).await;
    assert_eq!(
        world.last_error(),
        "down target_limit exceeded (number of targets: 2, limit: 1)"
    );
    world.pools.sync("node", group(&["a:1"]));
    world.until(2).await;
    assert_eq!(world.last_error(), "up ");
}

#[tokio::test(start_paused = true)]
async fn metric_relabelling_and_own_timestamps() {
    let mut config = job("node");
    config.honor_timestamps = false;
    let mut drop = RelabelConfig::new(Action::Drop);
    drop.source_labels = vec!["__name__".to_owned()];
    drop.regex = model::pattern::Pattern::new("go_.*").unwrap();
    config.metric_relabel = vec![drop];
    let world = World::with_job(config, &["a:1"]);
    world.page("a:1", "go_x 1\nm 1 5\n");
    world.until(3).await;
    let lines = world.store.take_log();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("m{")).count(),
        3,
        "{lines:?}"
    );
    assert!(!lines.iter().any(|line| line.starts_with("go_x")));
    assert!(lines[0].starts_with("m{") && time_of(&lines[0]) >= 0.0);
    let post = |line: &&String| {
        line.starts_with("scrape_samples_post_metric_relabeling") && line.contains("} 1 ")
    };
    assert_eq!(lines.iter().filter(post).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_series_twice_on_a_page_is_counted_not_stored() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\nm 2\n");
    world.until(1).await;
    assert_eq!(
        untimed(world.store.take_samples()),
        [r#"m{instance="a:1", job="node"} 1"#]
    );
    assert_eq!(
        world
            .reasons
            .entries(Some("sample-duplicate-in-page"))
            .len(),
        1
    );
    assert_eq!(world.pools.stats().samples_duplicate, 1);
}

#[tokio::test(start_paused = true)]
async fn exemplars_and_histograms() {
    let mut config = job("node");
    config.convert_classic_histograms_to_nhcb = true;
    let world = World::with_job(config, &["a:1"]);
    let page = "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {id=\"x\"} 0.5 1700000040.5\n\
                h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE c counter\nc_total 1 # {id=\"y\"} 1\n# EOF\n";
    world.targets.set(
        "http://a:1/metrics",
        Answer::Typed("application/openmetrics-text", page.to_owned()),
    );
    world.until(2).await;
    let lines = world.store.take_samples();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        count(r#"h{instance="a:1", job="node"} histogram"#),
        2,
        "{lines:?}"
    );
    assert_eq!(
        count(r#"h{instance="a:1", job="node"} # {id="x"} 0.5"#),
        2,
        "{lines:?}"
    );
    assert_eq!(
        count(r#"c_total{instance="a:1", job="node"} # {id="y"} 1"#),
        2,
        "{lines:?}"
    );
    assert_eq!(count("h_bucket"), 0);
}

#[tokio::test(start_paused = true)]
async fn series_that_storage_dropped_are_made_again() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\nn 2\n");
    world.until(1).await;
    world.store.take_log();
    world.store.drop_all_series();
    world.until(2).await;
    let lines = untimed(world.store.take_log());
    assert!(
        lines.contains(&r#"m{instance="a:1", job="node"} 1"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&r#"n{instance="a:1", job="node"} 2"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&r#"up{instance="a:1", job="node"} 1"#.to_owned()),
        "{lines:?}"
    );
    world.until(3).await;
    assert_eq!(world.store.take_samples().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_removed_target_ends_two_intervals_later() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\n");
    world.until(1).await;
    world.store.take_log();
    world.pools.sync("node", Vec::new());
    assert!(world.pools.active()["node"].is_empty());
    world.until(2).await;
    assert_eq!(world.store.take_log(), Vec::<String>::new());
    world.until(5).await;
    let lines = untimed(world.store.take_log());
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(
        lines.iter().all(|line| line.ends_with(" stale")),
        "{lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_back_has_no_gap() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\n");
    world.until(1).await;
    world.pools.sync("node", Vec::new());
    world.pools.sync("node", group(&["a:1"]));
    world.until(6).await;
    let lines = world.store.take_samples();
    assert!(lines.len() >= 5, "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("stale")),
        "{lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_without_change_touches_nothing_and_one_with_changes_what_it_must() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "m 1\nn 1\n");
    world.until(2).await;
    let commits = world.store.commits();
    world.apply(vec![job("node"), job("other")]);
    assert_eq!(world.pools.jobs(), ["node", "other"]);
    world.until(3).await;
    assert_eq!(world.store.commits(), commits + 1);
    assert_eq!(world.store.resolved(), 7);
    world.store.take_log();

    // The target goes on on schedule, and the series that relabelling drops from now on end.
    let mut config = job("node");
    let mut drop = RelabelConfig::new(Action::Drop);
    drop.source_labels = vec!["__name__".to_owned()];
    drop.regex = model::pattern::Pattern::new("n").unwrap();
    config.metric_relabel = vec![drop];
    world.apply(vec![config]);
    world.until(4).await;
    let lines = world.store.take_samples();
    assert_eq!(
        untimed(lines),
        [
            r#"m{instance="a:1", job="node"} 1"#,
            r#"n{instance="a:1", job="node"} stale"#
        ]
    );
    assert_eq!(world.pools.jobs(), ["node"]);
}

#[tokio::test(start_paused = true)]
async fn dropped_targets_are_explained() {
    let mut config = job("node");
    let mut keep = RelabelConfig::new(Action::Keep);
    keep.source_labels = vec!["__address__".to_owned()];
    keep.regex = model::pattern::Pattern::new("a:.*").unwrap();
    config.relabel = vec![keep];
    let world = World::with_job(config, &["a:1", "a:1", "b:1"]);
    let dropped = world.pools.dropped();
    let (kept, count) = &dropped["node"];
    let texts: Vec<String> = kept
        .iter()
        .map(|target| target.refusal.to_string())
        .collect();
    assert_eq!(*count, 1);
    assert_eq!(
        texts,
        [
            "another target has the same labels and URL",
            "dropped by relabelling rule 1"
        ]
    );
    assert_eq!(
        kept[1].discovered_labels.get("__scrape_interval__"),
        Some("10s")
    );
    assert_eq!(
        world
            .reasons
            .entries(Some("target-dropped-by-relabelling"))
            .len(),
        1
    );
    let trace = world
        .pools
        .relabel_trace("node", &Labels::from_pairs([("__address__", "b:1")]))
        .unwrap();
    assert!(!trace.steps[0].kept);
    assert_eq!(world.pools.active()["node"].len(), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_targets_miss_intervals_and_it_is_counted() {
    let mut config = job("node");
    config.timeout = config.interval;
    let world = World::with_job(config, &["a:1"]);
    world.targets.set(
        "http://a:1/metrics",
        Answer::Slow(Duration::from_secs(9), "m 1\n".to_owned()),
    );
    world.until(5).await;
    assert_eq!(world.pools.stats().intervals_missed, 0);
    assert!(world.store.take_samples().len() >= 4);
}

#[tokio::test(start_paused = true)]
async fn metadata_of_targets() {
    let world = World::with_job(job("node"), &["a:1"]);
    world.page("a:1", "# HELP m Some help.\n# TYPE m gauge\nm 1\n");
    world.until(1).await;
    let metadata = world.pools.family_metadata("node", "m").unwrap();
    assert_eq!(
        (metadata.help.as_str(), metadata.metric_type.as_str()),
        ("Some help.", "gauge")
    );
    assert_eq!(world.pools.metadata().len(), 1);
    assert_eq!(world.pools.metadata_sizes()["node"].0, 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_no_series_and_waits_for_all() {
    let world = World::with_job(job("node"), &["a:1", "b:1"]);
    world.page("a:1", "m 1\n");
    world.targets.set(
        "http://b:1/metrics",
        Answer::Slow(Duration::from_secs(4), "m 1\n".to_owned()),
    );
    world.until(1).await;
    world.pools.stop().await;
    world.store.take_log();
    world.until(5).await;
    assert_eq!(world.store.take_log(), Vec::<String>::new());
    world.pools.sync("node", group(&["c:1"]));
}
