//! What others say about members, and what we make of it. The higher incarnation wins; of equal ones dead beats
//! suspect beats alive. Only a member itself raises its incarnation, to object.

use std::time::Duration;

use super::config::{MEMBERS_MAX, SUSPICION_MAX_MULTIPLIER, SUSPICION_MULTIPLIER, suspicion_min};
use super::members::Member;
use super::suspicion::{Confirmation, Suspicion};
use super::{Action, Event, Swim};
use crate::wire::packet::Checksum;
use crate::wire::{Dead, MemberState, Message, NodeState, StateKind, Suspect};

impl Swim {
    pub(super) fn alive(&mut self, now: Duration, node: NodeState) {
        let is_me = node.name == self.config.name;
        if is_me && self.has_left {
            return;
        }
        // Who does not say what it speaks, or speaks nothing, is not let in.
        let Some([least, most, ..]) = node.versions else {
            return self.event(Event::MemberRefused { name: node.name });
        };
        if least == 0 || most == 0 || least > most || node.name.is_empty() {
            return self.event(Event::MemberRefused { name: node.name });
        }
        self.event(Event::AliveHeard(node.name.clone()));
        let Some(known) = self.members.get(&node.name) else {
            if self.members.len() >= MEMBERS_MAX {
                return self.event(Event::MemberRefused { name: node.name });
            }
            let member = Member {
                node: node.clone(),
                state: StateKind::Alive,
                changed_at: now,
                suspicion: None,
            };
            self.members.insert(member, &mut self.random);
            self.tell_about(&node.name, &Message::Alive(node.clone()));
            return self.event(Event::Joined(node));
        };
        let is_moved = known.node.address != node.address;
        if is_moved && known.state != StateKind::Left {
            let (name, ours, theirs) = (node.name, known.node.address, node.address);
            return self.event(Event::Conflict { name, ours, theirs });
        }
        let known_incarnation = known.node.incarnation;
        if is_me {
            let is_same = node.incarnation == known_incarnation
                && is_same_meta(&node, &known.node)
                && node.versions == known.node.versions;
            if node.incarnation >= known_incarnation && !is_same {
                self.refute(node.incarnation);
            }
            return;
        }
        if node.incarnation <= known_incarnation && !is_moved {
            return;
        }
        self.tell_about(&node.name, &Message::Alive(node.clone()));
        let Some(known) = self.members.get_mut(&node.name) else {
            return;
        };
        let was_gone = known.is_gone();
        let is_updated = !is_same_meta(&known.node, &node);
        if known.state != StateKind::Alive {
            known.state = StateKind::Alive;
            known.changed_at = now;
        }
        known.suspicion = None;
        known.node = node.clone();
        if was_gone {
            self.event(Event::Joined(node));
        } else if is_updated {
            self.event(Event::Updated(node));
        }
    }

    pub(super) fn suspect(&mut self, now: Duration, suspect: Suspect) {
        let members = self.members.len();
        let Some(known) = self.members.get_mut(&suspect.node) else {
            return;
        };
        if suspect.incarnation < known.node.incarnation {
            return;
        }
        if let Some(suspicion) = &mut known.suspicion {
            if suspicion.confirm(&suspect.from) == Confirmation::News {
                self.tell_about(&suspect.node.clone(), &Message::Suspect(suspect));
            }
            return;
        }
        if known.state != StateKind::Alive {
            return;
        }
        if suspect.node == self.config.name {
            self.refute(suspect.incarnation);
            return;
        }
        known.node.incarnation = suspect.incarnation;
        known.state = StateKind::Suspect;
        known.changed_at = now;
        let min = suspicion_min(members, self.config.probe_interval);
        // Neither we nor the suspect confirm; in a small mesh there may be nobody else.
        let wanted = SUSPICION_MULTIPLIER - 2;
        let others = u32::try_from(members).unwrap_or(u32::MAX).saturating_sub(2);
        let wanted = if others < wanted { 0 } else { wanted };
        known.suspicion = Some(Suspicion::new(
            now,
            suspect.from.clone(),
            wanted,
            (min, min * SUSPICION_MAX_MULTIPLIER),
        ));
        let node = suspect.node.clone();
        self.tell_about(&node, &Message::Suspect(suspect));
        self.event(Event::Suspected { node });
    }

