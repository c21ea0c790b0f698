//! The query log: one JSON line for each query that was run or waited in vain, in Prometheus' form.
//!
//! The time of the line is there twice, as `ts` (Prometheus 2) and as `time` (Prometheus 3), so that
//! readers of either find it. There are no spans, so `spanID` is left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use model::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::request::{Origin, When};
use crate::stats::StatsTwin;

/// A file that lines are appended to.
#[derive(Debug)]
pub struct QueryLogFile {
    file: File,
    path: PathBuf,
    /// Told once; counted each time.
    has_failed: bool,
}

impl QueryLogFile {
    /// Opens the file for appending; makes it if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            has_failed: false,
        })
    }
}

/// The log of a process, which may be off.
#[derive(Debug, Default)]
pub(crate) struct QueryLog {
    is_on: AtomicBool,
    current: Mutex<Option<QueryLogFile>>,
}

impl QueryLog {
    /// Later lines go there. Also to the same path: it may have been rotated.
    pub(crate) fn switch(&self, to: Option<QueryLogFile>) {
        let mut current = self.current.lock();
        self.is_on.store(to.is_some(), Ordering::Relaxed);
        *current = to;
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// False if the line was lost.
    pub(crate) fn write(&self, line: &Line<'_>) -> bool {
        let Ok(mut bytes) = serde_json::to_vec(&line.twin()) else {
            return false;
        };
        bytes.push(b'\n');
        let mut current = self.current.lock();
        let Some(log) = current.as_mut() else {
            return true;
        };
        // One write for the line: others may append to the same file.
        match log.file.write_all(&bytes) {
            Ok(()) => true,
            Err(error) => {
                if !log.has_failed {
                    log.has_failed = true;
                    tracing::error!(path = %log.path.display(), %error, "writing the query log failed; queries go on without it");
                }
                false
            }
        }
    }
}

/// What a line tells.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) when: When,
    pub(crate) origin: &'a Origin,
    pub(crate) error: Option<String>,
    pub(crate) stats: StatsTwin,
    pub(crate) now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineTwin<'a> {
    time: String,
    msg: &'static str,
    params: ParamsTwin<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    stats: &'a StatsTwin,
    #[serde(flatten)]
    origin: OriginTwin<'a>,
    ts: String,
}

#[derive(Serialize)]
struct ParamsTwin<'a> {
    query: &'a str,
    start: String,
    end: String,
    /// Whole seconds, as the peer has it.
    step: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum OriginTwin<'a> {
    #[serde(rename_all = "camelCase")]
    HttpRequest {
        #[serde(rename = "clientIP")]
        client: &'a str,
        method: &'a str,
        path: &'a str,
    },
    RuleGroup {
        file: &'a str,
        name: &'a str,
    },
}

impl Line<'_> {
    fn twin(&self) -> LineTwin<'_> {
        let (start, end, step) = self.when.times();
        LineTwin {
            time: date(self.now),
            msg: "promql query logged",
            params: ParamsTwin {
                query: self.text,
                start: date(start),
                end: date(end),
                step: step.millis() / 1000,
            },
            error: self.error.as_deref(),
            stats: &self.stats,
            origin: match self.origin {
                Origin::Http {
                    client,
                    method,
                    path,
                } => OriginTwin::HttpRequest {
                    client,
                    method,
                    path,
                },
                Origin::Rule { file, group } => OriginTwin::RuleGroup { file, name: group },
            },
            ts: date(self.now),
        }
    }
}

/// `2020-02-08T14:59:50.368Z`; milliseconds since the epoch where the calendar ends.
fn date(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.millis()) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        Err(_) => time.millis().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use model::Duration;
    use promql::{QueryStats, RangeTimes};

    use super::*;
    use crate::stats::{StatsDetail, Timings};

    fn line<'a>(origin: &'a Origin, error: Option<&str>) -> Line<'a> {
        let times = RangeTimes {
            start: Timestamp(0),
            end: Timestamp(1_581_173_990_368),
            step: Duration::from_millis(5500),
        };
        Line {
            text: "up == \"\n\"",
            when: When::Over(times),
            origin,
            error: error.map(str::to_owned),
            stats: StatsTwin::new(
                &QueryStats::default(),
                Timings::default(),
                StatsDetail::Totals,
            ),
            now: Timestamp(1_581_173_990_423),
        }
    }

    #[test]
    fn lines_have_the_keys_of_the_peer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("query.log");
        let log = QueryLog::default();
        let http = Origin::Http {
            client: "127.0.0.1".to_owned(),
            method: "GET".to_owned(),
            path: "/p/api/v1/query_range".to_owned(),
        };
        let rule = Origin::Rule {
            file: "r.yml".to_owned(),
            group: "g".to_owned(),
        };
        assert!(!log.is_on() && log.write(&line(&http, None)));
        log.switch(Some(QueryLogFile::open(&path).unwrap()));
        assert!(log.is_on() && log.write(&line(&http, None)));
        assert!(log.write(&line(&rule, Some("no"))));
        log.switch(None);
        assert!(log.write(&line(&http, None)));
        let text = std::fs::read_to_string(&path).unwrap();
        let stats = "\"stats\":{\"timings\":{\"evalTotalTime\":0.0,\"resultSortTime\":0.0,\
             \"queryPreparationTime\":0.0,\"innerEvalTime\":0.0,\"execQueueTime\":0.0,\"execTotalTime\":0.0},\
             \"samples\":{\"totalQueryableSamples\":0,\"samplesRead\":0,\"peakSamples\":0}}";
        let head = "{\"time\":\"2020-02-08T14:59:50.423Z\",\"msg\":\"promql query logged\",\
             \"params\":{\"query\":\"up == \\\"\\n\\\"\",\"start\":\"1970-01-01T00:00:00.000Z\",\
             \"end\":\"2020-02-08T14:59:50.368Z\",\"step\":5}";
        let tail = "\"ts\":\"2020-02-08T14:59:50.423Z\"}\n";
        let request = "\"httpRequest\":{\"clientIP\":\"127.0.0.1\",\"method\":\"GET\",\"path\":\"/p/api/v1/query_range\"}";
        let group = "\"ruleGroup\":{\"file\":\"r.yml\",\"name\":\"g\"}";
        assert_eq!(
            text,
            format!(
                "{head},{stats},{request},{tail}{head},\"error\":\"no\",{stats},{group},{tail}"
            )
        );
    }

    #[test]
    fn a_full_disk_loses_lines_only() {
        let log = QueryLog::default();
        log.switch(Some(QueryLogFile::open(Path::new("/dev/full")).unwrap()));
        let origin = Origin::Rule {
            file: String::new(),
            group: String::new(),
        };
        assert!(!log.write(&line(&origin, None)));
    }
}
