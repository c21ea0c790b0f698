//! One Alertmanager of the mesh: membership, and on top of it what Alertmanager adds to memberlist. Peers are
//! looked up again, lost ones are tried again, news that are too long for a packet go over streams, and at the
//! start there is a time of settling.
//!
//! [`Peer::step`] is a function of time, input and earlier inputs, as [`Swim::step`](crate::swim::Swim) is. The
//! driver and the simulation carry out the [`Action`]s.

mod parts;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub use parts::{Part, decode_state, encode_state};
pub use settle::Settled;
use settle::Settling;

use crate::swim::{self, PACKET_BYTES_MAX, Swim};
use crate::wire::{MemberState, NodeState, Ping};

/// News that are longer go over streams to everybody.
const PACKET_NEWS_BYTES_MAX: usize = PACKET_BYTES_MAX / 2;
/// How often it is looked whether lost peers were lost too long ago.
const FORGET_INTERVAL: Duration = Duration::from_secs(300);
/// How often names of peers are looked up.
const REFRESH_INTERVAL: Duration = Duration::from_secs(15);
/// Lost peers that are remembered; each is one connection per reconnect interval.
const LOST_MAX: usize = 256;

/// What flags say.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    pub swim: swim::Config,
    /// Pause between attempts to reach lost peers; zero for none.
    pub reconnect_interval: Duration,
    /// How long they are tried; zero for ever.
    pub reconnect_timeout: Duration,
    /// Longest time of settling.
    pub settle_timeout: Duration,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    Tick,
    Packet {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    StreamPong {
        sequence: u32,
    },
    /// A state was exchanged with somebody.
    State {
        members: Vec<MemberState>,
        user: Vec<u8>,
    },
    /// A user message came over a stream.
    StreamMessage(Vec<u8>),
    /// The addresses behind the peers' names at the start.
    Joining(Vec<SocketAddr>),
    /// The same, later.
    Resolved(Vec<SocketAddr>),
    /// News of ours.
    Broadcast(Part),
    Leave,
}

/// Why two members exchange their states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// From time to time.
    Compare,
    /// At the start.
    Join,
    /// It was lost.
    Reconnect,
    /// A name led to an address where no member is known.
    Refresh,
}

/// Something that must be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    SendPacket {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// Ask over a stream; report an answer until then with [`Input::StreamPong`].
    StreamPing {
        to: SocketAddr,
        ping: Ping,
        until: Duration,
    },
    /// Exchange states over a stream; report with [`Input::State`].
    Exchange {
        to: SocketAddr,
        purpose: Purpose,
    },
    /// Send a user message over a stream.
    SendMessage {
        to: SocketAddr,
        key: String,
        bytes: Vec<u8>,
    },
    /// Look up the names of peers; report with [`Input::Resolved`].
    Resolve,
    /// State or news of another member.
    Merge {
        part: Part,
        source: Source,
    },
    /// How many members there are, or our place among them, may have changed.
    MembersChanged,
    Settled(Settled),
    Event(Event),
}

/// Where state or news come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An exchange of states.
    State,
    /// Told because it is new.
    News,
}

/// What is worth knowing, in logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Swim(swim::Event),
    StateReceived {
        bytes: usize,
    },
    NewsReceived {
        bytes: usize,
    },
    /// Bytes of a member that are neither state nor news.
    Unreadable(String),
    Forgotten(SocketAddr),
}

/// One member.
#[derive(Debug)]
pub struct Peer {
    swim: Swim,
    config: PeerConfig,
    /// Peers that are not there, and since when.
    lost: BTreeMap<SocketAddr, Duration>,
    settling: Option<Settling>,
    next_reconnect_at: Option<Duration>,
    next_forget_at: Option<Duration>,
    next_refresh_at: Duration,
    actions: Vec<Action>,
}

