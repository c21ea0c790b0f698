//! Labels of a series, read from its raw bytes when they are needed.

use std::borrow::Cow;

use model::labels::{BUCKET, METRIC_NAME, QUANTILE};
use model::{Labels, MetricType};

use crate::error::LabelsError;
use crate::float::{format_float_openmetrics, parse_float};

pub(crate) const TYPE_LABEL: &str = "__type__";
pub(crate) const UNIT_LABEL: &str = "__unit__";

/// What the page said before the series that shows in its labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelsContext<'a> {
    pub(crate) metric_type: MetricType,
    pub(crate) unit: &'a [u8],
    pub(crate) type_and_unit_labels: bool,
}

/// One item of a raw series: the metric name, or a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawItem<'a> {
    Name(&'a [u8]),
    Label(&'a [u8], &'a [u8]),
}

/// Walks the items of raw series bytes that a scanner has accepted.
#[derive(Clone, Debug)]
pub(crate) struct RawItems<'a> {
    rest: &'a [u8],
    in_braces: bool,
}

impl<'a> RawItems<'a> {
    pub(crate) fn series(raw: &'a [u8]) -> Self {
        Self {
            rest: raw,
            in_braces: false,
        }
    }

    /// Only the inside of braces.
    pub(crate) fn list(inside: &'a [u8]) -> Self {
        Self {
            rest: inside,
            in_braces: true,
        }
    }

    fn skip_separators(&mut self) {
        let end = self
            .rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b','))
            .unwrap_or(self.rest.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    /// A quoted text (without quotes) or a bare name.
    fn take_text(&mut self) -> &'a [u8] {
        let rest = self.rest;
        let (text, tail) = if rest.first() == Some(&b'"') {
            let end = quoted_end(rest);
            (
                rest.get(1..end).unwrap_or_default(),
                rest.get(end + 1..).unwrap_or_default(),
            )
        } else {
            let end = rest
                .iter()
                .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')))
                .unwrap_or(rest.len());
            rest.split_at(end)
        };
        self.rest = tail;
        text
    }
}

/// Position of the closing quote of a text that starts with a quote.
fn quoted_end(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(rest) = text.get(at..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return at + found,
            Some(found) => at += found + 2,
            None => break,
        }
    }
    text.len()
}

impl<'a> Iterator for RawItems<'a> {
    type Item = RawItem<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_separators();
        if !self.in_braces {
            self.in_braces = true;
            let name = if self.rest.first() == Some(&b'{') {
                &[][..]
            } else {
                self.take_text()
            };
            self.skip_separators();
            if let Some((b'{', rest)) = self.rest.split_first() {
                self.rest = rest;
            }
            return if name.is_empty() {
                self.next()
            } else {
                Some(RawItem::Name(name))
            };
        }
        match self.rest.first() {
            None | Some(b'}') => return None,
            Some(_) => {}
        }
        let before = self.rest.len();
        let text = self.take_text();
        self.skip_blanks();
        if let Some((b'=', rest)) = self.rest.split_first() {
            self.rest = rest;
            self.skip_blanks();
            let value = self.take_text();
            return Some(RawItem::Label(text, value));
        }
        // Bytes that no scanner accepts end the walk instead of looping.
        (self.rest.len() < before).then_some(RawItem::Name(text))
    }
}

impl RawItems<'_> {
    fn skip_blanks(&mut self) {
        while let Some((b' ' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }
}

/// Resolves `\\`, `\"` and `\n`; other escapes stay as they are.
pub(crate) fn unescape(text: &[u8]) -> Result<Cow<'_, str>, LabelsError> {
    let text = std::str::from_utf8(text)
        .map_err(|_| LabelsError::Utf8(crate::quote::quote_bytes(text)))?;
    Ok(unescape_text(
        text,
        &[('"', '"'), ('\\', '\\'), ('n', '\n')],
    ))
}

