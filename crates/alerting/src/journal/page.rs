//! Records that are asked for, out of many segments, a page at a time: bounded work, and a place to go on from.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use model::Timestamp;

use super::decode::{Damage, Entry, Segment};
use super::query::{Query, Search};
use super::record::Record;

/// Bytes of segments that one page reads, but always one segment.
const BYTES_MAX: u64 = 32 << 20;

/// Names a record for as long as it is kept, and the place right before or behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    pub segment: u64,
    pub offset: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.segment, self.offset)
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (segment, offset) = text.split_once('-').ok_or(())?;
        Ok(Self {
            segment: segment.parse().map_err(|_| ())?,
            offset: offset.parse().map_err(|_| ())?,
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    #[default]
    NewestFirst,
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    pub number: u64,
    /// That can be read.
    pub bytes: u64,
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub query: Query,
    pub order: Order,
    /// Only what follows it.
    pub cursor: Option<Id>,
    /// Records of the page; may be fewer, although there are more.
    pub limit: usize,
}

impl Request {
    /// The newest records.
    pub fn newest(query: Query, limit: usize) -> Self {
        Self {
            query,
            order: Order::NewestFirst,
            cursor: None,
            limit,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub records: Vec<(Id, Record)>,
    /// Where to go on; `None` if everything was looked at.
    pub next: Option<Id>,
    /// Segments that could not be read to their end, in words.
    pub damage: Vec<String>,
    /// From when on there are records at all.
    pub kept_since: Option<Timestamp>,
}

/// Reads a page. `segments` are in the order of their numbers; `load` gives the bytes of one, or says in words why
/// not.
pub fn read(
    segments: &[SegmentInfo],
    request: &Request,
    load: impl Fn(&SegmentInfo) -> Result<Vec<u8>, String>,
) -> Page {
    let mut page = Page {
        kept_since: segments.iter().map(|segment| segment.earliest).min(),
        ..Page::default()
    };
    let is_in_range = |segment: &&SegmentInfo| {
        let query = &request.query;
        let is_behind = request.cursor.is_none_or(|cursor| match request.order {
            Order::OldestFirst => segment.number >= cursor.segment,
            Order::NewestFirst => segment.number <= cursor.segment,
        });
        is_behind && segment.earliest <= query.to && segment.latest >= query.from
    };
    let mut chosen: Vec<&SegmentInfo> = segments.iter().filter(is_in_range).collect();
    if request.order == Order::NewestFirst {
        chosen.reverse();
    }
    let limit = request.limit.max(1);
    let mut bytes_read = 0;
    for segment in chosen {
        if bytes_read > 0 && bytes_read + segment.bytes > BYTES_MAX {
            page.next = Some(Id {
                segment: segment.number,
                offset: match request.order {
                    Order::OldestFirst => 0,
                    Order::NewestFirst => u64::MAX,
                },
            });
            return page;
        }
        bytes_read += segment.bytes;
        let room = limit - page.records.len();
        let found = load(segment).map(|bytes| search(&bytes, segment.number, request, room));
        match found {
            Ok((records, damage)) => {
                page.records.extend(records);
                if let Some(damage) = damage {
                    let number = segment.number;
                    page.damage.push(format!(
                        "segment {number:08} of the journal could not be read to its end: {damage}"
                    ));
                }
            }
            Err(problem) => page.damage.push(problem),
        }
        if page.records.len() >= limit {
            page.next = page.records.last().map(|(id, _)| *id);
            return page;
        }
    }
    page
}

/// The first `room` matching records of a segment, in the order that is asked for.
fn search(
    bytes: &[u8],
    number: u64,
    request: &Request,
    room: usize,
) -> (Vec<(Id, Record)>, Option<Damage>) {
    let mut segment = match Segment::new(bytes) {
        Ok(segment) => segment,
        Err(damage) => return (Vec::new(), Some(damage)),
    };
    let mut search = Search::new(&request.query);
    let id = |entry: &Entry| Id {
        segment: number,
        offset: entry.offset as u64,
    };
    let mut found: VecDeque<Entry> = VecDeque::new();
    let damage = loop {
        let entry = match segment.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        };
        let is_behind = request.cursor.is_none_or(|cursor| match request.order {
            Order::OldestFirst => id(&entry) > cursor,
            Order::NewestFirst => id(&entry) < cursor,
        });
        if !is_behind || !search.wants(&segment, &entry) {
            continue;
        }
        match request.order {
            Order::OldestFirst if found.len() == room => break None,
            Order::NewestFirst if found.len() == room => {
                found.pop_front();
            }
            _ => {}
        }
        found.push_back(entry);
    };
    if request.order == Order::NewestFirst {
        found.make_contiguous().reverse();
    }
    let records = found
        .iter()
        .map(|entry| (id(entry), search.record(&segment, entry)));
    (records.collect(), damage)
}
