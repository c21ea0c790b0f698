//! Pairs of names and values in one shared allocation: what label sets and annotations are made of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Lengths are written in digits of six bits, the lowest first; this bit of a digit says that another one follows.
/// All digits are characters of one byte, so the whole is text, and reading it needs no check of UTF-8.
const MORE: u8 = 0x40;
const DIGIT_BITS: u32 = 6;

/// Names and values in the order in which they were given.
///
/// Layout: one shared text of `length, name, length, value` per pair. Cloning copies a pointer, equality and hashing
/// look at the bytes once.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Pairs(Arc<str>);

impl Pairs {
    /// Takes no memory.
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> PairsIter<'_> {
        PairsIter { rest: &self.0 }
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The packed form, the same for equal lists; a key for maps.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn is_same_allocation(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut packed = Packed::default();
        for (name, value) in pairs {
            packed.push(name, value);
        }
        packed.build()
    }
}

/// In order of names.
impl From<&BTreeMap<String, String>> for Pairs {
    fn from(map: &BTreeMap<String, String>) -> Self {
        map.iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

impl<'a> IntoIterator for &'a Pairs {
    type Item = (&'a str, &'a str);
    type IntoIter = PairsIter<'a>;

    fn into_iter(self) -> PairsIter<'a> {
        self.iter()
    }
}

/// `{a="b", c="d"}`, with names quoted where the classic syntax needs it: `Labels.String` of Prometheus.
impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if crate::name::is_legacy_label_name(name) {
                write!(f, "{name}={}", crate::format::go_quote(value))?;
            } else {
                write!(
                    f,
                    "{}={}",
                    crate::format::go_quote(name),
                    crate::format::go_quote(value)
                )?;
            }
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// What a usual label set needs, so that making one asks for memory once.
const PACKED_BYTES: usize = 256;

/// Pairs in the making. Clearing it keeps its memory for the next ones.
#[derive(Clone, Debug)]
pub struct Packed {
    text: String,
}

impl Default for Packed {
    fn default() -> Self {
        Self {
            text: String::with_capacity(PACKED_BYTES),
        }
    }
}

impl Packed {
    pub fn push(&mut self, name: &str, value: &str) {
        push_text(&mut self.text, name);
        push_text(&mut self.text, value);
    }

    pub fn clear(&mut self) {
        self.text.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn build(&self) -> Pairs {
        if self.text.is_empty() {
            return Pairs::empty();
        }
        Pairs(self.text.as_str().into())
    }
}

fn push_text(packed: &mut String, text: &str) {
    let mut length = text.len();
    loop {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low six bits are wanted"
        )]
        let digit = (length as u8) & (MORE - 1);
        length >>= DIGIT_BITS;
        if length == 0 {
            packed.push(char::from(digit));
            break;
        }
        packed.push(char::from(digit | MORE));
    }
    packed.push_str(text);
}

/// Walks the pairs in their order.
#[derive(Clone, Debug)]
pub struct PairsIter<'a> {
    rest: &'a str,
}

impl<'a> PairsIter<'a> {
    #[inline]
    fn take_text(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let (mut length, mut shift, mut digits) = (0usize, 0, 0);
        loop {
            let digit = *bytes.get(digits)?;
            digits += 1;
            length |= usize::from(digit & (MORE - 1)) << shift;
            if digit & MORE == 0 {
                break;
            }
            shift += DIGIT_BITS;
        }
        // Only `push_text` writes this, so the places are there and lie between characters.
        let (text, rest) = self.rest.get(digits..)?.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }
}

impl<'a> Iterator for PairsIter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let name = self.take_text()?;
        let value = self.take_text()?;
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        // Around the lengths where another digit is needed; empty texts; characters of several bytes.
        for length in [0, 1, 63, 64, 65, 4095, 4096, 4097, 300_000] {
            let (long, wide) = ("x".repeat(length), "é\u{1f525}".repeat(length / 6));
            let pairs = [("a", long.as_str()), (wide.as_str(), ""), ("", "z")];
            let packed: Pairs = pairs.into_iter().collect();
            assert_eq!(packed.iter().collect::<Vec<_>>(), pairs, "{length}");
            assert_eq!(
                packed.get(""),
                pairs.iter().find(|p| p.0.is_empty()).map(|p| p.1)
            );
            assert_eq!(packed.get("missing"), None);
        }
    }

    #[test]
    fn equal_lists_are_equal_and_others_are_not() {
        let pairs =
            |list: &[(&'static str, &'static str)]| -> Pairs { list.iter().copied().collect() };
        assert_eq!(pairs(&[]), Pairs::empty());
        assert_eq!(pairs(&[("a", "b")]), pairs(&[("a", "b")]));
        assert_ne!(
            pairs(&[("a", "b"), ("c", "d")]),
            pairs(&[("c", "d"), ("a", "b")])
        );
        assert_ne!(pairs(&[("ab", "")]), pairs(&[("a", "b")]));
    }
}
