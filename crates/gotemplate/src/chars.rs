//! Character classes as Go's `unicode` package sees them.

use std::sync::LazyLock;

use regex::Regex;

/// The spaces that template syntax knows.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphabetic()
    } else {
        matches(&LETTER, c)
    }
}

/// Decimal digits of any script.
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_digit()
    } else {
        matches(&DIGIT, c)
    }
}

pub(crate) fn is_alphanumeric(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        matches!(c, ' '..='~')
    } else {
        matches(&PRINTABLE, c)
    }
}

/// `None` only if the pattern were wrong, which the test below rules out.
type Class = LazyLock<Option<Regex>>;

static LETTER: Class = LazyLock::new(|| Regex::new(r"^\p{L}$").ok());
static DIGIT: Class = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());
static PRINTABLE: Class = LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").ok());

fn matches(class: &Class, c: char) -> bool {
    let mut buffer = [0; 4];
    class
        .as_ref()
        .is_some_and(|regex| regex.is_match(c.encode_utf8(&mut buffer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert!(is_letter('é') && is_letter('日') && !is_letter('٣'));
        assert!(is_digit('٣') && !is_digit('Ⅷ'));
        assert!(is_printable('é') && is_printable('٣') && !is_printable('\u{a0}'));
        assert!(!is_printable('\u{feff}') && is_printable(' ') && !is_printable('\n'));
    }
}
