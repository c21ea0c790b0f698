//! The operator's custom resources: one case per folder, named `group/name`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context;

use diag::{Diagnostics, Source};
use manifest::{
    Additional, AlertmanagerBuilder, AlertmanagerConfigVersion, Assets, Enforcement, Features,
    Jobs, Mode, Object, PrometheusInput, RuleFormat, RuleOptions, Tree, Version,
    answer_config_validation, answer_conversion, answer_rule_validation, check_alertmanager_config,
    check_schema, check_selected, convert_alertmanager_config, enforce_namespace, fit_to_version,
    generate_prometheus, pack_rules, rule_file, rule_patch, validate_alertmanager_config,
    web_config,
};
use promql::ParserOptions;
use yaml::{Mapping, Node, Value};

use crate::suite::{Case, entries};

/// How the cases of one group are run.
type Run = fn(&Files) -> Result<(), String>;

/// Groups that are answered; the cases of others fail.
const GROUPS: &[(&str, Run)] = &[
    ("config-server", config),
    ("config-agent", config),
    ("selection", selection),
    ("alertmanager-merge", alertmanager_merge),
    ("alertmanager-global", alertmanager_global),
    ("alertmanager-sanitize", alertmanager_sanitize),
    ("alertmanagerconfig-check", alertmanagerconfig_check),
    (
        "alertmanagerconfig-validate-v1alpha1",
        alertmanagerconfig_validate,
    ),
    (
        "alertmanagerconfig-validate-v1beta1",
        alertmanagerconfig_validate,
    ),
    ("rules", rules),
    ("rule-configmaps", rule_configmaps),
    ("namespace-enforcement", namespace_enforcement),
    ("convert-v1alpha1-v1beta1", convert),
    ("convert-v1beta1-v1alpha1", convert),
    ("webconfig", webconfig),
    ("webhook-validate", webhook_validate),
    ("webhook-mutate", webhook_mutate),
    ("webhook-convert", webhook_convert),
    ("crd-validation", crd_validation),
];

/// The files of one case.
struct Files {
    input: Node,
    source: Source,
    expected: Option<Value>,
    /// An error or a rejection is expected.
    is_refused: bool,
    definitions: Arc<Definitions>,
}

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let definitions = Arc::new(Definitions {
        folder: dir.join("operator/crds"),
        parsed: OnceLock::new(),
    });
    let mut cases = Vec::new();
    for group in entries(&dir.join("operator/cases"))? {
        if !group.is_dir() {
            continue;
        }
        let name = file_name(&group);
        let run = GROUPS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, run)| *run);
        for folder in entries(&group)? {
            let id = format!("{name}/{}", file_name(&folder));
            let files =
                Files::read(&folder, &definitions).with_context(|| format!("reading case {id}"))?;
            cases.push(Case::new(id, move || match run {
                Some(run) => run(&files),
                None => Err("nothing of ours answers this group yet".to_owned()),
            }));
        }
    }
    Ok(cases)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

impl Files {
    fn read(folder: &Path, definitions: &Arc<Definitions>) -> anyhow::Result<Self> {
        let text = fs::read_to_string(folder.join("input.yaml"))?;
        let source = Source::new("input.yaml", text);
        let input =
            yaml::parse(&source, &mut Diagnostics::new()).context("the input is not YAML")?;
        let expected = fs::read_to_string(folder.join("expected.yaml")).ok();
        Ok(Self {
            input,
            source,
            expected: expected.map(|text| parse(&text)),
            is_refused: folder.join("expected-error.txt").exists()
                || folder.join("expected-rejection.yaml").exists(),
            definitions: definitions.clone(),
        })
    }

    fn tree(&self) -> Tree<'_> {
        Tree::of(&self.input)
    }

    /// The object under a key.
    fn object(&self, tree: Tree<'_>) -> Result<Object, String> {
        let node = tree.node().ok_or("the object is missing")?;
        Object::from_node(&self.source, node.clone(), "").ok_or_else(|| "no object".to_owned())
    }

    /// `[{key, object}]`, sorted by key.
    fn keyed(&self, key: &str) -> Result<Vec<Object>, String> {
        let mut items: Vec<Tree<'_>> = self.tree().at(key).items().collect();
        items.sort_by_key(|item| item.at("key").str());
        items
            .into_iter()
            .map(|item| self.object(item.at("object")))
            .collect()
    }

    fn assets(&self) -> Result<Assets, String> {
        let tree = self.tree();
        let items = tree
            .at("secrets")
            .items()
            .chain(tree.at("configMaps").items());
        let objects: Vec<Object> = items
            .map(|item| self.object(item))
            .collect::<Result<_, _>>()?;
        Ok(Assets::new(&objects))
    }

    fn compare(&self, actual: Result<Value, String>) -> Result<(), String> {
        match (actual, &self.expected) {
            (Err(_), None) if self.is_refused => Ok(()),
            (Ok(_), None) => Err("should fail".to_owned()),
            (Err(why), _) => Err(format!("failed: {why}")),
            (Ok(actual), Some(expected)) => {
                let (actual, expected) = (canonical(&actual), canonical(expected));
                match difference("", &actual, &expected) {
                    None => Ok(()),
                    Some(difference) => Err(difference),
                }
            }
        }
    }

    fn verdict(&self, actual: Result<(), String>) -> Result<(), String> {
        let expected = self.expected.as_ref().ok_or("no expectation")?;
        let Value::Mapping(expected) = expected else {
            return Err("no mapping".to_owned());
        };
        let is_accepted = expected.get("accepted") == Some(&Value::Bool(true));
        match actual {
            Ok(()) if is_accepted => Ok(()),
            Err(_) if !is_accepted => Ok(()),
            Ok(()) => Err(format!("should be refused: {:?}", expected.get("message"))),
            Err(why) => Err(format!("should be accepted: {why}")),
        }
    }
}

