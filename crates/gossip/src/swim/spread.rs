//! Sending: news go along with every packet that has room, and in packets of their own to a few members each
//! gossip interval.

use std::net::SocketAddr;
use std::time::Duration;

use super::config::{
    DEAD_FOR, MEMBER_NEWS_FANOUT, PACKET_BYTES_MAX, SENDINGS_MAX, SENDINGS_PER_MEMBER,
    transmit_limit,
};
use super::{Action, Swim};
use crate::wire::packet::{COMPOUND_MAX, Checksum, compound, label_overhead, seal_packet};
use crate::wire::{Message, StateKind};

/// Bytes of a compound message beside its parts, and for each part.
const COMPOUND_OVERHEAD: usize = 2;

impl Swim {
    pub(super) fn tell_about(&mut self, name: &str, message: &Message) {
        self.member_news.push(message.encode(), Some(name));
    }

    /// When news are sent next: none wait, none are sent; else at once, if the last time is long enough ago.
    pub(super) fn next_gossip_at(&self) -> Option<Duration> {
        if self.member_news.is_empty() && self.user_news.is_empty() {
            return None;
        }
        let pause = self.config.gossip_interval;
        Some(self.last_gossip_at.map_or(Duration::ZERO, |at| at + pause))
    }

    pub(super) fn gossip(&mut self, now: Duration) {
        self.last_gossip_at = Some(now);
        let me = self.config.name.clone();
        let count = usize::try_from(self.config.fanout).unwrap_or(usize::MAX);
        // The recently dead hear it too: they may be alive, and must learn that they are taken for dead.
        let listeners = self.members.some(count, &mut self.random, |member| {
            member.node.name != me
                && match member.state {
                    StateKind::Alive | StateKind::Suspect => true,
                    StateKind::Dead => now.saturating_sub(member.changed_at) <= DEAD_FOR,
                    StateKind::Left => false,
                }
        });
        let listeners: Vec<(SocketAddr, Checksum)> = listeners
            .into_iter()
            .map(|member| {
                let checksum = if member.version_max() >= 5 {
                    Checksum::Written
                } else {
                    Checksum::LeftOut
                };
                (member.node.address, checksum)
            })
            .collect();
        if listeners.is_empty() {
            // Nobody has to hear anything; a newcomer gets the whole state.
            self.member_news.prune(0);
            self.user_news.prune(0);
        }
        for (to, checksum) in listeners {
            let room = PACKET_BYTES_MAX - COMPOUND_OVERHEAD - label_overhead(&self.config.label);
            let news = self.news(room);
            if news.is_empty() {
                return;
            }
            for some in news.chunks(COMPOUND_MAX) {
                self.send_all(to, some, checksum);
            }
        }
    }

    /// News for one packet: first those about members.
    fn news(&mut self, room: usize) -> Vec<Vec<u8>> {
        let members = self.members.len();
        let limit = transmit_limit(MEMBER_NEWS_FANOUT, members);
        let mut news = self.member_news.take(COMPOUND_OVERHEAD, room, limit);
        let used: usize = news
            .iter()
            .map(|bytes| bytes.len() + COMPOUND_OVERHEAD)
            .sum();
        let others = u32::try_from(members.saturating_sub(1)).unwrap_or(u32::MAX);
        let limit = transmit_limit(self.config.fanout, members)
            .max(others.saturating_mul(SENDINGS_PER_MEMBER).min(SENDINGS_MAX));
        // One byte more for the type of each.
        let user = self
            .user_news
            .take(COMPOUND_OVERHEAD + 1, room.saturating_sub(used), limit);
        news.extend(user.into_iter().map(|bytes| Message::User(bytes).encode()));
        news
    }

    /// A message, and news if there is room.
    pub(super) fn send(&mut self, to: SocketAddr, message: &Message) {
        let message = message.encode();
        let overhead = COMPOUND_OVERHEAD + label_overhead(&self.config.label);
        let room = PACKET_BYTES_MAX.saturating_sub(message.len() + overhead);
        let mut all = vec![message];
        let news = self.news(room);
        all.extend(news.into_iter().take(COMPOUND_MAX - 1));
        self.send_all(to, &all, Checksum::LeftOut);
    }

    pub(super) fn send_all(&mut self, to: SocketAddr, messages: &[Vec<u8>], checksum: Checksum) {
        let message = match messages {
            [one] => one.clone(),
            many => compound(many),
        };
        let bytes = seal_packet(message, checksum, &self.config.label);
        self.actions.push(Action::SendPacket { to, bytes });
    }
}
