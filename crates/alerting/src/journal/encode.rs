//! Records into the bytes of a segment.
//!
//! Fields of a payload. Numbers of texts, label sets, groups and lists count from 1, in the order in which they appear
//! in the segment.
//!
//! | field | what |
//! |---|---|
//! | 1 | a new text, UTF-8 |
//! | 2 | a new label set: fingerprint 1, and 2, packed: numbers of texts, a name and a value in turn |
//! | 3 | a new group: numbers of the texts of its key 1, receiver 2, route 3 |
//! | 4 | a new list of alerts, packed: number of the label set times two, one more if it is resolved |
//! | 5 | time of the record, milliseconds since 1970 as a zigzag number; always there if there is a record |
//! | 6 | kind |
//! | 7, 8, 9, 10 | numbers of code, label set, group, integration |
//! | 11, 12 | delivery and attempt |
//! | 13 | number of the list of alerts |
//! | 14 | details, packed: numbers of texts, a name and a value in turn |
//! | 15 | details that are times, packed: the number of the name's text and a time as in 5, in turn |
//! | 16 | details that are numbers, packed: the number of the name's text and the number, in turn |

use std::sync::Arc;

use model::Timestamp;

use super::decode::Header;
use super::numbers::Numbers;
use super::record::{Detail, Draft, Subject};
use crate::alert::Fingerprint;
use crate::codec::proto::Writer;
use crate::event::GroupRef;

/// Longer texts are cut: somebody may post whatever they like.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// More labels of one alert are left out.
const LABELS_MAX: usize = 1000;
/// Definitions beyond this get a frame of their own.
const FRAME_BYTES: usize = 64 << 10;

/// What is known of texts, groups and lists of alerts: so much twice of each.
const KNOWN_BYTES_MAX: usize = 512 << 10;
/// Of so many label sets, twice, the numbers are known. They matter most: each flush mentions all of its alerts.
const KNOWN_LABEL_SETS_MAX: usize = 256 << 10;
/// What most records and the names in them need.
const RECORD_BYTES: usize = 256;
/// What one known thing takes beside itself.
const KNOWN_OVERHEAD: usize = 48;

/// Writes the frames of one segment; knows what the segment has named already.
#[derive(Debug)]
pub struct SegmentWriter {
    texts: Numbers<Box<str>>,
    label_sets: Numbers<Fingerprint>,
    groups: Numbers<GroupKey>,
    lists: Numbers<Box<[u64]>>,
}

impl Default for SegmentWriter {
    fn default() -> Self {
        Self {
            texts: Numbers::new(KNOWN_BYTES_MAX),
            label_sets: Numbers::new(KNOWN_LABEL_SETS_MAX),
            groups: Numbers::new(KNOWN_BYTES_MAX),
            lists: Numbers::new(KNOWN_BYTES_MAX),
        }
    }
}

/// The route tells groups of the same key apart that are at routes with the same matchers.
type GroupKey = (Arc<str>, Arc<str>);

impl SegmentWriter {
    /// The bytes that a segment begins with.
    pub fn header(header: &Header) -> Vec<u8> {
        header.to_bytes()
    }

