//! From the Alertmanager configuration to the machine's plain values and the integrations behind it.

mod texts;
pub(crate) mod trial;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alerting::{GroupBySpec, InhibitRuleSpec, ReceiverSpec, RouteSpec, RouteTree, TimeIntervals};
use config::alertmanager::{
    Config, GroupBy, InhibitRule, LoadOptions, NamedTimeInterval, Route, load,
};
use config::rules::Text;
use diag::{Diagnostic, Diagnostics, Source};
use model::{Duration, Timestamp};
use notify::{Integration, Receivers, Templates};

use crate::alertmanager::{Routing, Written};
use crate::files::RealFiles;
use crate::input::FileInput;
use crate::options::Tempo;
use crate::plan::RoutingContext;
use crate::{event_recorder, receivers, tempo, traces};

pub use texts::failing_templates;

/// Routing where no configuration says anything: alerts are grouped and shown, and nobody is told.
const BUILT_IN: &str = "route:\n  receiver: \"null\"\nreceivers:\n- name: \"null\"\n";

/// `None` if the configuration has errors; they are among `problems` then.
pub(crate) fn plan(
    input: Option<&FileInput>,
    context: RoutingContext<'_>,
    problems: &mut Diagnostics,
) -> Option<Routing> {
    let built_in = FileInput {
        source: Source::new("(built-in routing)", BUILT_IN),
        base_dir: ".".to_owned(),
    };
    let input = input.unwrap_or(&built_in);
    let options = LoadOptions {
        base_dir: &input.base_dir,
        matchers: context.alertmanager.matchers,
        template: &template_problem,
    };
    let config = match load(&input.source, &options) {
        Ok((config, warnings)) => {
            problems.extend(warnings);
            config
        }
        Err(error) => {
            problems.extend(error.diagnostics);
            return None;
        }
    };
    let templates = templates(&config, context.external_url, problems)?;
    problems.extend(failing_templates(&input.source, &templates));
    let mut integrations: HashMap<Arc<str>, Vec<Box<dyn Integration>>> = HashMap::new();
    let mut receivers = Vec::new();
    for receiver in &config.receivers {
        let (spec, built) = receivers::parts(receiver, context.overrides, problems);
        integrations.insert(Arc::clone(&spec.name), built);
        receivers.push(spec);
    }
    Some(Routing {
        collector: traces::collector(config.tracing.as_ref(), context.overrides, problems),
        events: event_recorder::plan(
            &config.event_recorder,
            (context.alertmanager.event_recorder, context.overrides),
            problems,
        ),
        config: Arc::new(machine_config(&config, receivers, context.tempo)),
        receivers: Arc::new(Receivers::new(
            templates,
            format!("Alertmanager/{}", crate::VERSION),
            integrations,
        )),
        written: Written {
            text: config.to_text(),
            base_dir: input.base_dir.clone(),
        },
    })
}

/// What the machine is told of a configuration.
fn machine_config(config: &Config, receivers: Vec<ReceiverSpec>, tempo: Tempo) -> alerting::Config {
    let mut route = route_spec(config.route());
    if tempo == Tempo::Shortened {
        shorten_root(&mut route);
    }
    let intervals = config
        .mute_time_intervals
        .iter()
        .chain(&config.time_intervals);
    alerting::Config {
        route,
        receivers,
        inhibit_rules: config.inhibit_rules.iter().map(inhibit_rule).collect(),
        intervals: Arc::new(Intervals(intervals.cloned().collect())),
        resolve_timeout: config.global.resolve_timeout,
    }
}

/// What is wrong with the syntax of a template.
pub fn template_problem(text: &str) -> Option<String> {
    let functions = gotemplate::functions::alertmanager::functions(gotemplate::Time::ZERO);
    gotemplate::Template::parse("", text, &functions, gotemplate::Options::default())
        .err()
        .map(|error| error.to_string())
}

