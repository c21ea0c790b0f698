//! `check config`: a configuration, and the files that it names.

use std::path::Path;

use config::http::{HttpClient, Tls};
use config::prometheus::sd::{Discoveries, StaticConfig};
use config::prometheus::{Config, LoadOptions, Mode, ScrapeConfig, load};
use config::{FileReader, LoadError};
use diag::Source;
use discovery::{TargetGroup, matching_files, parse_json_groups, parse_yaml_groups};
use model::format::go_quote;
use model::{Duration, Labels};
use promql::ParserOptions;
use server::pieces::{RealFiles, folder_of};

use super::rules::{RuleLint, Tally, check_files};
use super::targets::{check_for_alertmanager, check_for_job};
use crate::console::{Console, Outcome, go_file_error, read_text};

/// How far a configuration is checked.
#[derive(Clone, Copy, Debug)]
pub struct ConfigChecks {
    pub mode: Mode,
    pub depth: Depth,
    pub rules: RuleLint,
    /// Jobs that scrape no more often than this are pointed out: their samples are stale in between.
    pub lookback_delta: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The file alone.
    Syntax,
    /// The files that it names, too.
    Files,
}

/// Checks configurations and the rule files that they name.
pub fn check_configs(
    console: &mut Console<'_>,
    files: &[String],
    checks: &ConfigChecks,
    parser: &ParserOptions,
) -> Outcome {
    let mut tally = Tally::default();
    for file in files {
        console.line(format_args!("Checking {file}"));
        let (rule_files, jobs) = match check(console, file, checks) {
            Ok(found) => {
                if !found.0.is_empty() {
                    let count = found.0.len();
                    console.line(format_args!("  SUCCESS: {count} rule files found"));
                }
                console.line(format_args!(
                    " SUCCESS: {file} is valid prometheus config file syntax"
                ));
                found
            }
            Err(problem) => {
                tally.errors += 1;
                console.problem(format_args!("  FAILED: {problem}"));
                (Vec::new(), Vec::new())
            }
        };
        console.line("");
        if checks.depth == Depth::Files {
            lint_jobs(console, &jobs, checks.lookback_delta, &mut tally);
            check_files(console, &rule_files, checks.rules, parser, &mut tally);
        }
    }
    tally.outcome(checks.rules.fatal)
}

/// A configuration as the server reads it; the error is the peer's.
pub(super) fn read_config(file: &str, mode: Mode) -> Result<Config, String> {
    let text = read_text(file)?;
    let source = Source::new(file, text);
    let options = LoadOptions {
        base_dir: &folder_of(Path::new(file)),
        mode,
        variable: &|name| std::env::var(name).ok(),
    };
    let (config, _) = load(&source, &options).map_err(|error| load_error(file, &error))?;
    Ok(config)
}

fn load_error(file: &str, error: &LoadError) -> String {
    let text = error.peer_text();
    // The peer finds these when it has read the file.
    if text.contains("is not allowed in agent mode") {
        return text;
    }
    format!("parsing YAML file {file}: {text}")
}

/// Rule files and jobs of a good configuration.
fn check(
    console: &mut Console<'_>,
    file: &str,
    checks: &ConfigChecks,
) -> Result<(Vec<String>, Vec<ScrapeConfig>), String> {
    let config = read_config(file, checks.mode)?;
    let is_deep = checks.depth == Depth::Files;
    let mut rule_files = Vec::new();
    let mut jobs = config.scrape_configs.clone();
    if is_deep {
        for pattern in &config.rule_files {
            let found = RealFiles.glob(pattern)?;
            if found.is_empty() && !pattern.contains('*') {
                let pattern = go_quote(pattern);
                return Err(format!("{pattern} does not point to an existing file"));
            }
            rule_files.extend(found);
        }
        jobs = config
            .all_scrape_configs(&RealFiles)
            .map_err(|error| format!("error loading scrape configs: {}", error.peer_text()))?;
    }
    for job in &jobs {
        check_job(console, job, checks.depth)?;
    }
    for client in &config.alerting.alertmanagers {
        let place = " alertmanager config";
        for groups in groups_of(console, &client.discoveries, place, checks.depth) {
            check_for_alertmanager(&groups?, client)?;
        }
    }
    Ok((rule_files, jobs))
}

