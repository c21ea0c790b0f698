//! Series of a snapshot, on their way from the threads that read them to the one that enters them.
//!
//! Neighbours share most labels. What a series has in common with the one before is found here, by comparing
//! bytes, and goes over as a mark.

use std::ops::Range;

use crate::head::loader::Label;
use crate::head::series::Series;
use crate::log::record::{RawLabel, RawLabelsReader};

/// Series in the order of a segment.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    /// Names and values of the labels that differ, one after another.
    texts: String,
    /// How long name and value of each label of each row are.
    lengths: Vec<(u32, u32)>,
    before: Before,
}

/// Stands for a label like that in the same place of the row before.
const SAME: (u32, u32) = (u32::MAX, u32::MAX);

#[derive(Debug)]
pub(super) struct Row {
    pub(super) reference: u64,
    pub(super) record: Series,
    /// Of the first and the last sample.
    pub(super) times: Option<(i64, i64)>,
    pub(super) labels: LabelsOf,
}

/// Where the labels of a row are.
#[derive(Clone, Debug)]
pub(super) struct LabelsOf {
    lengths: Range<usize>,
    text: usize,
}

impl LabelsOf {
    pub(super) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}

/// The labels of the last row, as they stood in its record.
#[derive(Debug, Default)]
struct Before {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Before {
    fn label(&self, place: usize) -> Option<&[u8]> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(place)?)
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a series, whose labels must be in order and clean, as every writer leaves them.
    pub(super) fn push(
        &mut self,
        reference: u64,
        labels: RawLabelsReader<'_>,
        record: Series,
        times: Option<(i64, i64)>,
    ) -> Result<(), &'static str> {
        const MALFORMED: &str = "labels of a series are malformed";
        let start = (self.lengths.len(), self.texts.len());
        let mut last: Option<(&[u8], bool)> = None;
        for (place, label) in labels.raw().enumerate() {
            let is_same = self.before.label(place) == Some(label.whole);
            let is_ordered = match last {
                Some((_, true)) if is_same => true,
                Some((name, _)) => name < label.name,
                None => true,
            };
            if !is_ordered {
                return Err(MALFORMED);
            }
            last = Some((label.name, is_same));
            if is_same {
                self.lengths.push(SAME);
                continue;
            }
            let lengths = self.push_texts(label).ok_or(MALFORMED)?;
            self.lengths.push(lengths);
        }
        self.before.bytes.clear();
        self.before.ends.clear();
        for label in labels.raw() {
            self.before.bytes.extend_from_slice(label.whole);
            self.before.ends.push(self.before.bytes.len());
        }
        self.rows.push(Row {
            reference,
            record,
            times,
            labels: LabelsOf {
                lengths: start.0..self.lengths.len(),
                text: start.1,
            },
        });
        Ok(())
    }

    fn push_texts(&mut self, label: RawLabel<'_>) -> Option<(u32, u32)> {
        let name = std::str::from_utf8(label.name).ok()?;
        let value = std::str::from_utf8(label.value).ok()?;
        if value.is_empty() {
            return None;
        }
        self.texts.push_str(name);
        self.texts.push_str(value);
        // Texts are in a record, and those are far below 4 GiB.
        Some((name.len() as u32, value.len() as u32))
    }

    pub(super) fn take(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.rows)
    }

    pub(super) fn labels(&self, of: LabelsOf) -> impl Iterator<Item = Label<'_>> {
        let mut texts = self.texts.get(of.text..).unwrap_or_default();
        let lengths = self.lengths.get(of.lengths).unwrap_or_default();
        lengths.iter().map(move |lengths| {
            if *lengths == SAME {
                return Label::Same;
            }
            let mut text = |length: u32| {
                let (text, rest) = texts.split_at_checked(length as usize).unwrap_or_default();
                texts = rest;
                text
            };
            Label::Pair(text(lengths.0), text(lengths.1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Bytes;
    use crate::log::record::put_labels;

    fn push(rows: &mut Rows, labels: &[(&str, &str)]) -> Result<(), &'static str> {
        let mut bytes = Vec::new();
        put_labels(&mut bytes, labels.iter().copied());
        let labels = RawLabelsReader::take(&mut Bytes(&bytes)).unwrap();
        rows.push(7, labels, Series::new(), None)
    }

    #[test]
    fn only_what_differs_goes_over() {
        let mut rows = Rows::default();
        push(&mut rows, &[("a", "1"), ("b", "2")]).unwrap();
        push(&mut rows, &[("a", "1"), ("b", "3"), ("c", "4")]).unwrap();
        push(&mut rows, &[("b", "3")]).unwrap();
        push(&mut rows, &[]).unwrap();
        push(&mut rows, &[("b", "3")]).unwrap();
        let all: Vec<Vec<_>> = rows
            .take()
            .into_iter()
            .map(|row| rows.labels(row.labels).collect())
            .collect();
        let pair = Label::Pair;
        assert_eq!(all[0], [pair("a", "1"), pair("b", "2")]);
        assert_eq!(all[1], [Label::Same, pair("b", "3"), pair("c", "4")]);
        assert_eq!(all[2], [pair("b", "3")]);
        assert_eq!(all[3], []);
        assert_eq!(all[4], [pair("b", "3")]);
    }

    #[test]
    fn labels_out_of_order_are_refused() {
        let refused: [&[(&str, &str)]; 4] = [
            &[("b", "1"), ("a", "1")],
            &[("a", "1"), ("a", "2")],
            &[("a", "1"), ("b", "")],
            &[("a", "1"), ("c", "2"), ("b", "2")],
        ];
        for labels in refused {
            let mut rows = Rows::default();
            push(&mut rows, &[("a", "1"), ("b", "1"), ("c", "1")]).unwrap();
            assert!(push(&mut rows, labels).is_err(), "{labels:?}");
        }
    }
}