impl Peer {
    /// Starts a member that is alone until it is told whom to join.
    pub fn new(config: PeerConfig, now: Duration) -> Self {
        let every = |interval: Duration| (!interval.is_zero()).then_some(now + interval);
        Self {
            settling: Some(Settling::new(
                now,
                config.swim.gossip_interval * 10,
                config.settle_timeout,
            )),
            lost: BTreeMap::new(),
            next_reconnect_at: every(config.reconnect_interval),
            next_forget_at: every(config.reconnect_timeout).map(|_| now + FORGET_INTERVAL),
            next_refresh_at: now + REFRESH_INTERVAL,
            swim: Swim::new(config.swim.clone(), now),
            actions: Vec::new(),
            config,
        }
    }

    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Action> {
        match input {
            Input::Tick => self.swim(now, swim::Input::Tick),
            Input::Packet { from, bytes } => self.swim(now, swim::Input::Packet { from, bytes }),
            Input::StreamPong { sequence } => self.swim(now, swim::Input::StreamPong { sequence }),
            Input::State { members, user } => {
                self.swim(now, swim::Input::State(members));
                self.merge_state(&user);
            }
            Input::StreamMessage(bytes) => self.news(&bytes),
            Input::Joining(addresses) => self.join(now, addresses),
            Input::Resolved(addresses) => self.refresh(addresses),
            Input::Broadcast(part) => self.broadcast(now, part),
            Input::Leave => self.swim(now, swim::Input::Leave),
        }
        self.run_timers(now);
        std::mem::take(&mut self.actions)
    }

    /// When the next step is due even if nothing comes in.
    pub fn wake_at(&self) -> Duration {
        [
            self.settling.as_ref().map(Settling::wake_at),
            self.next_reconnect_at.filter(|_| !self.lost.is_empty()),
            self.next_forget_at.filter(|_| !self.lost.is_empty()),
            Some(self.next_refresh_at),
        ]
        .into_iter()
        .flatten()
        .fold(self.swim.wake_at(), Duration::min)
    }

    fn swim(&mut self, now: Duration, input: swim::Input) {
        for action in self.swim.step(now, input) {
            match action {
                swim::Action::SendPacket { to, bytes } => {
                    self.actions.push(Action::SendPacket { to, bytes });
                }
                swim::Action::StreamPing { to, ping, until } => {
                    self.actions.push(Action::StreamPing { to, ping, until });
                }
                swim::Action::PushPull { to } => self.actions.push(Action::Exchange {
                    to,
                    purpose: Purpose::Compare,
                }),
                swim::Action::UserMessage(bytes) => self.news(&bytes),
                swim::Action::Event(event) => self.swim_event(now, event),
            }
        }
    }

    fn swim_event(&mut self, now: Duration, event: swim::Event) {
        match &event {
            swim::Event::Joined(node) => {
                self.lost.remove(&node.address);
                self.actions.push(Action::MembersChanged);
            }
            swim::Event::Gone(node) => {
                // Who was started anew has another name at the same address.
                let address = node.address;
                let is_taken = self
                    .swim
                    .alive_members()
                    .any(|other| other.address == address);
                if !is_taken && self.lost.len() < LOST_MAX {
                    self.lost.insert(address, now);
                }
                self.actions.push(Action::MembersChanged);
            }
            _ => {}
        }
        self.actions.push(Action::Event(Event::Swim(event)));
    }

    fn run_timers(&mut self, now: Duration) {
        let count = self.swim.alive_members().count();
        let settled = self
            .settling
            .as_mut()
            .and_then(|settling| settling.poll(now, count));
        if let Some(settled) = settled {
            self.settling = None;
            self.actions.push(Action::Settled(settled));
        }
        if self.next_forget_at.is_some_and(|at| at <= now) {
            self.next_forget_at = Some(now + FORGET_INTERVAL);
            let timeout = self.config.reconnect_timeout;
            let is_over = |since: Duration| now.saturating_sub(since) >= timeout;
            let over = self.lost.iter().filter(|(_, since)| is_over(**since));
            let over: Vec<SocketAddr> = over.map(|(address, _)| *address).collect();
            for address in over {
                self.lost.remove(&address);
                self.actions.push(Action::Event(Event::Forgotten(address)));
            }
        }
        if self.next_reconnect_at.is_some_and(|at| at <= now) {
            self.next_reconnect_at = Some(now + self.config.reconnect_interval);
            for to in self.lost.keys() {
                let purpose = Purpose::Reconnect;
                self.actions.push(Action::Exchange { to: *to, purpose });
            }
        }
        if self.next_refresh_at <= now {
            self.next_refresh_at = now + REFRESH_INTERVAL;
            self.actions.push(Action::Resolve);
        }
    }

