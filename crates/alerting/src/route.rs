//! The routing tree: which receivers an alert goes to, in which groups, with which timers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Duration, Labels, Matcher, Timestamp};

use crate::config::TimeIntervals;
use crate::reason::NotNotified;
use crate::text;

/// By which labels a route groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GroupBySpec {
    /// As the parent does.
    #[default]
    Inherit,
    /// `['...']`: every label set is a group of its own.
    All,
    /// By these; none at all puts everything into one group.
    Labels(Vec<String>),
}

/// One route as configured. `None` inherits from the parent; the root then gets the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSpec {
    pub receiver: Option<String>,
    pub matchers: Vec<Matcher>,
    /// An alert that matches is offered to the following siblings too.
    pub continues: bool,
    pub group_by: GroupBySpec,
    pub group_wait: Option<Duration>,
    pub group_interval: Option<Duration>,
    pub repeat_interval: Option<Duration>,
    /// Not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Not inherited.
    pub active_time_intervals: Vec<String>,
    /// Merged over those of the parent. Values are templates that `notify` renders.
    pub labels: BTreeMap<String, String>,
    pub routes: Vec<RouteSpec>,
}

/// The settings that are in force at one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteOptions {
    pub receiver: Arc<str>,
    pub group_by: BTreeSet<String>,
    pub groups_by_all: bool,
    pub group_wait: Duration,
    pub group_interval: Duration,
    pub repeat_interval: Duration,
    pub mute_time_intervals: Vec<String>,
    pub active_time_intervals: Vec<String>,
    pub labels: Arc<BTreeMap<String, String>>,
}

impl Default for RouteOptions {
    fn default() -> Self {
        Self {
            receiver: Arc::from(""),
            group_by: BTreeSet::new(),
            groups_by_all: false,
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3600),
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            labels: Arc::default(),
        }
    }
}

impl RouteOptions {
    /// What the route's own intervals say about a time.
    pub fn muted_at(&self, at: Timestamp, intervals: &dyn TimeIntervals) -> Option<NotNotified> {
        let is_in = |name: &&String| intervals.contains(name, at);
        let active = &self.active_time_intervals;
        if !active.is_empty() && !active.iter().any(|name| is_in(&name)) {
            return Some(NotNotified::OutsideActiveIntervals(active.clone()));
        }
        let muting: Vec<String> = self
            .mute_time_intervals
            .iter()
            .filter(is_in)
            .cloned()
            .collect();
        (!muting.is_empty()).then_some(NotNotified::MutedByInterval(muting))
    }

    /// When the route's own intervals next begin or cease to hold alerts back, where that can be told.
    pub fn muted_until(&self, at: Timestamp, intervals: &dyn TimeIntervals) -> Option<Timestamp> {
        let names = self.mute_time_intervals.iter();
        let names = names.chain(&self.active_time_intervals);
        let names: Vec<&str> = names.map(String::as_str).collect();
        let is_muted = |at| self.muted_at(at, intervals).is_some();
        intervals.next_change(&names, at, &is_muted)
    }
}

/// Which route sets what is in force at a route: positions in [`RouteTree::routes`]. `None`: no route does, and the
/// default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    pub receiver: Option<usize>,
    pub group_by: Option<usize>,
    pub group_wait: Option<usize>,
    pub group_interval: Option<usize>,
    pub repeat_interval: Option<usize>,
}

impl Origins {
    /// Those of a route at `index` with the parent's origins `self`.
    fn below(self, spec: &RouteSpec, index: usize) -> Self {
        let of = |is_set: bool, inherited: Option<usize>| is_set.then_some(index).or(inherited);
        Self {
            receiver: of(spec.receiver.is_some(), self.receiver),
            group_by: of(spec.group_by != GroupBySpec::Inherit, self.group_by),
            group_wait: of(spec.group_wait.is_some(), self.group_wait),
            group_interval: of(spec.group_interval.is_some(), self.group_interval),
            repeat_interval: of(spec.repeat_interval.is_some(), self.repeat_interval),
        }
    }
}

/// One route in the tree.
#[derive(Clone, Debug)]
pub struct Route {
    /// Position in [`RouteTree::routes`]; the root is 0.
    pub index: usize,
    pub options: RouteOptions,
    pub origins: Origins,
    /// Sorted by name, value, operator.
    pub matchers: Vec<Matcher>,
    pub continues: bool,
    /// The matchers of this route and its parents, joined by `/`. Not unique.
    pub key: Arc<str>,
    /// Like the key, with the position among the siblings at each level: unique.
    pub id: Arc<str>,
    children: Vec<usize>,
}

impl Route {
    /// The labels that the alert's group at this route has.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        if self.options.groups_by_all {
            return labels.clone();
        }
        labels.filtered(|name| self.options.group_by.contains(name))
    }

    /// The key of the group in the notification log, in webhooks and in deduplication keys of receivers.
    pub fn group_key(&self, group_labels: &Labels) -> String {
        format!("{}:{}", self.key, text::label_set(group_labels))
    }

    pub fn is_root(&self) -> bool {
        self.index == 0
    }
}

