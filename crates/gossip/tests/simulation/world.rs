//! Time, network, receiver and what breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use alerting::backoff::RandomNumbers;
use alerting::{Delivery, DeliveryId, FailureReason, Input as MachineInput, Outcome, Retry};
use gossip::peer::{Action, Input};
use gossip::wire::MemberState;

use crate::node::{Asked, Disk, Node, address, node_at};
use crate::plan::Plan;

/// How often what fires is posted again.
const REPOST_INTERVAL: Duration = Duration::from_secs(30);
/// How long after a change the log is on disk.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// What the receiver got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) alert: usize,
    pub(crate) is_resolved: bool,
    pub(crate) node: usize,
    /// Which start of the node it was.
    pub(crate) life: u64,
    /// When the node decided to send it, for the first time.
    pub(crate) decided_at: Duration,
    pub(crate) received_at: Duration,
    /// When the node knew that it was received; never, if it was killed before.
    pub(crate) recorded_at: Option<Duration>,
}

#[derive(Debug)]
enum Event {
    Start(usize),
    Stop {
        node: usize,
        is_clean: bool,
    },
    Packet {
        to: usize,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    /// One side of an exchange arrives at the other, which answers.
    Exchange {
        from: Ends,
        to: usize,
        members: Vec<MemberState>,
        user: Vec<u8>,
    },
    Answer {
        to: Ends,
        members: Vec<MemberState>,
        user: Vec<u8>,
    },
    Pong {
        to: Ends,
        sequence: u32,
    },
    Message {
        to: usize,
        bytes: Vec<u8>,
    },
    Resolved(Ends),
    Post {
        node: usize,
        alert: usize,
        is_over: bool,
    },
    Received {
        by: Ends,
        delivery: DeliveryId,
        alerts: Vec<(usize, bool)>,
        decided_at: Duration,
    },
    Delivered {
        by: Ends,
        delivery: DeliveryId,
        is_ok: bool,
    },
    Written(Ends),
}

/// A node in one of its lives: what is for an earlier one is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    node: usize,
    life: u64,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    last_event: u64,
    nodes: Vec<Option<Node>>,
    lives: Vec<u64>,
    disks: Vec<Disk>,
    /// Nodes whose log will be written.
    writing: BTreeSet<usize>,
    random: RandomNumbers,
    first_decided: BTreeMap<(usize, u64, DeliveryId), Duration>,
    pub(crate) notifications: Vec<Notification>,
    /// When each life began and ended.
    pub(crate) stops: Vec<(usize, u64, Duration)>,
    pub(crate) starts: Vec<(usize, Duration)>,
    is_traced: bool,
}

impl World {
    pub(crate) fn new(plan: Plan, is_traced: bool) -> Self {
        let nodes = plan.nodes;
        let mut world = Self {
            now: Duration::ZERO,
            events: BTreeMap::new(),
            last_event: 0,
            nodes: (0..nodes).map(|_| None).collect(),
            lives: vec![0; nodes],
            disks: vec![Disk::default(); nodes],
            writing: BTreeSet::new(),
            random: RandomNumbers::new(plan.seed ^ 0x5eed),
            first_decided: BTreeMap::new(),
            notifications: Vec::new(),
            stops: Vec::new(),
            starts: Vec::new(),
            is_traced,
            plan,
        };
        for node in 0..nodes {
            let at = world.within(Duration::from_secs(5));
            world.at(at, Event::Start(node));
        }
        for restart in world.plan.restarts.clone() {
            let (node, is_clean) = (restart.node, restart.is_clean);
            world.at(restart.at, Event::Stop { node, is_clean });
            world.at(restart.back_at, Event::Start(node));
        }
        for (alert, planned) in world.plan.alerts.clone().into_iter().enumerate() {
            let mut at = planned.from;
            // As Prometheus does, the end is repeated for a while.
            while at < world.plan.end {
                let is_over = planned.until.is_some_and(|until| at >= until);
                for node in 0..nodes {
                    // Not to all at the very same time.
                    let at = at + world.within(Duration::from_millis(200));
                    let post = Event::Post {
                        node,
                        alert,
                        is_over,
                    };
                    world.at(at, post);
                }
                at += REPOST_INTERVAL;
            }
        }
        world
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.last_event += 1;
        self.events.insert((at, self.last_event), event);
    }

    fn within(&mut self, longest: Duration) -> Duration {
        let millis = usize::try_from(longest.as_millis()).unwrap();
        Duration::from_millis(self.random.below(millis) as u64)
    }

    fn trace(&self, text: impl FnOnce() -> String) {
        if self.is_traced {
            println!("{:>9.3} {}", self.now.as_secs_f64(), text());
        }
    }

