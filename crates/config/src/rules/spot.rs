//! From a place in a scalar's value to a place in the file: values lose indentation, quotes and folds.

use std::ops::Range;

use diag::{Source, Span};

/// The part of the scalar at `scalar` that `range`, in bytes of its value `text`, came from; the whole
/// scalar if that cannot be told.
pub fn spot_in_text(source: &Source, scalar: Span, text: &str, range: Range<usize>) -> Span {
    let at = |offset: usize| locate(source, scalar, text, offset);
    match (at(range.start), at(range.end)) {
        (Some(start), Some(end)) if end > start => Span::new(start, end),
        (Some(start), _) => Span::new(start, (start + 1).min(scalar.end)),
        _ => scalar,
    }
}

/// Finds the lines of the value one after the other in the source.
fn locate(source: &Source, scalar: Span, text: &str, offset: usize) -> Option<usize> {
    let written = source.slice(scalar);
    let mut searched = 0;
    let mut line_start = 0;
    for line in text.split('\n') {
        let found = searched + written.get(searched..)?.find(line)?;
        if offset <= line_start + line.len() {
            return Some(scalar.start + found + (offset - line_start));
        }
        searched = found + line.len();
        line_start += line.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_parts_of_blocks_and_quotes() {
        let text = "a: |\n  sum(x)\n  / sum(y)\nb: 'rate(z[5m])'\n";
        let source = Source::new("rules.yml", text);
        let block = Span::new(3, 25);
        let slice = |span: Span| source.slice(span).to_owned();
        assert_eq!(
            slice(spot_in_text(&source, block, "sum(x)\n/ sum(y)\n", 9..12)),
            "sum"
        );
        let start = text.find('\'').unwrap();
        let quoted = Span::new(start, text.len() - 1);
        assert_eq!(
            slice(spot_in_text(&source, quoted, "rate(z[5m])", 5..6)),
            "z"
        );
        assert_eq!(spot_in_text(&source, quoted, "other", 0..1), quoted);
    }
}
