//! One node: a peer of the mesh and an alerting machine, as `server` connects them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alerting::codec;
use alerting::{
    Action as MachineAction, Config, Delivery, GroupBySpec, Input as MachineInput, Integration,
    Machine, NoIntervals, PostedAlert, ReceiverSpec, RouteSpec, Settings,
};
use gossip::peer::{Action, Input, Part, Peer, PeerConfig, Source};
use gossip::swim;
use model::{Labels, Timestamp};

pub(crate) const GROUP_WAIT: Duration = Duration::from_secs(10);
/// Longer than the wait of the last member: otherwise that one decides when the first does.
pub(crate) const GROUP_INTERVAL: Duration = Duration::from_secs(90);
pub(crate) const PEER_TIMEOUT: Duration = Duration::from_secs(15);
pub(crate) const RESOLVE_TIMEOUT: Duration = Duration::from_secs(300);
/// The true time at the start of a run, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_800_000_000_000;

pub(crate) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(node).unwrap()], 9094))
}

pub(crate) fn node_at(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => usize::from(address.ip().octets()[3]),
        SocketAddr::V6(_) => unreachable!("nodes have addresses of version 4"),
    }
}

/// What is on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) log: Vec<u8>,
}

pub(crate) struct Node {
    pub(crate) peer: Peer,
    machine: Machine,
    skew_ms: i64,
    started_at: Duration,
    /// When both want to be stepped next, in true time.
    pub(crate) wake_at: Duration,
    /// Whether the log has changed since it was written.
    pub(crate) has_news: bool,
}

/// What a node asks the world to do.
#[derive(Debug)]
pub(crate) enum Asked {
    Mesh(Action),
    Deliver(Delivery),
}

fn config() -> Config {
    let duration = |std: Duration| Some(model::Duration::from_std(std));
    Config {
        route: RouteSpec {
            receiver: Some("hook".to_owned()),
            group_by: GroupBySpec::Labels(vec!["alertname".to_owned()]),
            group_wait: duration(GROUP_WAIT),
            group_interval: duration(GROUP_INTERVAL),
            repeat_interval: duration(Duration::from_secs(4 * 3600)),
            ..RouteSpec::default()
        },
        receivers: vec![ReceiverSpec {
            name: "hook".into(),
            labels: [("name".to_owned(), "hook".to_owned())].into(),
            integrations: vec![Integration {
                name: "webhook".into(),
                index: 0,
                sends_resolved: true,
                ..Integration::default()
            }],
        }],
        inhibit_rules: Vec::new(),
        intervals: Arc::new(NoIntervals),
        resolve_timeout: model::Duration::from_std(RESOLVE_TIMEOUT),
    }
}

impl Node {
    /// Starts; asks to join the others.
    pub(crate) fn start(
        (number, nodes): (usize, usize),
        (now, skew_ms): (Duration, i64),
        seed: u64,
        disk: &Disk,
    ) -> (Self, Vec<Asked>) {
        let wall = wall(now, skew_ms);
        let swim = swim::Config {
            // As ULIDs: in order of their makers' clocks.
            name: format!("{:013}-{number}", wall.millis()),
            address: address(number),
            label: String::new(),
            gossip_interval: Duration::from_millis(200),
            fanout: 3,
            push_pull_interval: Duration::from_secs(60),
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            seed,
        };
        let peer = PeerConfig {
            swim,
            reconnect_interval: Duration::from_secs(10),
            reconnect_timeout: Duration::from_secs(6 * 3600),
            settle_timeout: Duration::from_secs(60),
        };
        let settings = Settings {
            waits_for_cluster: true,
            jitter_seed: seed,
            ..Settings::default()
        };
        let mut machine = Machine::new(settings, Arc::new(config()), wall);
        machine.restore([], codec::nflog::decode(&disk.log).unwrap());
        let mut node = Self {
            peer: Peer::new(peer, Duration::ZERO),
            machine,
            skew_ms,
            started_at: now,
            wake_at: now,
            has_news: false,
        };
        let others = (0..nodes).map(address).collect();
        let asked = node.mesh(now, Input::Joining(others));
        (node, asked)
    }

