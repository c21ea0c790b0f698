//! `alertmanager/scenarios`: when which alerts arrive where, on simulated time. Several machines that tell
//! each other everything stand for a cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use alerting::silence::SilenceMatcher;
use alerting::{
    Action, Delivery, FailureReason, Input, Machine, Outcome, PostedAlert, Retry, Settings,
    Silence, Time,
};
use anyhow::Context;
use model::{Duration, MatchOp, Pairs, Timestamp};
use serde_json::Value;

use super::alerts::{labels, pairs};
use super::config::{Whole, whole};
use crate::suite::{Case, entries};

/// Time zero of all scenarios.
const ZERO: Timestamp = Timestamp(1_700_000_000_000);
/// The process started a little before.
const STARTED: Timestamp = Timestamp(ZERO.0 - 700);
/// From one machine to a webhook or to another machine.
const LATENCY: Duration = Duration(5);
const PEER_TIMEOUT: Duration = Duration(15_000);

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in entries(&dir.join("alertmanager/scenarios"))? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
        let case: Value = serde_json::from_str(&text).with_context(|| name.to_owned())?;
        cases.push(Case::new(name, move || run(&case)));
    }
    Ok(cases)
}

fn run(case: &Value) -> Result<(), String> {
    let config = whole(case["config"].as_str().ok_or("no config")?)?;
    let mut simulation = Simulation::new(case, config)?;
    let until = at(&case["run_until"]);
    while let Some(now) = simulation.next_time().filter(|now| *now <= until) {
        simulation.advance(now)?;
    }
    compare(case, &simulation.arrived)
}

/// Seconds from time zero.
fn at(value: &Value) -> Timestamp {
    let millis = value.as_f64().unwrap_or_default() * 1000.0;
    ZERO + Duration(millis.round() as i64)
}

/// What will happen to a machine.
enum Event {
    Input(usize, Input),
    /// A webhook gets the notification and answers.
    Arrival(usize, Box<Delivery>, usize),
}

struct Simulation<'a> {
    case: &'a Value,
    config: Whole,
    machines: Vec<Machine>,
    queue: BTreeMap<(Timestamp, u64), Event>,
    queued: u64,
    arrived: Vec<Batch>,
}

struct Batch {
    webhook: usize,
    at: Timestamp,
    delivery: Box<Delivery>,
}

impl<'a> Simulation<'a> {
    fn new(case: &'a Value, config: Whole) -> Result<Self, String> {
        let size = case["cluster_size"].as_u64().unwrap_or(1).max(1) as usize;
        let start_delay = case["args"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|arg| arg.as_str()?.strip_prefix("--dispatch.start-delay="))
            .next()
            .map_or(Ok(Duration::ZERO), Duration::parse)
            .map_err(|error| error.to_string())?;
        let mut simulation = Self {
            case,
            machines: (0..size)
                .map(|index| {
                    let settings = Settings {
                        dispatch_from: STARTED + start_delay,
                        jitter_seed: index as u64,
                        ..Settings::default()
                    };
                    Machine::new(settings, config.config.clone(), STARTED)
                })
                .collect(),
            config,
            queue: BTreeMap::new(),
            queued: 0,
            arrived: Vec::new(),
        };
        for index in 0..size {
            let wait = Duration(PEER_TIMEOUT.0 * index as i64);
            simulation.queue(STARTED, Event::Input(index, Input::PeerWait(wait)));
        }
        for action in case["actions"].as_array().into_iter().flatten() {
            simulation.queue_action(action)?;
        }
        Ok(simulation)
    }

    fn queue(&mut self, at: Timestamp, event: Event) {
        self.queued += 1;
        self.queue.insert((at, self.queued), event);
    }

    fn queue_action(&mut self, action: &Value) -> Result<(), String> {
        let now = at(&action["at"]);
        let all = 0..self.machines.len();
        let input = match action["op"].as_str() {
            Some("push") => {
                let alerts = action["alerts"].as_array().into_iter().flatten();
                Input::Posted(alerts.map(posted).collect())
            }
            Some("reload") => Input::ConfigReplaced(self.config.config.clone()),
            Some("silence") => Input::SilenceSet {
                silence: silence(action),
                fresh_id: action["id"].as_str().unwrap_or_default().to_owned(),
            },
            Some("expire_silence") => Input::SilenceExpired {
                id: action["id"].as_str().unwrap_or_default().to_owned(),
            },
            other => return Err(format!("unknown operation {other:?}")),
        };
        // Alerts and configurations reach all members, silences one of them.
        let is_silence = action["op"]
            .as_str()
            .is_some_and(|op| op.contains("silence"));
        let receivers = if is_silence { 0..1 } else { all };
        for index in receivers {
            self.queue(now, Event::Input(index, input.clone()));
        }
        Ok(())
    }

