//! Title case by words, as `golang.org/x/text/cases` makes it for English.

use std::sync::LazyLock;

use regex::Regex;

use crate::chars::is_alphanumeric;

/// What happens to the letters after the first of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Lower,
    Keep,
}

/// `None` only if the pattern were wrong, which the test rules out.
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{M}$").ok());

fn extends_word(c: char) -> bool {
    let is_mark = |c: char| {
        MARK.as_ref()
            .is_some_and(|mark| mark.is_match(c.encode_utf8(&mut [0; 4])))
    };
    is_alphanumeric(c) || (!c.is_ascii() && (c.is_alphanumeric() || is_mark(c)))
}

/// Signs that hold a word together if letters stand on both sides.
fn joins_word(c: char) -> bool {
    matches!(c, '\'' | '.' | ':' | '·' | '\u{2019}' | '\u{2018}')
}

pub(crate) fn title(text: &str, rest: Rest) -> String {
    let mut out = String::with_capacity(text.len());
    let mut remaining = text;
    while let Some(c) = remaining.chars().next() {
        if !extends_word(c) {
            out.push(c);
            remaining = remaining.get(c.len_utf8()..).unwrap_or("");
            continue;
        }
        let (word, after) = remaining.split_at(word_length(remaining));
        title_word(word, rest, &mut out);
        remaining = after;
    }
    out
}

fn word_length(text: &str) -> usize {
    let mut length = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joined = joins_word(c)
            && chars
                .peek()
                .is_some_and(|(_, next)| extends_word(*next) && *next != '_');
        if !extends_word(c) && !joined {
            break;
        }
        length = at + c.len_utf8();
    }
    length
}

/// The first letter that has cases becomes a title letter.
fn title_word(word: &str, rest: Rest, out: &mut String) {
    let is_cased = |c: char| c.is_lowercase() || c.is_uppercase() || title_digraph(c) != c;
    let Some((at, first)) = word.char_indices().find(|(_, c)| is_cased(*c)) else {
        out.push_str(word);
        return;
    };
    out.push_str(word.get(..at).unwrap_or(""));
    let digraph = title_digraph(first);
    if digraph == first {
        let mut upper = first.to_uppercase();
        out.extend(upper.next());
        out.extend(upper.flat_map(char::to_lowercase));
    } else {
        out.push(digraph);
    }
    let tail = word.get(at + first.len_utf8()..).unwrap_or("");
    match rest {
        Rest::Keep => out.push_str(tail),
        // Lowered together with the head, so that a final sigma gets its final form.
        Rest::Lower => {
            let lowered = word.get(at..).unwrap_or("").to_lowercase();
            let head = first.to_lowercase().map(char::len_utf8).sum::<usize>();
            out.push_str(lowered.get(head..).unwrap_or(tail));
        }
    }
}

/// The few letters whose title form differs from their capital.
fn title_digraph(c: char) -> char {
    match c {
        'Ǆ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǳ' => 'ǲ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_cases() {
        for (text, lower, keep) in [
            ("ABC dEF o'neil", "Abc Def O'neil", "ABC DEF O'neil"),
            ("1st 3.5kg 2_x", "1St 3.5Kg 2_X", "1St 3.5Kg 2_X"),
            ("foo-bar/x.y z:w", "Foo-Bar/X.y Z:w", "Foo-Bar/X.y Z:w"),
            ("don't 'quote' it", "Don't 'Quote' It", "Don't 'Quote' It"),
            (
                "über straße ǆ ﬁne",
                "Über Straße ǅ Fine",
                "Über Straße ǅ Fine",
            ),
            ("a;b c,d e..f", "A;B C,D E..F", "A;B C,D E..F"),
            ("cafe\u{301}s ΣΑΣ", "Cafe\u{301}s Σας", "Cafe\u{301}s ΣΑΣ"),
            ("日本 abc日本", "日本 Abc日本", "日本 Abc日本"),
        ] {
            assert_eq!(title(text, Rest::Lower), lower);
            assert_eq!(title(text, Rest::Keep), keep);
        }
    }
}
