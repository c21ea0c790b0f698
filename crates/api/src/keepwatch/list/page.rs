//! One page of a list: filtered, sorted, cut, and without what is known already.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Serialize;

use super::filter::{Filter, Row};
use crate::params::Params;
use crate::respond::{ApiError, to_json};

/// Rows of one answer, at most and by default.
const LIMIT_MAX: usize = 1000;
const LIMIT_DEFAULT: usize = 200;

/// A part of a list, with what is needed to ask for the next.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    /// Without those that `have` named.
    pub(crate) rows: Vec<T>,
    /// With `have`: a print of each row of the page, in order; rows of the same print are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prints: Option<Vec<String>>,
    /// Rows that the filter accepts.
    pub(crate) matched: usize,
    /// Rows without any filter.
    pub(crate) total: usize,
    /// For the parameter `cursor`; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// How many rows of the whole list have each value of each `@key`.
    pub(crate) facets: BTreeMap<&'static str, BTreeMap<String, usize>>,
}

/// How a list can be asked.
pub(crate) struct ListKind<T: 'static> {
    /// The `@` keys.
    pub(crate) keys: &'static [&'static str],
    /// Those of them that are counted.
    pub(crate) counted: &'static [&'static str],
    /// Names of orders with their comparison; the first is the default.
    pub(crate) orders: &'static [(&'static str, Order<T>)],
}

pub(crate) type Order<T> = fn(&T, &T) -> std::cmp::Ordering;

impl<T: Row + Serialize> ListKind<T> {
    /// Parameters `q`, `sort` (a leading `-` turns it round), `cursor`, `limit`, `have`.
    pub(crate) fn page(&self, mut rows: Vec<T>, params: &Params) -> Result<Page<T>, ApiError> {
        let filter = Filter::parse(params.get("q"), self.keys)?;
        let offset = number(params, "cursor", 0)?;
        let limit = number(params, "limit", LIMIT_DEFAULT)?.clamp(1, LIMIT_MAX);
        let total = rows.len();
        let facets = self.count(&rows);
        rows.retain(|row| filter.accepts(row));
        self.sort(&mut rows, params)?;
        let matched = rows.len();
        let mut rows: Vec<T> = rows.into_iter().skip(offset).take(limit).collect();
        let end = offset.saturating_add(rows.len());
        let next = (end < matched && !rows.is_empty()).then(|| end.to_string());
        let prints = match params.some("have") {
            Some(known) => Some(leave_out(&mut rows, known)?),
            None => None,
        };
        Ok(Page {
            next,
            rows,
            prints,
            matched,
            total,
            facets,
        })
    }

    fn sort(&self, rows: &mut [T], params: &Params) -> Result<(), ApiError> {
        let asked = params.get("sort");
        let (name, is_reversed) = match asked.strip_prefix('-') {
            Some(name) => (name, true),
            None => (asked, false),
        };
        let order = if name.is_empty() {
            self.orders.first()
        } else {
            self.orders.iter().find(|(known, _)| *known == name)
        };
        let Some((_, compare)) = order else {
            let names: Vec<&str> = self.orders.iter().map(|(name, _)| *name).collect();
            let problem = format!("there is no order {name:?}; there are {}", names.join(", "));
            return Err(ApiError::parameter("sort", problem));
        };
        // Stable, so that rows which compare equal stay in the order of their source.
        if is_reversed {
            rows.sort_by(|a, b| compare(b, a));
        } else {
            rows.sort_by(compare);
        }
        Ok(())
    }

    fn count(&self, rows: &[T]) -> BTreeMap<&'static str, BTreeMap<String, usize>> {
        let mut facets = BTreeMap::new();
        for key in self.counted {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for value in rows.iter().flat_map(|row| row.facet(key)) {
                if let Some(count) = counts.get_mut(value) {
                    *count += 1;
                } else {
                    counts.insert(value.to_owned(), 1);
                }
            }
            facets.insert(*key, counts);
        }
        facets
    }
}