    pub(crate) fn run(mut self) -> Self {
        loop {
            let wakes = self.nodes.iter().enumerate();
            let wake = wakes
                .filter_map(|(number, node)| Some((node.as_ref()?.wake_at, number)))
                .min();
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            match (wake, event) {
                (Some((at, number)), event) if event.is_none_or(|event| at < event) => {
                    if at > self.plan.end {
                        return self;
                    }
                    self.now = self.now.max(at);
                    self.with(number, |node, now| node.tick(now));
                }
                (_, Some(at)) if at <= self.plan.end => {
                    self.now = at;
                    if let Some((_, event)) = self.events.pop_first() {
                        self.happen(event);
                    }
                }
                _ => return self,
            }
        }
    }

    /// Lets a node do something, if it is there, and does what it asks for.
    fn with(&mut self, number: usize, work: impl FnOnce(&mut Node, Duration) -> Vec<Asked>) {
        let now = self.now;
        let Some(node) = &mut self.nodes[number] else {
            return;
        };
        let asked = work(node, now);
        let has_news = std::mem::take(&mut node.has_news);
        for asked in asked {
            self.ask(number, asked);
        }
        if has_news && self.writing.insert(number) {
            let ends = self.ends(number);
            self.at(now + WRITE_PAUSE, Event::Written(ends));
        }
    }

    fn with_ends(&mut self, ends: Ends, work: impl FnOnce(&mut Node, Duration) -> Vec<Asked>) {
        if self.lives[ends.node] == ends.life {
            self.with(ends.node, work);
        }
    }

    fn ends(&self, node: usize) -> Ends {
        Ends {
            node,
            life: self.lives[node],
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(number) => {
                let skew_ms = self.plan.skew_ms[number];
                let seed = self.random.next();
                let place = (number, self.plan.nodes);
                let (node, asked) =
                    Node::start(place, (self.now, skew_ms), seed, &self.disks[number]);
                self.trace(|| format!("{number} starts as {}", node.peer.name()));
                self.nodes[number] = Some(node);
                self.starts.push((number, self.now));
                for asked in asked {
                    self.ask(number, asked);
                }
            }
            Event::Stop { node, is_clean } => {
                self.trace(|| {
                    format!(
                        "{node} stops, {}",
                        if is_clean { "clean" } else { "killed" }
                    )
                });
                if is_clean {
                    self.with(node, |node, now| node.mesh(now, Input::Leave));
                    if let Some(stopped) = &self.nodes[node] {
                        self.disks[node] = stopped.disk();
                    }
                }
                self.nodes[node] = None;
                self.writing.remove(&node);
                self.stops.push((node, self.lives[node], self.now));
                self.lives[node] += 1;
            }
            Event::Packet { to, from, bytes } => {
                if !self.plan.are_cut(self.now, node_at(from), to) {
                    self.with(to, |node, now| {
                        node.mesh(now, Input::Packet { from, bytes })
                    });
                }
            }
            Event::Exchange {
                from,
                to,
                members,
                user,
            } => {
                let now = self.now;
                if self.plan.are_cut(now, from.node, to) {
                    return;
                }
                let Some(asked) = &self.nodes[to] else { return };
                let answer = Event::Answer {
                    to: from,
                    members: asked.peer.state(),
                    user: asked.parts(),
                };
                let back = now + self.way();
                self.at(back, answer);
                self.with(to, |node, now| {
                    node.mesh(now, Input::State { members, user })
                });
            }
            Event::Answer { to, members, user } => {
                self.with_ends(to, |node, now| {
                    node.mesh(now, Input::State { members, user })
                });
            }
            Event::Pong { to, sequence } => {
                self.with_ends(to, |node, now| {
                    node.mesh(now, Input::StreamPong { sequence })
                });
            }
            Event::Message { to, bytes } => {
                self.with(to, |node, now| node.mesh(now, Input::StreamMessage(bytes)));
            }
            Event::Resolved(to) => {
                let all = (0..self.plan.nodes).map(address).collect();
                self.with_ends(to, |node, now| node.mesh(now, Input::Resolved(all)));
            }
            Event::Post {
                node,
                alert,
                is_over,
            } => {
                self.with(node, |node, now| node.post(now, alert, is_over));
            }
            Event::Received {
                by,
                delivery,
                alerts,
                decided_at,
            } => {
                for (alert, is_resolved) in alerts {
                    self.trace(|| {
                        let what = if is_resolved { "the end of " } else { "" };
                        format!(
                            "{} notifies about {what}{alert}, decided {decided_at:?}",
                            by.node
                        )
                    });
                    let key = (by.node, by.life, delivery);
                    let first = *self.first_decided.entry(key).or_insert(decided_at);
                    self.notifications.push(Notification {
                        alert,
                        is_resolved,
                        node: by.node,
                        life: by.life,
                        decided_at: first,
                        received_at: self.now,
                        recorded_at: None,
                    });
                }
            }
            Event::Delivered {
                by,
                delivery,
                is_ok,
            } => self.delivered(by, delivery, is_ok),
            Event::Written(ends) => {
                if self.lives[ends.node] == ends.life
                    && let Some(node) = &self.nodes[ends.node]
                {
                    self.writing.remove(&ends.node);
                    self.disks[ends.node] = node.disk();
                }
            }
        }
    }

