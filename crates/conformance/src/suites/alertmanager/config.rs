//! Configurations, and parts of them, as our own reader gives them, in the form that alerting takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alerting::{
    Config, GroupBySpec, InhibitRuleSpec, Integration, ReceiverSpec, RouteSpec, TimeIntervals,
};
use config::alertmanager::matchers::MatcherMode;
use config::alertmanager::{self as written, GroupBy, LoadOptions, NamedTimeInterval};
use model::{Duration, Timestamp};
use serde_json::json;
use yaml::Node;

/// The root node of a text.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let source = diag::Source::new("case", text);
    let mut diagnostics = diag::Diagnostics::default();
    let node = yaml::parse(&source, &mut diagnostics);
    node.ok_or_else(|| "no YAML document".to_owned())
}

/// A whole configuration; the error is in the peer's words.
pub(super) fn load(text: &str) -> Result<written::Config, String> {
    let options = LoadOptions {
        base_dir: "",
        matchers: MatcherMode::Fallback,
        template: &|_| None,
    };
    let source = diag::Source::new("alertmanager.yml", text);
    let (config, _) = written::load(&source, &options).map_err(|error| error.peer_text())?;
    Ok(config)
}

/// A routing tree that stands alone: the receivers and intervals it names are made up.
pub(super) fn lone_route(text: &str) -> Result<RouteSpec, String> {
    let mut names = Names::default();
    names.collect(&read(text)?);
    let named = |names: &BTreeSet<String>| -> serde_json::Value {
        names.iter().map(|name| json!({ "name": name })).collect()
    };
    // JSON is YAML, and its quoting is right for any name.
    let mut whole = format!(
        "receivers: {}\ntime_intervals: {}\nroute:\n",
        named(&names.receivers),
        named(&names.intervals),
    );
    for line in text.lines() {
        whole.push_str(&format!("  {line}\n"));
    }
    Ok(route(load(&whole)?.route()))
}

/// What a routing tree refers to.
#[derive(Default)]
struct Names {
    receivers: BTreeSet<String>,
    intervals: BTreeSet<String>,
}

impl Names {
    fn collect(&mut self, route: &Node) {
        self.receivers.extend(route.get("receiver").and_then(text));
        for key in ["mute_time_intervals", "active_time_intervals"] {
            self.intervals.extend(items(route, key).filter_map(text));
        }
        for child in items(route, "routes") {
            self.collect(child);
        }
    }
}

/// Inhibition rules that stand alone.
pub(super) fn lone_inhibit_rules(text: &str) -> Result<Vec<InhibitRuleSpec>, String> {
    let config = load(&format!(
        "receivers: [{{name: r}}]\nroute: {{receiver: r}}\ninhibit_rules:\n{text}"
    ))?;
    Ok(inhibit_rules(&config))
}

pub(super) fn route(route: &written::Route) -> RouteSpec {
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
        labels: route
            .labels
            .iter()
            .map(|(name, text)| (name.clone(), text.text.clone()))
            .collect(),
        routes: route.children().map(self::route).collect(),
    }
}

fn inhibit_rules(config: &written::Config) -> Vec<InhibitRuleSpec> {
    config
        .inhibit_rules
        .iter()
        .map(|rule| InhibitRuleSpec {
            name: rule.name.clone(),
            source_matchers: rule.source_matchers.clone(),
            target_matchers: rule.target_matchers.clone(),
            equal: rule.equal.iter().map(|name| name.text.clone()).collect(),
        })
        .collect()
}

/// A webhook of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    /// The n of its URL `WEBHOOK_n`.
    pub(super) sink: usize,
    pub(super) timeout: Option<Duration>,
}

/// A whole configuration, and for each receiver its webhooks.
pub(super) struct Whole {
    pub(super) config: Arc<Config>,
    pub(super) hooks: Vec<(String, Vec<Hook>)>,
}

/// In front of the number of a webhook.
const SINK: &str = "http://sink/";

pub(super) fn whole(text_of_config: &str) -> Result<Whole, String> {
    // The place holders stand for URLs, and only URLs load.
    let loaded = load(&text_of_config.replace("WEBHOOK_", SINK))?;
    let mut receivers = Vec::new();
    let mut hooks = Vec::new();
    for receiver in &loaded.receivers {
        let mut own = Vec::new();
        let mut integrations = Vec::new();
        for (index, hook) in (0u32..).zip(&receiver.webhook) {
            let url = hook.url.expose();
            let sink = url.strip_prefix(SINK).and_then(|n| n.parse().ok());
            own.push(Hook {
                sink: sink.ok_or("no placeholder in the URL")?,
                timeout: Some(Duration(hook.timeout.0 / 1_000_000))
                    .filter(|timeout| *timeout > Duration::ZERO),
            });
            integrations.push(Integration {
                name: "webhook".into(),
                index,
                sends_resolved: hook.send_resolved,
                ..Integration::default()
            });
        }
        let name = receiver.name.clone();
        receivers.push(ReceiverSpec {
            name: name.as_str().into(),
            labels: BTreeMap::from([("name".to_owned(), name.clone())]),
            integrations,
        });
        hooks.push((name, own));
    }
    let intervals = loaded
        .mute_time_intervals
        .iter()
        .chain(&loaded.time_intervals);
    let config = Config {
        route: route(loaded.route()),
        receivers,
        inhibit_rules: inhibit_rules(&loaded),
        intervals: Arc::new(Intervals(intervals.cloned().collect())),
        resolve_timeout: loaded.global.resolve_timeout,
    };
    Ok(Whole {
        config: Arc::new(config),
        hooks,
    })
}

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
}

fn text(node: &Node) -> Option<String> {
    node.text().map(str::to_owned)
}

fn items<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> {
    node.get(key)
        .and_then(Node::as_sequence)
        .unwrap_or_default()
        .iter()
}
