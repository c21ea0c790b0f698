//! Is somebody there? One member after the other is asked: by a packet, then by way of others and over a stream.
//! Who answers none of it is suspected.

use std::net::SocketAddr;
use std::time::Duration;

use super::config::{INDIRECT_PROBES, RELAYS_MAX};
use super::{Action, Event, Swim};
use crate::wire::packet::Checksum;
use crate::wire::{IndirectPing, Message, Ping, StateKind};

/// The question that is under way.
#[derive(Debug)]
pub(crate) struct Probe {
    sequence: u32,
    node: String,
    sent_at: Duration,
    /// When others are asked; `None` once they are.
    indirect_at: Option<Duration>,
    ends_at: Duration,
    nacks_expected: u32,
    nacks: u32,
    is_answered_by_stream: bool,
}

impl Probe {
    pub(crate) fn wake_at(&self) -> Duration {
        self.indirect_at
            .map_or(self.ends_at, |at| at.min(self.ends_at))
    }
}

/// A question that somebody else asked through us.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Who wants to know, and its own number of the question.
    to: SocketAddr,
    sequence: u32,
    wants_nack: bool,
    pub(crate) ends_at: Duration,
}

impl Swim {
    pub(super) fn run_probe(&mut self, now: Duration) {
        if let Some(probe) = &self.probe {
            if probe.indirect_at.is_some_and(|at| at <= now) {
                self.probe_indirectly();
            }
            if self
                .probe
                .as_ref()
                .is_some_and(|probe| probe.ends_at <= now)
            {
                self.end_probe(now);
            }
        }
        if self.next_probe_at > now {
            return;
        }
        // Rounds that were missed are not made up for.
        let interval = self.config.probe_interval.max(Duration::from_millis(1));
        self.next_probe_at += interval;
        if self.next_probe_at <= now {
            self.next_probe_at = now + interval;
        }
        if self.probe.is_none() && !self.has_left {
            self.start_probe(now);
        }
    }

    fn start_probe(&mut self, now: Duration) {
        let me = self.config.name.clone();
        let next = self.members.next_probed(now, &mut self.random, |member| {
            member.node.name != me && !member.is_gone()
        });
        let Some(member) = next.and_then(|name| self.members.get(&name)) else {
            return;
        };
        let (node, state) = (member.node.clone(), member.state);
        let checksum = if member.version_max() >= 5 {
            Checksum::Written
        } else {
            Checksum::LeftOut
        };
        let sequence = self.next_sequence();
        let ping = Message::Ping(self.ping(sequence, node.name.clone()));
        if state == StateKind::Alive {
            self.send(node.address, &ping);
        } else {
            // A suspect should hear of it as soon as possible.
            let suspect = Message::Suspect(self.suspect_of_ours(&node));
            self.send_all(node.address, &[ping.encode(), suspect.encode()], checksum);
        }
        self.probe = Some(Probe {
            sequence,
            node: node.name,
            sent_at: now,
            indirect_at: Some(now + self.config.probe_timeout),
            ends_at: now + self.config.probe_interval * (self.health + 1),
            nacks_expected: 0,
            nacks: 0,
            is_answered_by_stream: false,
        });
    }

    fn ping(&self, sequence: u32, node: String) -> Ping {
        Ping {
            sequence,
            node,
            source: Some(self.config.address),
            source_node: self.config.name.clone(),
        }
    }