    fn delivered(&mut self, by: Ends, delivery: DeliveryId, is_ok: bool) {
        if self.lives[by.node] != by.life {
            return;
        }
        let now = self.now;
        let decided = self
            .first_decided
            .get(&(by.node, by.life, delivery))
            .copied();
        if is_ok {
            let mine = self.notifications.iter_mut().rev().filter(|one| {
                (one.node, one.life) == (by.node, by.life) && Some(one.decided_at) == decided
            });
            for notification in mine {
                notification.recorded_at.get_or_insert(now);
            }
        }
        let outcome = if is_ok {
            Outcome::delivered()
        } else {
            Outcome::Failed {
                retry: Retry::Later,
                failure: FailureReason::ServerError,
                message: "busy".to_owned(),
            }
        };
        self.with(by.node, |node, now| {
            node.alerting(now, MachineInput::Delivered { delivery, outcome })
        });
    }

    /// How long something is on its way.
    fn way(&mut self) -> Duration {
        let (shortest, longest) = self.plan.delay;
        shortest + self.within(longest)
    }

    fn ask(&mut self, number: usize, asked: Asked) {
        match asked {
            Asked::Deliver(delivery) => self.deliver(number, &delivery),
            Asked::Mesh(action) => self.carry(number, action),
        }
    }

    fn deliver(&mut self, number: usize, delivery: &Delivery) {
        let by = self.ends(number);
        let key = (by.node, by.life, delivery.id);
        let decided_at = *self.first_decided.entry(key).or_insert(self.now);
        let takes = Duration::from_millis(20) + self.within(Duration::from_millis(800));
        let is_ok = self.random.below(1000) >= 30;
        if is_ok {
            let alerts = delivery.alerts.iter();
            let alerts = alerts.map(|one| (one.alert.name().parse().unwrap(), one.is_resolved));
            let received = Event::Received {
                by,
                delivery: delivery.id,
                alerts: alerts.collect(),
                decided_at,
            };
            self.at(self.now + takes / 2, received);
        }
        let delivery = delivery.id;
        self.at(
            self.now + takes,
            Event::Delivered {
                by,
                delivery,
                is_ok,
            },
        );
    }

    fn carry(&mut self, number: usize, action: Action) {
        let now = self.now;
        match action {
            Action::SendPacket { to, bytes } => {
                let to = node_at(to);
                let from = address(number);
                let copies = 1 + usize::from(self.random.below(1000) < self.plan.doubled);
                for _ in 0..copies {
                    if self.random.below(1000) < self.plan.lost
                        || self.plan.are_cut(now, number, to)
                    {
                        continue;
                    }
                    let at = now + self.way();
                    let bytes = bytes.clone();
                    self.at(at, Event::Packet { to, from, bytes });
                }
            }
            // Streams are not lost, only later: connecting takes a way there and back.
            Action::Exchange { to, .. } => {
                let to = node_at(to);
                let Some(node) = &self.nodes[number] else {
                    return;
                };
                if self.plan.are_cut(now, number, to) {
                    return;
                }
                let (members, user) = (node.peer.state(), node.parts());
                let from = self.ends(number);
                let at = now + self.way() + self.way() + self.way();
                self.at(
                    at,
                    Event::Exchange {
                        from,
                        to,
                        members,
                        user,
                    },
                );
            }
            Action::StreamPing { to, ping, .. } => {
                let to = node_at(to);
                if self.plan.are_cut(now, number, to) {
                    return;
                }
                let answer = self.nodes[to]
                    .as_ref()
                    .and_then(|node| node.peer.stream_answer(&ping));
                if let Some(sequence) = answer {
                    let at = now + self.way() + self.way() + self.way() + self.way();
                    let to = self.ends(number);
                    self.at(at, Event::Pong { to, sequence });
                }
            }
            Action::SendMessage { to, bytes, .. } => {
                let to = node_at(to);
                if !self.plan.are_cut(now, number, to) {
                    let at = now + self.way() + self.way() + self.way();
                    self.at(at, Event::Message { to, bytes });
                }
            }
            Action::Resolve => {
                let ends = self.ends(number);
                self.at(now + Duration::from_millis(5), Event::Resolved(ends));
            }
            Action::Event(event) => self.trace(|| format!("{number}: {event:?}")),
            Action::Merge { .. } | Action::MembersChanged | Action::Settled(_) => {}
        }
    }
}
