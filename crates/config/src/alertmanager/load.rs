//! The whole file: reading, completion from `global`, validation across sections, printing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use diag::{Diagnostic, Diagnostics, Source, Span};
use model::{MatchOp, Matcher};
use yaml::{Mapping, Node, Reading, Value};

use super::event_recorder::EventRecorder;
use super::global::Global;
use super::inhibit::InhibitRule;
use super::matchers::{MatcherMode, matcher_to_text, new_matcher, parse_list};
use super::receivers::{Completion, Receiver};
use super::route::{Pattern, Route, Written};
use super::time_interval::NamedTimeInterval;
use crate::files::{LoadError, join_path};
use crate::prometheus::{Refusals, Tracing};
use crate::quote::quote;
use crate::rules::Text;
use crate::section::{Section, read_section};
use crate::text::FilePath;

section! {
    /// A configuration that can be used: complete and valid.
    pub struct Config: "config.plain" {
        ["global"] pub global: Global,
        ["route", some] pub written_route: Option<Route>,
        ["inhibit_rules", omit] pub inhibit_rules: Vec<InhibitRule>,
        ["receivers", omit] pub receivers: Vec<Receiver>,
        /// Patterns, resolved against the configuration's folder.
        ["templates"] pub templates: Vec<FilePath>,
        ["mute_time_intervals", omit] pub mute_time_intervals: Vec<NamedTimeInterval>,
        ["time_intervals", omit] pub time_intervals: Vec<NamedTimeInterval>,
        ["tracing", some] pub tracing: Option<Tracing>,
        ["event_recorder", unless_default] pub event_recorder: EventRecorder,
    }
}

/// What loading needs besides the text.
pub struct LoadOptions<'a> {
    /// The configuration's folder, which relative paths in it start from.
    pub base_dir: &'a str,
    pub matchers: MatcherMode,
    /// What is wrong with the syntax of a template, if anything.
    pub template: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("base_dir", &self.base_dir)
            .field("matchers", &self.matchers)
            .finish_non_exhaustive()
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
    if node.is_null() {
        let problem = Diagnostic::error("route-missing", "no route provided in config");
        let hint = "at least `route: {receiver: x}` and `receivers: [{name: x}]`";
        diagnostics.push(problem.at(source, node.span).hint(hint));
        return None;
    }
    let mut reading = Reading::new(source);
    let config: Option<Config> = read_section(node, &mut reading);
    diagnostics.extend(reading.finish());
    let mut config = config?;
    let mut refusals = Refusals::new(source);
    config.validate_interval_names(&mut refusals);
    let mut matchers = MatcherReading {
        mode: options.matchers,
        refusals: &mut refusals,
        warnings: Vec::new(),
    };
    if let Some(route) = &mut config.written_route {
        route.complete(&mut matchers);
    }
    for rule in &mut config.inhibit_rules {
        rule.complete(&mut matchers);
    }
    let warnings = matchers.warnings;
    config.global.complete(&mut refusals);
    config.complete_receivers(options, &mut refusals);
    config.validate_routes(node, &mut refusals);
    diagnostics.extend(refusals.finish());
    for (span, message) in warnings {
        diagnostics.push(Diagnostic::warning("matcher-syntax", message).at(source, span));
    }
    config.visit_section_paths(&mut |path| *path = join_path(options.base_dir, path));
    Some(config)
}

impl Config {
    /// The root of the tree.
    pub fn route(&self) -> &Route {
        static NO_ROUTE: std::sync::LazyLock<Route> = std::sync::LazyLock::new(Route::default);
        // Loading refuses a configuration without one.
        self.written_route.as_ref().unwrap_or(&NO_ROUTE)
    }

    /// The interval of this name, of either list.
    pub fn time_interval(&self, name: &str) -> Option<&NamedTimeInterval> {
        self.mute_time_intervals
            .iter()
            .chain(&self.time_intervals)
            .find(|one| one.name == name)
    }

    /// The configuration in force, as the peers print it: defaults filled in, secrets hidden.
    pub fn to_text(&self) -> String {
        let mut out = Mapping::new();
        self.write_fields(&mut out);
        yaml::to_text(&Value::from(out))
    }

    fn validate_interval_names(&self, refusals: &mut Refusals<'_>) {
        let lists = [
            (
                &self.mute_time_intervals,
                "missing name in mute time interval",
            ),
            (&self.time_intervals, "missing name in time interval"),
        ];
        for (list, message) in lists {
            for one in list.iter().filter(|one| one.name.is_empty()) {
                let hint = "add `name`; routes refer to it";
                refusals.refuse(one.place.0, "name-missing", message, hint);
            }
        }
    }

