//! What the machine is asked to do: the part of the configuration that matters here, as plain values. The
//! server fills them from the configuration file.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::name::NameScheme;
use model::{Duration, Matcher, Timestamp};

use crate::route::RouteSpec;

/// Everything that a reload replaces at once.
#[derive(Clone, Debug)]
pub struct Config {
    pub route: RouteSpec,
    pub receivers: Vec<ReceiverSpec>,
    pub inhibit_rules: Vec<InhibitRuleSpec>,
    pub intervals: Arc<dyn TimeIntervals>,
    /// How long an alert without an end fires after it was last received.
    pub resolve_timeout: Duration,
}

/// A receiver with the integrations that it notifies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiverSpec {
    pub name: Arc<str>,
    /// With the implicit label `name`.
    pub labels: BTreeMap<String, String>,
    pub integrations: Vec<Integration>,
}

/// One integration of a receiver, as the notification log names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integration {
    /// `webhook`, `slack`, …
    pub name: Arc<str>,
    /// Its position among the integrations of the same name.
    pub index: u32,
    pub sends_resolved: bool,
    pub settings: IntegrationSettings,
}

/// What an integration is configured to do, whatever that is: here it can be compared, and nothing else, since it may
/// hold secrets.
#[derive(Clone)]
pub struct IntegrationSettings(Arc<dyn Comparable>);

trait Comparable: Any + Send + Sync {
    fn is_same(&self, other: &dyn Any) -> bool;
}

impl<T: PartialEq + Any + Send + Sync> Comparable for T {
    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}

impl IntegrationSettings {
    pub fn new(settings: impl PartialEq + Any + Send + Sync) -> Self {
        Self(Arc::new(settings))
    }
}

impl Default for IntegrationSettings {
    fn default() -> Self {
        Self::new(())
    }
}

impl PartialEq for IntegrationSettings {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn Any = &*other.0;
        self.0.is_same(other)
    }
}

impl fmt::Debug for IntegrationSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrationSettings")
    }
}

/// A firing source alert keeps target alerts quiet that agree with it on the `equal` labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InhibitRuleSpec {
    /// May be empty, need not be unique.
    pub name: String,
    pub source_matchers: Vec<Matcher>,
    pub target_matchers: Vec<Matcher>,
    pub equal: Vec<String>,
}

/// Knows the named time intervals of the configuration.
pub trait TimeIntervals: fmt::Debug + Send + Sync {
    /// Whether `at` lies in the interval; false for a name that is not configured.
    fn contains(&self, name: &str, at: Timestamp) -> bool;

    /// What the interval is, in the words of the configuration, where these are known: equal texts are equal intervals.
    fn definition(&self, _name: &str) -> Option<String> {
        None
    }

    /// The first time after `at` at which `state` is something else than at `at`; it depends on nothing but the
    /// intervals of these names. `None` if that is too far ahead to be looked for, or never.
    fn next_change(
        &self,
        _names: &[&str],
        _at: Timestamp,
        _state: &dyn Fn(Timestamp) -> bool,
    ) -> Option<Timestamp> {
        None
    }
}

/// No interval is configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIntervals;

impl TimeIntervals for NoIntervals {
    fn contains(&self, _name: &str, _at: Timestamp) -> bool {
        false
    }
}

/// What is set by flags, for the life of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// No group is flushed before this; it does not move with a reload.
    pub dispatch_from: Timestamp,
    /// How long expired silences and log entries are kept.
    pub retention: Duration,
    /// How often ended alerts are forgotten.
    pub alerts_gc_interval: Duration,
    /// How often expired silences and log entries are dropped.
    pub maintenance_interval: Duration,
    /// The most alerts of one name; 0 is no limit.
    pub alerts_per_name_max: usize,
    /// The most silences, expired ones included; 0 is no limit.
    pub silences_max: usize,
    /// The most bytes of one silence as stored; 0 is no limit.
    pub silence_bytes_max: usize,
    /// Which label names alerts and silences may have.
    pub names: NameScheme,
    /// Whether flushes wait until the cluster has settled ([`Input::ClusterSettled`](crate::Input)).
    pub waits_for_cluster: bool,
    /// Spreads retries; any number.
    pub jitter_seed: u64,
    /// Whether there is an event recorder, which wants [`Action::Record`](crate::Action).
    pub records_events: bool,
    /// Makes the UUIDs of groups; another number for each run.
    pub identity_seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dispatch_from: Timestamp::MIN,
            retention: Duration::from_secs(120 * 3600),
            alerts_gc_interval: Duration::from_secs(30 * 60),
            maintenance_interval: Duration::from_secs(15 * 60),
            alerts_per_name_max: 0,
            silences_max: 0,
            silence_bytes_max: 0,
            names: NameScheme::Utf8,
            waits_for_cluster: false,
            jitter_seed: 0,
            records_events: false,
            identity_seed: 0,
        }
    }
}
