//! `alertmanager/api`: requests in order, to servers that keep their state between them, and what the peer
//! answered.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use config::alertmanager::matchers::MatcherMode;
use model::Timestamp;
use net::axum::http::{HeaderName, HeaderValue};
use net::client::Redirects;
use net::{ClientOptions, HttpClient, Request};
use serde_json::Value;
use server::{AlertmanagerOptions, Options, Running, Switch};
use tokio::runtime::Runtime;

use crate::suite::{Case, json_lines};

const FILE: &str = "alertmanager/api/sequence.jsonl";
/// The server that two suites share.
const USUAL: &str = "api";
/// One receiver and nothing else, for the modes.
const PLAIN: &str = "route: {receiver: default}\nreceivers: [{name: default}]\n";
/// The time that the group of the alerts needs to be there.
const AFTER_ALERTS: Duration = Duration::from_secs(4);
/// Times of a server and of the case may be so far apart.
const CLOCK_MS: i64 = 60_000;

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let lines = json_lines(&dir.join(FILE))?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let world = Rc::new(RefCell::new(World::new(dir)?));
    Ok(lines
        .into_iter()
        .map(|(line, case)| {
            let id = case["id"]
                .as_str()
                .map_or_else(|| format!("sequence:{line}"), |id| format!("sequence/{id}"));
            let world = Rc::clone(&world);
            Case::new(id, move || world.borrow_mut().run(&case))
        })
        .collect())
}

/// The servers, started when the first case asks them.
pub(super) struct World {
    runtime: Runtime,
    dir: PathBuf,
    /// In UTC: no time of a server is before.
    began_at: Timestamp,
    servers: BTreeMap<&'static str, Server>,
    /// `<uuid-N>` of the cases to ids of ours.
    ids: BTreeMap<String, String>,
    /// By id of ours: the start of the silence as it was shown last.
    starts: BTreeMap<String, String>,
}

struct Server {
    address: String,
    dir: tempfile::TempDir,
    _running: Running,
}

