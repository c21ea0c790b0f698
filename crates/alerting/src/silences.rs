//! All silences: storing, expiring, merging those of cluster members, finding the ones that match.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::{Duration, Labels, MatchOp, Matcher, Timestamp};

use crate::codec;
use crate::config::Settings;
use crate::measure::{Asked, QueryMeter, Stopwatch};
use crate::silence::{Silence, SilenceError, SilenceState};
use crate::stats::SilenceStats;
use crate::time::Time;

/// A silence with the time at which it may be forgotten: the unit of snapshots and gossip messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSilence {
    pub silence: Arc<Silence>,
    /// End plus retention.
    pub expires_at: Time,
}

/// What storing a silence did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceChange {
    /// The id under which the silence is now known.
    pub id: String,
    /// What must be told to the other cluster members, in order.
    pub changed: Vec<StoredSilence>,
    /// Whether there was none under this id before.
    pub is_new: bool,
    /// The id of the silence that was expired because the change could not keep it.
    pub replaced: Option<String>,
}

#[derive(Debug)]
struct Entry {
    stored: StoredSilence,
    /// Order of creation, in which the ids of matching silences are shown.
    sequence: u64,
    /// Empty if a pattern does not compile: such a silence matches nothing.
    matcher_sets: Vec<Vec<Matcher>>,
}

/// All silences, and an index from labels to the silences that could match them.
#[derive(Debug, Default)]
pub struct Silences {
    entries: BTreeMap<String, Entry>,
    by_sequence: BTreeMap<u64, String>,
    next_sequence: u64,
    index: Index,
    /// How many entries have matchers that do not compile.
    without_matchers: usize,
    stats: SilenceStats,
    queries: QueryMeter,
}

impl Silences {
    /// Takes over a snapshot; entries with the same id replace each other.
    pub fn restore(&mut self, silences: impl IntoIterator<Item = StoredSilence>) {
        for stored in silences {
            self.insert(stored);
        }
        let found = std::mem::take(&mut self.stats.uncompiled);
        self.stats.uncompiled_restored += found;
    }

    pub(crate) fn measure_with(&mut self, stopwatch: Stopwatch) {
        self.queries.stopwatch = stopwatch;
    }

    pub(crate) fn stats(&self) -> SilenceStats {
        SilenceStats {
            queries: self.queries.counts(),
            kept: self.entries.len(),
            compiled: self.entries.len() - self.without_matchers,
            ..self.stats
        }
    }

    /// Counts a look at this many silences for somebody who asked for them.
    pub(crate) fn asked<T>(&self, scanned: usize, look: impl FnOnce() -> T) -> T {
        let asked = Asked {
            scanned,
            ..Asked::default()
        };
        self.queries.measure(|| (look(), asked))
    }