    pub(crate) fn disk(&self) -> Disk {
        Disk {
            log: codec::nflog::encode(self.machine.notification_log().iter()),
        }
    }

    /// Its state, as it stands in an exchange.
    pub(crate) fn parts(&self) -> Vec<u8> {
        let silences = codec::silence::encode(self.machine.all_silences().iter());
        let part = |key: &str, data| Part {
            key: key.to_owned(),
            data,
        };
        let log = self.disk().log;
        gossip::peer::encode_state(&[part("nfl", log), part("sil", silences)])
    }

    /// Takes in an alert that fires, or has just ended.
    pub(crate) fn post(&mut self, now: Duration, alert: usize, is_over: bool) -> Vec<Asked> {
        let labels = Labels::from_pairs([("alertname", alert.to_string().as_str())]);
        let posted = PostedAlert {
            ends_at: is_over.then(|| wall(now, self.skew_ms).into()),
            ..PostedAlert::from_labels(labels)
        };
        self.alerting(now, MachineInput::Posted(vec![posted]))
    }

    pub(crate) fn tick(&mut self, now: Duration) -> Vec<Asked> {
        let mut asked = self.alerting(now, MachineInput::Tick);
        asked.extend(self.mesh(now, Input::Tick));
        asked
    }

    pub(crate) fn mesh(&mut self, now: Duration, input: Input) -> Vec<Asked> {
        let mut asked = Vec::new();
        let actions = self.peer.step(now - self.started_at, input);
        for action in actions {
            match action {
                Action::Merge { part, source } => asked.extend(self.merge(now, &part, source)),
                Action::MembersChanged => {
                    let place = i64::try_from(self.peer.position()).unwrap();
                    let wait = model::Duration::from_std(PEER_TIMEOUT).millis() * place;
                    let input = MachineInput::PeerWait(model::Duration::from_millis(wait));
                    asked.extend(self.alerting(now, input));
                }
                Action::Settled(_) => {
                    asked.extend(self.alerting(now, MachineInput::ClusterSettled));
                }
                other => asked.push(Asked::Mesh(other)),
            }
        }
        self.set_wake(now);
        asked
    }

    fn merge(&mut self, now: Duration, part: &Part, source: Source) -> Vec<Asked> {
        let input = match part.key.as_str() {
            "nfl" => MachineInput::LogMerged(codec::nflog::decode(&part.data).unwrap()),
            _ => MachineInput::SilencesMerged(codec::silence::decode(&part.data).unwrap()),
        };
        assert!(matches!(source, Source::State | Source::News));
        if Peer::is_oversized(part) {
            let actions = self.machine.step(wall(now, self.skew_ms), input);
            self.has_news |= !actions.is_empty();
            self.set_wake(now);
            return Vec::new();
        }
        self.alerting(now, input)
    }

    pub(crate) fn alerting(&mut self, now: Duration, input: MachineInput) -> Vec<Asked> {
        let mut asked = Vec::new();
        for action in self.machine.step(wall(now, self.skew_ms), input) {
            match action {
                MachineAction::Deliver(delivery) => asked.push(Asked::Deliver(*delivery)),
                MachineAction::BroadcastLogEntry(stored) => {
                    self.has_news = true;
                    let part = Part {
                        key: "nfl".to_owned(),
                        data: codec::nflog::encode([&stored]),
                    };
                    asked.extend(self.mesh(now, Input::Broadcast(part)));
                }
                MachineAction::AlertRefused(error) => panic!("{error}"),
                _ => {}
            }
        }
        self.set_wake(now);
        asked
    }

    fn set_wake(&mut self, now: Duration) {
        let mesh = self.started_at + self.peer.wake_at();
        let machine = self.machine.wake_at().map_or(Duration::MAX, |at| {
            let millis = at.millis() - EPOCH_MS - self.skew_ms;
            Duration::from_millis(u64::try_from(millis).unwrap_or(0))
        });
        self.wake_at = mesh.min(machine).max(now);
    }
}

/// What a node's clock shows.
fn wall(now: Duration, skew_ms: i64) -> Timestamp {
    let millis = i64::try_from(now.as_millis()).unwrap();
    Timestamp(EPOCH_MS + millis + skew_ms)
}
