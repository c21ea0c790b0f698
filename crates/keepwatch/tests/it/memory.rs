//! A target that grows by a million series, where there is memory for a third of them.

use std::fmt::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use testkit::process::{Page, PageServer, Program, get, until};

use crate::support::*;

const SERIES: usize = 1_000_000;
/// So many more on each page.
const GROWTH: usize = 250_000;
/// For a million series, read a few times by a build that is not optimized.
const LONG: Duration = Duration::from_secs(240);

/// The first so many series of the page.
fn page(series: usize) -> String {
    let mut page = String::with_capacity(series * 64);
    for n in 0..series {
        // Writing to a text cannot fail.
        let _ = writeln!(page, "bomb_total{{session=\"{n:08}\",user=\"u{n:08}\"}} 1");
    }
    page
}

/// The alert of this name, if it is active.
fn alert(address: &str, name: &str) -> Option<Value> {
    let answer = json(address, "/api/v1/alerts");
    let alerts = answer["data"]["alerts"].as_array().cloned();
    let mut alerts = alerts.unwrap_or_default().into_iter();
    alerts.find(|alert| alert["labels"]["alertname"] == name)
}

#[test]
fn a_target_that_grows_by_a_million_series_hurts_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let grown = Arc::new(AtomicUsize::new(0));
    let pages = Arc::new(AtomicUsize::new(0));
    let bomb = {
        let (grown, pages) = (Arc::clone(&grown), Arc::clone(&pages));
        PageServer::start(move |_| {
            let before = grown.fetch_add(GROWTH, Ordering::SeqCst);
            pages.fetch_add(1, Ordering::SeqCst);
            Page::metrics(page((before + GROWTH).min(SERIES)))
        })
    };
    let shops: Vec<PageServer> = (1..=3)
        .map(|n| {
            let pages = Arc::clone(&pages);
            PageServer::start(move |_| {
                let mut page = format!("orders {n}\n");
                if pages.load(Ordering::SeqCst) * GROWTH > SERIES {
                    page.push_str("late 7\nunread 7\n");
                }
                Page::metrics(page)
            })
        })
        .collect();
    let addresses: Vec<String> = shops.iter().map(|s| format!("'{}'", s.address())).collect();
    let config = format!(
        "global: {{scrape_interval: 5s, evaluation_interval: 1s}}\n\
         rule_files: [rules.yml]\n\
         scrape_configs:\n\
         - job_name: shop\n  static_configs: [{{targets: [{}]}}]\n\
         - job_name: bomb\n  scrape_interval: 3s\n  scrape_timeout: 3s\n  static_configs: [{{targets: ['{}']}}]\n",
        addresses.join(", "),
        bomb.address()
    );
    let rules = "groups: [{name: g, rules: [{record: total, expr: sum(orders)},
        {alert: Exact, expr: \"total == 6 and on() count(up{job='shop'} == 1) == 3\"},
        {alert: Late, expr: sum(late) == 21}]}]";
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    std::fs::write(dir.path().join("rules.yml"), rules).unwrap();

    let mut command = Command::new("prlimit");
    command
        .current_dir(dir.path())
        .arg("--data=1073741824")
        .arg(env!("CARGO_BIN_EXE_keepwatch"))
        .args(["serve", "--config.file=prometheus.yml"])
        .arg("--web.listen-address=127.0.0.1:0");
    let mut server = ready(Program::start("keepwatch serve", command));
    let exact = until("the rules", BOUND, || {
        alert(&server.address, "Exact").ok_or_else(|| "no alert yet".to_owned())
    });

    // All the way: two pages after it has grown to its full size.
    let wanted = SERIES / GROWTH + 2;
    until("the last page", LONG, || {
        assert!(server.program.is_running(), "{}", server.program.output());
        let now = alert(&server.address, "Exact");
        let since = now.map(|alert| alert["activeAt"].clone());
        assert_eq!(since.as_ref(), Some(&exact["activeAt"]));
        let seen = pages.load(Ordering::SeqCst);
        if seen >= wanted {
            Ok(())
        } else {
            Err(format!("{seen} of {wanted} pages"))
        }
    });
    // New series that rules read are let in even now.
    until("the late series", BOUND, || {
        alert(&server.address, "Late").ok_or_else(|| server.get("/metrics").body)
    });
    let metric = |name: &str| server.metric(name).unwrap();
    let budget = metric("keepwatch_memory_budget_bytes");
    assert_eq!(budget, (0.6 * 1_073_741_824.0_f64).floor());
    let used = metric("keepwatch_memory_used_bytes");
    assert!(used < 1.2 * budget, "{used} of {budget}");
    assert!(metric("keepwatch_memory_step") >= 3.0);
    assert!(metric("keepwatch_memory_series_refused_total") > 100_000.0);
    let series = metric("prometheus_tsdb_head_series");
    assert!(series > 100_000.0 && series < SERIES as f64, "{series}");

    // Clients' queries wait for better times, and are told so.
    let refused = get(&server.address, "/api/v1/query?query=up");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("--memory.budget"), "{refused:?}");
    // Who it was, and what was done about it.
    let reasons = server.json("/api/keepwatch/v1/reasons").to_string();
    for expected in [
        "memory-caches-shed",
        "memory-queries-refused",
        "memory-compacted-early",
        "memory-target-refused",
        "sample-series-limit",
        bomb.address(),
    ] {
        assert!(reasons.contains(expected), "{expected}: {reasons}");
    }
    // It is still the same alert.
    let now = alert(&server.address, "Exact").unwrap();
    assert_eq!(now["activeAt"], exact["activeAt"]);
}
