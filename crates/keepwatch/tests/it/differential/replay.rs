//! Records the pages of a node exporter and serves them with the time of recording on every sample.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use testkit::process::{Page, PageServer, Program, get, listening_on, until};

use super::EXPORTER;
use crate::support::BOUND;

/// A page every two seconds for one minute.
pub(super) const PAGES: usize = 31;
const INTERVAL_MS: i64 = 2000;

/// Milliseconds as the seconds of the API's parameters.
pub(super) fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// The time of the first and of the last page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// What was recorded so far.
pub(super) type Pages = Arc<Mutex<Vec<String>>>;

/// An exporter, and a thread that records its pages.
pub(super) struct Recording(JoinHandle<Span>);

impl Recording {
    pub(super) fn start(dir: &Path, pages: &Pages) -> Self {
        let textfiles = dir.join("textfiles");
        fs::create_dir(&textfiles).unwrap();
        let mut command = Command::new(EXPORTER);
        command.args(["--web.listen-address=127.0.0.1:0", "--log.level=info"]);
        command.arg(format!(
            "--collector.textfile.directory={}",
            textfiles.display()
        ));
        let mut exporter = Program::start(EXPORTER, command);
        let address = listening_on(&mut exporter);
        let pages = Arc::clone(pages);
        Self(std::thread::spawn(move || {
            // The exporter runs as long as it is recorded.
            let _exporter = exporter;
            record(&address, &textfiles, &pages)
        }))
    }

    /// Waits for the last page.
    pub(super) fn finish(self) -> Span {
        self.0.join().expect("recording went well")
    }
}

fn record(address: &str, textfiles: &Path, pages: &Pages) -> Span {
    let first_ms = (now_ms() / INTERVAL_MS + 1) * INTERVAL_MS;
    let mut time_ms = first_ms;
    for number in 0..PAGES {
        time_ms = first_ms + INTERVAL_MS * i64::try_from(number).unwrap();
        until("the time of the next page", BOUND, || {
            if now_ms() >= time_ms {
                Ok(())
            } else {
                Err(String::new())
            }
        });
        write_histogram(textfiles, number);
        let page = get(address, "/metrics");
        assert_eq!(page.status, 200, "{}", page.body);
        pages.lock().unwrap().push(stamped(&page.body, time_ms));
    }
    Span {
        first_ms,
        last_ms: time_ms,
    }
}

#[allow(clippy::disallowed_methods, reason = "peers run on real time")]
fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_epoch.as_millis()).unwrap()
}

/// The exporter has no histogram of its own; one that grows comes from a file, which it puts on its page.
fn write_histogram(textfiles: &Path, number: usize) {
    const NAME: &str = "shop_request_duration_seconds";
    let mut text = format!("# HELP {NAME} Made up.\n# TYPE {NAME} histogram\n");
    for (method, weight) in [("GET", 7), ("POST", 3)] {
        let mut count = 0;
        for (index, bound) in ["0.05", "0.1", "0.25", "0.5", "1", "+Inf"]
            .into_iter()
            .enumerate()
        {
            count += number * (weight + index * index) / (index + 1);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{NAME}_bucket{{method=\"{method}\",le=\"{bound}\"}} {count}"
            );
        }
        let _ = writeln!(text, "{NAME}_sum{{method=\"{method}\"}} {}.25", count / 4);
        let _ = writeln!(text, "{NAME}_count{{method=\"{method}\"}} {count}");
    }
    let file = |name: &str| -> PathBuf { textfiles.join(name) };
    fs::write(file("shop.new"), text).unwrap();
    fs::rename(file("shop.new"), file("shop.prom")).unwrap();
}

/// Adds the time to every sample line. The exporter writes none of its own.
fn stamped(page: &str, time_ms: i64) -> String {
    let mut stamped = String::with_capacity(page.len() * 3 / 2);
    for line in page.lines() {
        stamped.push_str(line);
        if !line.is_empty() && !line.starts_with('#') {
            let _ = write!(stamped, " {time_ms}");
        }
        stamped.push('\n');
    }
    stamped
}

/// Serves every page in order to each server that asks, at its own pace and twice: one scrape that fails
/// on a busy machine loses nothing. Before the first page scrapes fail.
pub(super) struct Replay(PageServer);

impl Replay {
    pub(super) fn start(pages: &Pages) -> Self {
        let pages = Arc::clone(pages);
        let asked = Mutex::new(std::collections::BTreeMap::<String, usize>::new());
        Self(PageServer::start(move |request| {
            let mut asked = asked.lock().unwrap();
            let count = asked.entry(request.path.clone()).or_default();
            let pages = pages.lock().unwrap();
            let Some(newest) = pages.len().checked_sub(1) else {
                return Page {
                    status: 503,
                    ..Page::metrics("")
                };
            };
            let index = (*count / 2).min(newest);
            // At the newest page the count waits for the next one.
            *count = (*count + 1).min(index * 2 + 2);
            Page::metrics(pages[index].clone())
        }))
    }

    pub(super) fn address(&self) -> &str {
        self.0.address()
    }
}

#[test]
fn samples_are_stamped() {
    assert_eq!(
        stamped("# TYPE a gauge\na{b=\"c\"} 1\n", 5),
        "# TYPE a gauge\na{b=\"c\"} 1 5\n"
    );
    assert_eq!(seconds(1_700_000_000_500), "1700000000.500");
}
