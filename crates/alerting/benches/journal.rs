//! What the journal costs when 100,000 alerts come at once.
//!
//! `cargo bench -p alerting`: posts them to a machine in pieces of 1,000, each alert in one of 1,000 groups, flushes all
//! groups, and writes what the machine says to memory. Time of the machine and of the journal are told apart; in the
//! server the second is a thread of its own.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use alerting::journal::{Draft, SegmentWriter};
use alerting::{
    Action, Config, GroupBySpec, Input, Integration, Machine, NoIntervals, PostedAlert,
    ReceiverSpec, RouteSpec, Settings,
};
use model::{Labels, Timestamp};

const ALERTS: usize = 100_000;
const GROUPS: usize = 1000;
const PIECE: usize = 1000;

fn config() -> Config {
    Config {
        route: RouteSpec {
            receiver: Some("team".to_owned()),
            group_by: GroupBySpec::Labels(vec!["group".to_owned()]),
            ..RouteSpec::default()
        },
        receivers: vec![ReceiverSpec {
            name: "team".into(),
            labels: std::collections::BTreeMap::new(),
            integrations: vec![Integration {
                name: "webhook".into(),
                index: 0,
                sends_resolved: true,
                ..Integration::default()
            }],
        }],
        inhibit_rules: Vec::new(),
        intervals: Arc::new(NoIntervals),
        resolve_timeout: model::Duration::from_secs(300),
    }
}

fn main() {
    let start = Timestamp(1_800_000_000_000);
    let mut machine = Machine::new(Settings::default(), Arc::new(config()), start);
    let posted: Vec<PostedAlert> = (0..ALERTS)
        .map(|number| {
            PostedAlert::from_labels(Labels::from_pairs([
                ("alertname", "KubePodCrashLooping".to_owned()),
                ("group", (number % GROUPS).to_string()),
                ("namespace", format!("namespace-{}", number % 300)),
                ("pod", format!("deployment-{number:06}-7c9d4f5b6-x2x4z")),
                ("severity", "warning".to_owned()),
            ]))
        })
        .collect();
    let (mut stepping, mut writing) = (Duration::ZERO, Duration::ZERO);
    let (mut events, mut bytes) = (0, 0);
    let mut writer = SegmentWriter::default();
    let mut buffer = Vec::new();
    let inputs = posted
        .chunks(PIECE)
        .map(|piece| (start, Input::Posted(piece.to_vec())));
    let flush = (start + model::Duration::from_secs(31), Input::Tick);
    for (now, input) in inputs.chain([flush]) {
        let begun = Instant::now();
        let actions = machine.step(now, input);
        stepping += begun.elapsed();
        let begun = Instant::now();
        for action in &actions {
            if let Action::Journal(event) = action {
                events += 1;
                writer.append(&Draft::of(now, event), &mut buffer);
            }
        }
        writing += begun.elapsed();
        bytes += buffer.len();
        buffer.clear();
    }
    let per_alert = |time: Duration| time.as_secs_f64() * 1e6 / ALERTS as f64;
    println!(
        "{ALERTS} alerts in {GROUPS} groups: machine {:.2} µs per alert; journal {:.2} µs per alert, \
         {events} events, {:.2} µs and {} bytes per event",
        per_alert(stepping),
        per_alert(writing),
        writing.as_secs_f64() * 1e6 / f64::from(events),
        bytes / usize::try_from(events).unwrap_or(1),
    );
}