    fn next_time(&self) -> Option<Timestamp> {
        let queued = self.queue.keys().next().map(|(at, _)| *at);
        let timers = self.machines.iter().filter_map(Machine::wake_at);
        timers.chain(queued).min()
    }

    fn advance(&mut self, now: Timestamp) -> Result<(), String> {
        for index in 0..self.machines.len() {
            if self.machines[index].wake_at().is_some_and(|at| at <= now) {
                self.step(now, index, Input::Tick)?;
            }
        }
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Event::Input(index, input) => self.step(now, index, input)?,
                Event::Arrival(index, delivery, webhook) => {
                    let outcome = self.answer(now, webhook);
                    let id = delivery.id;
                    if matches!(outcome, Outcome::Delivered { .. }) {
                        self.arrived.push(Batch {
                            webhook,
                            at: now,
                            delivery,
                        });
                    }
                    let input = Input::Delivered {
                        delivery: id,
                        outcome,
                    };
                    self.queue(now + LATENCY, Event::Input(index, input));
                }
            }
        }
        Ok(())
    }

    fn answer(&self, now: Timestamp, webhook: usize) -> Outcome {
        let sink = &self.case["webhooks"][webhook];
        if sink["fail_before"].is_number() && now < at(&sink["fail_before"]) {
            let status = sink["status"].as_u64().unwrap_or(500);
            let response = notify::HttpResponse {
                status: u16::try_from(status).unwrap_or(500),
                headers: Vec::new(),
                body: Vec::new(),
            };
            if let Err(failure) = notify::answer::check_status(&response, &[]) {
                return failure.into();
            }
        }
        Outcome::delivered()
    }

    fn step(&mut self, now: Timestamp, index: usize, input: Input) -> Result<(), String> {
        for action in self.machines[index].step(now, input) {
            match action {
                Action::Deliver(delivery) => self.deliver(now, index, delivery)?,
                Action::BroadcastSilence(stored) => {
                    self.tell_others(now, index, &Input::SilencesMerged(vec![stored]));
                }
                Action::BroadcastLogEntry(stored) => {
                    self.tell_others(now, index, &Input::LogMerged(vec![stored]));
                }
                Action::AlertRefused(error) => return Err(format!("alert refused: {error}")),
                Action::SilenceRefused(error) => return Err(format!("silence refused: {error}")),
                Action::Journal(_) | Action::Record(_) | Action::SilenceDone { .. } => {}
            }
        }
        Ok(())
    }

    fn deliver(
        &mut self,
        now: Timestamp,
        index: usize,
        delivery: Box<Delivery>,
    ) -> Result<(), String> {
        let hook = self
            .config
            .hooks
            .iter()
            .find(|(name, _)| **name == *delivery.receiver)
            .and_then(|(_, hooks)| hooks.get(delivery.integration))
            .ok_or("no such webhook")?;
        let sink = &self.case["webhooks"][hook.sink];
        let is_slow = sink["delay_before"].is_number() && now < at(&sink["delay_before"]);
        let delay = if is_slow {
            Duration((sink["delay_s"].as_f64().unwrap_or_default() * 1000.0) as i64)
        } else {
            LATENCY
        };
        let left = delivery.deadline.since(now);
        let timeout = hook.timeout.map_or(left, |timeout| timeout.min(left));
        if delay >= timeout {
            let input = Input::Delivered {
                delivery: delivery.id,
                outcome: Outcome::Failed {
                    retry: Retry::Later,
                    failure: FailureReason::Other,
                    message: "timeout".to_owned(),
                },
            };
            self.queue(now + timeout, Event::Input(index, input));
        } else {
            let event = Event::Arrival(index, delivery, hook.sink);
            self.queue(now + delay, event);
        }
        Ok(())
    }

    fn tell_others(&mut self, now: Timestamp, from: usize, input: &Input) {
        for index in (0..self.machines.len()).filter(|index| *index != from) {
            self.queue(now + LATENCY, Event::Input(index, input.clone()));
        }
    }
}

