//! The quick ways of reading say what the plain ones do.

use std::collections::HashMap;
use std::ops::Range;

use model::labels::Labels;
use model::sample::STALE_NAN;
use model::storage::{Projection, ReadError, RowGroups, SeriesBatch, SeriesList, TimeRange};
use testkit::disk::FaultDisk;
use tsdb::Head;
use tsdb::head::FloatEncoding;

use super::support::*;

/// Only the methods that every store must have, so that the others are the trait's own.
struct Plain<'a>(&'a dyn SeriesList);

impl SeriesList for Plain<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, row: usize) -> Labels {
        self.0.labels(row)
    }

    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        self.0.read(rows, batch)
    }
}

/// Series of different lengths, one with a stale end, over more than one chunk.
fn filled(floats: FloatEncoding) -> Head {
    let options = options(&FaultDisk::new(1));
    options.floats.set(floats);
    let (head, _) = Head::open(options).unwrap();
    for step in 0..300 {
        let time = step * 15_000;
        let value = step as f64;
        commit(&head, &[("a x=1 y=1", time, value)]);
        if step < 200 {
            commit(&head, &[("a x=1 y=2", time, value * 2.0)]);
        }
        if step % 7 == 0 {
            commit(&head, &[("b x=2 y=1", time, 1.0)]);
        }
    }
    commit(&head, &[("b x=2 y=1", 300 * 15_000, STALE_NAN)]);
    head
}

fn newest(list: &dyn SeriesList) -> Vec<(Vec<i64>, Vec<u64>)> {
    let mut batch = SeriesBatch::new();
    list.read_newest(0..list.len(), &mut batch).unwrap();
    assert_eq!(batch.len(), list.len());
    (0..batch.len())
        .map(|entry| batch.floats(entry))
        .map(|(times, values)| {
            let bits = values.iter().map(|value| value.to_bits()).collect();
            (times.to_vec(), bits)
        })
        .collect()
}

#[test]
fn the_newest_sample_is_the_last_one_in_the_range() {
    for floats in [FloatEncoding::Xor, FloatEncoding::Xor2] {
        check_newest(&filled(floats));
    }
}

fn check_newest(head: &Head) {
    for (start, end) in [
        (0, i64::MAX),
        (0, 14_999),
        (1_000_000, 2_000_000),
        (2_999_999, 3_000_001),
        (4_400_000, 4_500_000),
        (9_000_000, 9_900_000),
    ] {
        let list = select(head, range(start, end), &matchers("x=~.+"));
        assert_eq!(
            newest(list.as_ref()),
            newest(&Plain(list.as_ref())),
            "{start} {end}"
        );
    }
    head.delete(range(4_000_000, 9_000_000), &matchers("y=1"))
        .unwrap();
    let list = select(head, TimeRange::ALL, &matchers("x=~.+"));
    assert_eq!(newest(list.as_ref()), newest(&Plain(list.as_ref())));
    assert_eq!(newest(list.as_ref())[0].0, [3_990_000]);
}

/// What the groups are, whatever their numbers.
fn members(groups: &RowGroups) -> HashMap<String, Vec<usize>> {
    let mut members: HashMap<String, Vec<usize>> = HashMap::new();
    for (row, group) in groups.of_row.iter().enumerate() {
        let labels = groups.labels[*group as usize].to_string();
        members.entry(labels).or_default().push(row);
    }
    members
}

#[test]
fn groups_are_those_of_the_labels() {
    let head = filled(FloatEncoding::Xor);
    let list = select(&head, TimeRange::ALL, &matchers("x=~.+"));
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
    for list_of in [
        names(&[]),
        names(&["x"]),
        names(&["y", "nothing"]),
        names(&["__name__", "x"]),
    ] {
        for by in [Projection::Only(&list_of), Projection::AllBut(&list_of)] {
            let groups = list.groups(by);
            assert_eq!(
                members(&groups),
                members(&Plain(list.as_ref()).groups(by)),
                "{by:?}"
            );
            let mut seen = 0;
            for group in &groups.of_row {
                assert!(*group <= seen, "numbered by first row");
                seen = seen.max(group + 1);
            }
        }
    }
    assert_eq!(list.groups(Projection::All).labels.len(), 3);
    assert!(list.may_have_label("x") && !list.may_have_label("z"));
}