fn parse(text: &str) -> Value {
    let source = Source::new("expected.yaml", text);
    let node = yaml::parse(&source, &mut Diagnostics::new());
    node.as_ref().map_or(Value::Null, Value::from_node)
}

/// Keys sorted, one kind of whole numbers, one kind of lists.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Uint(number) => i64::try_from(*number).map_or(Value::Uint(*number), Value::Int),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Value::Int(*number as i64)
        }
        Value::Sequence(items) | Value::FlowSequence(items) => {
            Value::Sequence(items.iter().map(canonical).collect())
        }
        Value::Mapping(map) => {
            let mut map = Mapping(
                map.0
                    .iter()
                    .map(|(k, v)| (k.clone(), canonical(v)))
                    .collect::<Vec<_>>(),
            );
            map.sort();
            Value::Mapping(map)
        }
        other => other.clone(),
    }
}

/// The first place at which two values differ.
fn difference(path: &str, actual: &Value, expected: &Value) -> Option<String> {
    if actual == expected {
        return None;
    }
    match (actual, expected) {
        (Value::Mapping(a), Value::Mapping(b)) => {
            for (key, value) in &b.0 {
                let key = key.as_str().unwrap_or("?");
                match a.get(key) {
                    None => return Some(format!("{path}.{key}: missing, expected {value:?}")),
                    Some(found) => {
                        if let Some(text) = difference(&format!("{path}.{key}"), found, value) {
                            return Some(text);
                        }
                    }
                }
            }
            let extra =
                a.0.iter()
                    .find(|(key, _)| b.get(key.as_str().unwrap_or("?")).is_none());
            Some(format!("{path}: not expected: {extra:?}"))
        }
        (Value::Sequence(a), Value::Sequence(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(at, (a, b))| difference(&format!("{path}[{at}]"), a, b)),
        _ => Some(format!("{path}: {actual:?} is not {expected:?}")),
    }
}

fn features(tree: Tree<'_>) -> Features {
    let flag = |name: &str| tree.at(name).flag() == Some(true);
    Features {
        endpoint_slices: flag("endpointSliceSupported"),
        daemon_set: flag("daemonSet"),
        topology_sharding: flag("prometheusTopologyShardingFeature"),
        shard_retention: flag("prometheusShardRetentionPolicyFeature"),
        pod_topology_labels: flag("podTopologyLabelsSupported"),
        inline_tls: flag("inlineTLSConfig"),
        skip_version_checks: flag("bypassVersionCheck"),
    }
}

fn config(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let workload = case.object(tree.at("workload"))?;
    let service_monitors = case.keyed("serviceMonitors")?;
    let pod_monitors = case.keyed("podMonitors")?;
    let probes = case.keyed("probes")?;
    let scrape_configs = case.keyed("scrapeConfigs")?;
    let assets = case.assets()?;
    let text = |key: &str| tree.at(key).text().map(str::to_owned);
    let input = PrometheusInput {
        mode: if tree.at("mode").str() == "agent" {
            Mode::Agent
        } else {
            Mode::Server
        },
        workload: &workload,
        jobs: Jobs {
            service_monitors: service_monitors.iter().collect(),
            pod_monitors: pod_monitors.iter().collect(),
            probes: probes.iter().collect(),
            scrape_configs: scrape_configs.iter().collect(),
        },
        assets: &assets,
        additional: Additional {
            scrape_configs: text("additionalScrapeConfigs"),
            alert_relabel_configs: text("additionalAlertRelabelConfigs"),
            alertmanager_configs: text("additionalAlertManagerConfigs"),
        },
        rule_folders: tree
            .at("ruleConfigMapNames")
            .texts()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        features: features(tree.at("options")),
    };
    let generated = generate_prometheus(&input);
    case.compare(
        generated
            .map(|generated| generated.config)
            .map_err(|problem| problem.message),
    )
}

fn selection(case: &Files) -> Result<(), String> {
    let workload = case.object(case.tree().at("workload"))?;
    let object = case.object(case.tree().at("object"))?;
    let assets = case.assets()?;
    let checked = check_selected(&workload, &object, &assets);
    case.verdict(checked.map_err(|problem| problem.message))
}

fn alertmanager_version(case: &Files) -> Result<Version, String> {
    Version::parse(case.tree().at("alertmanagerVersion").str())
        .ok_or_else(|| "no version".to_owned())
}

fn alertmanager_merge(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let alertmanager = case.object(tree.at("alertmanager"))?;
    let objects = case.keyed("alertmanagerConfigs")?;
    let assets = case.assets()?;
    let version = alertmanager_version(case)?;
    let base = tree.at("baseConfig").str();
    let merged = AlertmanagerBuilder::from_text(&alertmanager, version, &assets, base).and_then(
        |mut builder| {
            builder.add(&objects.iter().collect::<Vec<_>>())?;
            Ok(builder.finish())
        },
    );
    case.compare(merged.map_err(|problem| problem.message))
}

fn alertmanager_global(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let alertmanager = case.object(tree.at("alertmanager"))?;
    let object = case.object(tree.at("alertmanagerConfig"))?;
    let assets = case.assets()?;
    let version = alertmanager_version(case)?;
    let global = tree.at("globalConfig");
    let built = AlertmanagerBuilder::from_object(&alertmanager, version, &assets, &object, global);
    case.compare(
        built
            .map(|builder| builder.finish())
            .map_err(|problem| problem.message),
    )
}

fn alertmanager_sanitize(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let version = alertmanager_version(case)?;
    let fitted = fit_to_version(tree.at("type").str(), tree.at("config").str(), &version);
    case.compare(fitted.map_err(|problem| problem.message))
}

fn alertmanagerconfig_check(case: &Files) -> Result<(), String> {
    let object = case.object(case.tree().at("alertmanagerConfig"))?;
    let checked = check_alertmanager_config(&object, &case.assets()?, &alertmanager_version(case)?);
    case.verdict(checked.map_err(|problem| problem.message))
}

fn alertmanagerconfig_validate(case: &Files) -> Result<(), String> {
    let object = case.object(case.tree().at("alertmanagerConfig"))?;
    case.verdict(validate_alertmanager_config(&object).map_err(|problem| problem.message))
}

fn rules(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let object = case.object(tree.at("rule"))?;
    let version = Version::parse(tree.at("version").str()).ok_or("no version")?;
    let options = RuleOptions {
        format: match tree.at("format").str() {
            "thanos" => RuleFormat::Thanos,
            _ => RuleFormat::Prometheus,
        },
        version: &version,
        parser: parser_options(tree.at("promqlOptions")),
        enforcement: &Enforcement::default(),
    };
    case.compare(rule_file(&object, &options).map_err(|problem| problem.message))
}

fn rule_configmaps(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let size = |tree: Tree<'_>| usize::try_from(tree.int().unwrap_or(0)).unwrap_or(0);
    let sizes: Vec<(String, usize)> = tree
        .at("fileSizes")
        .entries()
        .into_iter()
        .map(|(name, it)| (name.to_owned(), size(it)))
        .collect();
    let folders = pack_rules(
        &sizes,
        tree.at("namePrefix").str(),
        size(tree.at("maxConfigMapDataSize")),
    );
    let Some(Value::Sequence(expected)) = &case.expected else {
        return Err("no list".to_owned());
    };
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .filter_map(|item| match item {
            Value::Mapping(map) => Some(map),
            _ => None,
        })
        .map(|map| {
            let name = map
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned();
            let keys = match map.get("keys") {
                Some(Value::Sequence(keys)) => keys
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
                _ => Vec::new(),
            };
            (name, keys)
        })
        .collect();
    let actual: Vec<(String, Vec<String>)> = folders
        .into_iter()
        .map(|folder| (folder.name, folder.files))
        .collect();
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{actual:?} is not {expected:?}"))
    }
}