/// Resolves the given escapes.
pub(crate) fn unescape_text<'a>(text: &'a str, escapes: &[(char, char)]) -> Cow<'a, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escape = (character == '\\')
            .then(|| characters.peek())
            .flatten()
            .and_then(|next| escapes.iter().find(|(escape, _)| escape == next));
        match escape {
            Some((_, plain)) => {
                characters.next();
                out.push(*plain);
            }
            None => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// The labels of a series of a text page.
pub(crate) fn series_labels(raw: &[u8], context: LabelsContext<'_>) -> Result<Labels, LabelsError> {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(16);
    let type_label = (context.type_and_unit_labels && context.metric_type != MetricType::Unknown)
        .then(|| context.metric_type.as_str());
    let unit_label = Some(context.unit)
        .filter(|unit| context.type_and_unit_labels && !unit.is_empty())
        .map(unescape)
        .transpose()?;
    for item in RawItems::series(raw) {
        match item {
            RawItem::Name(name) => pairs.push((Cow::Borrowed(METRIC_NAME), unescape(name)?)),
            RawItem::Label(name, value) => {
                let name = unescape(name)?;
                let is_replaced = (name == TYPE_LABEL && type_label.is_some())
                    || (name == UNIT_LABEL && unit_label.is_some())
                    || (name == METRIC_NAME && context.type_and_unit_labels);
                if !is_replaced {
                    let value = unescape(value)?;
                    let value = canonical_value(context.metric_type, &name, value);
                    pairs.push((name, value));
                }
            }
        }
    }
    if let Some(metric_type) = type_label {
        pairs.push((Cow::Borrowed(TYPE_LABEL), Cow::Borrowed(metric_type)));
    }
    if let Some(unit) = unit_label {
        pairs.push((Cow::Borrowed(UNIT_LABEL), unit));
    }
    assemble(&mut pairs)
}

/// Sorts, checks for duplicates, drops empty values.
pub(crate) fn assemble(pairs: &mut [(Cow<'_, str>, Cow<'_, str>)]) -> Result<Labels, LabelsError> {
    pairs.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let duplicate = pairs.windows(2).find_map(|pair| match pair {
        [left, right] if left.0 == right.0 => Some(left.0.to_string()),
        _ => None,
    });
    if let Some(name) = duplicate {
        return Err(LabelsError::Duplicate(name));
    }
    Ok(Labels::from_sorted(
        pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (&**name, &**value)),
    ))
}

/// Bounds and quantiles have one spelling, so that all formats give the same series.
fn canonical_value<'a>(metric_type: MetricType, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
    let is_number = match metric_type {
        MetricType::Summary => name == QUANTILE,
        MetricType::Histogram => name == BUCKET,
        _ => false,
    };
    if !is_number {
        return value;
    }
    match parse_float(value.as_bytes()) {
        Ok(number) => Cow::Owned(format_float_openmetrics(number)),
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(raw: &str) -> String {
        let context = LabelsContext {
            metric_type: MetricType::Histogram,
            unit: b"",
            type_and_unit_labels: false,
        };
        match series_labels(raw.as_bytes(), context) {
            Ok(labels) => labels.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn raw_series() {
        assert_eq!(labels("up"), r#"{__name__="up"}"#);
        assert_eq!(labels("up{}"), r#"{__name__="up"}"#);
        assert_eq!(
            labels(r#"x_bucket { le = "1" b="\"\\\n" , e="", }"#),
            r#"{__name__="x_bucket", b="\"\\\n", le="1.0"}"#
        );
        assert_eq!(
            labels(r#"{a="}","my.metric", "l b"="1"}"#),
            r#"{__name__="my.metric", a="}", "l b"="1"}"#
        );
        assert_eq!(
            labels(r#"x{a="1",a="2"}"#),
            r#"label name "a" is not unique"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = RawItems::series(&raw).count();
            let _ = RawItems::list(&raw).count();
        }
    }
}
