//! Where alerts would end under a configuration, whether it is in use or not, and what differs between two of them.
//!
//! Silences do not depend on the configuration, and timers that already run are not looked at. Inhibition is judged by
//! the alerts that the trial was shown. `server` makes trials, `api` shows how two of them differ.

mod difference;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::alert::Alert;
use crate::config::{Config, ReceiverSpec};
use crate::inhibit::{Inhibition, Inhibitor};
use crate::machine::Compiled;
use crate::reason::NotNotified;
use crate::route::Route;

pub use difference::{Difference, differences};

/// A configuration that alerts are tried against.
#[derive(Debug)]
pub struct Trial {
    compiled: Compiled,
    inhibitor: Inhibitor,
    /// Of each route of the tree: its intervals with their definitions, as one text.
    intervals: Vec<String>,
}

impl Trial {
    /// `firing` are alerts that may inhibit others.
    pub fn new<'a>(config: Arc<Config>, firing: impl IntoIterator<Item = &'a Arc<Alert>>) -> Self {
        let mut inhibitor = Inhibitor::new(&config.inhibit_rules);
        for alert in firing {
            inhibitor.observe(alert);
        }
        let compiled = Compiled::new(config);
        let routes = compiled.tree.routes().iter();
        Self {
            intervals: routes.map(|route| intervals(&compiled, route)).collect(),
            inhibitor,
            compiled,
        }
    }

    pub fn config(&self) -> &Config {
        &self.compiled.config
    }

    /// What becomes of an alert with these labels: its groups and their intervals as they are at `at`, inhibited or not
    /// as the alerts are at `now`.
    pub fn outcome<'a>(&'a self, labels: &Labels, at: Timestamp, now: Timestamp) -> Outcome<'a> {
        let routes = self.compiled.tree.matching(labels).into_iter();
        Outcome {
            ends: routes.map(|route| self.end(route, labels, at)).collect(),
            inhibited: self.inhibitor.inhibition(labels, now.into()),
        }
    }

    fn end<'a>(&'a self, route: &'a Route, labels: &Labels, at: Timestamp) -> End<'a> {
        let group_labels = route.group_labels(labels);
        End {
            route,
            receiver: self.compiled.receiver(&route.options.receiver),
            group_key: route.group_key(&group_labels),
            group_labels,
            intervals: self.intervals.get(route.index).map_or("", String::as_str),
            muted: route.options.muted_at(at, &*self.compiled.config.intervals),
        }
    }
}

fn intervals(compiled: &Compiled, route: &Route) -> String {
    let options = &route.options;
    let mut text = String::new();
    for (word, names) in [
        ("mute", &options.mute_time_intervals),
        ("active", &options.active_time_intervals),
    ] {
        for name in names {
            let definition = compiled.config.intervals.definition(name);
            text.push_str(&format!(
                "{word} {name}\n{}",
                definition.unwrap_or_default()
            ));
        }
    }
    text
}

/// What becomes of an alert.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// In the order of the routes.
    pub ends: Vec<End<'a>>,
    pub inhibited: Option<Inhibition>,
}

impl Outcome<'_> {
    /// Whether any receiver with an integration would hear of it, at some time.
    pub fn has_audience(&self) -> bool {
        self.ends.iter().any(|end| !end.integrations().is_empty())
    }
}

/// A route that the alert ends at.
#[derive(Clone, Debug)]
pub struct End<'a> {
    pub route: &'a Route,
    receiver: Option<&'a ReceiverSpec>,
    pub group_key: String,
    pub group_labels: Labels,
    intervals: &'a str,
    /// Why the route's intervals hold the alert back at the time.
    pub muted: Option<NotNotified>,
}

impl<'a> End<'a> {
    /// The name of the receiver.
    pub fn receiver(&self) -> &'a str {
        &self.route.options.receiver
    }

    /// Those of the receiver; none: nobody is told.
    pub fn integrations(&self) -> &'a [crate::config::Integration] {
        self.receiver.map_or(&[], |receiver| &receiver.integrations)
    }
}