    /// Stores a new silence or changes a known one. `fresh_id` is taken if the silence needs a new id.
    pub fn set(
        &mut self,
        silence: Silence,
        fresh_id: String,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<SilenceChange, SilenceError> {
        let now = Time::from(now);
        let mut silence = silence;
        if silence.starts_at.is_unset() {
            silence.starts_at = now;
        }
        silence.check(now, settings.names)?;
        let old = match silence.id.as_str() {
            "" => None,
            id => Some(self.get(id).ok_or(SilenceError::NotFound)?.clone()),
        };
        let kept = old.as_ref().filter(|old| old.can_become(&silence, now));
        if let Some(old) = kept {
            silence.updated_at = now.max(old.updated_at.next());
            let stored = checked_size(silence, settings)?;
            let changed = self.change(stored, None, Vec::new());
            return Ok(SilenceChange {
                is_new: false,
                ..changed
            });
        }
        if settings.silences_max > 0 && self.entries.len() >= settings.silences_max {
            return Err(SilenceError::TooMany {
                count: self.entries.len(),
                max: settings.silences_max,
            });
        }
        silence.id = fresh_id;
        silence.starts_at = silence.starts_at.max(now);
        silence.updated_at = now;
        let stored = checked_size(silence, settings)?;
        let expired = match &old {
            Some(old) => self.expire_at(&old.id, now, settings.retention)?,
            None => None,
        };
        let replaced = expired.as_ref().map(|old| old.silence.id.clone());
        Ok(self.change(stored, replaced, expired.into_iter().collect()))
    }

    fn change(
        &mut self,
        stored: StoredSilence,
        replaced: Option<String>,
        mut changed: Vec<StoredSilence>,
    ) -> SilenceChange {
        let id = stored.silence.id.clone();
        self.insert(stored.clone());
        changed.push(stored);
        SilenceChange {
            id,
            changed,
            is_new: true,
            replaced,
        }
    }

    /// Ends a silence now. Nothing changes, and that is no error, if it has already ended.
    pub fn expire(
        &mut self,
        id: &str,
        now: Timestamp,
        retention: Duration,
    ) -> Result<Option<StoredSilence>, SilenceError> {
        self.expire_at(id, Time::from(now), retention)
    }

    fn expire_at(
        &mut self,
        id: &str,
        now: Time,
        retention: Duration,
    ) -> Result<Option<StoredSilence>, SilenceError> {
        let old = self.get(id).ok_or(SilenceError::NotFound)?;
        let mut silence = (**old).clone();
        match silence.state_at(now) {
            SilenceState::Expired => return Ok(None),
            SilenceState::Active => {}
            SilenceState::Pending => silence.starts_at = now,
        }
        silence.ends_at = now;
        silence.updated_at = now.max(silence.updated_at.next());
        let stored = store(silence, retention);
        self.insert(stored.clone());
        Ok(Some(stored))
    }

    /// Moves the end of an active silence to later. Nothing changes if it is not active, or ends later anyway.
    pub fn extend(
        &mut self,
        id: &str,
        ends_at: Time,
        now: Timestamp,
        retention: Duration,
    ) -> Option<StoredSilence> {
        let now = Time::from(now);
        let old = self.get(id)?;
        if old.state_at(now) != SilenceState::Active || old.ends_at >= ends_at {
            return None;
        }
        let mut silence = (**old).clone();
        silence.ends_at = ends_at;
        silence.updated_at = now.max(silence.updated_at.next());
        let stored = store(silence, retention);
        self.insert(stored.clone());
        Some(stored)
    }

    /// Takes over a silence of another cluster member if it is news. Returns whether it was.
    pub fn merge(&mut self, stored: StoredSilence, now: Timestamp) -> bool {
        let is_news = stored.expires_at >= Time::from(now)
            && self
                .get(&stored.silence.id)
                .is_none_or(|old| old.updated_at < stored.silence.updated_at);
        if is_news {
            self.insert(stored);
        }
        is_news
    }

    fn insert(&mut self, stored: StoredSilence) {
        let id = stored.silence.id.clone();
        let sequence = match self.remove(&id) {
            Some(old) => old.sequence,
            None => {
                self.next_sequence += 1;
                self.next_sequence
            }
        };
        let compile = |set: &Vec<_>| -> Result<Vec<Matcher>, _> {
            set.iter()
                .map(crate::silence::SilenceMatcher::compile)
                .collect()
        };
        let matcher_sets: Result<Vec<Vec<Matcher>>, _> =
            stored.silence.matcher_sets.iter().map(compile).collect();
        self.stats.uncompiled += u64::from(matcher_sets.is_err());
        let matcher_sets = matcher_sets.unwrap_or_default();
        self.without_matchers += usize::from(matcher_sets.is_empty());
        for set in &matcher_sets {
            self.index.add(set, sequence);
        }
        self.by_sequence.insert(sequence, id.clone());
        self.entries.insert(
            id,
            Entry {
                stored,
                sequence,
                matcher_sets,
            },
        );
    }

    fn remove(&mut self, id: &str) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.by_sequence.remove(&entry.sequence);
        self.without_matchers -= usize::from(entry.matcher_sets.is_empty());
        for set in &entry.matcher_sets {
            self.index.remove(set, entry.sequence);
        }
        Some(entry)
    }

