//! Series: a reference and labels; `reference (8 bytes), number of labels, name, value, …`.

use std::borrow::Cow;

use model::labels::Labels;

use crate::bytes::{Bytes, Malformed, put_text, put_u64, put_uvarint};

/// Labels as they stand in the log: the peers sort them, but a reader should not rely on it.
pub type RawLabels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The labels of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesEntry<'a> {
    pub series: u64,
    pub labels: RawLabels<'a>,
}

impl SeriesEntry<'_> {
    /// Whether names ascend and no value is empty.
    pub fn has_clean_labels(&self) -> bool {
        are_clean(&self.labels)
    }

    pub fn to_labels(&self) -> Labels {
        to_labels(&self.labels)
    }
}

fn are_clean(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> bool {
    pairs.windows(2).all(|pair| pair[0].0 < pair[1].0)
        && pairs.iter().all(|(_, value)| !value.is_empty())
}

pub(super) fn to_labels(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Labels {
    if are_clean(pairs) {
        Labels::from_sorted(pairs.iter().map(|(name, value)| (&**name, &**value)))
    } else {
        Labels::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)))
    }
}

/// Starts a record if `out` is empty, else adds to it.
pub fn encode_series<'l>(
    out: &mut Vec<u8>,
    series: u64,
    labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>,
) {
    if out.is_empty() {
        out.push(super::Kind::Series as u8);
    }
    put_u64(out, series);
    put_labels(out, labels);
}

pub(crate) fn put_labels<'l>(
    out: &mut Vec<u8>,
    labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>,
) {
    put_uvarint(out, labels.len() as u64);
    for (name, value) in labels {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Labels that are read when they are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLabelsReader<'a> {
    count: usize,
    pairs: &'a [u8],
}

impl<'a> RawLabelsReader<'a> {
    /// Takes labels from the front, looking only at their lengths.
    pub(crate) fn take(rest: &mut Bytes<'a>) -> Result<Self, Malformed> {
        let count = rest.count()?;
        let start = rest.0;
        for _ in 0..2 * count {
            let length = rest.count()?;
            rest.take(length)?;
        }
        Ok(Self {
            count,
            pairs: &start[..start.len() - rest.left()],
        })
    }

    /// The labels as bytes.
    pub(crate) fn raw(self) -> impl Iterator<Item = RawLabel<'a>> {
        let mut rest = Bytes(self.pairs);
        (0..self.count).map_while(move |_| {
            let start = rest.0;
            let mut text = || {
                let length = rest.count().ok()?;
                rest.take(length).ok()
            };
            let (name, value) = (text()?, text()?);
            Some(RawLabel {
                name,
                value,
                whole: &start[..start.len() - rest.left()],
            })
        })
    }
}

/// A label as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLabel<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Both with their lengths.
    pub(crate) whole: &'a [u8],
}

pub(super) fn read_labels<'a>(rest: &mut Bytes<'a>) -> Result<RawLabels<'a>, Malformed> {
    let count = rest.count()?;
    let mut labels = Vec::with_capacity(count.min(rest.left() / 2));
    for _ in 0..count {
        labels.push((rest.text()?, rest.text()?));
    }
    Ok(labels)
}

pub(super) fn decode<'a>(rest: &mut Bytes<'a>) -> Result<Vec<SeriesEntry<'a>>, Malformed> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        entries.push(SeriesEntry {
            series: rest.u64()?,
            labels: read_labels(rest)?,
        });
    }
    Ok(entries)
}
