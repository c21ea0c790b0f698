//! The whole file: reading, completion from `global`, validation across sections, printing.

use std::collections::HashSet;

use diag::{Diagnostic, Diagnostics, Source, Span};
use yaml::{Mapping, Node, Reading, Value};

use super::alerting::Alerting;
use super::global::{Global, Validation};
use super::otlp::Otlp;
use super::refusals::Refusals;
use super::remote_read::RemoteRead;
use super::remote_write::RemoteWrite;
use super::scrape::{Listed, ScrapeConfig, sections};
use super::storage::Storage;
use super::tracing::Tracing;
use crate::files::{LoadError, join_path};
use crate::quote::quote;
use crate::section::{Field, Section, read_section, write_section};
use crate::text::FilePath;

/// A configuration that can be used: complete and valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub global: Global,
    /// `runtime.gogc`; meaningless here, kept because it is printed.
    pub gogc: isize,
    pub alerting: Alerting,
    /// Patterns, resolved against the configuration's folder.
    pub rule_files: Vec<String>,
    /// Patterns, resolved against the configuration's folder.
    pub scrape_config_files: Vec<String>,
    /// Jobs of the main file; see [`Config::all_scrape_configs`].
    pub scrape_configs: Vec<ScrapeConfig>,
    pub storage: Storage,
    pub tracing: Tracing,
    pub remote_write: Vec<RemoteWrite>,
    pub remote_read: Vec<RemoteRead>,
    pub otlp: Otlp,
}

/// Whether the program stores and evaluates, or only scrapes and forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Server,
    Agent,
}

/// What loading needs besides the text.
pub struct LoadOptions<'a> {
    /// The configuration's folder, which relative paths in it start from.
    pub base_dir: &'a str,
    pub mode: Mode,
    /// Environment variables, for `external_labels`.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("base_dir", &self.base_dir)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

section! {
    /// The file as written.
    struct File: "config.plain" {
        ["global", hidden] global: Option<Global>,
        ["runtime", hidden] runtime: Option<Runtime>,
        ["alerting", hidden] alerting: Alerting,
        ["rule_files", hidden] rule_files: Vec<FilePath>,
        ["scrape_config_files", hidden] scrape_config_files: Vec<FilePath>,
        ["scrape_configs", hidden] scrape_configs: Vec<Listed<ScrapeConfig>>,
        ["storage", hidden] storage: Storage = Storage::prometheus_default(),
        ["tracing", hidden] tracing: Option<Tracing>,
        ["remote_write", hidden] remote_write: Vec<Listed<RemoteWrite>>,
        ["remote_read", hidden] remote_read: Vec<Listed<RemoteRead>>,
        ["otlp", hidden] otlp: Option<Otlp> = Some(Otlp::default()),
    }
}

section! {
    struct Runtime: "config.RuntimeConfig" {
        ["gogc", omit] gogc: isize = 75,
    }
}

/// Reads and validates a configuration. Warnings come back with it; with errors there is none.
pub fn load(
    source: &Source,
    options: &LoadOptions<'_>,
) -> Result<(Config, Diagnostics), LoadError> {
    let mut diagnostics = Diagnostics::new();
    let config = yaml::parse(source, &mut diagnostics)
        .and_then(|node| build(&node, source, options, &mut diagnostics));
    match config {
        Some(config) if !diagnostics.has_errors() => Ok((config, diagnostics)),
        _ => Err(LoadError { diagnostics }),
    }
}