    /// Forgets silences whose retention is over. Returns how many.
    pub fn collect_garbage(&mut self, now: Timestamp) -> usize {
        let start = self.queries.stopwatch.read();
        let now = Time::from(now);
        let over: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.stored.expires_at <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in &over {
            if let Some(entry) = self.remove(id) {
                let is_unset = entry.stored.expires_at.is_unset();
                self.stats.garbage_failed += u64::from(is_unset);
            }
        }
        self.stats.garbage.add(self.queries.stopwatch.since(start));
        over.len()
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Silence>> {
        self.entries.get(id).map(|entry| &entry.stored.silence)
    }

    /// In order of creation.
    pub fn iter(&self) -> impl Iterator<Item = &StoredSilence> {
        self.by_sequence
            .values()
            .filter_map(|id| self.entries.get(id))
            .map(|entry| &entry.stored)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The ids of the active silences that match, in order of creation. Counted as a query.
    pub fn silencing(&self, labels: &Labels, now: Timestamp) -> Vec<String> {
        self.queries.measure(|| {
            let (scanned, ids) = self.find_silencing(labels, now);
            let asked = Asked {
                scanned,
                skipped: self.entries.len().saturating_sub(scanned),
                ..Asked::default()
            };
            (ids, asked)
        })
    }

    /// How many silences were looked at, and the ids of those that match. Not counted.
    pub(crate) fn find_silencing(&self, labels: &Labels, now: Timestamp) -> (usize, Vec<String>) {
        let now = Time::from(now);
        let matches = |entry: &&Entry| {
            entry.stored.silence.state_at(now) == SilenceState::Active
                && entry
                    .matcher_sets
                    .iter()
                    .any(|set| set.iter().all(|matcher| matcher.matches_labels(labels)))
        };
        let candidates = self.index.candidates(labels);
        let scanned = candidates.len();
        let found = candidates
            .into_iter()
            .filter_map(|sequence| self.entries.get(self.by_sequence.get(&sequence)?))
            .filter(matches)
            .map(|entry| entry.stored.silence.id.clone());
        (scanned, found.collect())
    }

    /// How many silences are in each state: active, pending, expired.
    pub fn counts(&self, now: Timestamp) -> [usize; 3] {
        let now = Time::from(now);
        let mut counts = [0; 3];
        for entry in self.entries.values() {
            match entry.stored.silence.state_at(now) {
                SilenceState::Active => counts[0] += 1,
                SilenceState::Pending => counts[1] += 1,
                SilenceState::Expired => counts[2] += 1,
            }
        }
        counts
    }
}

fn store(silence: Silence, retention: Duration) -> StoredSilence {
    StoredSilence {
        expires_at: silence.ends_at + retention,
        silence: Arc::new(silence),
    }
}

fn checked_size(silence: Silence, settings: &Settings) -> Result<StoredSilence, SilenceError> {
    let stored = store(silence, settings.retention);
    let max = settings.silence_bytes_max;
    if max > 0 {
        let bytes = codec::silence::size(&stored);
        if bytes > max {
            return Err(SilenceError::TooBig { bytes, max });
        }
    }
    Ok(stored)
}

/// From a label pair to the matcher sets that demand exactly it, so that an alert meets only silences that
/// name one of its labels, and those that name none exactly.
#[derive(Debug, Default)]
struct Index {
    /// By name, then by value.
    by_pair: HashMap<String, HashMap<String, BTreeSet<u64>, FixedState>, FixedState>,
    rest: BTreeSet<u64>,
}

impl Index {
    fn pair_of(set: &[Matcher]) -> Option<(String, String)> {
        set.iter()
            .find(|matcher| matcher.op() == MatchOp::Equal && !matcher.value().is_empty())
            .map(|matcher| (matcher.name().to_owned(), matcher.value().to_owned()))
    }

    fn add(&mut self, set: &[Matcher], sequence: u64) {
        match Self::pair_of(set) {
            Some((name, value)) => {
                let by_value = self.by_pair.entry(name).or_default();
                by_value.entry(value).or_default().insert(sequence)
            }
            None => self.rest.insert(sequence),
        };
    }

    fn remove(&mut self, set: &[Matcher], sequence: u64) {
        let Some((name, value)) = Self::pair_of(set) else {
            self.rest.remove(&sequence);
            return;
        };
        let Some(by_value) = self.by_pair.get_mut(&name) else {
            return;
        };
        if let Some(sequences) = by_value.get_mut(&value) {
            sequences.remove(&sequence);
            if sequences.is_empty() {
                by_value.remove(&value);
            }
        }
        if by_value.is_empty() {
            self.by_pair.remove(&name);
        }
    }

    fn candidates(&self, labels: &Labels) -> BTreeSet<u64> {
        let mut found = self.rest.clone();
        for (name, value) in labels {
            let by_value = self.by_pair.get(name);
            if let Some(sequences) = by_value.and_then(|by_value| by_value.get(value)) {
                found.extend(sequences);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silence::SilenceMatcher;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn silence(matchers: &[(MatchOp, &str, &str)], starts_at: i64, ends_at: i64) -> Silence {
        let set = matchers
            .iter()
            .map(|(op, name, pattern)| SilenceMatcher {
                op: *op,
                name: (*name).to_owned(),
                pattern: (*pattern).to_owned(),
            })
            .collect();
        Silence {
            matcher_sets: vec![set],
            starts_at: Time::new(starts_at, 0),
            ends_at: Time::new(ends_at, 0),
            comment: "why".to_owned(),
            ..Silence::default()
        }
    }

    fn disk(starts_at: i64, ends_at: i64) -> Silence {
        silence(&[(MatchOp::Equal, "alertname", "Disk")], starts_at, ends_at)
    }

    #[test]
    fn a_compatible_change_keeps_the_id_and_any_other_makes_a_new_one() {
        let settings = Settings::default();
        let mut silences = Silences::default();
        let mut set = |silence: Silence, fresh: &str, now: i64| {
            silences
                .set(silence, fresh.to_owned(), at(now), &settings)
                .map(|change| (change.id, change.replaced))
        };
        // A start in the past becomes now.
        assert_eq!(set(disk(0, 100), "a", 10), Ok(("a".to_owned(), None)));
        let with_id = |id: &str, silence: Silence| Silence {
            id: id.to_owned(),
            ..silence
        };
        assert_eq!(
            set(with_id("a", disk(10, 200)), "b", 20),
            Ok(("a".to_owned(), None))
        );
        assert_eq!(
            set(with_id("a", disk(11, 200)), "b", 20),
            Ok(("b".to_owned(), Some("a".to_owned())))
        );
        // The old one is over now, so the next change only makes a new one.
        assert_eq!(
            set(with_id("a", disk(10, 200)), "c", 30),
            Ok(("c".to_owned(), None))
        );
        assert_eq!(
            set(with_id("zz", disk(10, 200)), "d", 30),
            Err(SilenceError::NotFound)
        );
    }

    #[test]
    fn refusals_name_the_matcher() {
        let settings = Settings::default();
        let mut silences = Silences::default();
        let cases = [
            (
                silence(&[], 0, 10),
                "invalid silence: matcher set 0 is empty",
            ),
            (
                silence(&[(MatchOp::Regex, "a", ".*")], 0, 10),
                "invalid silence: matcher set 0: at least one matcher must not match the empty string",
            ),
            (
                silence(&[(MatchOp::Equal, "", "x")], 0, 10),
                "invalid silence: invalid label matcher 0 in set 0: invalid label name \"\"",
            ),
            (
                disk(10, 10),
                "Failed to create silence: start time must be before end time",
            ),
            (
                disk(-20, -10),
                "Failed to create silence: end time can't be in the past",
            ),
        ];
        for (silence, message) in cases {
            let error = silences
                .set(silence, "x".to_owned(), at(0), &settings)
                .unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let negative = silence(&[(MatchOp::NotEqual, "a", "x")], 0, 10);
        assert!(
            silences
                .set(negative, "x".to_owned(), at(0), &settings)
                .is_ok()
        );
    }

    #[test]
    fn matching_goes_through_the_index() {
        let settings = Settings::default();
        let mut silences = Silences::default();
        let all = [
            disk(0, 100),
            silence(&[(MatchOp::Regex, "alertname", "D.*")], 0, 50),
            silence(
                &[
                    (MatchOp::Equal, "a", ""),
                    (MatchOp::Equal, "alertname", "Disk"),
                ],
                0,
                100,
            ),
            disk(60, 100),
        ];
        for (index, silence) in all.into_iter().enumerate() {
            silences
                .set(silence, format!("s{index}"), at(0), &settings)
                .unwrap();
        }
        let labels = Labels::from_pairs([("alertname", "Disk"), ("b", "1")]);
        assert_eq!(silences.silencing(&labels, at(0)), ["s0", "s1", "s2"]);
        assert_eq!(silences.silencing(&labels, at(50)), ["s0", "s2"]);
        assert_eq!(silences.silencing(&labels, at(60)), ["s0", "s2", "s3"]);
        silences.expire("s0", at(70), settings.retention).unwrap();
        assert_eq!(silences.silencing(&labels, at(70)), ["s2", "s3"]);
        assert_eq!(silences.counts(at(70)), [2, 0, 2]);
        assert_eq!(silences.collect_garbage(at(100 + 120 * 3600)), 4);
    }

    #[test]
    fn the_newer_update_wins_in_a_merge() {
        let mut silences = Silences::default();
        let stored = |updated_at: i64, comment: &str| StoredSilence {
            silence: Arc::new(Silence {
                id: "x".to_owned(),
                updated_at: Time::new(updated_at, 0),
                comment: comment.to_owned(),
                ..disk(0, 100)
            }),
            expires_at: Time::new(1000, 0),
        };
        assert!(silences.merge(stored(5, "first"), at(10)));
        assert!(!silences.merge(stored(5, "same time"), at(10)));
        assert!(!silences.merge(stored(4, "older"), at(10)));
        assert!(silences.merge(stored(6, "newer"), at(10)));
        assert!(!silences.merge(stored(7, "forgotten"), at(2000)));
        assert_eq!(silences.get("x").unwrap().comment, "newer");
    }
}
