//! Why an alert does or does not notify, route by route, as things stand or as they would at another time.

use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::alert::Fingerprint;
use crate::config::Config;
use crate::inhibit::Inhibition;
use crate::machine::{Compiled, Machine};
use crate::nflog::LogReceiver;
use crate::reason::NotNotified;
use crate::route::{Route, RouteTree, Visit};
use crate::silence::Silence;
use crate::time::Time;

/// What would become of an alert.
#[derive(Clone, Debug)]
pub struct Explanation {
    compiled: Arc<Compiled>,
    /// What each route says, in the order of [`RouteTree::routes`].
    pub visits: Vec<Visit>,
    /// Those that hide it, in order of creation.
    pub silences: Vec<Silence>,
    /// By one source of each rule.
    pub inhibitions: Vec<Inhibition>,
    /// The routes that it ends at; empty if none takes it.
    pub ends: Vec<RouteExplanation>,
}

impl Explanation {
    /// The routes that were asked.
    pub fn tree(&self) -> &RouteTree {
        &self.compiled.tree
    }

    pub fn config(&self) -> &Config {
        &self.compiled.config
    }
}

/// What happens to an alert at one of the routes that it ends at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteExplanation {
    /// Position in [`RouteTree::routes`].
    pub route: usize,
    pub route_id: Arc<str>,
    pub receiver: Arc<str>,
    pub group_labels: Labels,
    pub group_key: String,
    pub membership: Membership,
    /// When the alert's group is flushed next, or would be.
    pub flush_at: Timestamp,
    /// Everything that would keep a flush from telling of the alert, in the order of a flush.
    pub suppressed_by: Vec<NotNotified>,
    pub integrations: Vec<IntegrationExplanation>,
}

/// How an alert stands to its group at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is in the group.
    Member,
    /// The group is there, without it.
    Joins,
    /// There is no such group yet.
    New,
}

/// What one integration knows of the alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationExplanation {
    pub name: Arc<str>,
    pub index: u32,
    /// When it was last told about the alert's group, whatever it was told.
    pub group_told_at: Option<Time>,
    /// What it was told about this alert then.
    pub told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Firing,
    Resolved,
}

impl Machine {
    /// For an alert with these labels, whether it exists or not, at `at`: by the intervals and silences of that time,
    /// and by the groups and inhibiting alerts of `now`, since nobody knows those of another time. An alert that
    /// exists in no group is taken to begin at `at`.
    pub fn explain(&self, labels: &Labels, at: Timestamp, now: Timestamp) -> Explanation {
        let silences = self.silences.silencing(labels, at);
        let held_back = HeldBack {
            inhibitions: self.inhibitor.inhibitions(labels, now.into()).collect(),
            silences,
        };
        let routes = self.routes().matching(labels).into_iter();
        let ends = routes.map(|route| self.explain_at(route, labels, at, &held_back));
        let silence = |id: &String| Some(Silence::clone(self.silences.get(id)?));
        Explanation {
            visits: self.routes().visits(labels),
            ends: ends.collect(),
            silences: held_back.silences.iter().filter_map(silence).collect(),
            inhibitions: held_back.inhibitions,
            compiled: Arc::clone(&self.compiled),
        }
    }

    fn explain_at(
        &self,
        route: &Route,
        labels: &Labels,
        at: Timestamp,
        held_back: &HeldBack,
    ) -> RouteExplanation {
        let group_labels = route.group_labels(labels);
        let group_key = route.group_key(&group_labels);
        let fingerprint = Fingerprint(labels.fingerprint());
        let group = self.group_at(route.index, &group_labels);
        let membership = match group {
            Some(group) if group.members.contains_key(&fingerprint) => Membership::Member,
            Some(_) => Membership::Joins,
            None => Membership::New,
        };
        let flush_at = match group {
            Some(group) => following(group.flush_at, route, at),
            None => at + route.options.group_wait,
        };
        let receiver = &route.options.receiver;
        let integrations = self
            .compiled
            .receiver(receiver)
            .map_or(&[][..], |receiver| &receiver.integrations);
        let shared_key: Arc<str> = group_key.as_str().into();
        let hash = labels.xxhash();
        let explain = |integration: &crate::config::Integration| {
            let log_receiver = LogReceiver {
                group_name: receiver.clone(),
                integration: integration.name.clone(),
                index: integration.index,
            };
            let entry = self.notification_log().get(&shared_key, &log_receiver);
            IntegrationExplanation {
                name: integration.name.clone(),
                index: integration.index,
                group_told_at: entry.map(|entry| entry.timestamp),
                told: match entry {
                    Some(entry) if entry.firing.contains(&hash) => Told::Firing,
                    Some(entry) if entry.resolved.contains(&hash) => Told::Resolved,
                    _ => Told::Nothing,
                },
            }
        };
        RouteExplanation {
            route: route.index,
            route_id: route.id.clone(),
            receiver: receiver.clone(),
            membership,
            flush_at: flush_at.max(self.settings().dispatch_from),
            suppressed_by: self.suppressions(route, at, held_back),
            integrations: integrations.iter().map(explain).collect(),
            group_labels,
            group_key,
        }
    }

    /// All stages that would stop the alert, in the order of a flush.
    fn suppressions(&self, route: &Route, at: Timestamp, held_back: &HeldBack) -> Vec<NotNotified> {
        let inhibitions = held_back.inhibitions.iter().cloned();
        let mut found: Vec<_> = inhibitions.map(NotNotified::Inhibited).collect();
        let intervals = &self.compiled.config.intervals;
        found.extend(route.options.muted_at(at, &**intervals));
        if !held_back.silences.is_empty() {
            found.push(NotNotified::Silenced(held_back.silences.clone()));
        }
        found.extend(self.compiled.without_integrations(route));
        found
    }
}

/// What holds an alert back wherever it ends.
struct HeldBack {
    inhibitions: Vec<Inhibition>,
    /// Their ids.
    silences: Vec<String>,
}

/// The first flush of a group, which is due at `flush_at`, that is not before `at`.
fn following(flush_at: Timestamp, route: &Route, at: Timestamp) -> Timestamp {
    let pause = route.options.group_interval.millis();
    if flush_at >= at || pause <= 0 {
        return flush_at.max(at);
    }
    let missing = at.since(flush_at).millis();
    let passed = missing.div_euclid(pause) + i64::from(missing.rem_euclid(pause) > 0);
    flush_at + model::Duration::from_millis(passed.saturating_mul(pause))
}
