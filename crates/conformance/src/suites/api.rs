//! `api`: requests to Prometheus' API, to three servers that keep their state between them, and what the peer
//! answered.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use model::Timestamp;
use model::clock::ManualClock;
use model::storage::{SampleBatch, SampleWriter};
use net::axum::http::{HeaderName, HeaderValue};
use net::client::Redirects;
use net::{ClientOptions, HttpClient, Request};
use serde_json::Value;
use server::Running;
use tokio::runtime::Runtime;
use tsdb::block::UlidSource;
use tsdb::db::HeadPart;
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

use crate::suite::{Case, entries, json_lines};

/// Where every value may differ.
const ALL_VALUES: [&str; 2] = ["all values; keys are the contract", "values"];

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let files = entries(&dir.join("api/responses"))?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let world = Rc::new(RefCell::new(World {
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?,
        dir: dir.to_owned(),
        servers: BTreeMap::new(),
    }));
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)?;
            let case: Value =
                serde_json::from_str(&text).with_context(|| path.display().to_string())?;
            let id = path.file_stem().and_then(|stem| stem.to_str());
            let world = Rc::clone(&world);
            Ok(Case::new(id.unwrap_or("?"), move || {
                let run = world.borrow_mut().run(&case);
                run.map_err(|error| format!("{error:#}"))
            }))
        })
        .collect()
}

struct World {
    runtime: Runtime,
    /// Of all suites.
    dir: PathBuf,
    /// Started when the first case asks them.
    servers: BTreeMap<String, Server>,
}

struct Server {
    address: String,
    dir: tempfile::TempDir,
    _running: Running,
}

impl World {
    /// Address and folder.
    fn place(&mut self, name: &str) -> anyhow::Result<(String, String)> {
        if !self.servers.contains_key(name) {
            let server = self.start(name)?;
            self.servers.insert(name.to_owned(), server);
        }
        let server = self.servers.get(name).context("no server")?;
        let folder = server.dir.path().display().to_string();
        Ok((server.address.clone(), folder))
    }