impl World {
    pub(super) fn new(dir: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?,
            dir: dir.to_owned(),
            began_at: now(),
            servers: BTreeMap::new(),
            ids: BTreeMap::new(),
            starts: BTreeMap::new(),
        })
    }

    /// Sends the requests to the server with the usual options, whatever it answers: the suite says that.
    pub(super) fn prepare(&mut self) {
        let lines = json_lines(&self.dir.join(FILE)).unwrap_or_default();
        for (_, case) in lines {
            if server_of(case["suite"].as_str().unwrap_or_default()) == USUAL {
                let _ = self.run(&case);
            }
        }
    }

    /// Where the server with the usual options listens.
    pub(super) fn address(&mut self) -> Result<String, String> {
        self.server(USUAL).map(|server| server.address.clone())
    }

    fn server(&mut self, suite: &str) -> Result<&Server, String> {
        let name = server_of(suite);
        if !self.servers.contains_key(name) {
            let server = self.start(name).map_err(|error| error.to_string())?;
            self.servers.insert(name, server);
        }
        self.servers.get(name).ok_or_else(|| "no server".to_owned())
    }

    fn config(&self) -> PathBuf {
        self.dir.join("alertmanager/api/config.yml")
    }

    fn start(&self, name: &str) -> anyhow::Result<Server> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("alertmanager.yml");
        match name {
            USUAL | "limits" => std::fs::copy(self.config(), &file).map(|_| ())?,
            _ => std::fs::write(&file, PLAIN)?,
        }
        let mut alertmanager = AlertmanagerOptions::default();
        match name {
            "limits" => {
                alertmanager.silences_max = 1;
                alertmanager.silence_bytes_max = 150;
                alertmanager.alerts_per_name_max = 2;
            }
            "classic-mode" => alertmanager.matchers = MatcherMode::Classic,
            "utf8-strict-mode" => alertmanager.matchers = MatcherMode::Utf8Strict,
            _ => {}
        }
        let prometheus = dir.path().join("prometheus.yml");
        std::fs::write(&prometheus, "scrape_configs: []\n")?;
        let options = Options {
            config_file: Some(prometheus),
            alertmanager_config_file: Some(file),
            data_dir: dir.path().join("data"),
            lifecycle: Switch::On,
            alertmanager,
            ..Options::default()
        };
        let running = self.runtime.block_on(server::start(options))?;
        let address = running
            .addresses()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        Ok(Server {
            address,
            dir,
            _running: running,
        })
    }

    fn run(&mut self, case: &Value) -> Result<(), String> {
        let suite = case["suite"].as_str().unwrap_or_default();
        let name = case["name"].as_str().unwrap_or_default();
        let server = self.server(suite)?;
        let file = server.dir.path().join("alertmanager.yml");
        let address = server.address.clone();
        if name == "reload broken config" {
            std::fs::write(&file, "bad: 1\n").map_err(|error| error.to_string())?;
        } else if name == "reload good" {
            std::fs::copy(self.config(), &file).map_err(|error| error.to_string())?;
        }
        let request = self.request(&case["request"], &address)?;
        let client = HttpClient::new(ClientOptions {
            redirects: Redirects::Returned,
            ..ClientOptions::default()
        });
        let client = client.map_err(|error| error.to_string())?;
        let answer = self.runtime.block_on(client.send(request));
        let answer = answer.map_err(|error| error.to_string())?;
        if name == "post set" {
            std::thread::sleep(AFTER_ALERTS);
        }
        let wanted = &case["response"];
        let status = answer.status;
        if wanted["status"].as_u64() != Some(u64::from(status.as_u16())) {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!(
                "status {status}, wanted {}: {body}",
                wanted["status"]
            ));
        }
        for (name, value) in wanted["headers"].as_object().into_iter().flatten() {
            let found = answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            let value = value.as_str().unwrap_or_default();
            if !same_header(name, found.unwrap_or_default(), value) {
                return Err(format!("header {name}: {found:?}, wanted {value:?}"));
            }
        }
        if let Some(text) = wanted["body"].as_str() {
            let found = String::from_utf8_lossy(&answer.body);
            // Texts of YAML libraries differ; the place of the problem, which ours adds, is more.
            let problem = text
                .split_once(": field ")
                .map(|(_, problem)| problem.trim());
            let is_same_problem = text.contains("yaml: unmarshal errors")
                && problem.is_some_and(|problem| found.contains(problem));
            if found != text && !is_same_problem {
                return Err(format!("body {found:?}, wanted {text:?}"));
            }
        }
        if let Some(json) = wanted.get("json").filter(|json| !json.is_null()) {
            let found: Value = serde_json::from_slice(&answer.body)
                .map_err(|error| format!("{error} in {:?}", answer.body))?;
            let path = case["request"]["path"].as_str().unwrap_or_default();
            self.same(json, &found, path)
                .map_err(|at| format!("{at}\n  got    {found}\n  wanted {json}"))?;
        }
        Ok(())
    }

    fn request(&self, case: &Value, address: &str) -> Result<Request, String> {
        let path = self.with_ids(case["path"].as_str().unwrap_or_default());
        let method = case["method"].as_str().unwrap_or("GET");
        let mut request = Request {
            method: method.parse().map_err(|_| format!("method {method}"))?,
            ..Request::get(format!("http://{address}/alertmanager{path}"))
        };
        for (name, value) in case["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let name: HeaderName = name.parse().map_err(|_| format!("header {name}"))?;
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            request.headers.push((name, value));
        }
        if let Some(json) = case.get("json") {
            let text = self.with_ids(&json.to_string());
            let text = text.replace("<now>", &self.start_of(json));
            request.body = text.into_bytes().into();
        } else if let Some(body) = case["body"].as_str() {
            // In the case with a broken text a character stands for a byte.
            let bytes = body
                .chars()
                .map(|character| u8::try_from(character).unwrap_or(b'?'));
            request.body = if body.contains('\u{ff}') {
                bytes.collect::<Vec<u8>>().into()
            } else {
                body.as_bytes().to_vec().into()
            };
        }
        Ok(request)
    }

    pub(super) fn with_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (shown, id) in &self.ids {
            text = text.replace(shown, id);
        }
        text
    }

    /// In a changed silence `<now>` is the time at which it started, else the time of the request.
    fn start_of(&self, body: &Value) -> String {
        let id = body["id"].as_str().map(|id| self.with_ids(id));
        let start = id.and_then(|id| self.starts.get(&id).cloned());
        start.unwrap_or_else(|| alerting::Time::from(now()).to_api_text())
    }

    /// Compares with what the peer answered; an id that comes up for the first time is remembered.
    fn same(&mut self, wanted: &Value, found: &Value, at: &str) -> Result<(), String> {
        match (wanted, found) {
            (Value::Object(wanted), Value::Object(found)) => {
                let text = |name: &str| found.get(name)?.as_str().map(str::to_owned);
                if let (Some(id), Some(start)) = (text("id"), text("startsAt")) {
                    self.starts.insert(id, start);
                }
                let names = wanted.keys().chain(found.keys());
                for name in names {
                    let (Some(wanted), Some(found)) = (wanted.get(name), found.get(name)) else {
                        return Err(format!("{at}.{name} is only on one side"));
                    };
                    self.same(wanted, found, &format!("{at}.{name}"))?;
                }
                Ok(())
            }
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
                for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                    self.same(wanted, found, &format!("{at}[{index}]"))?;
                }
                Ok(())
            }
            (Value::String(wanted), Value::String(found)) => self.same_text(wanted, found, at),
            _ if wanted == found => Ok(()),
            _ => Err(at.to_owned()),
        }
    }

    pub(super) fn same_text(&mut self, wanted: &str, found: &str, at: &str) -> Result<(), String> {
        if wanted.starts_with("<uuid-") {
            let known = self.ids.entry(wanted.to_owned());
            let id = known.or_insert_with(|| found.to_owned());
            return if id == found {
                Ok(())
            } else {
                Err(format!("{at}: {found} is not {wanted}"))
            };
        }
        if matches!(wanted, "<volatile>" | "<user>") {
            return Ok(());
        }
        if let Some(shift) = wanted.strip_prefix("<now") {
            let shift: i64 = shift
                .trim_end_matches('>')
                .trim_end_matches('s')
                .parse()
                .unwrap_or(0);
            let time = alerting::Time::parse(found).map_err(|error| format!("{at}: {error}"))?;
            let at = time.timestamp().millis() - shift * 1000;
            let (earliest, latest) = (self.began_at.millis() - CLOCK_MS, now().millis() + CLOCK_MS);
            return if (earliest..=latest).contains(&at) {
                Ok(())
            } else {
                Err(format!("{at}: {found} is not {wanted}"))
            };
        }
        // The peer's clock has nanoseconds, which take up to a byte more for each of a silence's times.
        let size = |text: &str| -> Option<i64> {
            let rest = text.strip_prefix("silence exceeded maximum size: ")?;
            rest.split(' ').next()?.parse().ok()
        };
        let is_near = size(wanted)
            .zip(size(found))
            .is_some_and(|(wanted, found)| (wanted - found).abs() <= 3);
        if wanted == found || is_near {
            return Ok(());
        }
        Err(format!("{at}: {found:?}, wanted {wanted:?}"))
    }
}

/// Two suites share a server.
fn server_of(suite: &str) -> &'static str {
    match suite {
        "limits" => "limits",
        "classic-mode" => "classic-mode",
        "utf8-strict-mode" => "utf8-strict-mode",
        _ => USUAL,
    }
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// The order of methods does not matter, nor do parameters that the case leaves out.
fn same_header(name: &str, found: &str, wanted: &str) -> bool {
    let parts = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort();
        parts
    };
    match name {
        "Allow" => parts(found) == parts(wanted),
        _ => found == wanted,
    }
}