    fn complete_receivers(&mut self, options: &LoadOptions<'_>, refusals: &mut Refusals<'_>) {
        let mut names = HashSet::new();
        for receiver in &mut self.receivers {
            if !names.insert(receiver.name.clone()) {
                let message = format!(
                    "notification config name {} is not unique",
                    quote(&receiver.name)
                );
                let hint = "rename one of the receivers";
                refusals.refuse(receiver.place.0, "receiver-repeated", message, hint);
            }
            let template = options.template;
            receiver.complete(&mut Completion {
                global: &self.global,
                template,
                refusals,
            });
        }
    }

    fn validate_routes(&self, node: &Node, refusals: &mut Refusals<'_>) {
        let Some(root) = &self.written_route else {
            let hint = "add `route` with a `receiver`";
            return refusals.refuse(node.span, "route-missing", "no routes provided", hint);
        };
        let place = root.place.0;
        let mut refuse = |message: &str, hint: &str| {
            refusals.refuse(place, "bad-root-route", message, hint);
        };
        if root.receiver.is_empty() {
            refuse(
                "root route must specify a default receiver",
                "add `receiver`",
            );
        }
        if !root.matchers.is_empty() {
            refuse(
                "root route must not have any matchers",
                "move them into a child route",
            );
        }
        if !root.mute_time_intervals.is_empty() {
            refuse(
                "root route must not have any mute time intervals",
                "move them into a child route",
            );
        }
        if !root.active_time_intervals.is_empty() {
            refuse(
                "root route must not have any active time intervals",
                "move them into a child route",
            );
        }
        if root.continue_matching {
            refuse("cannot have continue in root route", "remove `continue`");
        }
        let receivers: HashSet<&str> = self.receivers.iter().map(|one| one.name.as_str()).collect();
        check_receivers(root, &receivers, refusals);
        let mut intervals = HashSet::new();
        for (lists, what) in [
            (&self.mute_time_intervals, "mute time interval"),
            (&self.time_intervals, "time interval"),
        ] {
            for one in lists {
                if !intervals.insert(one.name.as_str()) {
                    let message = format!("{what} {} is not unique", quote(&one.name));
                    refusals.refuse(
                        one.place.0,
                        "interval-repeated",
                        message,
                        "rename one of them",
                    );
                }
            }
        }
        check_intervals(root, &intervals, refusals);
    }
}

fn check_receivers(route: &Route, known: &HashSet<&str>, refusals: &mut Refusals<'_>) {
    for child in route.children() {
        check_receivers(child, known, refusals);
    }
    if !route.receiver.is_empty() && !known.contains(route.receiver.as_str()) {
        let message = format!(
            "undefined receiver {} used in route",
            quote(&route.receiver)
        );
        let hint = match diag::did_you_mean(&route.receiver, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "add it to `receivers`".to_owned(),
        };
        refusals.refuse(route.place.0, "receiver-undefined", message, hint);
    }
}

fn check_intervals(route: &Route, known: &HashSet<&str>, refusals: &mut Refusals<'_>) {
    for child in route.children() {
        check_intervals(child, known, refusals);
    }
    for name in route
        .active_time_intervals
        .iter()
        .chain(&route.mute_time_intervals)
    {
        if !known.contains(name.as_str()) {
            let message = format!("undefined time interval {} used in route", quote(name));
            let hint = match diag::did_you_mean(name, known.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "add it to `time_intervals`".to_owned(),
            };
            refusals.refuse(route.place.0, "interval-undefined", message, hint);
        }
    }
}

/// The peer's order of the matchers of one list: by name, value and operator.
fn in_printed_order(a: &Matcher, b: &Matcher) -> Ordering {
    let rank = |matcher: &Matcher| match matcher.op() {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    };
    (a.name(), a.value(), rank(a)).cmp(&(b.name(), b.value(), rank(b)))
}

/// Reads matchers of all notations.
pub(super) struct MatcherReading<'a, 's> {
    pub(super) mode: MatcherMode,
    refusals: &'a mut Refusals<'s>,
    warnings: Vec<(Span, String)>,
}

impl MatcherReading<'_, '_> {
    pub(super) fn refuse(&mut self, place: Span, message: &str, hint: &str) {
        self.refusals.refuse(place, "bad-matcher", message, hint);
    }

