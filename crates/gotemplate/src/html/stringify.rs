//! Values as text with what is known about it.

use crate::format::{TooLong, sprint};
use crate::value::{SafeKind, Value};

/// A text, and its content type if a function vouches for it.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) kind: Option<SafeKind>,
}

/// One vouched-for value keeps its kind; anything else is printed, and absent values print nothing.
pub(super) fn stringify(args: &[Value], limit: usize) -> Result<Content, TooLong> {
    match args {
        [Value::Str(text)] => Ok(Content {
            text: text.to_string(),
            kind: None,
        }),
        [Value::Safe(kind, text)] => Ok(Content {
            text: text.to_string(),
            kind: Some(*kind),
        }),
        _ => {
            let present: Vec<Value> = args
                .iter()
                .filter(|arg| !matches!(arg, Value::Nil))
                .cloned()
                .collect();
            sprint(&present, limit).map(|text| Content { text, kind: None })
        }
    }
}
