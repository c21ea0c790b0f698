//! What [`super::events`] compares: for each topic a number that differs when what pages show has changed. Figures that
//! move all the time, such as how long an evaluation took, are no part of it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use alerting::view::{AlertFilter, SilenceFilter};

use crate::sources::{
    AlertingApi, AlertmanagerSource, Api, ConfigSource, ReasonSource, TargetSource,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Topic {
    Alerts,
    Silences,
    Rules,
    Targets,
    Config,
    Cluster,
    Reasons,
}

impl Topic {
    const ALL: [Self; 7] = [
        Self::Alerts,
        Self::Silences,
        Self::Rules,
        Self::Targets,
        Self::Config,
        Self::Cluster,
        Self::Reasons,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Silences => "silences",
            Self::Rules => "rules",
            Self::Targets => "targets",
            Self::Config => "config",
            Self::Cluster => "cluster",
            Self::Reasons => "reasons",
        }
    }
}

/// A set of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics(u8);

impl Topics {
    /// Names with commas between; none stands for all.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut found = Self::default();
        for name in text.split(',').filter(|name| !name.is_empty()) {
            let Some(topic) = Topic::ALL.iter().find(|topic| topic.name() == name) else {
                let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.name()).collect();
                return Err(format!(
                    "there is no {name:?}; there are {}",
                    names.join(", ")
                ));
            };
            found = found.with(Self::of(*topic));
        }
        if found.is_empty() {
            return Ok(Topic::ALL
                .iter()
                .fold(found, |all, one| all.with(Self::of(*one))));
        }
        Ok(found)
    }

    fn of(topic: Topic) -> Self {
        Self(1 << topic as u8)
    }

    fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u8) != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn among(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn names(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.has(*topic))
    }
}

/// What each topic looked like.
#[derive(Clone, Debug, Default)]
pub(super) struct Prints(BTreeMap<Topic, u64>);

impl Prints {
    /// Topics that differ. Those that were not looked at before count as changed: who asked for them before this look
    /// may have missed something.
    pub(super) fn changed(&self, now: &Self) -> Topics {
        let differs = |(topic, print): &(&Topic, &u64)| self.0.get(*topic) != Some(*print);
        let changed = now.0.iter().filter(differs);
        changed.fold(Topics::default(), |all, (topic, _)| {
            all.with(Topics::of(*topic))
        })
    }

    /// Topics that nobody wants now are forgotten: what happens to them meanwhile is not seen.
    pub(super) fn take(&mut self, now: Self) {
        self.0 = now.0;
    }
}

/// Where the state of topics is.
pub(super) struct Sources {
    alertmanager: Arc<dyn AlertmanagerSource>,
    rules: rules::schedule::Views,
    reasons: Arc<dyn ReasonSource>,
    /// An Alertmanager alone has no targets, and says at other places when it was reloaded.
    of_server: Option<(Arc<dyn TargetSource>, Arc<dyn ConfigSource>)>,
}

impl Sources {
    pub(super) fn of_alerting(api: &AlertingApi) -> Self {
        Self {
            alertmanager: Arc::clone(&api.alertmanager),
            rules: api.rules.clone(),
            reasons: Arc::clone(&api.reasons),
            of_server: None,
        }
    }

    pub(super) fn of_server(api: &Api) -> Self {
        Self {
            alertmanager: Arc::clone(&api.alertmanager),
            rules: api.rules.clone(),
            reasons: Arc::clone(&api.reasons),
            of_server: Some((Arc::clone(&api.targets), Arc::clone(&api.config))),
        }
    }

    pub(super) fn prints(&self, wanted: Topics) -> Prints {
        let print = |topic: Topic| {
            let mut print = DefaultHasher::new();
            self.look(topic, &mut print);
            (topic, print.finish())
        };
        Prints(wanted.names().map(print).collect())
    }

    fn look(&self, topic: Topic, print: &mut DefaultHasher) {
        match topic {
            Topic::Alerts => {
                self.alerts(print);
                self.alerts_of_rules(print);
            }
            Topic::Silences => {
                for view in self.alertmanager.silences(&SilenceFilter::default()) {
                    let silence = &view.silence;
                    let updated = (silence.updated_at.seconds(), silence.updated_at.nanos());
                    (&silence.id, view.state, updated).hash(print);
                }
            }
            Topic::Rules => {
                for group in self.rules.all() {
                    (group.spec.key(), group.rules.len()).hash(print);
                    for rule in &group.rules {
                        let state = rule.state.map(rules::AlertState::as_str);
                        let refusal = rule.refusal.as_ref().map(ToString::to_string);
                        (rule.health.as_str(), state, refusal, rule.alerts.len()).hash(print);
                    }
                }
            }
            Topic::Targets => {
                let Some((targets, _)) = &self.of_server else {
                    return;
                };
                let view = targets.targets();
                view.dropped_counts.hash(print);
                for target in &view.active {
                    (&target.scrape_pool, &target.scrape_url, &target.labels).hash(print);
                    (&target.health, &target.last_error).hash(print);
                }
            }
            Topic::Config => match &self.of_server {
                Some((_, config)) => {
                    let (is_good, at) = config.last_reload();
                    (is_good, at.millis()).hash(print);
                }
                None => self.alertmanager.config_text().hash(print),
            },
            Topic::Cluster => {
                let cluster = self.alertmanager.cluster();
                cluster.status().hash(print);
                if let crate::sources::ClusterView::Enabled { peers, .. } = cluster {
                    peers.hash(print);
                }
            }
            Topic::Reasons => self.reasons.counts().hash(print),
        }
    }

    fn alerts(&self, print: &mut DefaultHasher) {
        for view in self.alertmanager.alerts(&AlertFilter::default()) {
            let alert = &view.alert;
            (alert.fingerprint.0, view.state, alert.starts_at.seconds()).hash(print);
            for annotation in alert.about.annotations() {
                annotation.hash(print);
            }
            view.silenced_by.hash(print);
            view.inhibited_by.hash(print);
        }
    }

    /// Those that wait are known to rules only.
    fn alerts_of_rules(&self, print: &mut DefaultHasher) {
        for group in self.rules.all() {
            for alert in group.rules.iter().flat_map(|rule| &rule.alerts) {
                (alert.labels.fingerprint(), alert.state.as_str()).hash(print);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_names_with_commas() {
        let names = |text: &str| -> Vec<&str> {
            let topics = Topics::parse(text).unwrap();
            topics.names().map(Topic::name).collect()
        };
        assert_eq!(names("rules,alerts"), ["alerts", "rules"]);
        assert_eq!(names("").len(), Topic::ALL.len());
        assert!(
            Topics::parse("alerts,x")
                .unwrap_err()
                .contains("there are alerts")
        );
    }

    #[test]
    fn what_differs_or_was_not_seen_before_has_changed() {
        let prints = |pairs: &[(Topic, u64)]| Prints(pairs.iter().copied().collect());
        let before = prints(&[(Topic::Alerts, 1), (Topic::Rules, 2)]);
        let now = prints(&[(Topic::Alerts, 1), (Topic::Rules, 3), (Topic::Config, 4)]);
        let changed: Vec<Topic> = before.changed(&now).names().collect();
        assert_eq!(changed, [Topic::Rules, Topic::Config]);
        assert!(now.changed(&now).is_empty());
    }
}
