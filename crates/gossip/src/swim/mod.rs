//! Membership as a state machine: who is there, who is not, and what everybody must hear. SWIM as memberlist
//! does it.
//!
//! [`Swim::step`] takes the time and an [`Input`] and gives [`Action`]s; [`Swim::wake_at`] says when it wants to be
//! stepped again. There is no clock, socket or source of randomness in here: the same seed and inputs give the
//! same actions. Times are durations since the start of the node, so that a clock that is set does not matter.
//!
//! `config` has the numbers, `members` and `queue` the state, `suspicion` the time that a suspect has; `probe`
//! asks whether somebody is there, `rumors` takes in what others say, `spread` sends.

mod config;
mod members;
mod probe;
mod queue;
mod rumors;
mod spread;
mod suspicion;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use alerting::backoff::RandomNumbers;

pub use config::Config;
pub(crate) use config::PACKET_BYTES_MAX;
use config::{HEALTH_SCORES, USER_QUEUE_MAX, push_pull_pause};
use members::{Member, Members};
use probe::{Probe, Relay};
use queue::Queue;

use crate::wire::message::VERSIONS;
use crate::wire::packet::Opened;
use crate::wire::{
    MemberState, Message, NodeState, Ping, StateKind, Suspect, WireError, open_packet,
};

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed.
    Tick,
    Packet {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    /// The member answered to [`Action::StreamPing`].
    StreamPong {
        sequence: u32,
    },
    /// A state was exchanged with somebody.
    State(Vec<MemberState>),
    /// News of the user for everybody, short enough for a packet.
    Broadcast(Vec<u8>),
    /// Say good-bye.
    Leave,
}

/// Something that must be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    SendPacket {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// Ask over a stream, because packets may be lost; report an answer until then with [`Input::StreamPong`].
    StreamPing {
        to: SocketAddr,
        ping: Ping,
        until: Duration,
    },
    /// Exchange whole states over a stream.
    PushPull {
        to: SocketAddr,
    },
    /// News of another member's user.
    UserMessage(Vec<u8>),
    Event(Event),
}

/// What is worth knowing, in logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Joined(NodeState),
    /// It is dead, or left.
    Gone(NodeState),
    /// It changed the data that it attaches to itself.
    Updated(NodeState),
    /// Two members claim one name; the second is not believed.
    Conflict {
        name: String,
        ours: SocketAddr,
        theirs: SocketAddr,
    },
    /// Somebody said that this member is alive.
    AliveHeard(String),
    PingAnswered {
        node: String,
        after: Duration,
    },
    Suspected {
        node: String,
    },
    /// Somebody took us for dead.
    Refuted,
    /// A packet, or a part of one, that is no good.
    PacketRefused {
        from: SocketAddr,
        problem: WireError,
    },
    /// More members than there can be, or of a protocol that we do not speak.
    MemberRefused {
        name: String,
    },
    /// News of the user that were dropped because too many wait.
    Pruned(usize),
}

/// One member's view of the mesh.
#[derive(Debug)]
pub struct Swim {
    config: Config,
    members: Members,
    incarnation: u32,
    last_sequence: u32,
    probe: Option<Probe>,
    /// Questions that we ask for others, by our own number.
    relays: BTreeMap<u32, Relay>,
    member_news: Queue,
    user_news: Queue,
    health: u32,
    next_probe_at: Duration,
    next_push_pull_at: Option<Duration>,
    last_gossip_at: Option<Duration>,
    has_left: bool,
    random: RandomNumbers,
    actions: Vec<Action>,
}

impl Swim {
    /// Starts a member that knows only itself.
    pub fn new(config: Config, now: Duration) -> Self {
        let mut random = RandomNumbers::new(config.seed);
        let mut spread = |interval: Duration| {
            let nanos = usize::try_from(interval.as_nanos()).unwrap_or(usize::MAX);
            Duration::from_nanos(random.below(nanos) as u64)
        };
        // Members that were started together do not probe together.
        let next_probe_at = now + spread(config.probe_interval);
        let next_push_pull_at = (!config.push_pull_interval.is_zero())
            .then(|| now + config.push_pull_interval + spread(config.push_pull_interval));
        let me = Member {
            node: NodeState {
                name: config.name.clone(),
                address: config.address,
                meta: Some(Vec::new()),
                incarnation: 1,
                versions: Some(VERSIONS),
            },
            state: StateKind::Alive,
            changed_at: now,
            suspicion: None,
        };
        let mut swim = Self {
            members: Members::default(),
            incarnation: 1,
            last_sequence: 0,
            probe: None,
            relays: BTreeMap::new(),
            member_news: Queue::default(),
            user_news: Queue::default(),
            health: 0,
            next_probe_at,
            next_push_pull_at,
            last_gossip_at: None,
            has_left: false,
            random,
            actions: Vec::new(),
            config,
        };
        let alive = Message::Alive(me.node.clone());
        swim.tell_about(&me.node.name, &alive);
        swim.members.insert(me, &mut swim.random);
        swim
    }

