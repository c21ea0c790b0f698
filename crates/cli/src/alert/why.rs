//! `alert why`: from the newest matching alert the chain of its events, and how it stands with each receiver.

use std::collections::BTreeMap;

use ::amtool::Failure;
use ::amtool::format::Output;
use ::amtool::matchers::Reader;
use ::promtool::Console;
use model::Labels;
use model::format::terminal_line;
use serde::Serialize;

use super::event::{Event, clock};
use super::source::Source;
use super::{fold, parameters};
use crate::amtool::given::Given;
use crate::amtool::output;

/// Events of one alert that are looked at, the newest ones.
const EVENTS_MAX: usize = 5000;
/// Of an event that says that others are missing.
const GAP: &str = "journal-events-dropped";
/// Gaps that are told, the newest ones.
const GAPS_MAX: usize = 20;

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Why {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    /// One sentence.
    conclusion: String,
    receivers: Vec<Standing>,
    /// Since the alert last began, oldest first.
    events: Vec<Event>,
    /// What the journal does not know of that time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<String>,
}

/// How it stands with one group of a receiver, or one integration of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    receiver: String,
    group_key: String,
    /// Of sibling routes, two may tell one receiver of groups with one key. Empty where the journal does not know it.
    #[serde(skip_serializing_if = "String::is_empty")]
    route_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    outcome: Outcome,
    /// RFC 3339.
    at: String,
    /// Of the event that decided.
    code: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats_after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// In a group whose time has not come.
    Waiting,
    Suppressed,
    /// An attempt is under way.
    Sending,
    Retrying,
    Notified,
    Failed,
    /// Nobody is there who could be told, or it was over before.
    NotNotified,
}

pub(super) fn run(
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let asked = parameters(given, reader, console)?;
    if !asked.iter().any(|(name, _)| *name == "filter") {
        return Err(
            "which alert? give labels, as in: keepwatch alert why HighErrorRate service=cart"
                .into(),
        );
    }
    let source = Source::of(given)?;
    let newest = source.newest(&asked, 1)?;
    let Some((fingerprint, labels)) = newest.events.first().and_then(alert_of) else {
        let since = newest
            .kept_since
            .as_deref()
            .map_or("the journal is empty".to_owned(), |since| {
                format!("the journal begins at {}", clock(since))
            });
        let problem = format!(
            "no alert with these labels has ever come here, nor been pending in a rule ({since}). Look at the rule's \
             expression, and whether its group is evaluated: keepwatch query instant EXPR, /api/v1/rules"
        );
        return Err(problem.into());
    };
    let mut parameters: ::promtool::http::Parameters = asked
        .into_iter()
        .filter(|(name, _)| *name != "filter")
        .collect();
    parameters.push(("fingerprint", fingerprint.clone()));
    let mut found = source.newest(&parameters, EVENTS_MAX)?;
    found.events.reverse();
    let events = newest_episode(found.events);
    let mut gaps = found.damage;
    if let Some(first) = events.first() {
        let asked = vec![("code", GAP.to_owned()), ("from", first.at.clone())];
        let told = source.newest(&asked, GAPS_MAX)?.events;
        let told = told.iter().rev();
        gaps.extend(told.map(|gap| format!("{}  {}", gap.clock(), gap.text)));
    }
    for gap in &gaps {
        console.problem(format_args!("warning: the journal has a gap: {gap}"));
    }
    let why = Why::of(fingerprint, labels, events, gaps);
    if output(given) == Output::Json {
        let json = serde_json::to_string(&why);
        console.line(json.map_err(|error| Failure::Problem(error.to_string()))?);
    } else {
        console.print(why.told(output(given)));
    }
    Ok(())
}

/// Fingerprint and labels of the alert that an event is about.
fn alert_of(event: &Event) -> Option<(String, BTreeMap<String, String>)> {
    if let (Some(fingerprint), Some(labels)) = (&event.fingerprint, &event.labels) {
        return Some((fingerprint.clone(), labels.clone()));
    }
    let mention = event.alerts.first()?;
    Some((mention.fingerprint.clone(), mention.labels.clone()))
}

impl Why {
    /// Of the events since an alert last began, oldest first.
    fn of(
        fingerprint: String,
        labels: BTreeMap<String, String>,
        events: Vec<Event>,
        gaps: Vec<String>,
    ) -> Self {
        let receivers = standings(&events);
        let known = conclusion(&events, &receivers);
        Self {
            conclusion: match gaps.as_slice() {
                [] => known,
                _ => format!("As far as the journal knows, for events are missing: {known}"),
            },
            fingerprint,
            labels,
            receivers,
            events,
            gaps,
        }
    }

