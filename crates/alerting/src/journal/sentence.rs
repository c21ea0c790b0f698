//! A record as one English sentence, for somebody who was woken up by it, or was not.

use model::labels::ALERT_NAME;

use super::record::{Record, detail};

impl Record {
    /// What happened, in one sentence.
    pub fn sentence(&self) -> String {
        let name = self.name();
        let because = self.detail(detail::REASON);
        let message = self.detail(detail::MESSAGE);
        let at = |name: &str| clock_time(self.detail(name));
        match self.code.as_str() {
            "rule-alert-pending" => format!(
                "{name} is pending: the expression of rule {} in group {} has the value {}{}.",
                self.detail(detail::RULE),
                self.detail(detail::RULE_GROUP),
                self.detail(detail::VALUE),
                match self.detail(detail::HOLD) {
                    "" | "0s" => String::new(),
                    hold => format!(", and the alert fires if it holds for {hold}"),
                }
            ),
            "rule-alert-firing" => format!(
                "{name} fires by rule {} of group {}: its value is {}, and the expression has held since {}.",
                self.detail(detail::RULE),
                self.detail(detail::RULE_GROUP),
                self.detail(detail::VALUE),
                at(detail::ACTIVE_AT)
            ),
            "rule-alert-resolved" => format!(
                "The expression of {name} does not hold any more; the last value was {}.",
                self.detail(detail::VALUE)
            ),
            "rule-alert-gone" => format!(
                "{name} was pending and never fired: its expression did not hold for long enough."
            ),
            "rule-alert-relabelled-away" => {
                format!("{name} goes no further: alert_relabel_configs drops it.")
            }
            "alert-fired" => format!("{name} arrived, firing since {}.", at(detail::STARTS_AT)),
            "alert-resolved" => format!("{name} is resolved, since {}.", at(detail::ENDS_AT)),
            "alert-over-limit" => format!(
                "{name} was dropped: there are {} alerts of this name, and no more are allowed.",
                self.detail(detail::LIMIT)
            ),
            "alert-timed-out" => format!(
                "{name} counts as resolved, because nobody has repeated it in time: whoever sent it may be gone."
            ),
            "alert-forgotten" => format!("{name} is over and forgotten."),
            "alert-routed" => format!(
                "{name} is in the group {}: {} is told at {} at the earliest.",
                self.group_key(),
                self.receiver(),
                at(detail::FLUSH_AT)
            ),
            "alert-without-route" => format!("{name} goes nowhere: no route matches it."),
            "alert-silenced" => format!(
                "{} is not told about {name}: it is silenced by {}.",
                self.receiver(),
                self.detail(detail::SILENCES).replace(',', ", ")
            ),
            "alert-inhibited" => format!(
                "{} is not told about {name}: it is inhibited while {} fires, by inhibition rule {}.",
                self.receiver(),
                self.detail(detail::INHIBITED_BY_LABELS),
                self.detail(detail::INHIBIT_RULE)
            ),
            "alert-muted-by-interval" => format!(
                "{} is not told about {name}: it is muted by the time interval {}.",
                self.receiver(),
                self.detail(detail::INTERVALS).replace(',', ", ")
            ),
            "alert-outside-active-interval" => format!(
                "{} is not told about {name}: it is not the time of {}.",
                self.receiver(),
                self.detail(detail::INTERVALS).replace(',', ", ")
            ),
            "alert-unsuppressed" => {
                format!(
                    "Nothing keeps {} from being told about {name} any more.",
                    self.receiver()
                )
            }
            "group-created" => format!(
                "{name} opens the group {}: {} is told at {} at the earliest.",
                self.group_key(),
                self.receiver(),
                at(detail::FLUSH_AT)
            ),
            "group-removed" => {
                format!(
                    "The group {} for {} has ended.",
                    self.group_key(),
                    self.receiver()
                )
            }
            "group-flushed" => format!(
                "The group {} for {} is looked at: {}.",
                self.group_key(),
                self.receiver(),
                self.counts()
            ),
            "delivery-started" => format!(
                "{} is being told about {} by {}{}: {because}.",
                self.receiver(),
                self.counts(),
                self.integration(),
                match self.attempt {
                    Some(attempt) if attempt > 1 => format!(", attempt {attempt}"),
                    _ => String::new(),
                }
            ),
            "delivery-succeeded" => format!(
                "{} was told about {} by {}{}{}.",
                self.receiver(),
                self.counts(),
                self.integration(),
                match self.detail(detail::STATUS) {
                    "" => String::new(),
                    status => format!(", which answered {status}"),
                },
                match self.attempt {
                    Some(attempt) if attempt > 1 => format!(" to attempt {attempt}"),
                    _ => String::new(),
                }
            ),
            "delivery-retried" => format!(
                "Attempt {} to tell {} by {} failed: {message}; the next one is at {}.",
                self.attempt.unwrap_or(1),
                self.receiver(),
                self.integration(),
                at(detail::NEXT_AT)
            ),
            "alert-delivery-failed" => format!(
                "{} was not told about {} by {}: given up after {}: {message}.",
                self.receiver(),
                self.counts(),
                self.integration(),
                match self.attempt.unwrap_or_default() {
                    1 => "1 attempt".to_owned(),
                    attempts => format!("{attempts} attempts"),
                }
            ),
            "silence-stored" | "silence-merged" => format!(
                "Silence {} holds back {} until {}, by {}: {}.",
                self.detail(detail::SILENCE),
                self.detail(detail::MATCHERS),
                at(detail::ENDS_AT),
                self.detail(detail::CREATED_BY),
                self.detail(detail::COMMENT)
            ),
            "silence-expired" => format!(
                "Silence {} for {}, by {}, was ended.",
                self.detail(detail::SILENCE),
                self.detail(detail::MATCHERS),
                self.detail(detail::CREATED_BY)
            ),
            "alerting-started" => {
                "Alerting started; alerts of before are unknown until they are sent again."
                    .to_owned()
            }
            "alerting-stopped" => "Alerting stopped.".to_owned(),
            "alerting-config-replaced" => {
                "The configuration of alerting was replaced; all groups start anew.".to_owned()
            }
            "config-reload-refused" => format!("A reload was refused: {message}"),
            "journal-events-dropped" => format!(
                "{} events before this could not be written to the journal.",
                self.detail(detail::DROPPED)
            ),
            code if code.starts_with("alert-refused") => {
                format!("{name} was refused: {message}.")
            }
            // Reasons for telling nobody at all, and what a later version may write.
            code => {
                let words = match (because, message) {
                    ("", "") => code,
                    ("", message) => message,
                    (because, _) => because,
                };
                match (&self.group, &self.integration) {
                    (Some(group), Some(integration)) => {
                        format!(
                            "{} is told nothing by {integration}: {words}.",
                            group.receiver
                        )
                    }
                    (Some(group), None) => {
                        format!("{} is told nothing: {words}.", group.receiver)
                    }
                    _ => format!("{words}."),
                }
            }
        }
    }

