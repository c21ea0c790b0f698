//! The cache against a plain map.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(0);

fn limits(bytes_max: usize) -> Limits {
    Limits {
        bytes_max,
        ..Limits::default()
    }
}

/// A request: looks all up in order, then remembers what was not there.
fn request(cache: &mut SeriesCache, keys: &[Vec<u8>]) -> Vec<Found> {
    let (mut cursor, mut before) = (Cursor::default(), &[][..]);
    let mut found = Vec::new();
    for key in keys {
        found.push(cache.find(&mut cursor, before, key));
        before = key;
    }
    for (key, found) in keys.iter().zip(&found) {
        match found {
            Found::Here(_) => {}
            Found::Fading(series) => cache.insert(key, *series, NOW),
            Found::Not => cache.insert(key, reference(key), NOW),
        }
    }
    found
}

/// Stands for what storage says.
fn reference(key: &[u8]) -> SeriesRef {
    let number = key.iter().fold(7u64, |number, byte| {
        number.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    SeriesRef(number)
}

fn keys(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    let key = |number| format!("job=a,instance={},series={number}", number % 7).into_bytes();
    numbers.into_iter().map(key).collect()
}

#[test]
fn the_same_request_again_is_known() {
    let mut cache = SeriesCache::new(Limits::default(), NOW);
    let first = keys(0..100);
    assert!(
        request(&mut cache, &first)
            .iter()
            .all(|found| *found == Found::Not)
    );
    let wanted = |keys: &[Vec<u8>]| -> Vec<Found> {
        keys.iter().map(|key| Found::Here(reference(key))).collect()
    };
    for order in [
        first.clone(),
        keys((0..100).rev()),
        keys((0..100).step_by(3)),
        keys([5, 5, 6]),
    ] {
        assert_eq!(request(&mut cache, &order), wanted(&order));
    }
    assert!(cache.bytes() < 100 * 80, "{}", cache.bytes());
}

#[test]
fn memory_is_bounded_and_what_is_in_use_stays() {
    let mut cache = SeriesCache::new(limits(4000), NOW);
    let busy = keys(0..10);
    request(&mut cache, &busy);
    for round in 1..200 {
        request(&mut cache, &keys(round * 10..round * 10 + 10));
        let found = request(&mut cache, &busy);
        assert!(!found.contains(&Found::Not), "round {round}");
        assert!(cache.bytes() < 9000, "{}", cache.bytes());
    }
    assert_eq!(request(&mut cache, &keys(20..21)), [Found::Not]);
}

#[test]
fn the_unused_are_forgotten_with_time() {
    let mut cache = SeriesCache::new(Limits::default(), NOW);
    request(&mut cache, &keys(0..1));
    let later = NOW + Limits::default().shelf_age_max;
    assert!(!cache.is_due(NOW) && cache.is_due(later));
    cache.turn(later);
    assert!(!cache.is_due(later));
    let fading = Found::Fading(reference(&keys(0..1)[0]));
    assert_eq!(request(&mut cache, &keys(0..1)), [fading]);
    cache.turn(later);
    cache.turn(later);
    assert_eq!(request(&mut cache, &keys(0..1)), [Found::Not]);
    assert_eq!(
        request(&mut cache, &keys(0..1)),
        [Found::Here(reference(&keys(0..1)[0]))]
    );
}

#[test]
fn a_new_reference_replaces_the_old_one() {
    let mut cache = SeriesCache::new(Limits::default(), NOW);
    let known = keys(0..3);
    request(&mut cache, &known);
    cache.insert(&known[1], SeriesRef(1), NOW);
    assert_eq!(request(&mut cache, &known)[1], Found::Here(SeriesRef(1)));
}

#[test]
fn very_long_labels_are_not_kept() {
    let mut cache = SeriesCache::new(Limits::default(), NOW);
    let long = vec![vec![b'x'; LABEL_BYTES_KEPT_MAX + 1]];
    request(&mut cache, &long);
    assert_eq!(request(&mut cache, &long), [Found::Not]);
    assert_eq!(cache.bytes(), 0);
}

proptest! {
    /// Whatever is looked up in whatever order: never a reference of another series.
    #[test]
    fn agrees_with_a_map(
        requests in prop::collection::vec(prop::collection::vec("[ab]{0,6}", 0..40), 1..12),
        bytes_max in 200usize..5000,
    ) {
        let mut cache = SeriesCache::new(limits(bytes_max), NOW);
        let mut map: HashMap<Vec<u8>, SeriesRef> = HashMap::new();
        for texts in requests {
            let keys: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
            for (key, found) in keys.iter().zip(request(&mut cache, &keys)) {
                match found {
                    Found::Here(series) | Found::Fading(series) => {
                        prop_assert_eq!(map.get(key), Some(&series));
                    }
                    Found::Not => {}
                }
            }
            map.extend(keys.into_iter().map(|key| { let series = reference(&key); (key, series) }));
        }
    }
}
