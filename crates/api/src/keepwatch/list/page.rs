//! One page of a list: filtered, sorted, cut.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::filter::{Filter, Row};
use crate::params::Params;
use crate::respond::ApiError;

/// Rows of one answer, at most and by default.
const LIMIT_MAX: usize = 1000;
const LIMIT_DEFAULT: usize = 200;

/// A part of a list, with what is needed to ask for the next.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
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

impl<T: Row> ListKind<T> {
    /// Parameters `q`, `sort` (a leading `-` turns it round), `cursor`, `limit`.
    pub(crate) fn page(&self, mut rows: Vec<T>, params: &Params) -> Result<Page<T>, ApiError> {
        let filter = Filter::parse(params.get("q"), self.keys)?;
        let offset = number(params, "cursor", 0)?;
        let limit = number(params, "limit", LIMIT_DEFAULT)?.clamp(1, LIMIT_MAX);
        let total = rows.len();
        let facets = self.count(&rows);
        rows.retain(|row| filter.accepts(row));
        self.sort(&mut rows, params)?;
        let matched = rows.len();
        let rows: Vec<T> = rows.into_iter().skip(offset).take(limit).collect();
        let end = offset.saturating_add(rows.len());
        Ok(Page {
            next: (end < matched && !rows.is_empty()).then(|| end.to_string()),
            rows,
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
    fn mistakes_are_told() {
        for (name, value, part) in [
            ("sort", "colour", "there are word"),
            ("limit", "many", "not a number"),
            ("cursor", "-1", "not a number"),
        ] {
            let error = page(&[(name, value)]).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
}