/// Names and texts of the files that patterns find, in order, and what could not be read.
pub fn template_files<'p>(
    patterns: impl IntoIterator<Item = &'p str>,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for pattern in patterns {
        for path in config::FileReader::glob(&RealFiles, pattern).unwrap_or_default() {
            match config::FileReader::read(&RealFiles, &path) {
                Ok(text) => texts.push((path, text)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    (texts, problems)
}

fn templates(config: &Config, external_url: &str, problems: &mut Diagnostics) -> Option<Templates> {
    let (read, unreadable) = template_files(config.templates.iter().map(|pattern| &**pattern));
    for problem in unreadable {
        problems.push(Diagnostic::error("template-unreadable", problem));
    }
    let files = read
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    match Templates::new(external_url, files) {
        Ok(templates) => Some(templates),
        Err(error) => {
            let file = read.iter().find(|(path, _)| *path == error.name);
            let text = file.map_or("", |(_, text)| text);
            problems.extend(texts::file_problems(&error.name, text, &error.error));
            None
        }
    }
}

/// The tree that alerts are routed by.
pub fn route_tree(config: &Config) -> RouteTree {
    RouteTree::new(&route_spec(config.route()))
}

fn route_spec(route: &Route) -> RouteSpec {
    RouteSpec {
        receiver: Some(route.receiver.clone()).filter(|receiver| !receiver.is_empty()),
        matchers: route.matchers.clone(),
        continues: route.continue_matching,
        group_by: match route.group_by() {
            None => GroupBySpec::Inherit,
            Some(GroupBy::All) => GroupBySpec::All,
            Some(GroupBy::Labels(names)) => GroupBySpec::Labels(names),
        },
        group_wait: route.group_wait,
        group_interval: route.group_interval,
        repeat_interval: route.repeat_interval,
        mute_time_intervals: route.mute_time_intervals.clone(),
        active_time_intervals: route.active_time_intervals.clone(),
        labels: texts(&route.labels),
        routes: route.children().map(route_spec).collect(),
    }
}

fn texts(map: &BTreeMap<String, Text>) -> BTreeMap<String, String> {
    map.iter()
        .map(|(name, text)| (name.clone(), text.text.clone()))
        .collect()
}

/// The root's defaults would be minutes, so they are filled in first.
fn shorten_root(root: &mut RouteSpec) {
    let defaults = alerting::route::RouteOptions::default();
    root.group_wait.get_or_insert(defaults.group_wait);
    root.group_interval.get_or_insert(defaults.group_interval);
    root.repeat_interval.get_or_insert(defaults.repeat_interval);
    shorten(root);
}

fn shorten(route: &mut RouteSpec) {
    let cut = |duration: &mut Option<Duration>, max: Duration| {
        *duration = duration.map(|duration| duration.min(max))
    };
    cut(&mut route.group_wait, tempo::GROUP_WAIT_MAX);
    cut(&mut route.group_interval, tempo::GROUP_INTERVAL_MAX);
    cut(&mut route.repeat_interval, tempo::REPEAT_INTERVAL_MAX);
    route.routes.iter_mut().for_each(shorten);
}

fn inhibit_rule(rule: &InhibitRule) -> InhibitRuleSpec {
    InhibitRuleSpec {
        name: rule.name.clone(),
        source_matchers: rule.source_matchers.clone(),
        target_matchers: rule.target_matchers.clone(),
        equal: rule.equal.iter().map(|name| name.text.clone()).collect(),
    }
}

/// The named intervals of one configuration.
#[derive(Debug)]
struct Intervals(Vec<NamedTimeInterval>);

impl TimeIntervals for Intervals {
    fn contains(&self, name: &str, at: Timestamp) -> bool {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.millis()) else {
            return false;
        };
        self.0
            .iter()
            .any(|interval| interval.name == name && interval.contains(at))
    }

    fn definition(&self, name: &str) -> Option<String> {
        let named = self.0.iter().filter(|interval| interval.name == name);
        let texts: Vec<String> = named.map(NamedTimeInterval::to_text).collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    fn next_change(
        &self,
        names: &[&str],
        at: Timestamp,
        state: &dyn Fn(Timestamp) -> bool,
    ) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        let named = self
            .0
            .iter()
            .filter(|interval| names.contains(&interval.name.as_str()));
        let intervals = named.flat_map(|interval| &interval.time_intervals);
        let state = |at: jiff::Timestamp| state(Timestamp(at.as_millisecond()));
        let next = config::alertmanager::next_change(intervals, at, state)?;
        Some(Timestamp(next.as_millisecond()))
    }
}
