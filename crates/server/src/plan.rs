//! Input checked and turned into parts that can be started. May fail; changes nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use config::prometheus::{Config, Global, LoadOptions, Mode};
use diag::{Diagnostic, Diagnostics, Reason, Severity, Source};
use discovery::kubernetes::Objects;
use manifest::{Compiled, CompiledPrometheus, Decision, Manifests};
use model::Labels;
use model::relabel::RelabelConfig;
use net::Overrides;
use promql::ParserOptions;
use queries::QueryLogFile;
use rules::GroupSpec;
use tokio::sync::watch;
use yaml::Node;

use crate::alertmanager::Routing;
use crate::alertmanagers::SetPlan;
use crate::features::Features;
use crate::files::RealFiles;
use crate::input::{FileInput, Input, to_json};
use crate::jobs::{JobContext, JobPlan, JobRefusal};
use crate::not_built::{self, PartNotBuilt};
use crate::options::{AlertmanagerOptions, Tempo};
use crate::{groups, jobs, routing, samples, tempo};

/// Everything that a start or a reload puts in place.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) jobs: Vec<JobPlan>,
    /// Jobs by name, printed.
    pub(crate) job_texts: BTreeMap<String, String>,
    pub(crate) groups: Vec<GroupSpec>,
    /// Where queries are logged.
    pub(crate) query_log: Option<QueryLogFile>,
    pub(crate) routing: Routing,
    /// For alerts on their way to Alertmanager: external labels are added, then these rules applied.
    pub(crate) external_labels: Labels,
    pub(crate) alert_relabel: Vec<RelabelConfig>,
    /// Outside of this process.
    pub(crate) alertmanagers: Vec<SetPlan>,
    pub(crate) objects: Objects,
    pub(crate) decisions: Vec<Decision>,
    /// Parts of jobs that cannot be done: job name and reason.
    pub(crate) job_refusals: Vec<(String, JobRefusal)>,
    /// Parts of the configuration without effect.
    pub(crate) parts_not_built: Vec<PartNotBuilt>,
    /// Warnings and notes; errors would have refused the plan.
    pub(crate) notices: Diagnostics,
}

/// What planning works with.
#[derive(Debug)]
pub(crate) struct PlanContext<'a> {
    pub(crate) overrides: &'a Overrides,
    pub(crate) objects: &'a watch::Receiver<Arc<Objects>>,
    pub(crate) tempo: Tempo,
    pub(crate) features: Features,
    pub(crate) external_url: &'a str,
    pub(crate) parser: &'a ParserOptions,
    pub(crate) alertmanager: &'a AlertmanagerOptions,
    pub(crate) mode: Mode,
}

/// What routing is planned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoutingContext<'a> {
    pub(crate) overrides: &'a Overrides,
    pub(crate) tempo: Tempo,
    pub(crate) external_url: &'a str,
    pub(crate) alertmanager: &'a AlertmanagerOptions,
}

impl<'a> PlanContext<'a> {
    fn routing(&self) -> RoutingContext<'a> {
        RoutingContext {
            overrides: self.overrides,
            tempo: self.tempo,
            external_url: self.external_url,
            alertmanager: self.alertmanager,
        }
    }
}

