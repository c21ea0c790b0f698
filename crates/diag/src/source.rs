//! Source texts and places in them.

use std::fmt;
use std::sync::Arc;

/// A half-open range of byte offsets in one source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The smallest span that covers both.
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// Line and column for people: both count from 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A named text (a file, a query, a manifest document) that diagnostics point into.
///
/// Cloning is cheap: the text is shared.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(Arc<SourceInner>);

#[derive(PartialEq, Eq)]
struct SourceInner {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// `name` is what the user knows the text by, usually a path as they typed it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, byte)| *byte == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        Self(Arc::new(SourceInner {
            name: name.into(),
            text,
            line_starts,
        }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The text under `span`, clipped to the source; empty where the span does not fall on characters.
    pub fn slice(&self, span: Span) -> &str {
        let end = span.end.min(self.0.text.len());
        self.0.text.get(span.start.min(end)..end).unwrap_or("")
    }

    /// Line and column of a byte offset (clipped to the end of the text).
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.0.text.len());
        let line = self.0.line_starts.partition_point(|start| *start <= offset);
        let line_start = self
            .0
            .line_starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let column = self
            .0
            .text
            .get(line_start..offset)
            .map_or(offset - line_start, |head| head.chars().count());
        Position {
            line,
            column: column + 1,
        }
    }

    /// The byte offset at which 1-based `line` starts, if the text has so many lines.
    pub fn line_start(&self, line: usize) -> Option<usize> {
        self.0.line_starts.get(line.checked_sub(1)?).copied()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.0.name, self.0.text.len())
    }
}
