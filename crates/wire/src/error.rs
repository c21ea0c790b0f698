//! Why a page cannot be read.

/// Reading stopped here; entries before this place are good.
///
/// `Display` is the peer's wording, because users search for it; the place is in the fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub message: String,
    /// Byte offset of the entry (line or message) that is wrong.
    pub offset: usize,
    /// Line of the entry, from 1; 0 in binary formats.
    pub line: usize,
}

/// Why the labels of an entry cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    #[error("label name \"{0}\" is not unique")]
    Duplicate(String),
    #[error("invalid UTF-8 in labels: {0}")]
    Utf8(String),
}