fn namespace_enforcement(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let object = case.object(tree.at("rule"))?;
    let enforcement = Enforcement::new(
        tree.at("enforcedNamespaceLabel").str(),
        tree.at("excludedFromEnforcement"),
    );
    let enforced = enforce_namespace(&object, &enforcement);
    case.compare(enforced.map_err(|problem| problem.message))
}

fn convert(case: &Files) -> Result<(), String> {
    let to = match AlertmanagerConfigVersion::parse(case.tree().at("apiVersion").str()) {
        Some(AlertmanagerConfigVersion::V1Alpha1) => AlertmanagerConfigVersion::V1Beta1,
        _ => AlertmanagerConfigVersion::V1Alpha1,
    };
    let converted = convert_alertmanager_config(case.tree(), to);
    case.compare(converted.map_err(|problem| problem.message))
}

fn webconfig(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let folder = tree.at("mountingDir").str();
    case.compare(Ok(web_config(
        tree.at("tlsConfig"),
        tree.at("httpConfig"),
        folder,
    )))
}

/// `options` of the webhooks: a version that has the wanted validation scheme.
fn scheme_version(tree: Tree<'_>) -> Version {
    if tree.at("validationScheme").str() == "legacy" {
        Version::new(2, 55, 0)
    } else {
        Version::new(3, 0, 0)
    }
}

