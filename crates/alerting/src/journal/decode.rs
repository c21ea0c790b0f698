//! The bytes of a segment into records. Nothing in them is trusted.

use std::sync::Arc;

use model::{Labels, Timestamp};

use super::encode::checksum;
use super::record::{Kind, Mention, Record, Subject};
use crate::alert::Fingerprint;
use crate::codec::CodecError;
use crate::codec::proto::Reader;
use crate::event::GroupRef;
use crate::time::Time;

const MAGIC: [u8; 4] = *b"KWJ\x01";
/// Bytes before the first frame.
pub const HEADER_BYTES: usize = 32;
/// Bytes of a frame before its payload.
const FRAME_HEAD_BYTES: usize = 8;
/// What all label sets of a segment may have together. A text that is named once can stand in many of them.
const LABEL_BYTES_MAX: usize = 256 << 20;
/// So many of the alerts of a record are read.
const MENTIONS_MAX: usize = 100;

/// Why a segment could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it does not begin as a segment of a journal does")]
    NoHeader,
    #[error("it ends in the middle of a record")]
    Torn,
    #[error("a record does not have its checksum")]
    Checksum,
    #[error("a record cannot be read: {0}")]
    Codec(#[from] CodecError),
    #[error("a record refers to something that was not named")]
    Unnamed,
    #[error("its label sets are too large")]
    TooLarge,
}

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Of the first record.
    pub first: Timestamp,
    /// The earliest and the latest time in the segment before.
    pub before: Option<(Timestamp, Timestamp)>,
}

impl Header {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (earliest, latest) = self.before.unwrap_or((Timestamp::MAX, Timestamp::MIN));
        let mut bytes = MAGIC.to_vec();
        for time in [self.first, earliest, latest] {
            bytes.extend_from_slice(&time.millis().to_le_bytes());
        }
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes
    }

    /// Of the first bytes of a segment.
    pub fn read(bytes: &[u8]) -> Result<Self, Damage> {
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or(Damage::NoHeader)?;
        let mut time = || -> Result<Timestamp, Damage> {
            let (number, behind) = rest.split_first_chunk().ok_or(Damage::NoHeader)?;
            rest = behind;
            Ok(Timestamp(i64::from_le_bytes(*number)))
        };
        let (first, earliest, latest) = (time()?, time()?, time()?);
        let sum = rest.first_chunk().ok_or(Damage::NoHeader)?;
        let covered = bytes.get(..HEADER_BYTES - 4).ok_or(Damage::NoHeader)?;
        if u32::from_le_bytes(*sum) != checksum(covered) {
            return Err(Damage::NoHeader);
        }
        Ok(Self {
            first,
            before: (earliest <= latest).then_some((earliest, latest)),
        })
    }
}

/// A record as it is in the segment: numbers that [`Segment`] knows the meaning of. Zero is none.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where its frame begins.
    pub offset: usize,
    pub at: Timestamp,
    pub kind: Kind,
    pub(super) code: u32,
    pub(super) subject: u32,
    pub(super) group: u32,
    pub(super) integration: u32,
    delivery: u64,
    attempt: u32,
    pub(super) list: u32,
    /// Names with texts, times, numbers.
    texts: Vec<(u32, u32)>,
    times: Vec<(u32, Timestamp)>,
    numbers: Vec<(u32, u64)>,
}

/// A segment that is being read.
#[derive(Debug)]
pub struct Segment<'a> {
    bytes: &'a [u8],
    at: usize,
    pub header: Header,
    pub(super) texts: Vec<&'a str>,
    pub(super) subjects: Vec<Subject>,
    pub(super) groups: Vec<Arc<GroupRef>>,
    pub(super) lists: Vec<Vec<u32>>,
    label_bytes: usize,
}

