//! Which records are asked for. Label sets and lists are judged once per segment, not once per record.

use model::{Matcher, Timestamp};

use super::decode::{Entry, Segment, at};
use super::record::{Kind, Record};
use crate::alert::Fingerprint;

/// What records must be like; everything that is given must hold.
#[derive(Clone, Debug)]
pub struct Query {
    /// Both are included.
    pub from: Timestamp,
    pub to: Timestamp,
    /// All must match the alert, or one of the alerts, that the record is about.
    pub matchers: Vec<Matcher>,
    pub fingerprint: Option<Fingerprint>,
    pub receiver: Option<String>,
    /// One of them, if there are any.
    pub codes: Vec<String>,
    pub kinds: Vec<Kind>,
    /// Records of these codes within the times are wanted whatever else is asked for.
    pub also: Vec<&'static str>,
}

impl Default for Query {
    /// Everything.
    fn default() -> Self {
        Self {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            matchers: Vec::new(),
            fingerprint: None,
            receiver: None,
            codes: Vec::new(),
            kinds: Vec::new(),
            also: Vec::new(),
        }
    }
}

impl Query {
    fn is_about_alerts(&self) -> bool {
        self.fingerprint.is_some() || !self.matchers.is_empty()
    }
}

/// A query at work in one segment.
#[derive(Debug)]
pub struct Search<'q> {
    query: &'q Query,
    /// By number, as far as they are known.
    subjects: Vec<bool>,
    lists: Vec<bool>,
}

impl<'q> Search<'q> {
    pub fn new(query: &'q Query) -> Self {
        Self {
            query,
            subjects: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// Whether the entry, which `segment` gave just now, is asked for.
    pub fn wants(&mut self, segment: &Segment<'_>, entry: &Entry) -> bool {
        let query = self.query;
        if !(query.from..=query.to).contains(&entry.at) {
            return false;
        }
        let code = at(&segment.texts, entry.code).copied().unwrap_or_default();
        if query.also.contains(&code) {
            return true;
        }
        if !query.kinds.is_empty() && !query.kinds.contains(&entry.kind) {
            return false;
        }
        if !query.codes.is_empty() && !query.codes.iter().any(|wanted| wanted == code) {
            return false;
        }
        if let Some(receiver) = &query.receiver {
            let group = at(&segment.groups, entry.group);
            if group.is_none_or(|group| *group.receiver != **receiver) {
                return false;
            }
        }
        if !query.is_about_alerts() {
            return true;
        }
        self.judge(segment);
        at(&self.subjects, entry.subject).copied() == Some(true)
            || at(&self.lists, entry.list).copied() == Some(true)
    }

    /// The record in full.
    pub fn record(&self, segment: &Segment<'_>, entry: &Entry) -> Record {
        segment.record(entry, |number| {
            at(&self.subjects, number).copied().unwrap_or_default()
        })
    }

    fn judge(&mut self, segment: &Segment<'_>) {
        let query = self.query;
        let new = segment.subjects.iter().skip(self.subjects.len());
        self.subjects.extend(new.map(|subject| {
            let is_it = query
                .fingerprint
                .is_none_or(|wanted| wanted == subject.fingerprint);
            let mut matchers = query.matchers.iter();
            is_it && matchers.all(|matcher| matcher.matches_labels(&subject.labels))
        }));
        let new = segment.lists.iter().skip(self.lists.len());
        let judged: Vec<bool> = new
            .map(|list| {
                let mut numbers = list.iter();
                numbers.any(|number| at(&self.subjects, number >> 1).copied() == Some(true))
            })
            .collect();
        self.lists.extend(judged);
    }
}