/// The answer under the key `response`, as the cases hold it.
fn response(answer: Value) -> Value {
    let mut out = Mapping::new();
    out.put("response", answer);
    out.into()
}

fn webhook_validate(case: &Files) -> Result<(), String> {
    let tree = case.tree();
    let review = tree.at("request");
    let object = case.object(review.path(&["request", "object"]))?;
    let answer = if object.id.kind == "AlertmanagerConfig" {
        answer_config_validation(review, &object)
    } else {
        let options = RuleOptions {
            format: RuleFormat::Prometheus,
            version: &scheme_version(tree),
            parser: parser_options(tree.at("promqlOptions")),
            enforcement: &Enforcement::default(),
        };
        answer_rule_validation(review, &object, &options)
    };
    case.compare(Ok(response(answer)))
}

/// The operations of a patch as a set: those for labels and annotations may come in any order.
fn operations(patch: &Value) -> Vec<String> {
    let Value::Sequence(items) = patch else {
        return Vec::new();
    };
    let mut texts: Vec<String> = items
        .iter()
        .map(|item| yaml::to_text(&canonical(item)))
        .collect();
    texts.sort();
    texts
}

fn webhook_mutate(case: &Files) -> Result<(), String> {
    let object = case.object(case.tree().path(&["request", "request", "object"]))?;
    let Some(Value::Mapping(expected)) = &case.expected else {
        return Err("no mapping".to_owned());
    };
    let expected = operations(expected.get("decodedPatch").unwrap_or(&Value::Null));
    let actual = operations(&rule_patch(&object));
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{actual:?} is not {expected:?}"))
    }
}

fn webhook_convert(case: &Files) -> Result<(), String> {
    let mut answer = Mapping::new();
    answer.put("code", 200_i64);
    answer.put("response", answer_conversion(case.tree().at("request")));
    case.compare(Ok(answer.into()))
}

fn parser_options(tree: Tree<'_>) -> ParserOptions {
    let flag = |name: &str| tree.at(name).flag() == Some(true);
    ParserOptions {
        experimental_functions: flag("EnableExperimentalFunctions"),
        duration_expressions: flag("ExperimentalDurationExpr"),
        extended_range_selectors: flag("EnableExtendedRangeSelectors"),
        fill_modifiers: flag("EnableBinopFillModifiers"),
    }
}

/// The CustomResourceDefinitions, read when the first case asks for them.
struct Definitions {
    folder: PathBuf,
    parsed: OnceLock<Vec<Node>>,
}

impl Definitions {
    /// The definition with both versions of AlertmanagerConfig is only looked at for what the other one
    /// does not have.
    fn all(&self) -> &[Node] {
        self.parsed.get_or_init(|| {
            let folders = [
                self.folder.clone(),
                self.folder.join("full-alertmanagerconfig"),
            ];
            let paths = folders
                .iter()
                .filter_map(|folder| entries(folder).ok())
                .flatten();
            paths
                .filter(|path| path.is_file())
                .filter_map(|path| {
                    let source = Source::new(file_name(&path), fs::read_to_string(&path).ok()?);
                    yaml::parse(&source, &mut Diagnostics::new())
                })
                .collect()
        })
    }
}

fn crd_validation(case: &Files) -> Result<(), String> {
    let object = case.object(case.tree())?;
    let definitions = case.definitions.all().iter();
    let mut reports = definitions.filter_map(|node| check_schema(&object, Tree::of(node)));
    let report = reports.next().ok_or("no definition of the kind")?;
    let Some(Value::Mapping(expected)) = &case.expected else {
        return Err("no mapping".to_owned());
    };
    let is_valid = expected.get("valid") == Some(&Value::Bool(true));
    match report.problems.first() {
        None if is_valid => Ok(()),
        Some(_) if !is_valid => Ok(()),
        None => Err(format!("should be refused: {:?}", expected.get("reason"))),
        Some(problem) => Err(format!("should be valid: {}", problem.message)),
    }
}
