//! Which alerts a journal mentions, each once: what alerting knew of, without how it fared.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use model::{Labels, Timestamp};

use super::decode::{Damage, Segment, at};
use super::page::SegmentInfo;
use super::record::Kind;
use crate::reason::NotNotified;

/// Codes of records about alerts that were taken, where they name no group.
const TAKEN: [&str; 2] = ["alert-fired", "alert-resolved"];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SightedRequest {
    /// Both are included.
    pub from: Timestamp,
    pub to: Timestamp,
    /// So many label sets at most.
    pub labels_max: usize,
    /// So many bytes of segments are read, but always one segment.
    pub bytes_max: u64,
}

/// What was found. The newest segments are read first.
#[derive(Clone, Debug, Default)]
pub struct Sighted {
    pub labels: Vec<Labels>,
    /// Something was left out, because the limits were met.
    pub is_cut: bool,
    /// Segments that could not be read to their end, in words.
    pub damage: Vec<String>,
}

/// The label sets of alerts that were taken, grouped or told about in the time. Alerts that were refused, and those of
/// rules that did not fire, are none of them. `load` gives the bytes of a segment, or says in words why not.
pub fn read(
    segments: &[SegmentInfo],
    request: &SightedRequest,
    load: impl Fn(&SegmentInfo) -> Result<Vec<u8>, String>,
) -> Sighted {
    let mut sighted = Sighted::default();
    let mut known: HashSet<Labels, FixedState> = HashSet::default();
    let is_in_range =
        |segment: &&SegmentInfo| segment.earliest <= request.to && segment.latest >= request.from;
    let mut bytes_read = 0;
    for segment in segments.iter().rev().filter(is_in_range) {
        if bytes_read > 0 && bytes_read + segment.bytes > request.bytes_max {
            sighted.is_cut = true;
            break;
        }
        bytes_read += segment.bytes;
        let bytes = match load(segment) {
            Ok(bytes) => bytes,
            Err(problem) => {
                sighted.damage.push(problem);
                continue;
            }
        };
        let (labels, damage) = of_segment(&bytes, request);
        for labels in labels {
            if known.contains(&labels) {
                continue;
            }
            if known.len() >= request.labels_max {
                sighted.is_cut = true;
                break;
            }
            known.insert(labels.clone());
            sighted.labels.push(labels);
        }
        if let Some(damage) = damage {
            let number = segment.number;
            sighted.damage.push(format!(
                "segment {number:08} of the journal could not be read to its end: {damage}"
            ));
        }
        if sighted.is_cut {
            break;
        }
    }
    sighted
}

fn of_segment(bytes: &[u8], request: &SightedRequest) -> (Vec<Labels>, Option<Damage>) {
    let mut segment = match Segment::new(bytes) {
        Ok(segment) => segment,
        Err(damage) => return (Vec::new(), Some(damage)),
    };
    let no_route = diag::Reason::code(&NotNotified::NoRoute);
    // By number: which subjects, and which lists of them, such a record is about.
    let (mut subjects, mut lists) = (HashSet::new(), HashSet::new());
    let damage = loop {
        let entry = match segment.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        };
        if !(request.from..=request.to).contains(&entry.at) || entry.kind == Kind::Rule {
            continue;
        }
        let code = at(&segment.texts, entry.code).copied().unwrap_or_default();
        if entry.group > 0 || TAKEN.contains(&code) || code == no_route {
            subjects.insert(entry.subject);
            lists.insert(entry.list);
        }
    };
    for list in lists {
        let list = at(&segment.lists, list).map_or(&[][..], Vec::as_slice);
        subjects.extend(list.iter().map(|number| number >> 1));
    }
    let numbered = (1..).zip(&segment.subjects);
    let sighted = numbered.filter(|(number, _)| subjects.contains(number));
    let labels = sighted.map(|(_, subject)| subject.labels.clone());
    (labels.collect(), damage)
}
