//! Start times beside samples: a header byte, then differences only from where they first change.
//!
//! Header: the highest bit says that sample 0 has one; the other seven are the number of the first
//! sample whose start time differs (0: none does). From sample 127 on it is written in any case, since
//! the header cannot name a later one. What is stored is the time of the *previous* sample minus the
//! start time, then differences of that.

use super::ChunkError;
use super::bits::{BitReader, BitWriter};
use super::varbit::{read_int, write_int};

const FIRST_IS_KNOWN: u8 = 0x80;
/// The last sample that the header can name.
const CHANGE_AT_MAX: u16 = 0x7f;

/// Whether a chunk has room for start times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTimes {
    Without,
    With,
}

/// What the next start time is written against, or was read to. 0 means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartState {
    pub(crate) start_time: i64,
    /// Time of the previous sample minus the start time, as last written.
    difference: i64,
    /// The header byte.
    pub(crate) header: u8,
}

impl StartState {
    /// The state of a chunk whose samples have no start times, at `time - time_delta` and `time`.
    pub(crate) fn unknown(header: u8, time: i64, time_delta: i64) -> Self {
        let mut state = Self {
            header,
            ..Self::default()
        };
        if state.change_at() > 0 {
            state.difference = time.wrapping_sub(time_delta);
        }
        state
    }

    pub(crate) fn from_header(header: u8) -> Self {
        Self {
            header,
            ..Self::default()
        }
    }

    fn change_at(self) -> u16 {
        u16::from(self.header & 0x7f)
    }

    /// Writes the start time of sample `index` after the rest of that sample.
    pub(crate) fn write(&mut self, writer: &mut BitWriter<'_>, sample: StartOf) {
        let StartOf {
            index,
            time,
            time_before,
            start_time,
        } = sample;
        if index == 0 {
            if start_time != 0 {
                writer.varint(time.wrapping_sub(start_time));
                self.header = FIRST_IS_KNOWN;
            }
            self.start_time = start_time;
            return;
        }
        let difference = time_before.wrapping_sub(start_time);
        if self.change_at() > 0 {
            write_int(writer, difference.wrapping_sub(self.difference));
            self.difference = difference;
        } else if start_time != self.start_time || index == CHANGE_AT_MAX {
            write_int(writer, difference);
            self.difference = difference;
            self.header |= (index & CHANGE_AT_MAX) as u8;
        }
        self.start_time = start_time;
    }

    pub(crate) fn read(
        &mut self,
        reader: &mut BitReader<'_>,
        index: usize,
        time: i64,
        time_before: i64,
    ) -> Result<(), ChunkError> {
        if index == 0 {
            if self.header & FIRST_IS_KNOWN != 0 {
                self.start_time = time.wrapping_sub(reader.varint()?);
            }
            return Ok(());
        }
        let change_at = usize::from(self.change_at());
        if change_at == 0 || index < change_at {
            return Ok(());
        }
        let stored = read_int(reader);
        self.difference = if index == change_at {
            stored
        } else {
            self.difference.wrapping_add(stored)
        };
        self.start_time = time_before.wrapping_sub(self.difference);
        Ok(())
    }
}

/// The start time of one sample and what it is written against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartOf {
    pub(crate) index: u16,
    pub(crate) time: i64,
    pub(crate) time_before: i64,
    pub(crate) start_time: i64,
}