    fn probe_indirectly(&mut self) {
        let Some(probe) = &mut self.probe else { return };
        probe.indirect_at = None;
        let (sequence, until) = (probe.sequence, probe.ends_at);
        let Some(target) = self.members.get(&probe.node) else {
            return;
        };
        let (target, speaks_streams) = (target.node.clone(), target.version_max() >= 3);
        let me = self.config.name.clone();
        let helpers = self
            .members
            .some(INDIRECT_PROBES, &mut self.random, |member| {
                let name = &member.node.name;
                *name != me && *name != target.name && member.state == StateKind::Alive
            });
        let helpers: Vec<(SocketAddr, bool)> = helpers
            .into_iter()
            .map(|member| (member.node.address, member.version_max() >= 4))
            .collect();
        for (address, wants_nack) in helpers {
            if let Some(probe) = self.probe.as_mut().filter(|_| wants_nack) {
                probe.nacks_expected += 1;
            }
            let request = Message::IndirectPing(IndirectPing {
                sequence,
                target: target.address,
                node: target.name.clone(),
                wants_nack,
                source: Some(self.config.address),
                source_node: self.config.name.clone(),
            });
            self.send(address, &request);
        }
        if speaks_streams {
            let ping = self.ping(sequence, target.name);
            self.actions.push(Action::StreamPing {
                to: target.address,
                ping,
                until,
            });
        }
    }

    fn end_probe(&mut self, now: Duration) {
        let Some(probe) = self.probe.take() else {
            return;
        };
        if probe.is_answered_by_stream {
            self.improve_health();
            return;
        }
        // If those who should have told us that they know nothing did not, the trouble may be ours.
        if probe.nacks_expected > 0 {
            self.worsen_health(probe.nacks_expected.saturating_sub(probe.nacks));
        } else {
            self.worsen_health(1);
        }
        if let Some(member) = self.members.get(&probe.node) {
            let suspect = self.suspect_of_ours(&member.node.clone());
            self.suspect(now, suspect);
        }
    }

    /// An answer, to us or to somebody for whom we asked.
    pub(super) fn ack(&mut self, now: Duration, sequence: u32) {
        if let Some(relay) = self.relays.remove(&sequence) {
            let ack = Message::Ack {
                sequence: relay.sequence,
            };
            self.send(relay.to, &ack);
            return;
        }
        let is_ours = self
            .probe
            .as_ref()
            .is_some_and(|probe| probe.sequence == sequence);
        let Some(probe) = self.probe.take_if(|_| is_ours) else {
            return;
        };
        self.improve_health();
        if probe.indirect_at.is_some() {
            self.event(Event::PingAnswered {
                node: probe.node,
                after: now.saturating_sub(probe.sent_at),
            });
        }
    }

    pub(super) fn nack(&mut self, sequence: u32) {
        if let Some(probe) = self
            .probe
            .as_mut()
            .filter(|probe| probe.sequence == sequence)
        {
            probe.nacks += 1;
        }
    }

    pub(super) fn stream_pong(&mut self, sequence: u32) {
        if let Some(probe) = self
            .probe
            .as_mut()
            .filter(|probe| probe.sequence == sequence)
        {
            probe.is_answered_by_stream = true;
        }
    }

    pub(super) fn answer(&mut self, from: SocketAddr, ping: &Ping) {
        if self.is_meant(ping) {
            let ack = Message::Ack {
                sequence: ping.sequence,
            };
            self.send(ping.source.unwrap_or(from), &ack);
        }
    }

    pub(super) fn relay(&mut self, now: Duration, from: SocketAddr, request: IndirectPing) {
        // Without an end to it, a flood of questions would fill the memory.
        if self.relays.len() >= RELAYS_MAX {
            return;
        }
        let sequence = self.next_sequence();
        let relay = Relay {
            to: request.source.unwrap_or(from),
            sequence: request.sequence,
            wants_nack: request.wants_nack,
            ends_at: now + self.config.probe_timeout,
        };
        self.relays.insert(sequence, relay);
        let ping = Message::Ping(self.ping(sequence, request.node));
        self.send(request.target, &ping);
    }

    pub(super) fn expire_relays(&mut self, now: Duration) {
        let due = self.relays.iter().filter(|(_, relay)| relay.ends_at <= now);
        let due: Vec<u32> = due.map(|(sequence, _)| *sequence).collect();
        for relay in due
            .iter()
            .filter_map(|sequence| self.relays.remove(sequence))
            .collect::<Vec<_>>()
        {
            if relay.wants_nack {
                let nack = Message::Nack {
                    sequence: relay.sequence,
                };
                self.send(relay.to, &nack);
            }
        }
    }
}