    fn start(&self, name: &str) -> anyhow::Result<Server> {
        let dir = tempfile::tempdir()?;
        let config = dir.path().join("prometheus.yml");
        let data_dir = dir.path().join("data");
        let takes_writes = name == "empty+receivers";
        if takes_writes {
            std::fs::write(&config, "global: {external_labels: {cluster: test}}\n")?;
        } else {
            for file in ["prometheus.yml", "rules.yml"] {
                std::fs::copy(self.dir.join("api").join(file), dir.path().join(file))?;
            }
            fill(&data_dir, &self.dir.join("api/dataset.om.txt"))?;
        }
        let mut flags = vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", data_dir.display()),
            "--storage.tsdb.retention.time=100y".to_owned(),
            "--web.listen-address=127.0.0.1:0".to_owned(),
        ];
        // As the README of the cases has them.
        flags.extend(own_flags(name).iter().map(|flag| (*flag).to_owned()));
        let options = cli::serve_options(flags.iter().map(String::as_str))?;
        let running = self.runtime.block_on(server::start(options))?;
        let address = running.addresses().first().context("no address")?;
        Ok(Server {
            address: address.to_string(),
            dir,
            _running: running,
        })
    }

    fn run(&mut self, case: &Value) -> anyhow::Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (address, folder) = self.place(&text(&case["server"]))?;
        let request = self.request(case, &address)?;
        let client = HttpClient::new(ClientOptions {
            redirects: Redirects::Returned,
            ..ClientOptions::default()
        })?;
        let answer = self.runtime.block_on(client.send(request))?;
        let wanted = &case["response"];
        // The peer's files were in `/srv`, and it listened on its usual port.
        let body = String::from_utf8_lossy(&answer.body)
            .replace(&folder, "/srv")
            .replace("\"127.0.0.1:0\"", "\"127.0.0.1:9090\"");
        let shown: String = body.chars().take(600).collect();
        if wanted["status"].as_u64() != Some(u64::from(answer.status.as_u16())) {
            let status = &wanted["status"];
            return Err(anyhow!(
                "status {}, wanted {status}: {shown}",
                answer.status
            ));
        }
        let header = |name: &str| {
            let value = answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in wanted["headers"].as_object().into_iter().flatten() {
            headers.insert(name.clone(), text(value));
        }
        for (name, key) in [("content-type", "content_type"), ("location", "location")] {
            if let Some(value) = wanted[key].as_str() {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        for (name, value) in headers {
            let found = header(&name);
            if found != value {
                return Err(anyhow!("header {name}: {found:?}, wanted {value:?}"));
            }
        }
        let mut volatile: BTreeSet<String> = case["volatile"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        // Times of evaluations, which the cases do not name.
        volatile.insert("timings".to_owned());
        // Made of the name of a file, and here that is another one.
        volatile.insert("groupNextToken".to_owned());
        let is_exact = volatile.len() == 2;
        if volatile.contains("ulid") {
            // A block that was made of no others names itself.
            volatile.insert("sources".to_owned());
        }
        if let Some(json) = wanted.get("json").filter(|json| !json.is_null()) {
            let found: Value = serde_json::from_str(&body).with_context(|| shown.clone())?;
            let same = same(json, &found, "", &volatile);
            return same.map_err(|at| anyhow!("{at}\n  got    {shown}\n  wanted {json}"));
        }
        match wanted["text"].as_str() {
            Some(text) if is_exact && text != body => {
                Err(anyhow!("\n  got    {shown:?}\n  wanted {text:?}"))
            }
            _ => Ok(()),
        }
    }

    fn request(&self, case: &Value, address: &str) -> anyhow::Result<Request> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = case["name"].as_str().unwrap_or_default();
        let case = &case["request"];
        let mut pairs = Vec::new();
        for pair in case["params"].as_array().into_iter().flatten() {
            let (name, value) = (text(&pair[0]), text(&pair[1]));
            pairs.push(format!("{}={}", escaped(&name), escaped(&value)));
        }
        let query = pairs.join("&");
        let mut url = format!("http://{address}{}", text(&case["path"]));
        let method = text(&case["method"]);
        let is_form = method == "POST" && !pairs.is_empty();
        if !query.is_empty() && !is_form {
            url = format!("{url}?{query}");
        }
        let mut request = Request {
            method: method.parse()?,
            ..Request::get(url)
        };
        for (name, value) in case["headers"].as_object().into_iter().flatten() {
            let name: HeaderName = name.parse()?;
            // These are those of the recorded exchange.
            if !matches!(name.as_str(), "host" | "content-length" | "user-agent") {
                let value = HeaderValue::from_str(&text(value))?;
                request.headers.push((name, value));
            }
        }
        if is_form {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request
                .headers
                .push((HeaderName::from_static("content-type"), form));
            request.body = query.into_bytes().into();
        }
        // Some are not in the record of the exchange.
        let unnamed = match name {
            "otlp_write_json" => Some("otlp_request.json"),
            "otlp_write_delta" => Some("otlp_delta_request.json"),
            _ => None,
        };
        if let Some(payload) = case["payload"].as_str().or(unnamed) {
            request.body = self.payload(payload)?.into();
        } else if name == "otlp_bad_body" {
            // As its answer shows it.
            request.body = br#"{"resourceMetrics":[{"#.to_vec().into();
        }
        Ok(request)
    }

    /// `FILE: NAME`, a message in a file of the suite `remote`, or the name of a file.
    fn payload(&self, payload: &str) -> anyhow::Result<Vec<u8>> {
        let Some((file, name)) = payload.split_once(": ") else {
            return Ok(std::fs::read(self.dir.join("api").join(payload))?);
        };
        let lines = json_lines(&self.dir.join(file))?;
        let found = lines.iter().find(|(_, line)| line["name"] == *name);
        let hex = found.and_then(|(_, line)| line["snappy_hex"].as_str());
        let hex = hex.with_context(|| format!("no {name} in {file}"))?;
        hex.as_bytes()
            .chunks(2)
            .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
            .collect()
    }
}

/// Compares, but for the values of volatile keys.
fn same(
    wanted: &Value,
    found: &Value,
    at: &str,
    volatile: &BTreeSet<String>,
) -> Result<(), String> {
    let is_free = ALL_VALUES.iter().any(|all| volatile.contains(*all));
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for name in wanted.keys().chain(found.keys()) {
                let (Some(wanted), Some(found)) = (wanted.get(name), found.get(name)) else {
                    let side = if wanted.contains_key(name) {
                        "missing"
                    } else {
                        "too much"
                    };
                    return Err(format!("{at}.{name} is {side}"));
                };
                if !volatile.contains(name) {
                    same(wanted, found, &format!("{at}.{name}"), volatile)?;
                }
            }
            Ok(())
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if is_free {
                return match (wanted.first(), found.first()) {
                    (Some(wanted), Some(found)) => same(wanted, found, at, volatile),
                    _ => Ok(()),
                };
            }
            if wanted.len() != found.len() {
                return Err(format!("{at} has {} items", found.len()));
            }
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                same(wanted, found, &format!("{at}[{index}]"), volatile)?;
            }
            Ok(())
        }
        _ if is_free || wanted == found => Ok(()),
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => Ok(()),
        _ => Err(format!("{at}: {found}, wanted {wanted}")),
    }
}