/// What one route says to an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    /// The alert ends here.
    End,
    /// It matches, and the alert went on to routes below.
    Passed,
    /// It does not match; position of the first matcher that refuses.
    Differs { matcher: usize },
    /// The route above does not match.
    ParentDiffers,
    /// An earlier sibling, or one of a route above, took the alert and does not continue.
    TakenBy { route: usize },
}

/// The whole tree, with everything inherited already filled in.
#[derive(Clone, Debug)]
pub struct RouteTree {
    routes: Vec<Route>,
}

impl RouteTree {
    /// Nesting is as deep as the reader of the configuration allows.
    pub fn new(root: &RouteSpec) -> Self {
        let mut tree = Self { routes: Vec::new() };
        tree.add(root, None, 0);
        tree
    }

    fn add(&mut self, spec: &RouteSpec, parent: Option<usize>, position: usize) -> usize {
        let mut matchers = spec.matchers.clone();
        matchers.sort_by(text::compare_matchers);
        let own_key = text::matchers(&matchers);
        let index = self.routes.len();
        let (options, origins, key, id) = match parent {
            None => (
                effective(spec, RouteOptions::default()),
                Origins::default().below(spec, index),
                own_key.clone(),
                own_key,
            ),
            Some(parent) => {
                let parent = &self.routes[parent];
                (
                    effective(spec, parent.options.clone()),
                    parent.origins.below(spec, index),
                    format!("{}/{own_key}", parent.key),
                    format!("{}/{own_key}/{position}", parent.id),
                )
            }
        };
        self.routes.push(Route {
            index,
            options,
            origins,
            matchers,
            continues: spec.continues,
            key: key.into(),
            id: id.into(),
            children: Vec::new(),
        });
        for (position, child) in spec.routes.iter().enumerate() {
            let child = self.add(child, Some(index), position);
            self.routes[index].children.push(child);
        }
        index
    }

    /// Parents before children, siblings in order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    pub fn route(&self, index: usize) -> Option<&Route> {
        self.routes.get(index)
    }

    /// The routes that an alert ends at: depth first, left to right, until a matching child does not
    /// continue; a route itself only if none of its children matches. Empty only if the root has matchers.
    pub fn matching(&self, labels: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        if let Some(root) = self.routes.first() {
            self.search(root, labels, &mut found);
        }
        found
    }

    /// The routes below one, in order.
    pub fn children<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = &'a Route> {
        route.children.iter().filter_map(|child| self.route(*child))
    }

    /// What each route says to an alert, in the order of [`routes`](Self::routes). The ends are those of
    /// [`matching`](Self::matching).
    pub fn visits(&self, labels: &Labels) -> Vec<Visit> {
        let mut visits = vec![Visit::ParentDiffers; self.routes.len()];
        if let Some(root) = self.routes.first() {
            self.visit(root, labels, &mut visits);
        }
        visits
    }

    /// True if the route matches.
    fn visit(&self, route: &Route, labels: &Labels, visits: &mut [Visit]) -> bool {
        let differs = route
            .matchers
            .iter()
            .position(|matcher| !matcher.matches_labels(labels));
        if let Some(matcher) = differs {
            visits[route.index] = Visit::Differs { matcher };
            return false;
        }
        let (mut is_taken_by, mut is_any_below) = (None, false);
        for child in self.children(route) {
            if let Some(taker) = is_taken_by {
                self.mark(child, &Visit::TakenBy { route: taker }, visits);
            } else if self.visit(child, labels, visits) {
                is_any_below = true;
                is_taken_by = (!child.continues).then_some(child.index);
            }
        }
        visits[route.index] = if is_any_below {
            Visit::Passed
        } else {
            Visit::End
        };
        true
    }

    fn mark(&self, route: &Route, visit: &Visit, visits: &mut [Visit]) {
        visits[route.index] = visit.clone();
        for child in self.children(route) {
            self.mark(child, visit, visits);
        }
    }

    fn search<'a>(&'a self, route: &'a Route, labels: &Labels, found: &mut Vec<&'a Route>) -> bool {
        if !route
            .matchers
            .iter()
            .all(|matcher| matcher.matches_labels(labels))
        {
            return false;
        }
        let before = found.len();
        for child in route.children.iter().filter_map(|child| self.route(*child)) {
            if self.search(child, labels, found) && !child.continues {
                break;
            }
        }
        if found.len() == before {
            found.push(route);
        }
        true
    }
}

