//! Cutting texts to what a receiver takes.

use std::borrow::Cow;

const MARK: char = '…';

/// At most `max` characters; a cut text ends with `…`, unless fewer than four characters are allowed.
pub fn in_runes(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().count() <= max {
        return Cow::Borrowed(text);
    }
    if max <= 3 {
        return Cow::Owned(text.chars().take(max).collect());
    }
    let kept = text.chars().take(max - 1);
    Cow::Owned(kept.chain([MARK]).collect())
}

/// At most `max` bytes; a cut text ends with `…`, which takes three of them. With less room than that, dots.
pub fn in_bytes(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(MARK.len_utf8()) else {
        return Cow::Owned(".".repeat(max));
    };
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = text[..end].to_owned();
    cut.push(MARK);
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(in_runes("aüb", 3), "aüb");
        assert_eq!(in_runes("aübcd", 4), "aüb…");
        assert_eq!(in_runes("aübcd", 2), "aü");
        assert_eq!(in_bytes("aüüü", 7), "aüüü");
        assert_eq!(in_bytes("aüüü", 6), "aü…");
        assert_eq!(in_bytes("aüüü", 5), "a…");
        assert_eq!(in_bytes("aüüü", 3), "…");
        assert_eq!(in_bytes("aüüü", 2), "..");
    }
}