/// All problems are collected before the plan is refused.
pub(crate) fn plan(input: Input, context: &PlanContext<'_>) -> Result<Plan, Diagnostics> {
    let mut problems = Diagnostics::new();
    let manifests = manifest::read(input.manifests);
    let compiled = manifest::compile(&manifests.objects, &manifest::Options::default());
    let decisions: Vec<Decision> = manifests
        .decisions
        .iter()
        .chain(&compiled.decisions)
        .cloned()
        .collect();
    problems.extend(manifests.diagnostics.clone());
    problems.extend(compiled.diagnostics.clone());
    problems.extend(refused_objects(&decisions));
    let chosen = choose(&compiled.prometheuses, &mut problems);
    let config = prometheus_config(
        input.prometheus.as_ref(),
        chosen,
        context.mode,
        &mut problems,
    );
    let routing_input = routing_input(input.alertmanager, &compiled, &mut problems);
    let routing = routing::plan(routing_input.as_ref(), context.routing(), &mut problems);
    let Some(mut config) = config else {
        check_named_rule_files(input.prometheus.as_ref(), context.parser, &mut problems);
        return Err(problems);
    };
    if context.tempo == Tempo::Shortened {
        tempo::shorten_global(&mut config.global);
    }
    // An agent has no chunks that could have no room for them.
    if context.mode == Mode::Server {
        samples::check(&config, context.features, &mut problems);
    }
    let groups = rule_groups(&config, chosen, context.parser, &mut problems);
    let (objects, wrong) = Objects::from_json(&object_json(&manifests), "default");
    for error in wrong {
        problems.push(Diagnostic::warning("object-malformed", error.to_string()));
    }
    let user_agent = format!("Keepwatch/{}", crate::VERSION);
    let job_context = JobContext {
        overrides: context.overrides,
        objects: context.objects,
        user_agent: &user_agent,
        features: context.features,
    };
    let mut planned = Vec::new();
    let mut job_refusals = Vec::new();
    let mut job_texts = BTreeMap::new();
    for mut job in all_jobs(&config, &mut problems) {
        if context.tempo == Tempo::Shortened {
            tempo::shorten_job(&mut job);
        }
        job_texts.insert(job.job_name.clone(), job.to_text());
        let (plan, refusals) = jobs::plan(&job, &job_context);
        planned.extend(plan);
        for refusal in refusals {
            problems.push(notice(&format!("job {}", job.job_name), &refusal));
            job_refusals.push((job.job_name.clone(), refusal));
        }
    }
    // Where alerts are routed here, that takes the place of Alertmanagers elsewhere.
    let mut alertmanagers = Vec::new();
    if routing_input.is_none() {
        for (index, client) in config.alerting.alertmanagers.iter().enumerate() {
            let mut refusals = Vec::new();
            alertmanagers.extend(SetPlan::new(index, client, &job_context, &mut refusals));
            let subject = format!("alertmanagers {index}");
            for refusal in refusals {
                problems.push(notice(&subject, &refusal));
                job_refusals.push((subject.clone(), refusal));
            }
        }
    }
    let parts_not_built = not_built::parts(&config);
    for part in &parts_not_built {
        problems.push(notice("configuration", part));
    }
    let query_log = query_log(&config, &mut problems);
    let Some(routing) = routing else {
        return Err(problems);
    };
    if problems.has_errors() {
        return Err(problems);
    }
    let labels = &config.global.external_labels.0;
    Ok(Plan {
        external_labels: Labels::from_pairs(
            labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
        alertmanagers,
        alert_relabel: config.alerting.alert_relabel_configs.rules.clone(),
        config,
        jobs: planned,
        job_texts,
        groups,
        query_log,
        routing,
        objects,
        decisions,
        job_refusals,
        parts_not_built,
        notices: problems,
    })
}

/// The file of the query log, open: if it cannot be written, the plan is refused.
fn query_log(config: &Config, problems: &mut Diagnostics) -> Option<QueryLogFile> {
    let path = config.global.query_log_file.to_string();
    if path.is_empty() {
        return None;
    }
    match QueryLogFile::open(path.as_ref()) {
        Ok(file) => Some(file),
        Err(error) => {
            let message = format!("global.query_log_file: opening {path}: {error}");
            let diagnostic = Diagnostic::error("query-log-unwritable", message);
            problems.push(
                diagnostic.hint(
                    "the folder must exist, and this process must be allowed to write the file",
                ),
            );
            None
        }
    }
}

fn notice(subject: &str, refusal: &dyn Reason) -> Diagnostic {
    let diagnostic = Diagnostic::warning(refusal.code(), format!("{subject}: {refusal}"));
    match refusal.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// Objects that were selected and cannot be used are errors: a folder is read as a whole.
fn refused_objects(decisions: &[Decision]) -> Diagnostics {
    let diagnostics = decisions.iter().map(Decision::diagnostic);
    diagnostics
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .collect()
}

/// One process runs one Prometheus: the first; others are said to be left out.
fn choose<'a>(
    compiled: &'a [CompiledPrometheus],
    problems: &mut Diagnostics,
) -> Option<&'a CompiledPrometheus> {
    for other in compiled.iter().skip(1) {
        let name = other
            .object
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let message = format!(
            "{name} is not run: one process runs one Prometheus object, the first by namespace and name"
        );
        problems.push(Diagnostic::warning("object-second-prometheus", message));
    }
    compiled.first()
}

fn load_options<'a>(
    base_dir: &'a str,
    mode: Mode,
    variable: &'a dyn Fn(&str) -> Option<String>,
) -> LoadOptions<'a> {
    LoadOptions {
        base_dir,
        mode,
        variable,
    }
}

/// The file's configuration; with manifests too, their jobs are added to it.
fn prometheus_config(
    file: Option<&FileInput>,
    compiled: Option<&CompiledPrometheus>,
    mode: Mode,
    problems: &mut Diagnostics,
) -> Option<Config> {
    let variable = |name: &str| std::env::var(name).ok();
    let mut load = |source: &Source, base_dir: &str| match config::prometheus::load(
        source,
        &load_options(base_dir, mode, &variable),
    ) {
        Ok((config, warnings)) => {
            problems.extend(warnings);
            Some(config)
        }
        Err(error) => {
            problems.extend(error.diagnostics);
            None
        }
    };
    let from_file = file.map(|file| load(&file.source, &file.base_dir));
    let from_objects = compiled.map(|compiled| {
        let source = Source::new(
            "(prometheus.yaml made of the manifests)",
            expand_variables(compiled),
        );
        load(&source, ".")
    });
    match (from_file, from_objects) {
        (Some(file), Some(objects)) => {
            let (mut file, objects) = (file?, objects?);
            file.scrape_configs.extend(objects.scrape_configs);
            Some(file)
        }
        (Some(one), None) | (None, Some(one)) => one,
        // Only an Alertmanager, or nothing that scrapes: an empty configuration.
        (None, None) => load(&Source::new("(empty)", ""), "."),
    }
}

