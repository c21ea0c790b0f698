//! The parts of a configuration that the pure suites need, from YAML: enough for the cases, without checks.

use std::sync::Arc;

use alerting::{
    Config, GroupBySpec, InhibitRuleSpec, Integration, ReceiverSpec, RouteSpec, TimeIntervals,
};
use model::{Duration, MatchOp, Matcher, Timestamp};
use yaml::Node;

/// The root node of a text.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let source = diag::Source::new("case", text);
    let mut diagnostics = diag::Diagnostics::default();
    let node = yaml::parse(&source, &mut diagnostics);
    node.ok_or_else(|| "no YAML document".to_owned())
}

pub(super) fn route(node: &Node) -> Result<RouteSpec, String> {
    let group_by = match node.get("group_by").and_then(Node::as_sequence) {
        None => GroupBySpec::Inherit,
        Some(items) => {
            let names: Vec<String> = items.iter().filter_map(text).collect();
            if names == ["..."] {
                GroupBySpec::All
            } else {
                GroupBySpec::Labels(names)
            }
        }
    };
    let labels = entries(node, "labels").collect();
    let routes = items(node, "routes")
        .map(route)
        .collect::<Result<Vec<_>, String>>()?;
    Ok(RouteSpec {
        receiver: node.get("receiver").and_then(text),
        matchers: matchers(node, ["match", "match_re", "matchers"])?,
        continues: node.get("continue").and_then(text).as_deref() == Some("true"),
        group_by,
        group_wait: duration(node, "group_wait")?,
        group_interval: duration(node, "group_interval")?,
        repeat_interval: duration(node, "repeat_interval")?,
        mute_time_intervals: items(node, "mute_time_intervals")
            .filter_map(text)
            .collect(),
        active_time_intervals: items(node, "active_time_intervals")
            .filter_map(text)
            .collect(),
        labels,
        routes,
    })
}

pub(super) fn inhibit_rules(node: &Node) -> Result<Vec<InhibitRuleSpec>, String> {
    let rules = node.as_sequence().unwrap_or_default();
    rules
        .iter()
        .map(|rule| {
            Ok(InhibitRuleSpec {
                name: rule.get("name").and_then(text).unwrap_or_default(),
                source_matchers: matchers(
                    rule,
                    ["source_match", "source_match_re", "source_matchers"],
                )?,
                target_matchers: matchers(
                    rule,
                    ["target_match", "target_match_re", "target_matchers"],
                )?,
                equal: items(rule, "equal").filter_map(text).collect(),
            })
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

pub(super) fn whole(text_of_config: &str) -> Result<Whole, String> {
    let root = read(text_of_config)?;
    let mut receivers = Vec::new();
    let mut hooks = Vec::new();
    for receiver in items(&root, "receivers") {
        let name = receiver.get("name").and_then(text).ok_or("no name")?;
        let mut own = Vec::new();
        let mut integrations = Vec::new();
        for (index, hook) in (0u32..).zip(items(receiver, "webhook_configs")) {
            let url = hook.get("url").and_then(text).ok_or("no url")?;
            let sink = url.strip_prefix("WEBHOOK_").and_then(|n| n.parse().ok());
            own.push(Hook {
                sink: sink.ok_or("no placeholder in the URL")?,
                timeout: duration(hook, "timeout")?,
            });
            integrations.push(Integration {
                name: "webhook".into(),
                index,
                sends_resolved: hook.get("send_resolved").and_then(text).as_deref()
                    != Some("false"),
            });
        }
        receivers.push(ReceiverSpec {
            name: name.as_str().into(),
            labels: [("name".to_owned(), name.clone())].into(),
            integrations,
        });
        hooks.push((name, own));
    }
    let intervals = Intervals {
        always: items(&root, "time_intervals")
            .filter(|interval| {
                // The cases know two kinds: years long gone, and all day.
                items(interval, "time_intervals").any(|part| part.get("years").is_none())
            })
            .filter_map(|interval| interval.get("name").and_then(text))
            .collect(),
    };
    let resolve_timeout = match root.get("global") {
        Some(global) => duration(global, "resolve_timeout")?,
        None => None,
    };
    let config = Config {
        route: route(root.get("route").ok_or("no route")?)?,
        receivers,
        inhibit_rules: match root.get("inhibit_rules") {
            Some(rules) => inhibit_rules(rules)?,
            None => Vec::new(),
        },
        intervals: Arc::new(intervals),
        resolve_timeout: resolve_timeout.unwrap_or(Duration::from_secs(300)),
    };
    Ok(Whole {
        config: Arc::new(config),
        hooks,
    })
}

#[derive(Debug)]
struct Intervals {
    always: Vec<String>,
}

impl TimeIntervals for Intervals {
    fn contains(&self, name: &str, _at: Timestamp) -> bool {
        self.always.iter().any(|always| always == name)
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

fn entries<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = (String, String)> + 'a {
    node.get(key)
        .and_then(Node::as_mapping)
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, value)| Some((text(key)?, text(value)?)))
}

fn duration(node: &Node, key: &str) -> Result<Option<Duration>, String> {
    let text = node.get(key).and_then(text);
    text.map(|text| Duration::parse(&text).map_err(|error| error.to_string()))
        .transpose()
}

/// Matchers under three keys: a map of equal values, a map of patterns, a list in the matcher syntax.
fn matchers(node: &Node, [equal, regex, list]: [&str; 3]) -> Result<Vec<Matcher>, String> {
    let mut matchers: Vec<Matcher> = entries(node, equal)
        .map(|(name, value)| Matcher::equal(name, value))
        .collect();
    for (name, value) in entries(node, regex) {
        matchers.push(matcher(MatchOp::Regex, &name, &format!("^(?:{value})$"))?);
    }
    for text in items(node, list).filter_map(text) {
        matchers.extend(matcher_list(&text)?);
    }
    Ok(matchers)
}

fn matcher(op: MatchOp, name: &str, value: &str) -> Result<Matcher, String> {
    Matcher::new(op, name, value).map_err(|error| error.to_string())
}

fn matcher_list(list: &str) -> Result<Vec<Matcher>, String> {
    let list = list.trim();
    let inner = list
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(list);
    split_outside_quotes(inner)
        .into_iter()
        .filter(|one| !one.trim().is_empty())
        .map(|one| single_matcher(one.trim()))
        .collect()
}

fn single_matcher(text: &str) -> Result<Matcher, String> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find('"').ok_or("open quote")?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => {
            let end = text.find(['=', '!', '~']).ok_or("no operator")?;
            text.split_at(end)
        }
    };
    for (sign, op) in [
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("!=", MatchOp::NotEqual),
        ("=", MatchOp::Equal),
    ] {
        if let Some(value) = rest.trim_start().strip_prefix(sign) {
            return matcher(op, name.trim(), &unquote(value.trim()));
        }
    }
    Err(format!("no operator in {text}"))
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquote(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some(escaped @ ('"' | '\\')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}