    /// Does what is due at `now`, and takes in `input`.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Action> {
        self.run_timers(now);
        match input {
            Input::Tick => {}
            Input::Packet { from, bytes } => self.packet(now, from, &bytes),
            Input::StreamPong { sequence } => self.stream_pong(sequence),
            Input::State(members) => self.merge(now, members),
            Input::Broadcast(news) => {
                self.user_news.push(news, None);
                let dropped = self.user_news.prune(USER_QUEUE_MAX);
                if dropped > 0 {
                    self.event(Event::Pruned(dropped));
                }
            }
            Input::Leave => self.leave(now),
        }
        self.run_timers(now);
        std::mem::take(&mut self.actions)
    }

    /// When the next step is due even if nothing comes in.
    pub fn wake_at(&self) -> Duration {
        let suspects = self
            .members
            .iter()
            .filter_map(|member| Some(member.suspicion.as_ref()?.ends_at()));
        let relays = self.relays.values().map(|relay| relay.ends_at);
        let others = [
            self.next_push_pull_at,
            self.next_gossip_at(),
            self.probe.as_ref().map(Probe::wake_at),
        ];
        suspects
            .chain(relays)
            .chain(others.into_iter().flatten())
            .fold(self.next_probe_at, Duration::min)
    }

    fn run_timers(&mut self, now: Duration) {
        self.expire_suspects(now);
        self.expire_relays(now);
        self.run_probe(now);
        if self.next_push_pull_at.is_some_and(|at| at <= now) {
            self.push_pull(now);
        }
        if self.next_gossip_at().is_some_and(|at| at <= now) {
            self.gossip(now);
        }
    }

    fn packet(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        let opened = match open_packet(bytes, &self.config.label) {
            Ok(opened) => opened,
            Err(problem) => Opened {
                messages: Vec::new(),
                problems: vec![problem],
            },
        };
        for problem in opened.problems {
            self.event(Event::PacketRefused { from, problem });
        }
        for message in opened.messages {
            match message {
                Message::Ping(ping) => self.answer(from, &ping),
                Message::IndirectPing(request) => self.relay(now, from, request),
                Message::Ack { sequence } => self.ack(now, sequence),
                Message::Nack { sequence } => self.nack(sequence),
                Message::Suspect(suspect) => self.suspect(now, suspect),
                Message::Alive(node) => self.alive(now, node),
                Message::Dead(dead) => self.dead(now, dead),
                Message::User(bytes) => self.actions.push(Action::UserMessage(bytes)),
            }
        }
    }

    fn push_pull(&mut self, now: Duration) {
        let me = self.config.name.clone();
        let others = self.members.some(1, &mut self.random, |member| {
            member.node.name != me && member.state == StateKind::Alive
        });
        if let Some(other) = others.first() {
            let to = other.node.address;
            self.actions.push(Action::PushPull { to });
        }
        let pause = push_pull_pause(self.config.push_pull_interval, self.members.len());
        self.next_push_pull_at = Some(now + pause);
    }

    fn event(&mut self, event: Event) {
        self.actions.push(Action::Event(event));
    }

    fn next_sequence(&mut self) -> u32 {
        self.last_sequence = self.last_sequence.wrapping_add(1);
        self.last_sequence
    }

    /// Our own troubles make us slower to accuse others.
    fn worsen_health(&mut self, by: u32) {
        self.health = (self.health + by).min(HEALTH_SCORES - 1);
    }

    fn improve_health(&mut self) {
        self.health = self.health.saturating_sub(1);
    }

    /// 0 is well.
    pub fn health_score(&self) -> u32 {
        self.health
    }

    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn address(&self) -> SocketAddr {
        self.config.address
    }

    /// Everybody who is not gone, ourselves included, in order of names.
    pub fn alive_members(&self) -> impl Iterator<Item = &NodeState> {
        self.members
            .iter()
            .filter(|member| !member.is_gone())
            .map(|member| &member.node)
    }

    /// How many members with smaller names there are.
    pub fn position(&self) -> usize {
        self.alive_members()
            .take_while(|node| node.name != self.config.name)
            .count()
    }

    /// News of the user that wait.
    pub fn queued(&self) -> usize {
        self.user_news.len()
    }

    /// What an exchange of whole states sends.
    pub fn state(&self) -> Vec<MemberState> {
        let members = self.members.iter();
        members
            .map(|member| MemberState {
                node: member.node.clone(),
                state: member.state,
            })
            .collect()
    }

    /// The answer to a ping over a stream; none if somebody else is meant.
    pub fn stream_answer(&self, ping: &Ping) -> Option<u32> {
        self.is_meant(ping).then_some(ping.sequence)
    }

    fn is_meant(&self, ping: &Ping) -> bool {
        ping.node.is_empty() || ping.node == self.config.name
    }

    fn expire_suspects(&mut self, now: Duration) {
        let due: Vec<_> = self
            .members
            .iter()
            .filter(|member| {
                let suspicion = member.suspicion.as_ref();
                suspicion.is_some_and(|suspicion| suspicion.ends_at() <= now)
            })
            .map(|member| (member.node.name.clone(), member.node.incarnation))
            .collect();
        for (node, incarnation) in due {
            let from = self.config.name.clone();
            let dead = crate::wire::Dead {
                incarnation,
                node,
                from,
            };
            self.dead(now, dead);
        }
    }

    fn suspect_of_ours(&self, node: &NodeState) -> Suspect {
        Suspect {
            incarnation: node.incarnation,
            node: node.name.clone(),
            from: self.config.name.clone(),
        }
    }
}