/// Makes a data folder with the samples of a page of text as its only block.
fn fill(data_dir: &Path, page: &Path) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let head = OpenOptions::new(dir.path(), Arc::new(RealDisk));
    let options = DbOptions::new(head, UlidSource::new(clock, 1));
    let (db, _) = Db::open(options).map_err(|error| anyhow!("{error}"))?;
    let mut samples = Vec::new();
    for line in std::fs::read_to_string(page)?.lines() {
        if line.starts_with('#') {
            continue;
        }
        let mut fields = line.rsplitn(3, ' ');
        let (Some(time), Some(value), Some(series)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(anyhow!("{line:?} is no sample"));
        };
        let labels = promql::parse_metric(series).map_err(|error| anyhow!("{series}: {error}"))?;
        let time = Timestamp::from_seconds(time.parse()?);
        samples.push((time, labels, value.parse::<f64>()?));
    }
    // Series in the order of a block, samples in the order of time.
    let mut all: Vec<_> = samples
        .iter()
        .map(|(_, labels, _)| labels.clone())
        .collect();
    all.sort();
    for labels in &all {
        db.resolve(labels).map_err(|error| anyhow!("{error}"))?;
    }
    samples.sort_by_key(|(time, _, _)| *time);
    let mut batch = SampleBatch::new();
    for (time, labels, value) in samples {
        let series = db.resolve(&labels).map_err(|error| anyhow!("{error}"))?;
        batch.push(series, time, value);
    }
    let report = db.commit(&batch).map_err(|error| anyhow!("{error}"))?;
    if let Some((_, refusal)) = report.refused.first() {
        return Err(anyhow!("a sample was refused: {refusal}"));
    }
    db.snapshot(data_dir, HeadPart::Include)?;
    Ok(())
}

fn escaped(text: &str) -> String {
    testkit::process::percent_encoded(text)
}

fn own_flags(server: &str) -> &'static [&'static str] {
    match server {
        "default" => &[
            "--web.enable-lifecycle",
            "--enable-feature=promql-experimental-functions,exemplar-storage,search-api,promql-per-step-stats",
        ],
        "admin" => &["--web.enable-admin-api"],
        "empty+receivers" => &[
            "--web.enable-remote-write-receiver",
            "--web.enable-otlp-receiver",
        ],
        _ => &[],
    }
}