    /// Everybody counts as lost until it is there.
    fn join(&mut self, now: Duration, addresses: Vec<SocketAddr>) {
        for to in self.unknown(addresses) {
            self.lost.insert(to, now);
            let purpose = Purpose::Join;
            self.actions.push(Action::Exchange { to, purpose });
        }
    }

    fn refresh(&mut self, addresses: Vec<SocketAddr>) {
        for to in self.unknown(addresses) {
            // The lost are tried in their own rhythm.
            if !self.lost.contains_key(&to) {
                let purpose = Purpose::Refresh;
                self.actions.push(Action::Exchange { to, purpose });
            }
        }
    }

    /// The addresses at which no member is, each once.
    fn unknown(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        addresses.sort_unstable();
        addresses.dedup();
        addresses.retain(|to| self.swim.alive_members().all(|node| node.address != *to));
        addresses.truncate(LOST_MAX);
        addresses
    }

    fn merge_state(&mut self, bytes: &[u8]) {
        let event = Event::StateReceived { bytes: bytes.len() };
        self.actions.push(Action::Event(event));
        match decode_state(bytes) {
            Ok(parts) => self
                .actions
                .extend(parts.into_iter().map(|part| Action::Merge {
                    part,
                    source: Source::State,
                })),
            Err(error) => self.unreadable(&error),
        }
    }

    fn news(&mut self, bytes: &[u8]) {
        let event = Event::NewsReceived { bytes: bytes.len() };
        self.actions.push(Action::Event(event));
        match Part::decode(bytes) {
            Ok(part) => self.actions.push(Action::Merge {
                part,
                source: Source::News,
            }),
            Err(error) => self.unreadable(&error),
        }
    }

    fn unreadable(&mut self, error: &alerting::codec::CodecError) {
        let event = Event::Unreadable(error.to_string());
        self.actions.push(Action::Event(event));
    }

    fn broadcast(&mut self, now: Duration, part: Part) {
        let bytes = part.encode();
        if bytes.len() <= PACKET_NEWS_BYTES_MAX {
            self.swim(now, swim::Input::Broadcast(bytes));
            return;
        }
        let me = self.swim.address();
        for other in self.swim.alive_members().filter(|node| node.address != me) {
            self.actions.push(Action::SendMessage {
                to: other.address,
                key: part.key.clone(),
                bytes: bytes.clone(),
            });
        }
    }

    /// Whether news of this length are too long for a packet; then they went to everybody already.
    pub fn is_oversized(part: &Part) -> bool {
        part.encode().len() > PACKET_NEWS_BYTES_MAX
    }

    pub fn name(&self) -> &str {
        self.swim.name()
    }

    pub fn address(&self) -> SocketAddr {
        self.swim.address()
    }

    pub fn label(&self) -> &str {
        &self.config.swim.label
    }

    pub fn is_settled(&self) -> bool {
        self.settling.is_none()
    }

    /// How many members with smaller names there are.
    pub fn position(&self) -> usize {
        self.swim.position()
    }

    /// Everybody who is there, ourselves included, in order of names.
    pub fn members(&self) -> Vec<NodeState> {
        self.swim.alive_members().cloned().collect()
    }

    pub fn lost_count(&self) -> usize {
        self.lost.len()
    }

    pub fn health_score(&self) -> u32 {
        self.swim.health_score()
    }

    pub fn queued(&self) -> usize {
        self.swim.queued()
    }

    /// The members' part of an exchange.
    pub fn state(&self) -> Vec<MemberState> {
        self.swim.state()
    }

    /// The answer to a ping over a stream; none if somebody else is meant.
    pub fn stream_answer(&self, ping: &Ping) -> Option<u32> {
        self.swim.stream_answer(ping)
    }
}