/// The prints of all rows; those whose print is known go.
fn leave_out<T: Serialize>(rows: &mut Vec<T>, known: &str) -> Result<Vec<String>, ApiError> {
    let known: HashSet<&str> = known.split(',').take(LIMIT_MAX + 1).collect();
    if known.len() > LIMIT_MAX {
        let problem = format!("more than {LIMIT_MAX}");
        return Err(ApiError::parameter("have", problem));
    }
    let prints: Vec<String> = rows.iter().map(print).collect();
    let mut those = prints.iter();
    rows.retain(|_| {
        those
            .next()
            .is_none_or(|print| !known.contains(print.as_str()))
    });
    Ok(prints)
}

/// Of 48 bits, with a key of this run, so that nobody can make two rows that have the same.
fn print<T: Serialize>(row: &T) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let key = KEY.get_or_init(RandomState::new);
    format!("{:012x}", key.hash_one(to_json(row)) >> 16)
}

fn number(params: &Params, name: &str, default: usize) -> Result<usize, ApiError> {
    params.some(name).map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| ApiError::parameter(name, format!("not a number: {text:?}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, JsonSchema)]
    struct Word(&'static str);

    impl Row for Word {
        fn has_word(&self, word: &str) -> bool {
            self.0.contains(word)
        }
        fn label(&self, _: &str) -> Option<&str> {
            None
        }
        fn facet(&self, _: &str) -> Vec<&str> {
            vec![&self.0[..1]]
        }
    }

    const WORDS: ListKind<Word> = ListKind {
        keys: &["first"],
        counted: &["first"],
        orders: &[("word", |a, b| a.0.cmp(b.0))],
    };

    fn page(query: &[(&str, &str)]) -> Result<Page<Word>, ApiError> {
        let rows = ["bean", "apple", "beet", "almond"].map(Word).into();
        WORDS.page(rows, &Params::of(query))
    }

    #[test]
    fn filtered_sorted_and_cut() {
        let first = page(&[("q", "@first:a"), ("limit", "1")]).unwrap();
        assert_eq!(first.rows, [Word("almond")]);
        assert_eq!((first.matched, first.total), (2, 4));
        assert_eq!(first.facets["first"]["b"], 2);
        let next = first.next.unwrap();
        let second = page(&[("q", "@first:a"), ("limit", "1"), ("cursor", &next)]).unwrap();
        assert_eq!(second.rows, [Word("apple")]);
        assert_eq!(second.next, None);
        let reversed = page(&[("sort", "-word")]).unwrap();
        assert_eq!(reversed.rows[0], Word("beet"));
        let beyond = page(&[("cursor", "18446744073709551615")]).unwrap();
        assert!(beyond.rows.is_empty() && beyond.next.is_none());
    }

    #[test]
    fn rows_that_are_known_are_left_out_and_their_places_told() {
        assert_eq!(page(&[]).unwrap().prints, None);
        let all = page(&[("have", "0")]).unwrap();
        let prints = all.prints.unwrap();
        assert_eq!((all.rows.len(), prints.len()), (4, 4));
        assert!(prints.iter().all(|print| print.len() == 12));
        // Almond and beet are known, so apple and bean come.
        let known = format!("{},{},rubbish", prints[0], prints[3]);
        let some = page(&[("have", &known)]).unwrap();
        assert_eq!(some.rows, [Word("apple"), Word("bean")]);
        assert_eq!(some.prints.as_ref(), Some(&prints));
        // In another order the prints are the same; counts and the next page do not depend on what is known.
        let known = prints.join(",");
        let reversed = page(&[("have", &known), ("sort", "-word"), ("limit", "3")]).unwrap();
        assert!(reversed.rows.is_empty());
        assert_eq!(reversed.next.as_deref(), Some("3"));
        assert_eq!(reversed.matched, 4);
        let expected: Vec<String> = prints.iter().rev().take(3).cloned().collect();
        assert_eq!(reversed.prints, Some(expected));
    }

    #[test]
    fn mistakes_are_told() {
        let many: Vec<String> = (0..=LIMIT_MAX).map(|number| number.to_string()).collect();
        let many = many.join(",");
        for (name, value, part) in [
            ("have", many.as_str(), "more than 1000"),
            ("sort", "colour", "there are word"),
            ("limit", "many", "not a number"),
            ("cursor", "-1", "not a number"),
        ] {
            let error = page(&[(name, value)]).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
}