    pub(super) fn dead(&mut self, now: Duration, dead: Dead) {
        let Some(known) = self.members.get_mut(&dead.node) else {
            return;
        };
        if dead.incarnation < known.node.incarnation {
            return;
        }
        known.suspicion = None;
        if known.is_gone() {
            return;
        }
        if dead.node == self.config.name && !self.has_left {
            self.refute(dead.incarnation);
            return;
        }
        known.node.incarnation = dead.incarnation;
        known.state = if dead.node == dead.from {
            StateKind::Left
        } else {
            StateKind::Dead
        };
        known.changed_at = now;
        let node = known.node.clone();
        self.tell_about(&node.name, &Message::Dead(dead));
        if node.name != self.config.name {
            self.event(Event::Gone(node));
        }
    }

    /// Objects to what was said about us, with an incarnation above `accused`.
    fn refute(&mut self, accused: u32) {
        self.incarnation = self.incarnation.max(accused).saturating_add(1);
        self.worsen_health(1);
        let incarnation = self.incarnation;
        let Some(me) = self.members.get_mut(&self.config.name) else {
            return;
        };
        me.node.incarnation = incarnation;
        let alive = Message::Alive(me.node.clone());
        let name = self.config.name.clone();
        self.tell_about(&name, &alive);
        self.event(Event::Refuted);
    }

    /// Everybody whom another member knows. The dead are only suspected, so that they can object.
    pub(super) fn merge(&mut self, now: Duration, members: Vec<MemberState>) {
        if let Some(name) = self.incompatible(&members) {
            return self.event(Event::MemberRefused { name });
        }
        for MemberState { node, state } in members {
            match state {
                StateKind::Alive => self.alive(now, node),
                StateKind::Left => self.dead(
                    now,
                    Dead {
                        incarnation: node.incarnation,
                        from: node.name.clone(),
                        node: node.name,
                    },
                ),
                StateKind::Suspect | StateKind::Dead => {
                    let suspect = self.suspect_of_ours(&node);
                    self.suspect(now, suspect);
                }
            }
        }
    }

    /// Somebody who speaks a version that not all living members understand. Then nothing is merged.
    fn incompatible(&self, remote: &[MemberState]) -> Option<String> {
        let local = self
            .members
            .iter()
            .map(|member| (&member.node, member.state));
        let remote = remote.iter().map(|member| (&member.node, member.state));
        let all: Vec<(&NodeState, StateKind)> = remote.chain(local).collect();
        let mut least = [0u8; 2];
        let mut most = [u8::MAX; 2];
        for (node, state) in &all {
            let (StateKind::Alive, Some(versions)) = (state, node.versions) else {
                continue;
            };
            let [min, max, _, user_min, user_max, _] = versions;
            least = [least[0].max(min), least[1].max(user_min)];
            most = [most[0].min(max), most[1].min(user_max)];
        }
        let is_spoken = |node: &NodeState| {
            let [_, _, now, _, _, user_now] = node.versions.unwrap_or_default();
            (least[0]..=most[0]).contains(&now) && (least[1]..=most[1]).contains(&user_now)
        };
        let stranger = all.iter().find(|(node, _)| !is_spoken(node));
        stranger.map(|(node, _)| node.name.clone())
    }

    /// Tells everybody at once, because nobody will be there to repeat it.
    pub(super) fn leave(&mut self, now: Duration) {
        if self.has_left {
            return;
        }
        self.has_left = true;
        let name = self.config.name.clone();
        let dead = Dead {
            incarnation: self.incarnation,
            node: name.clone(),
            from: name.clone(),
        };
        let message = Message::Dead(dead.clone()).encode();
        self.dead(now, dead);
        let others: Vec<_> = self.alive_members().map(|node| node.address).collect();
        let news = self
            .user_news
            .take(0, 4 * super::PACKET_BYTES_MAX, u32::MAX);
        for to in others {
            self.send_all(to, std::slice::from_ref(&message), Checksum::LeftOut);
            // News of the last moment, each as often as to everybody else.
            for news in &news {
                let bytes = Message::User(news.clone()).encode();
                self.send_all(to, &[bytes], Checksum::LeftOut);
            }
        }
        self.actions
            .retain(|action| !matches!(action, Action::PushPull { .. }));
    }
}

fn is_same_meta(one: &NodeState, other: &NodeState) -> bool {
    one.meta.as_deref().unwrap_or_default() == other.meta.as_deref().unwrap_or_default()
}