/// What the operator's config-reloader puts in for a first replica of an only shard.
fn expand_variables(compiled: &CompiledPrometheus) -> String {
    let name = compiled
        .object
        .as_ref()
        .map_or("keepwatch", |object| object.name.as_str());
    let variables = BTreeMap::from([
        ("SHARD".to_owned(), "0".to_owned()),
        ("POD_NAME".to_owned(), format!("prometheus-{name}-0")),
    ]);
    let mut config = compiled.config.clone();
    manifest::substitute(&mut config, &variables);
    yaml::to_text(&config)
}

/// The configuration of the alerting machine: the file's, or what the manifests make.
fn routing_input(
    file: Option<FileInput>,
    compiled: &Compiled,
    problems: &mut Diagnostics,
) -> Option<FileInput> {
    if file.is_some() {
        return file;
    }
    for other in compiled.alertmanagers.iter().skip(1) {
        let name = other
            .object
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let message = format!(
            "{name} is not run: one process runs one Alertmanager object, the first by namespace and name"
        );
        problems.push(Diagnostic::warning("object-second-alertmanager", message));
    }
    let first = compiled.alertmanagers.first()?;
    let source = Source::new(
        "(alertmanager.yaml made of the manifests)",
        yaml::to_text(&first.config),
    );
    Some(FileInput {
        source,
        base_dir: ".".to_owned(),
    })
}

fn rule_groups(
    config: &Config,
    compiled: Option<&CompiledPrometheus>,
    parser: &ParserOptions,
    problems: &mut Diagnostics,
) -> Vec<GroupSpec> {
    let mut found = Vec::new();
    let mut known: HashSet<String> = compiled
        .iter()
        .flat_map(|compiled| &compiled.rule_files)
        .map(|file| file.path.clone())
        .collect();
    for file in compiled.iter().flat_map(|compiled| &compiled.rule_files) {
        let source = Source::new(file.path.as_str(), yaml::to_text(&file.content));
        found.extend(groups::read(&source, &config.global, parser, problems));
    }
    for pattern in &config.rule_files {
        let files = config::FileReader::glob(&RealFiles, pattern).unwrap_or_default();
        // A file that several patterns match is one file.
        for path in files.iter().filter(|path| known.insert((*path).clone())) {
            match config::FileReader::read(&RealFiles, path) {
                Ok(text) => {
                    let source = Source::new(path.as_str(), text);
                    found.extend(groups::read(&source, &config.global, parser, problems));
                }
                Err(problem) => problems.push(Diagnostic::error("rule-file-unreadable", problem)),
            }
        }
    }
    found
}

/// For a configuration that cannot be read itself: its rule files are checked all the same, so that a user
/// sees all problems at once. Global settings that decide about names count as not set.
fn check_named_rule_files(
    file: Option<&FileInput>,
    parser: &ParserOptions,
    problems: &mut Diagnostics,
) {
    let Some(file) = file else { return };
    // Problems of its syntax are among the others already.
    let Some(tree) = yaml::parse(&file.source, &mut Diagnostics::new()) else {
        return;
    };
    let patterns = tree.get("rule_files").and_then(Node::as_sequence);
    let patterns = patterns.unwrap_or_default().iter();
    for pattern in patterns.filter_map(Node::text) {
        let pattern = config::join_path(&file.base_dir, pattern);
        for path in config::FileReader::glob(&RealFiles, &pattern).unwrap_or_default() {
            match config::FileReader::read(&RealFiles, &path) {
                Ok(text) => {
                    let source = Source::new(path, text);
                    groups::read(&source, &Global::default(), parser, problems);
                }
                Err(problem) => problems.push(Diagnostic::error("rule-file-unreadable", problem)),
            }
        }
    }
}

/// The jobs of the main file and of `scrape_config_files`.
fn all_jobs(config: &Config, problems: &mut Diagnostics) -> Vec<config::prometheus::ScrapeConfig> {
    match config.all_scrape_configs(&RealFiles) {
        Ok(jobs) => jobs,
        Err(error) => {
            problems.extend(error.diagnostics);
            Vec::new()
        }
    }
}

fn object_json(manifests: &Manifests) -> Vec<serde_json::Value> {
    let with_identity = |object: &manifest::Object| {
        let mut json = object
            .root()
            .node()
            .map_or(serde_json::Value::Null, to_json);
        // The namespace may come from the command line instead of the text.
        json["metadata"]["namespace"] = object.namespace().into();
        json
    };
    manifests.objects.iter().map(with_identity).collect()
}