/// The parent's options with what `spec` sets. Intervals are the route's own.
fn effective(spec: &RouteSpec, parent: RouteOptions) -> RouteOptions {
    let mut options = parent;
    if let Some(receiver) = &spec.receiver {
        options.receiver = receiver.as_str().into();
    }
    match &spec.group_by {
        GroupBySpec::Inherit => {}
        // The names stay, for a child that inherits both; they do not count while this is set.
        GroupBySpec::All => options.groups_by_all = true,
        GroupBySpec::Labels(names) => {
            options.group_by = names.iter().cloned().collect();
            options.groups_by_all = false;
        }
    }
    options.group_wait = spec.group_wait.unwrap_or(options.group_wait);
    options.group_interval = spec.group_interval.unwrap_or(options.group_interval);
    options.repeat_interval = spec.repeat_interval.unwrap_or(options.repeat_interval);
    if !spec.labels.is_empty() {
        let mut labels = (*options.labels).clone();
        labels.extend(spec.labels.clone());
        options.labels = Arc::new(labels);
    }
    options
        .mute_time_intervals
        .clone_from(&spec.mute_time_intervals);
    options
        .active_time_intervals
        .clone_from(&spec.active_time_intervals);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(receiver: &str, name: &str, value: &str) -> RouteSpec {
        RouteSpec {
            receiver: Some(receiver.to_owned()),
            matchers: vec![Matcher::equal(name, value)],
            ..RouteSpec::default()
        }
    }

    fn tree() -> RouteTree {
        RouteTree::new(&RouteSpec {
            receiver: Some("default".to_owned()),
            group_by: GroupBySpec::Labels(vec!["alertname".to_owned()]),
            group_wait: Some(Duration::from_secs(10)),
            mute_time_intervals: vec!["never".to_owned()],
            routes: vec![
                RouteSpec {
                    continues: true,
                    ..leaf("audit", "audit", "yes")
                },
                RouteSpec {
                    group_by: GroupBySpec::All,
                    routes: vec![leaf("db", "kind", "db")],
                    ..leaf("team", "team", "a")
                },
                leaf("never-reached", "team", "a"),
            ],
            ..RouteSpec::default()
        })
    }

    #[test]
    fn visits_say_why_and_end_where_matching_ends() {
        let tree = tree();
        for (pairs, expected) in [
            (
                &[("team", "a")][..],
                &[
                    Visit::Passed,
                    Visit::Differs { matcher: 0 },
                    Visit::End,
                    Visit::Differs { matcher: 0 },
                    Visit::TakenBy { route: 2 },
                ][..],
            ),
            (
                &[("audit", "yes"), ("team", "b")],
                &[
                    Visit::Passed,
                    Visit::End,
                    Visit::Differs { matcher: 0 },
                    Visit::ParentDiffers,
                    Visit::Differs { matcher: 0 },
                ],
            ),
            (
                &[("team", "a"), ("kind", "db"), ("audit", "yes")],
                &[
                    Visit::Passed,
                    Visit::End,
                    Visit::Passed,
                    Visit::End,
                    Visit::TakenBy { route: 2 },
                ],
            ),
        ] {
            let labels = Labels::from_pairs(pairs.iter().copied());
            let visits = tree.visits(&labels);
            assert_eq!(visits, expected, "{labels}");
            let ends = tree.routes().iter().zip(&visits);
            let ends: Vec<_> = ends
                .filter(|(_, visit)| **visit == Visit::End)
                .map(|(route, _)| route.index)
                .collect();
            let matching: Vec<_> = tree
                .matching(&labels)
                .iter()
                .map(|route| route.index)
                .collect();
            assert_eq!(ends, matching, "{labels}");
        }
    }

    /// Receivers, ids and group keys of the routes that the labels end at.
    fn check(pairs: &[(&str, &str)], expected: &[&str]) {
        let labels = Labels::from_pairs(pairs.iter().copied());
        let tree = tree();
        let found: Vec<_> = tree
            .matching(&labels)
            .into_iter()
            .map(|route| {
                let key = route.group_key(&route.group_labels(&labels));
                format!("{} {} {key}", route.options.receiver, route.id)
            })
            .collect();
        assert_eq!(found, expected, "{labels}");
    }

    #[test]
    fn matching_is_depth_first_and_stops_without_continue() {
        check(&[("alertname", "X")], &[r#"default {} {}:{alertname="X"}"#]);
        check(
            &[("audit", "yes"), ("team", "a")],
            &[
                r#"audit {}/{audit="yes"}/0 {}/{audit="yes"}:{}"#,
                r#"team {}/{team="a"}/1 {}/{team="a"}:{audit="yes", team="a"}"#,
            ],
        );
        check(
            &[("kind", "db"), ("team", "a")],
            &[
                r#"db {}/{team="a"}/1/{kind="db"}/0 {}/{team="a"}/{kind="db"}:{kind="db", team="a"}"#,
            ],
        );
    }

    #[test]
    fn timers_are_inherited_and_intervals_are_not() {
        let tree = tree();
        let child = &tree.routes()[1].options;
        assert_eq!(child.group_wait, Duration::from_secs(10));
        assert_eq!(child.repeat_interval, Duration::from_secs(14_400));
        assert!(child.mute_time_intervals.is_empty());
        assert_eq!(tree.routes()[0].options.mute_time_intervals, ["never"]);
        let origins = |index: usize| tree.routes()[index].origins;
        assert_eq!(origins(1).group_wait, Some(0));
        assert_eq!(origins(1).repeat_interval, None);
        assert_eq!(
            (origins(1).receiver, origins(1).group_by),
            (Some(1), Some(0))
        );
        assert_eq!(
            (origins(3).receiver, origins(3).group_by),
            (Some(3), Some(2))
        );
    }
}