fn check_job(console: &mut Console<'_>, job: &ScrapeConfig, depth: Depth) -> Result<(), String> {
    check_client(&job.http, depth)?;
    for kubernetes in job.discoveries.kubernetes.iter() {
        check_tls(&kubernetes.http.tls, depth)?;
    }
    let place = format!(" scrape job {}", go_quote(&job.job_name));
    for groups in groups_of(console, &job.discoveries, &place, depth) {
        check_for_job(&groups?, job)?;
    }
    Ok(())
}

fn check_client(http: &HttpClient, depth: Depth) -> Result<(), String> {
    if depth == Depth::Files
        && let Some(authorization) = &http.authorization
    {
        let what = "authorization credentials or bearer token";
        exists(what, &authorization.credentials_file)?;
    }
    check_tls(&http.tls, depth)
}

fn check_tls(tls: &Tls, depth: Depth) -> Result<(), String> {
    let (cert, key) = (&tls.cert_file, &tls.key_file);
    if depth == Depth::Files {
        exists("client cert", cert)?;
        exists("client key", key)?;
    }
    Ok(())
}

fn exists(what: &str, path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Ok(());
    }
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "error checking {what} file {}: {}",
            go_quote(path),
            go_file_error("stat", path, &error)
        )),
    }
}

/// The groups that files and static lists give; patterns that match no file are warned about.
fn groups_of(
    console: &mut Console<'_>,
    discoveries: &Discoveries,
    place: &str,
    depth: Depth,
) -> Vec<Result<Vec<TargetGroup>, String>> {
    let mut all = Vec::new();
    let files = discoveries.file.iter().flat_map(|file| file.files.iter());
    for pattern in files.filter(|_| depth == Depth::Files) {
        let pattern: &str = pattern;
        match matching_files(pattern) {
            Ok(found) if found.is_empty() => console.line(format_args!(
                "  WARNING: file {} for file_sd in{place} does not exist",
                go_quote(pattern)
            )),
            Ok(found) => all.extend(found.iter().map(|file| {
                let groups = read_groups(file);
                groups.map_err(|error| format!("checking SD file {}: {error}", go_quote(pattern)))
            })),
            Err(error) => all.push(Err(error.to_string())),
        }
    }
    let lists = discoveries.static_configs.iter().enumerate();
    let groups: Vec<TargetGroup> = lists.map(|(at, list)| static_group(at, list)).collect();
    all.push(Ok(groups));
    all
}

fn static_group(at: usize, list: &StaticConfig) -> TargetGroup {
    let labels = list
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let addresses = list.targets.iter().map(String::as_str);
    TargetGroup::of_addresses(at.to_string(), addresses, Labels::from_pairs(labels))
}

fn read_groups(file: &Path) -> Result<Vec<TargetGroup>, String> {
    let path = file.display().to_string();
    let text = read_text(&path)?;
    let source = Source::new(path, text);
    let extension = file.extension().and_then(|extension| extension.to_str());
    let parse = match extension.map(str::to_lowercase).as_deref() {
        Some("json") => parse_json_groups,
        Some("yml" | "yaml") => parse_yaml_groups,
        other => {
            let extension = other.map_or(String::new(), |other| format!(".{other}"));
            return Err(format!("invalid file extension: {}", go_quote(&extension)));
        }
    };
    parse(&source, &[]).map_err(|error| error.to_string())
}

fn lint_jobs(
    console: &mut Console<'_>,
    jobs: &[ScrapeConfig],
    lookback_delta: Option<Duration>,
    tally: &mut Tally,
) {
    let Some(delta) = lookback_delta.filter(|delta| !delta.is_zero()) else {
        return;
    };
    if let Some(job) = jobs.iter().find(|job| job.scrape_interval >= delta) {
        tally.lints += 1;
        console.problem(format_args!(
            "  FAILED: too long scrape interval found, data point will be marked as stale - job: {}, interval: {}",
            job.job_name, job.scrape_interval
        ));
    }
}