    /// `match`, `match_re` and `matchers` of one section, together.
    pub(super) fn all(
        &mut self,
        equal: &BTreeMap<String, Text>,
        regex: &BTreeMap<String, Pattern>,
        written: &mut [Written],
    ) -> Vec<Matcher> {
        let mut matchers = Vec::new();
        for (name, value) in equal {
            self.check_legacy_name(name, value.span());
            matchers.push(Matcher::equal(name.as_str(), value.as_str()));
        }
        for (name, pattern) in regex {
            self.check_legacy_name(name, pattern.text.span());
            let text = &pattern.text;
            if pattern.is_null {
                let message = format!("invalid regexp value for {}", quote(name));
                self.refuse(text.span(), &message, "write an expression");
                continue;
            }
            // The peers keep these anchored, and the keys of routes and groups show it. The errors name
            // the text as it was written, so that is compiled first.
            let anchored = format!("^(?:{})$", text.as_str());
            let matcher = new_matcher(MatchOp::Regex, name, text.as_str())
                .and_then(|_| new_matcher(MatchOp::Regex, name, &anchored));
            match matcher {
                Ok(matcher) => matchers.push(matcher),
                Err(problem) => self.refuse(text.span(), &problem.to_string(), REGEX_HINT),
            }
        }
        let mut listed = Vec::new();
        for one in written.iter() {
            match parse_list(self.mode, one.text.as_str()) {
                Ok(parsed) => {
                    listed.extend(parsed.matchers);
                    if let Some(warning) = parsed.warning {
                        self.warnings.push((one.text.span(), warning.to_string()));
                    }
                }
                Err(problem) => {
                    let hint = "as in `severity=\"critical\"` or `job=~\"api|web\"`";
                    self.refuse(one.text.span(), &problem, hint);
                }
            }
        }
        listed.sort_by(in_printed_order);
        if let Some(first) = written.first_mut() {
            first.printed = listed.iter().map(matcher_to_text).collect();
        }
        matchers.extend(listed);
        matchers
    }

    fn check_legacy_name(&mut self, name: &str, place: Span) {
        if !model::name::is_legacy_label_name(name) {
            let message = format!("invalid label name {}", quote(name));
            self.refuse(
                place,
                &message,
                "use `matchers` for names with other characters",
            );
        }
    }
}

const REGEX_HINT: &str = "RE2 syntax, anchored at both ends";

#[cfg(test)]
mod tests {
    use diag::render_line;

    use super::*;
    use crate::alertmanager::GroupBy;

    fn read(text: &str) -> Result<(Config, Diagnostics), LoadError> {
        let options = LoadOptions {
            base_dir: "conf",
            matchers: MatcherMode::Fallback,
            template: &|text| text.contains("{{ bad").then(|| "bad template".to_owned()),
        };
        load(&Source::new("am.yml", text), &options)
    }

    fn problems(text: &str) -> Vec<String> {
        match read(text) {
            Ok((_, warnings)) => warnings.iter().map(render_line).collect(),
            Err(error) => error.diagnostics.iter().map(render_line).collect(),
        }
    }

    #[test]
    fn receivers_take_from_global_and_routes_stay_open() {
        let (config, _) = read(
            "global: {slack_api_url: 'https://hooks.example/x'}\nroute:\n  receiver: r\n  group_by: ['...']\n  routes:\n  - matchers: ['{a=b,c=~d}']\n    group_by: []\nreceivers:\n- name: r\n  slack_configs: [{channel: '#c'}]\ntemplates: [t/*.tmpl]\n",
        )
        .unwrap();
        assert_eq!(
            config.receivers[0].slack[0].api_url.expose(),
            "https://hooks.example/x"
        );
        assert_eq!(config.route().group_by(), Some(GroupBy::All));
        let child = config.route().children().next().unwrap();
        assert_eq!(child.group_by(), Some(GroupBy::Labels(vec![])));
        assert_eq!(child.matchers.len(), 2);
        assert_eq!(child.group_wait, None);
        let text = config.to_text();
        assert!(
            text.contains("  - matchers:\n    - a=\"b\"\n    - c=~\"d\"\n"),
            "{text}"
        );
        assert!(text.contains("templates:\n- conf/t/*.tmpl\n"), "{text}");
        assert!(!text.contains("hooks.example"), "{text}");
    }

    #[test]
    fn patterns_of_match_re_are_kept_anchored() {
        let (config, _) = read(
            "route: {receiver: r, routes: [{match_re: {team: 'a.c|b'}}]}\nreceivers: [{name: r}]\n",
        )
        .unwrap();
        let matcher = &config.route().children().next().unwrap().matchers[0];
        assert_eq!(matcher_to_text(matcher), "team=~\"^(?:a.c|b)$\"");
        assert!(matcher.matches("abc") && !matcher.matches("a\nc") && !matcher.matches("bb"));
        let text = config.to_text();
        assert!(text.contains("team: a.c|b\n"), "{text}");
    }

    #[test]
    fn problems_are_collected_across_sections() {
        let lines = problems(
            "route: {receiver: sleck, routes: [{group_by: [a, a]}]}\nreceivers:\n- name: slack\n  webhook_configs: [{url: '{{ bad'}]\n",
        );
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].starts_with("am.yml:1:50: duplicated label \"a\" in group_by"),
            "{lines:?}"
        );
        assert!(
            lines[1].contains("invalid template syntax: bad template"),
            "{lines:?}"
        );
        assert!(lines[2].ends_with("(did you mean `slack`?)"), "{lines:?}");
    }

    #[test]
    fn ambiguous_matchers_are_warned_about() {
        let lines = problems(
            "route: {receiver: r, routes: [{matchers: ['a=\"\\t\"']}]}\nreceivers: [{name: r}]\n",
        );
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("mean different things"), "{lines:?}");
    }
}
