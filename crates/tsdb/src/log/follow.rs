//! Reading a log behind its writer, from a place that is remembered.
//!
//! Called by whoever sends samples on. Everything that was written comes once and in order; at the end there is
//! nothing *yet*. What cannot be read at the end is taken for a write that is under way; in a segment that
//! another one follows it is damage, which is passed over and told. Segments may be removed meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;

use super::reader::SegmentError;
use super::{Corruption, SegmentReader, list_segments, segment_path};

/// A place between two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub segment: u64,
    pub offset: u64,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record; [`Follower::record`] has it.
    Record,
    /// Nothing more is there yet.
    End,
    /// The next segment begins; nothing was left out.
    NextSegment,
    /// What was there before the place that is gone to now was removed, unread.
    Gone,
    /// The rest of a segment cannot be read; the next one follows.
    Damaged(Corruption),
}

#[derive(Debug)]
pub struct Follower {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    place: Place,
    reader: Option<SegmentReader>,
}

impl Follower {
    /// `dir` has the segments.
    pub fn new(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>, place: Place) -> Self {
        Self {
            disk,
            dir: dir.into(),
            place,
            reader: None,
        }
    }

    /// Where a log ends now; the beginning if there is none.
    pub fn end_of(disk: &dyn Disk, dir: &Path) -> io::Result<Place> {
        if !disk.exists(dir) {
            return Ok(Place::default());
        }
        let Some(segment) = list_segments(disk, dir)?.pop() else {
            return Ok(Place::default());
        };
        let offset = disk.length(&segment_path(dir, segment))?;
        Ok(Place { segment, offset })
    }

    /// Behind the last record.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The record of the last step.
    pub fn record(&self) -> &[u8] {
        self.reader
            .as_ref()
            .map_or(&[], |reader| reader.last_record())
    }

    /// After an error the same step is tried again.
    pub fn step(&mut self) -> io::Result<Step> {
        // Within a page there is no need to look into the folder for each record.
        let is_within_page = self
            .reader
            .as_ref()
            .is_some_and(|reader| !reader.is_at_end());
        if is_within_page {
            if matches!(self.read()?, Read::Record) {
                return Ok(Step::Record);
            }
            // It may stand within a record.
            self.reader = None;
        }
        if !self.disk.exists(&self.dir) {
            return Ok(Step::End);
        }
        let segments = list_segments(self.disk.as_ref(), &self.dir)?;
        let from = self.place.segment;
        let mut ahead = segments.into_iter().filter(|segment| *segment >= from);
        let Some(current) = ahead.next() else {
            // Nobody has written anything.
            return Ok(Step::End);
        };
        if current != self.place.segment {
            self.go_to(current);
            return Ok(Step::Gone);
        }
        let Some(later) = ahead.next() else {
            if matches!(self.read()?, Read::Record) {
                return Ok(Step::Record);
            }
            // What is there later is read anew.
            self.reader = None;
            return Ok(Step::End);
        };
        // The segment is ended, but its last page may have been looked at before it was.
        self.reader = self.reader.take().filter(|reader| !reader.is_last_page());
        match self.read()? {
            Read::Record => Ok(Step::Record),
            Read::End => {
                self.go_to(later);
                Ok(Step::NextSegment)
            }
            Read::Damaged(corruption) => {
                self.go_to(later);
                Ok(Step::Damaged(corruption))
            }
        }
    }

    fn go_to(&mut self, segment: u64) {
        self.reader = None;
        self.place = Place { segment, offset: 0 };
    }

    fn read(&mut self) -> io::Result<Read> {
        if self.reader.is_none() {
            let path = segment_path(&self.dir, self.place.segment);
            let opened = SegmentReader::open_at(self.disk.as_ref(), &path, self.place.offset)?;
            self.reader = Some(opened);
        }
        let Some(reader) = &mut self.reader else {
            return Ok(Read::End);
        };
        let found = match reader.next_record() {
            Ok(Some(_)) => Read::Record,
            Ok(None) => Read::End,
            Err(SegmentError::Corrupt(corruption)) => Read::Damaged(corruption),
            Err(SegmentError::Io(error)) => {
                self.reader = None;
                return Err(error);
            }
        };
        if matches!(found, Read::Record) {
            self.place.offset = reader.record_end();
        }
        Ok(found)
    }
}

enum Read {
    Record,
    End,
    Damaged(Corruption),
}
