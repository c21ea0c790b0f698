//! Everybody that is known, and the order in which they are probed.

use std::collections::BTreeMap;
use std::time::Duration;

use alerting::backoff::RandomNumbers;

use super::config::DEAD_FOR;
use super::suspicion::Suspicion;
use crate::wire::{NodeState, StateKind};

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) node: NodeState,
    pub(crate) state: StateKind,
    pub(crate) changed_at: Duration,
    /// While it is suspect.
    pub(crate) suspicion: Option<Suspicion>,
}

impl Member {
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, StateKind::Dead | StateKind::Left)
    }

    /// The highest version of the protocol that it speaks.
    pub(crate) fn version_max(&self) -> u8 {
        self.node.versions.map_or(0, |versions| versions[1])
    }
}

#[derive(Debug, Default)]
pub(crate) struct Members {
    by_name: BTreeMap<String, Member>,
    order: Vec<String>,
    next_probed: usize,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Member> {
        self.by_name.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.by_name.get_mut(name)
    }

    /// In order of names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_name.values()
    }

    /// Adds a member somewhere in the order, so that newcomers are not all probed last.
    pub(crate) fn insert(&mut self, member: Member, random: &mut RandomNumbers) {
        let name = member.node.name.clone();
        let at = random.below(self.order.len());
        self.order.push(name.clone());
        let last = self.order.len() - 1;
        self.order.swap(at, last);
        self.by_name.insert(name, member);
    }

    /// The next one to be probed of those that `is_wanted`. After each round the dead are forgotten and the order
    /// is shuffled.
    pub(crate) fn next_probed(
        &mut self,
        now: Duration,
        random: &mut RandomNumbers,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Option<String> {
        // Each is looked at twice at most: once before and once after a shuffle.
        for _ in 0..=2 * self.order.len() + 1 {
            let Some(name) = self.order.get(self.next_probed) else {
                self.next_probed = 0;
                self.forget_the_dead(now);
                shuffle(&mut self.order, random);
                if self.order.is_empty() {
                    return None;
                }
                continue;
            };
            self.next_probed += 1;
            if self.by_name.get(name).is_some_and(&is_wanted) {
                return Some(name.clone());
            }
        }
        None
    }

    fn forget_the_dead(&mut self, now: Duration) {
        self.by_name
            .retain(|_, member| !member.is_gone() || now - member.changed_at <= DEAD_FOR);
        let by_name = &self.by_name;
        self.order.retain(|name| by_name.contains_key(name));
    }

    /// Up to `count` of those that `is_wanted`, by chance.
    pub(crate) fn some(
        &self,
        count: usize,
        random: &mut RandomNumbers,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Vec<&Member> {
        let mut wanted: Vec<&Member> = self.iter().filter(|member| is_wanted(member)).collect();
        shuffle(&mut wanted, random);
        wanted.truncate(count);
        wanted
    }
}

fn shuffle<T>(items: &mut [T], random: &mut RandomNumbers) {
    for last in (1..items.len()).rev() {
        items.swap(random.below(last + 1), last);
    }
}