    /// The name of the alert that it is about.
    fn name(&self) -> &str {
        let subject = self.subject.as_ref();
        match subject.map(|subject| subject.labels.value(ALERT_NAME)) {
            None | Some("") => "An alert without a name",
            Some(name) => name,
        }
    }

    fn receiver(&self) -> &str {
        self.group
            .as_ref()
            .map_or("Nobody", |group| &group.receiver)
    }

    fn group_key(&self) -> &str {
        self.group.as_ref().map_or("", |group| &group.key)
    }

    fn integration(&self) -> &str {
        self.integration.as_deref().unwrap_or("an integration")
    }

    /// `2 firing and 1 resolved alerts`.
    fn counts(&self) -> String {
        let count = |name: &str| self.detail(name).parse::<usize>().unwrap_or_default();
        let alerts = |count: usize| if count == 1 { "alert" } else { "alerts" };
        match (count(detail::FIRING), count(detail::RESOLVED)) {
            (firing, 0) => format!("{firing} firing {}", alerts(firing)),
            (0, resolved) => format!("{resolved} resolved {}", alerts(resolved)),
            (firing, resolved) => format!("{firing} firing and {resolved} resolved alerts"),
        }
    }
}

/// `2026-11-27T10:00:00.123456Z` without the parts of a second, which nobody reads at night.
fn clock_time(text: &str) -> String {
    match text.split_once('.') {
        Some((seconds, rest)) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{seconds}{zone}")
        }
        None => text.to_owned(),
    }
}