    fn told(&self, output: Output) -> String {
        let labels = Labels::from_pairs(self.labels.clone());
        let mut text = format!("{labels}\n\n");
        // That a group is looked at says nothing about this alert.
        let is_noise = |event: &&Event| {
            matches!(
                event.code.as_str(),
                "group-flushed" | "group-created" | "alert-forgotten"
            )
        };
        let line = |event: &Event| format!("{}  {}", event.clock(), event.line());
        let lines = match output {
            Output::Extended => self.events.iter().map(line).collect(),
            _ => fold::lines(self.events.iter().filter(|event| !is_noise(event))),
        };
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&format!("\n{}\n", terminal_line(&self.conclusion)));
        for standing in &self.receivers {
            text.push_str(&format!("  {}\n", standing.line_among(&self.receivers)));
        }
        text
    }
}

/// The events since the alert last began to be pending or to fire.
fn newest_episode(events: Vec<Event>) -> Vec<Event> {
    let (mut begin, mut has_begun, mut has_ended) = (0, false, false);
    for (position, event) in events.iter().enumerate() {
        match event.code.as_str() {
            "rule-alert-pending"
            | "rule-alert-firing"
            | "rule-alert-relabelled-away"
            | "alert-fired"
                if !has_begun || has_ended =>
            {
                begin = position;
                (has_begun, has_ended) = (true, false);
            }
            "rule-alert-gone" | "alert-resolved" | "alert-timed-out" | "alert-forgotten" => {
                has_ended = true
            }
            _ => {}
        }
    }
    events.into_iter().skip(begin).collect()
}

fn standings(events: &[Event]) -> Vec<Standing> {
    let mut standings: Vec<Standing> = Vec::new();
    for event in events {
        let Some(group) = &event.group else {
            continue;
        };
        let outcome = match event.code.as_str() {
            "alert-routed" | "alert-unsuppressed" => Outcome::Waiting,
            "alert-silenced"
            | "alert-inhibited"
            | "alert-muted-by-interval"
            | "alert-outside-active-interval" => Outcome::Suppressed,
            "delivery-started" => Outcome::Sending,
            "delivery-retried" => Outcome::Retrying,
            // By a sibling route, or another member of the mesh: who told it here has a delivery before.
            "delivery-succeeded" | "alert-already-notified" => Outcome::Notified,
            "alert-delivery-failed" => Outcome::Failed,
            "alert-receiver-without-integration"
            | "alert-default-without-integration"
            | "alert-resolved-before-notified"
            | "alert-resolved-not-sent" => Outcome::NotNotified,
            _ => continue,
        };
        let standing = Standing {
            receiver: group.receiver.clone(),
            group_key: group.key.clone(),
            route_id: group.route_id.clone(),
            integration: event.integration.clone(),
            outcome,
            at: event.at.clone(),
            code: event.code.clone(),
            text: event.text.clone(),
            repeats_after: event.detail.get("repeatsAfter").cloned(),
        };
        let is_of_group = |other: &Standing| standing.is_of_group(other);
        let is_same =
            |other: &Standing| is_of_group(other) && other.integration == standing.integration;
        if standing.code == "alert-already-notified" && standings.iter().any(is_same) {
            continue;
        }
        // Until an attempt has ended, what became of the one before stands.
        let has_answer = |other: &Standing| is_same(other) && other.outcome != Outcome::Waiting;
        if standing.outcome == Outcome::Sending && standings.iter().any(has_answer) {
            continue;
        }
        // What is said of an integration replaces what was said of the whole group, and the other way round: but who
        // was told stays told, whatever holds back the next notification.
        standings.retain(|other| {
            let is_replaced = match standing.integration {
                Some(_) => is_same(other) || (is_of_group(other) && other.integration.is_none()),
                None => is_of_group(other) && other.integration.is_none(),
            };
            !is_replaced
        });
        let is_told_more = |other: &Standing| is_of_group(other) && other.integration.is_some();
        if standing.outcome == Outcome::Waiting && standings.iter().any(is_told_more) {
            continue;
        }
        standings.push(standing);
    }
    standings
}

impl Standing {
    /// Whether both are about one group: of one route, where both know theirs.
    fn is_of_group(&self, other: &Self) -> bool {
        let is_one_route = self.route_id == other.route_id
            || self.route_id.is_empty()
            || other.route_id.is_empty();
        self.has_names_of(other) && is_one_route
    }

    fn has_names_of(&self, other: &Self) -> bool {
        self.receiver == other.receiver && self.group_key == other.group_key
    }