    /// Appends the frames of a record to `bytes`. Returns how many of these bytes are the record itself; the others
    /// name things.
    pub fn append(&mut self, draft: &Draft, bytes: &mut Vec<u8>) -> usize {
        let mut names = Frames {
            message: Writer::with_room(RECORD_BYTES),
            bytes,
        };
        let code = self.text(draft.code, &mut names);
        let subject = draft.subject.as_ref();
        let subject = subject.map_or(0, |subject| self.label_set(subject, &mut names));
        let group = draft.group.as_ref();
        let group = group.map_or(0, |group| self.group(group, &mut names));
        let integration = draft.integration.as_ref();
        let integration = integration.map_or(0, |name| self.text(name, &mut names));
        let alerts = draft.alerts.as_ref().filter(|alerts| !alerts.is_empty());
        let list = alerts.map_or(0, |alerts| {
            let numbers: Vec<u64> = alerts
                .iter()
                .map(|notified| {
                    let subject = Subject::from(&*notified.alert);
                    self.label_set(&subject, &mut names) << 1 | u64::from(notified.is_resolved)
                })
                .collect();
            self.list(numbers, &mut names)
        });
        let (mut texts, mut times, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in &draft.details {
            let name = self.text(name, &mut names);
            match value {
                Detail::Text(text) => texts.extend([name, self.text(text, &mut names)]),
                Detail::Time(at) => times.extend([name, zigzag(*at)]),
                Detail::Number(number) => numbers.extend([name, *number]),
            }
        }
        let mut message = names.message;
        let named = message.length();
        message.number_always(5, zigzag(draft.at));
        message.number(6, draft.kind.number());
        message.number(7, code);
        message.number(8, subject);
        message.number(9, group);
        message.number(10, integration);
        // Zero is left out, and stands for none.
        message.number(11, draft.delivery.unwrap_or_default());
        message.number(12, u64::from(draft.attempt.unwrap_or_default()));
        message.number(13, list);
        message.packed(14, &texts);
        message.packed(15, &times);
        message.packed(16, &numbers);
        let own = message.length() - named;
        frame(message, bytes);
        own
    }

    fn text(&mut self, text: &str, names: &mut Frames<'_>) -> u64 {
        let text = cut(text);
        let weight = text.len() + KNOWN_OVERHEAD;
        if let Some(number) = self.texts.get(text, weight) {
            return number;
        }
        names.add(|message| message.message(1, text.as_bytes()));
        self.texts.define(text.into(), weight)
    }

    fn label_set(&mut self, subject: &Subject, names: &mut Frames<'_>) -> u64 {
        if let Some(number) = self.label_sets.get(&subject.fingerprint, 1) {
            return number;
        }
        let pairs = subject.labels.iter().take(LABELS_MAX);
        let texts: Vec<u64> = pairs
            .flat_map(|(name, value)| [name, value])
            .map(|text| self.text(text, names))
            .collect();
        let mut message = Writer::with_room(RECORD_BYTES);
        message.number(1, subject.fingerprint.0);
        message.packed(2, &texts);
        names.add(|names| names.message(2, &message.into_bytes()));
        self.label_sets.define(subject.fingerprint, 1)
    }

    fn group(&mut self, group: &GroupRef, names: &mut Frames<'_>) -> u64 {
        let key = (group.route_id.clone(), group.key.clone());
        let weight = key.0.len() + key.1.len() + KNOWN_OVERHEAD;
        if let Some(number) = self.groups.get(&key, weight) {
            return number;
        }
        let mut message = Writer::default();
        message.number(1, self.text(&group.key, names));
        message.number(2, self.text(&group.receiver, names));
        message.number(3, self.text(&group.route_id, names));
        names.add(|names| names.message(3, &message.into_bytes()));
        self.groups.define(key, weight)
    }

    fn list(&mut self, numbers: Vec<u64>, names: &mut Frames<'_>) -> u64 {
        let weight = size_of_val(&*numbers) + KNOWN_OVERHEAD;
        if let Some(number) = self.lists.get(&*numbers, weight) {
            return number;
        }
        names.add(|message| message.packed(4, &numbers));
        self.lists.define(numbers.into(), weight)
    }
}

/// Definitions on their way into frames.
struct Frames<'a> {
    message: Writer,
    bytes: &'a mut Vec<u8>,
}

impl Frames<'_> {
    fn add(&mut self, define: impl FnOnce(&mut Writer)) {
        define(&mut self.message);
        if self.message.length() > FRAME_BYTES {
            frame(std::mem::take(&mut self.message), self.bytes);
        }
    }
}

fn frame(message: Writer, bytes: &mut Vec<u8>) {
    let payload = message.into_bytes();
    // A frame is a list of all alerts at most; those do not have 4 GiB.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checksum(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a 32-bit checksum in a 64-bit result"
)]
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn zigzag(at: Timestamp) -> u64 {
    let millis = at.millis();
    ((millis << 1) ^ (millis >> 63)).cast_unsigned()
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