fn posted(alert: &Value) -> PostedAlert {
    let time = |key: &str| alert[key].is_number().then(|| Time::from(at(&alert[key])));
    let annotations: BTreeMap<_, _> = pairs(&alert["annotations"])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    PostedAlert {
        annotations: Pairs::from(&annotations),
        starts_at: time("starts_at"),
        ends_at: time("ends_at"),
        ..PostedAlert::from_labels(labels(&alert["labels"]))
    }
}

fn silence(action: &Value) -> Silence {
    let matchers = action["matchers"].as_array().into_iter().flatten();
    let set = matchers
        .map(|matcher| SilenceMatcher {
            op: match (
                matcher["isRegex"].as_bool().unwrap_or(false),
                matcher["isEqual"].as_bool().unwrap_or(true),
            ) {
                (false, true) => MatchOp::Equal,
                (false, false) => MatchOp::NotEqual,
                (true, true) => MatchOp::Regex,
                (true, false) => MatchOp::NotRegex,
            },
            name: matcher["name"].as_str().unwrap_or_default().to_owned(),
            pattern: matcher["value"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    Silence {
        matcher_sets: vec![set],
        starts_at: at(&action["starts_at"]).into(),
        ends_at: at(&action["ends_at"]).into(),
        ..Silence::default()
    }
}

/// Every expected batch must have arrived in its window, and nothing else.
fn compare(case: &Value, arrived: &[Batch]) -> Result<(), String> {
    let tolerance = Duration((case["tolerance"].as_f64().unwrap_or(0.3) * 1000.0) as i64);
    let mut left: Vec<&Batch> = arrived.iter().collect();
    let mut missing = Vec::new();
    for expected in case["expect"].as_array().into_iter().flatten() {
        let found = left.iter().position(|batch| {
            let from = at(&expected["between"][0]) - tolerance;
            let to = at(&expected["between"][1]) + tolerance;
            let webhook = expected["webhook"].as_u64().unwrap_or_default() as usize;
            batch.webhook == webhook
                && (from..=to).contains(&batch.at)
                && same_alerts(expected, batch, tolerance)
        });
        match found {
            Some(index) => {
                left.remove(index);
            }
            None => missing.push(expected.to_string()),
        }
    }
    if missing.is_empty() && left.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = arrived.iter().map(describe).collect();
    Err(format!(
        "missing {missing:?}; {} too many; arrived {all:?}",
        left.len()
    ))
}

fn same_alerts(expected: &Value, batch: &Batch, tolerance: Duration) -> bool {
    let expected = expected["alerts"].as_array().map_or(&[][..], Vec::as_slice);
    let close = |time: Time, wanted: &Value| {
        let difference = time.timestamp().since(at(wanted));
        difference <= tolerance && difference >= Duration(-tolerance.0)
    };
    expected.len() == batch.delivery.alerts.len()
        && expected.iter().all(|wanted| {
            let labels = labels(&wanted["labels"]);
            batch.delivery.alerts.iter().any(|notified| {
                let alert = &notified.alert;
                let annotations = alert.about.annotation_map();
                let annotations_match = pairs(&wanted["annotations"])
                    .all(|(name, value)| annotations.get(name).is_some_and(|v| v == value));
                alert.labels == labels
                    && annotations_match
                    && notified.is_resolved == wanted["ends_at"].is_number()
                    && (wanted["starts_at"].is_null()
                        || close(alert.starts_at, &wanted["starts_at"]))
                    && (!notified.is_resolved || close(alert.ends_at, &wanted["ends_at"]))
            })
        })
}

fn describe(batch: &Batch) -> String {
    let alerts: Vec<String> = batch
        .delivery
        .alerts
        .iter()
        .map(|notified| {
            let state = if notified.is_resolved {
                "resolved"
            } else {
                "firing"
            };
            format!("{} {state}", notified.alert.labels)
        })
        .collect();
    format!(
        "{:.3} to {}: {} ({})",
        batch.at.since(ZERO).seconds(),
        batch.webhook,
        alerts.join(", "),
        batch.delivery.reason.as_str()
    )
}