fn build(
    node: &Node,
    source: &Source,
    options: &LoadOptions<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Config> {
    let mut reading = Reading::new(source);
    let file = if node.is_null() {
        Some(File::default())
    } else {
        read_section(node, &mut reading)
    };
    diagnostics.extend(reading.finish());
    let mut file: File = file?;
    let mut refusals = Refusals::new(source);
    for (key, paths, what) in [
        ("rule_files", &file.rule_files, "rule"),
        (
            "scrape_config_files",
            &file.scrape_config_files,
            "scrape config",
        ),
    ] {
        for path in paths.iter().filter(|path| !is_valid_glob(path)) {
            let message = format!("invalid {what} file path {}", quote(path));
            let place = node.get(key).map_or(node.span, |node| place_of(node, path));
            let hint = "`*` may stand in the last element of the path only";
            refusals.refuse(place, "bad-glob", message, hint);
        }
    }
    file.rule_files
        .visit_paths(&mut |path| *path = join_path(options.base_dir, path));
    file.scrape_config_files
        .visit_paths(&mut |path| *path = join_path(options.base_dir, path));
    let mut config = complete(file, &mut refusals);
    validate_otlp(&config, &mut refusals);
    diagnostics.extend(refusals.finish());
    if options.mode == Mode::Agent {
        refuse_server_parts(&config, node, source, diagnostics);
    }
    config.global.external_labels.expand(options.variable);
    config.visit_paths(&mut |path| *path = join_path(options.base_dir, path));
    Some(config)
}

fn place_of(list: &Node, text: &str) -> Span {
    let items = list.as_sequence().unwrap_or_default();
    items
        .iter()
        .find(|item| item.text() == Some(text))
        .map_or(list.span, |item| item.span)
}

/// `^[^*]*(\*[^/]*)?$`
fn is_valid_glob(path: &str) -> bool {
    path.split_once('*')
        .is_none_or(|(_, rest)| !rest.contains('/'))
}

fn complete(file: File, refusals: &mut Refusals<'_>) -> Config {
    let mut global = file.global.unwrap_or_default();
    if global == Global::default() {
        global = Global::prometheus_default();
    }
    let mut jobs = HashSet::new();
    let scrape_configs = sections(
        file.scrape_configs,
        "scrape config",
        refusals,
        |job, refusals| {
            job.complete(&global, refusals);
            if !jobs.insert(job.job_name.clone()) {
                let name = quote(&job.job_name);
                let message = format!("found multiple scrape configs with job name {name}");
                refusals.refuse(
                    job.place.0,
                    "job-name-repeated",
                    message,
                    "rename one of the jobs",
                );
            }
        },
    );
    let scheme = global.name_scheme();
    let mut alerting = file.alerting;
    alerting.complete(scheme, refusals);
    let mut names = HashSet::new();
    let remote_write = sections(
        file.remote_write,
        "remote write config",
        refusals,
        |remote, refusals| {
            refuse_repeated(&remote.name, "write", remote.place.0, &mut names, refusals);
            remote.complete(scheme, refusals);
        },
    );
    let mut names = HashSet::new();
    let remote_read = sections(
        file.remote_read,
        "remote read config",
        refusals,
        |remote, refusals| {
            refuse_repeated(&remote.name, "read", remote.place.0, &mut names, refusals);
        },
    );
    Config {
        global,
        gogc: file.runtime.map_or(75, |runtime| runtime.gogc),
        alerting,
        rule_files: file.rule_files.into_iter().map(|path| path.0).collect(),
        scrape_config_files: file
            .scrape_config_files
            .into_iter()
            .map(|path| path.0)
            .collect(),
        scrape_configs,
        storage: file.storage,
        tracing: file.tracing.unwrap_or_else(Tracing::off),
        remote_write,
        remote_read,
        otlp: file.otlp.unwrap_or_else(Otlp::zero),
    }
}

fn refuse_repeated(
    name: &str,
    kind: &str,
    place: Span,
    names: &mut HashSet<String>,
    refusals: &mut Refusals<'_>,
) {
    if !name.is_empty() && !names.insert(name.to_owned()) {
        let message = format!(
            "found multiple remote {kind} configs with job name {}",
            quote(name)
        );
        refusals.refuse(place, "remote-name-repeated", message, "rename one of them");
    }
}

fn validate_otlp(config: &Config, refusals: &mut Refusals<'_>) {
    let name = quote(&config.otlp.translation_strategy);
    let place = config.otlp.place.0;
    match config.otlp.strategy() {
        None => {
            let message = format!("unsupported OTLP translation strategy {name}");
            let known = super::TranslationStrategy::ALL.map(super::TranslationStrategy::as_str);
            refusals.refuse(
                place,
                "bad-otlp",
                message,
                format!("one of {}", known.join(", ")),
            );
        }
        Some(strategy)
            if strategy.makes_utf8_names()
                && config.global.metric_name_validation_scheme == Some(Validation::Legacy) =>
        {
            let message =
                format!("OTLP translation strategy {name} is not allowed when UTF8 is disabled");
            let hint = "set `metric_name_validation_scheme: utf8` or use another strategy";
            refusals.refuse(place, "bad-otlp", message, hint);
        }
        Some(_) => {}
    }
}

fn refuse_server_parts(
    config: &Config,
    node: &Node,
    source: &Source,
    diagnostics: &mut Diagnostics,
) {
    let parts = [
        ("alerting", !config.alerting.is_empty()),
        ("rule_files", !config.rule_files.is_empty()),
        ("remote_read", !config.remote_read.is_empty()),
    ];
    for (key, _) in parts.into_iter().filter(|(_, is_given)| *is_given) {
        let place = node.get(key).map_or(node.span, |node| node.span);
        let message = format!("field {key} is not allowed in agent mode");
        diagnostics.push(
            Diagnostic::error("not-in-agent-mode", message)
                .at(source, place)
                .hint("an agent only scrapes and forwards; remove the section or run a server"),
        );
    }
}

impl Config {
    /// The configuration in force, as the peers print it: defaults filled in, secrets hidden.
    pub fn to_text(&self) -> String {
        let mut out = Mapping::new();
        out.put("global", write_section(&self.global));
        if self.gogc != 0 {
            let mut runtime = Mapping::new();
            runtime.put("gogc", self.gogc);
            out.put("runtime", runtime);
        }
        out.put_unless_empty("alerting", write_section(&self.alerting));
        out.put_unless_empty("rule_files", Value::list(&self.rule_files));
        out.put_unless_empty(
            "scrape_config_files",
            Value::list(&self.scrape_config_files),
        );
        out.put_unless_empty("scrape_configs", self.scrape_configs.to_value());
        out.put_unless_empty("storage", self.storage_value());
        if self.tracing != Tracing::off() {
            out.put("tracing", write_section(&self.tracing));
        }
        out.put_unless_empty("remote_write", self.remote_write.to_value());
        out.put_unless_empty("remote_read", self.remote_read.to_value());
        out.put_unless_empty("otlp", write_section(&self.otlp));
        yaml::to_text(&out.into())
    }

    /// The peers print the window a second time, in milliseconds and under a key of its own.
    fn storage_value(&self) -> Value {
        let mut out = Mapping::new();
        if let Some(tsdb) = &self.storage.tsdb {
            let mut fields = Mapping::new();
            tsdb.write_fields(&mut fields);
            let at = usize::from(!tsdb.out_of_order_time_window.is_zero());
            let window = (
                Value::from("outofordertimewindow"),
                tsdb.out_of_order_time_window_ms.into(),
            );
            fields.0.insert(at, window);
            out.put("tsdb", fields);
        }
        if let Some(exemplars) = &self.storage.exemplars {
            out.put("exemplars", write_section(exemplars));
        }
        out.into()
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.global.visit_section_paths(visit);
        self.alerting.visit_section_paths(visit);
        self.scrape_configs.visit_paths(visit);
        self.tracing.visit_section_paths(visit);
        self.remote_write.visit_paths(visit);
        self.remote_read.visit_paths(visit);
    }
}

#[cfg(test)]
mod tests {
    use diag::render_line;

    use super::*;

    fn read(text: &str) -> Result<Config, LoadError> {
        let options = LoadOptions {
            base_dir: "conf",
            mode: Mode::Server,
            variable: &|name| (name == "POD").then(|| "web-0".to_owned()),
        };
        load(&Source::new("prometheus.yml", text), &options).map(|(config, _)| config)
    }

    fn problems(text: &str) -> Vec<String> {
        read(text)
            .unwrap_err()
            .diagnostics
            .iter()
            .map(render_line)
            .collect()
    }

    const JOB: &str = "
global:
  scrape_interval: 15s
  external_labels: {replica: '${POD}', price: 5$$}
rule_files: [rules/*.yml]
scrape_configs:
- job_name: node
  scrape_timeout: 5s
  basic_auth: {username: u, password_file: secrets/p}
  static_configs: [{targets: ['a:1'], labels: {x: y}}]
  relabel_configs: [{source_labels: [a, b], target_label: c, regex: (.*)}]
  ec2_sd_configs: [{region: eu, access_key: a, secret_key: s}]
";

    #[test]
    fn jobs_are_completed_from_global_and_paths_from_the_folder() {
        let config = read(JOB).unwrap();
        let job = &config.scrape_configs[0];
        assert_eq!(job.scrape_interval.to_string(), "15s");
        assert_eq!(job.scrape_timeout.to_string(), "5s");
        assert_eq!(
            &*job.http.basic_auth.as_ref().unwrap().password_file,
            "conf/secrets/p"
        );
        assert_eq!(config.rule_files, ["conf/rules/*.yml"]);
        assert_eq!(config.global.external_labels.0["replica"], "web-0");
        assert_eq!(config.global.external_labels.0["price"], "5$");
        assert_eq!(job.discoveries.ec2[0].secret_key.expose(), "s");
    }

    #[test]
    fn what_is_printed_loads_again() {
        let printed = read(JOB).unwrap().to_text();
        assert!(printed.contains("secret_key: <secret>"), "{printed}");
        assert!(printed.contains("  - source_labels: [a, b]\n    separator: ;\n    regex: (.*)\n"));
        let options = LoadOptions {
            base_dir: "",
            mode: Mode::Server,
            variable: &|_| None,
        };
        let printed = printed.replace("    outofordertimewindow: 0\n", "");
        let again = load(&Source::new("printed.yml", printed.clone()), &options)
            .unwrap()
            .0;
        assert_eq!(
            again.to_text().replace("    outofordertimewindow: 0\n", ""),
            printed
        );
    }

    #[test]
    fn every_problem_has_a_place_and_a_hint() {
        let lines = problems(
            "globl: {}\nscrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n- job_name: b\n  scheme: []\n  scrape_timeout: 1parsec\n",
        );
        assert_eq!(
            lines,
            [
                "prometheus.yml:7:19: unknown unit \"parsec\" in duration \"1parsec\" (a number and a unit, as in `30s`, `5m`, `1h30m`, `15d`)",
                "prometheus.yml:1:1: field globl not found in type config.plain (did you mean `global`?)",
                "prometheus.yml:4:3: field scrape_intervall not found in type config.ScrapeConfig (did you mean `scrape_interval`?)",
                "prometheus.yml:6:11: cannot unmarshal !!seq into string (write a text here)",
            ]
        );
    }

    #[test]
    fn hostile_texts_do_not_panic() {
        for text in [
            "",
            "[",
            "a",
            "- a",
            "global: [",
            "scrape_configs: {}",
            "? [a]\n: b",
            "\u{0}",
        ] {
            let _ = read(text);
        }
    }
}