    /// For people, told apart from the others.
    fn line_among(&self, others: &[Self]) -> String {
        let is_like = |other: &Self| self.has_names_of(other) && !self.is_of_group(other);
        let line = self.line();
        match others.iter().any(is_like) {
            true => format!("{line} By route {}.", self.route_id),
            false => line,
        }
    }

    fn line(&self) -> String {
        let clock = clock(&self.at);
        let repeat = self
            .repeats_after
            .as_deref()
            .filter(|_| self.outcome == Outcome::Notified);
        let repeat = repeat.map_or(String::new(), |at| {
            format!(
                " If nothing changes, it is told again after {}.",
                self::clock(at)
            )
        });
        let word = match self.outcome {
            Outcome::Waiting => "waiting",
            Outcome::Suppressed => "not told",
            Outcome::Sending => "being told",
            Outcome::Retrying => "not told yet",
            Outcome::Notified => "told",
            Outcome::Failed | Outcome::NotNotified => "not told",
        };
        let text = terminal_line(&self.text);
        format!("{}: {word}. {text} ({clock}){repeat}", self.receiver)
    }
}

fn conclusion(events: &[Event], receivers: &[Standing]) -> String {
    let has = |outcome: Outcome| receivers.iter().any(|one| one.outcome == outcome);
    let last = |code: &str| events.iter().rev().find(|event| event.code == code);
    if has(Outcome::Notified) {
        let told = receivers
            .iter()
            .filter(|one| one.outcome == Outcome::Notified);
        let mut names: Vec<&str> = told.map(|one| one.receiver.as_str()).collect();
        names.dedup();
        let others = receivers.iter().any(|one| one.outcome != Outcome::Notified);
        return match others {
            true => format!("Told: {}. Not everybody was:", names.join(", ")),
            false => format!("Told: {}.", names.join(", ")),
        };
    }
    if has(Outcome::Failed) || has(Outcome::Retrying) {
        return "Nobody was told, because sending failed:".to_owned();
    }
    if has(Outcome::Sending) {
        return "It is being sent; no receiver has answered yet:".to_owned();
    }
    if has(Outcome::Suppressed) {
        return "Nobody was told, because it is held back:".to_owned();
    }
    if has(Outcome::NotNotified) {
        return "Nobody was told, because nobody is there to be told:".to_owned();
    }
    if let Some(event) = last("alert-without-route").or_else(|| last("rule-alert-relabelled-away"))
    {
        return format!("Nobody was told. {}", event.text);
    }
    if let Some(event) = last("alert-over-limit") {
        return format!("Nobody was told. {}", event.text);
    }
    if has(Outcome::Waiting) {
        return "Nobody was told yet; its group waits:".to_owned();
    }
    match events.last() {
        Some(event) if event.code == "rule-alert-pending" => {
            "Nobody was told, because it has not fired yet.".to_owned()
        }
        Some(event) if event.code.starts_with("alert-refused") => {
            format!("Nobody was told. {}", event.detail("message"))
        }
        Some(event) => format!("Nobody was told. {}", event.text),
        None => "Nobody was told, and nothing is known of it.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Group;
    use super::*;

    /// Lines of `SECONDS CODE [RECEIVER[@ROUTE] [INTEGRATION]]`.
    fn why(lines: &str) -> String {
        let events = lines.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let second: u32 = words[0].parse().unwrap();
            Event {
                at: format!("2026-11-27T10:00:{second:02}.5Z"),
                code: words[1].to_owned(),
                text: format!("({})", words[1]),
                group: words.get(2).map(|group| {
                    let (receiver, route) = group.split_once('@').unwrap_or((group, ""));
                    Group {
                        key: "{}:{}".to_owned(),
                        receiver: receiver.to_owned(),
                        route_id: route.to_owned(),
                    }
                }),
                integration: words.get(3).map(|name| (*name).to_owned()),
                detail: match words[1] {
                    "delivery-succeeded" => BTreeMap::from([(
                        "repeatsAfter".to_owned(),
                        "2026-11-27T14:00:00Z".to_owned(),
                    )]),
                    _ => BTreeMap::new(),
                },
                ..Event::default()
            }
        });
        let events = newest_episode(events.collect());
        let why = Why::of("f".to_owned(), BTreeMap::new(), events, Vec::new());
        let mut text = format!("{} events. {}\n", why.events.len(), why.conclusion);
        for standing in &why.receivers {
            text.push_str(&standing.line_among(&why.receivers));
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_newest_episode_and_who_was_told() {
        let text = why("1 alert-fired
             2 alert-routed shop
             3 delivery-succeeded shop webhook
             4 alert-resolved
             5 delivery-succeeded shop webhook
             10 rule-alert-pending
             12 rule-alert-firing
             12 alert-fired
             12 alert-routed shop
             12 alert-routed audit
             20 alert-silenced audit
             20 delivery-started shop webhook
             21 delivery-retried shop webhook
             22 delivery-started shop webhook
             23 delivery-succeeded shop webhook
             23 alert-delivery-failed shop email");
        assert_eq!(
            text,
            "11 events. Told: shop. Not everybody was:\n\
             audit: not told. (alert-silenced) (2026-11-27 10:00:20)\n\
             shop: told. (delivery-succeeded) (2026-11-27 10:00:23) If nothing changes, it is told again after 2026-11-27 14:00:00.\n\
             shop: not told. (alert-delivery-failed) (2026-11-27 10:00:23)\n"
        );
    }

    /// Routes beside each other with the same receiver and grouping have groups of one key.
    #[test]
    fn sibling_routes_are_told_apart() {
        let text = why("1 alert-fired
             1 alert-routed shop@0
             1 alert-routed shop@1
             3 delivery-succeeded shop@0 webhook
             3 alert-already-notified shop@1 webhook
             4 alert-already-notified shop@0 webhook");
        assert_eq!(
            text,
            "6 events. Told: shop.\n\
             shop: told. (delivery-succeeded) (2026-11-27 10:00:03) If nothing changes, it is told again after 2026-11-27 14:00:00. By route 0.\n\
             shop: told. (alert-already-notified) (2026-11-27 10:00:03) By route 1.\n"
        );
        let text = why("1 alert-fired
             1 alert-routed shop@0
             1 alert-routed shop@1
             2 alert-muted-by-interval shop@1
             3 delivery-succeeded shop@0 webhook");
        assert_eq!(
            text,
            "5 events. Told: shop. Not everybody was:\n\
             shop: not told. (alert-muted-by-interval) (2026-11-27 10:00:02) By route 1.\n\
             shop: told. (delivery-succeeded) (2026-11-27 10:00:03) If nothing changes, it is told again after 2026-11-27 14:00:00. By route 0.\n"
        );
        let text = why("1 alert-fired
             1 alert-routed shop@0
             1 alert-routed shop@1
             2 alert-muted-by-interval shop@1
             3 delivery-started shop@0 webhook
             3 delivery-retried shop@0 webhook");
        assert_eq!(
            text,
            "6 events. Nobody was told, because sending failed:\n\
             shop: not told. (alert-muted-by-interval) (2026-11-27 10:00:02) By route 1.\n\
             shop: not told yet. (delivery-retried) (2026-11-27 10:00:03) By route 0.\n"
        );
    }

    #[test]
    fn a_failure_stands_until_the_next_attempt_has_ended() {
        let text = why("1 alert-fired
             1 alert-routed shop
             2 delivery-started shop webhook
             5 alert-delivery-failed shop webhook
             6 delivery-started shop webhook");
        assert_eq!(
            text,
            "5 events. Nobody was told, because sending failed:\n\
             shop: not told. (alert-delivery-failed) (2026-11-27 10:00:05)\n"
        );
    }

    #[test]
    fn when_nobody_was_told_the_reason_is() {
        for (lines, expected) in [
            (
                "1 rule-alert-pending",
                "Nobody was told, because it has not fired yet.",
            ),
            (
                "1 alert-fired\n2 alert-without-route",
                "Nobody was told. (alert-without-route)",
            ),
            (
                "1 alert-fired\n2 alert-routed shop",
                "Nobody was told yet; its group waits:",
            ),
            (
                "1 alert-fired\n2 alert-routed shop\n3 alert-inhibited shop",
                "Nobody was told, because it is held back:",
            ),
            (
                "1 alert-fired\n2 alert-routed shop\n3 delivery-retried shop webhook",
                "Nobody was told, because sending failed:",
            ),
            (
                "1 alert-fired\n2 alert-routed shop\n3 alert-receiver-without-integration shop",
                "Nobody was told, because nobody is there to be told:",
            ),
            (
                "1 rule-alert-firing\n2 rule-alert-relabelled-away",
                "Nobody was told. (rule-alert-relabelled-away)",
            ),
        ] {
            let text = why(lines);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn what_the_journal_missed_is_no_news() {
        let event = Event {
            code: "alert-fired".to_owned(),
            ..Event::default()
        };
        let gap = "3 events could not be written".to_owned();
        let why = Why::of("f".to_owned(), BTreeMap::new(), vec![event], vec![gap]);
        assert!(
            why.conclusion
                .starts_with("As far as the journal knows, for events are missing: "),
            "{}",
            why.conclusion
        );
    }
}