impl<'a> Segment<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, Damage> {
        Ok(Self {
            header: Header::read(bytes)?,
            bytes,
            at: HEADER_BYTES,
            texts: Vec::new(),
            subjects: Vec::new(),
            groups: Vec::new(),
            lists: Vec::new(),
            label_bytes: 0,
        })
    }

    /// The next record; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Damage> {
        while self.at < self.bytes.len() {
            let offset = self.at;
            let payload = self.frame()?;
            if let Some(entry) = self.take(offset, payload)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// How many bytes were read without finding damage.
    pub fn position(&self) -> usize {
        self.at
    }

    fn frame(&mut self) -> Result<&'a [u8], Damage> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (length, rest) = rest.split_first_chunk().ok_or(Damage::Torn)?;
        let (sum, rest) = rest.split_first_chunk().ok_or(Damage::Torn)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damage::Torn)?;
        let payload = rest.get(..length).ok_or(Damage::Torn)?;
        if checksum(payload) != u32::from_le_bytes(*sum) {
            return Err(Damage::Checksum);
        }
        self.at += FRAME_HEAD_BYTES + length;
        Ok(payload)
    }

    /// Learns what a payload names; gives its record.
    fn take(&mut self, offset: usize, payload: &'a [u8]) -> Result<Option<Entry>, Damage> {
        let mut entry = Entry {
            offset,
            at: Timestamp(0),
            kind: Kind::Alert,
            code: 0,
            subject: 0,
            group: 0,
            integration: 0,
            delivery: 0,
            attempt: 0,
            list: 0,
            texts: Vec::new(),
            times: Vec::new(),
            numbers: Vec::new(),
        };
        let (mut is_record, mut kind) = (false, 0);
        let mut reader = Reader::new(payload);
        while let Some(field) = reader.field()? {
            match field.number {
                1 => self.texts.push(field.text()?),
                2 => self.label_set(field.message()?)?,
                3 => self.group(field.message()?)?,
                4 => {
                    let mut numbers = Vec::new();
                    field.numbers(&mut numbers)?;
                    let list: Result<Vec<u32>, Damage> = numbers
                        .into_iter()
                        .map(|number| {
                            named(number >> 1, self.subjects.len())?;
                            u32::try_from(number).map_err(|_| Damage::Unnamed)
                        })
                        .collect();
                    self.lists.push(list?);
                }
                5 => {
                    is_record = true;
                    entry.at = time(field.number()?);
                }
                6 => kind = field.number()?,
                7 => entry.code = named(field.number()?, self.texts.len())?,
                8 => entry.subject = named(field.number()?, self.subjects.len())?,
                9 => entry.group = named(field.number()?, self.groups.len())?,
                10 => entry.integration = named(field.number()?, self.texts.len())?,
                11 => entry.delivery = field.number()?,
                12 => entry.attempt = u32::try_from(field.number()?).unwrap_or(u32::MAX),
                13 => entry.list = named(field.number()?, self.lists.len())?,
                14..=16 => {
                    let mut numbers = Vec::new();
                    field.numbers(&mut numbers)?;
                    for pair in numbers.chunks_exact(2) {
                        let name = named(pair[0], self.texts.len())?;
                        match field.number {
                            14 => entry.texts.push((name, named(pair[1], self.texts.len())?)),
                            15 => entry.times.push((name, time(pair[1]))),
                            _ => entry.numbers.push((name, pair[1])),
                        }
                    }
                }
                // A later version may have more.
                _ => {}
            }
        }
        // A kind that is not known is one of a later version.
        Ok(Kind::of_number(kind)
            .filter(|_| is_record)
            .map(|kind| Entry { kind, ..entry }))
    }

    fn label_set(&mut self, mut message: Reader<'a>) -> Result<(), Damage> {
        let (mut fingerprint, mut numbers) = (0, Vec::new());
        while let Some(field) = message.field()? {
            match field.number {
                1 => fingerprint = field.number()?,
                2 => field.numbers(&mut numbers)?,
                _ => {}
            }
        }
        let mut pairs = Vec::with_capacity(numbers.len() / 2);
        for pair in numbers.chunks_exact(2) {
            let (name, value) = (self.text(pair[0])?, self.text(pair[1])?);
            self.label_bytes += name.len() + value.len();
            if self.label_bytes > LABEL_BYTES_MAX {
                return Err(Damage::TooLarge);
            }
            pairs.push((name, value));
        }
        let is_sorted = pairs.windows(2).all(|two| two[0].0 < two[1].0);
        let labels = if is_sorted && pairs.iter().all(|(_, value)| !value.is_empty()) {
            Labels::from_sorted(pairs)
        } else {
            Labels::from_pairs(pairs)
        };
        self.subjects.push(Subject {
            fingerprint: Fingerprint(fingerprint),
            labels,
        });
        Ok(())
    }

    fn group(&mut self, mut message: Reader<'a>) -> Result<(), Damage> {
        let mut texts = [""; 3];
        while let Some(field) = message.field()? {
            let place = usize::try_from(field.number).unwrap_or_default();
            if let Some(text) = place.checked_sub(1).and_then(|place| texts.get_mut(place)) {
                *text = self.text(field.number()?)?;
            }
        }
        self.groups.push(Arc::new(GroupRef {
            key: texts[0].into(),
            receiver: texts[1].into(),
            route_id: texts[2].into(),
        }));
        Ok(())
    }

    fn text(&self, number: u64) -> Result<&'a str, Damage> {
        let number = named(number, self.texts.len())?;
        at(&self.texts, number).copied().ok_or(Damage::Unnamed)
    }

    /// The record in full. Of its alerts those that `is_asked_for` come first.
    pub fn record(&self, entry: &Entry, is_asked_for: impl Fn(u32) -> bool) -> Record {
        let text = |number: u32| at(&self.texts, number).map(|text| (*text).to_owned());
        let list = at(&self.lists, entry.list).map_or(&[][..], Vec::as_slice);
        let asked = list.iter().filter(|number| is_asked_for(**number >> 1));
        let others = list.iter().filter(|number| !is_asked_for(**number >> 1));
        let mentions = asked.chain(others).take(MENTIONS_MAX).filter_map(|number| {
            Some(Mention {
                subject: at(&self.subjects, number >> 1)?.clone(),
                is_resolved: number & 1 == 1,
            })
        });
        let name = |number: u32| text(number).unwrap_or_default();
        let texts = entry.texts.iter();
        let texts = texts.map(|(own, value)| (name(*own), name(*value)));
        let times = entry.times.iter();
        let times = times.map(|(own, at)| (name(*own), Time::from(*at).to_string()));
        let numbers = entry.numbers.iter();
        let numbers = numbers.map(|(own, number)| (name(*own), number.to_string()));
        Record {
            at: entry.at,
            kind: entry.kind,
            code: text(entry.code).unwrap_or_default(),
            subject: at(&self.subjects, entry.subject).cloned(),
            group: at(&self.groups, entry.group).cloned(),
            integration: text(entry.integration),
            delivery: (entry.delivery > 0).then_some(entry.delivery),
            attempt: (entry.attempt > 0).then_some(entry.attempt),
            alerts: mentions.collect(),
            alert_count: list.len(),
            details: texts.chain(times).chain(numbers).collect(),
        }
    }
}

/// Of a zigzag number.
fn time(zigzag: u64) -> Timestamp {
    Timestamp((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

/// A number that refers to one of `count` things, or to none.
fn named(number: u64, count: usize) -> Result<u32, Damage> {
    match u32::try_from(number) {
        Ok(small) if number <= count as u64 => Ok(small),
        _ => Err(Damage::Unnamed),
    }
}

/// Numbers count from 1.
pub(super) fn at<T>(things: &[T], number: u32) -> Option<&T> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    things.get(place)
}
