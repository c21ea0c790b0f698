//! How a text can be written: plain, in quotes, as a block. The rules are those of libyaml's emitter,
//! which the peers print with.

use crate::resolve::{Resolved, is_base60, resolve_plain};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    Plain,
    Single,
    Double,
    Literal,
}

/// Where a scalar is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Block,
    Flow,
    /// A key: one line, without `? `.
    Key,
}

pub(crate) fn choose(text: &str, place: Place, in_flow: InFlow) -> ScalarStyle {
    let traits = Traits::of(text);
    let is_flow = in_flow == InFlow::Yes;
    let is_key = place == Place::Key;
    let wanted = if text.contains('\n') {
        ScalarStyle::Literal
    } else if resolve_plain(text) == Resolved::String && !is_base60(text) || text == "<<" {
        ScalarStyle::Plain
    } else {
        ScalarStyle::Double
    };
    match wanted {
        ScalarStyle::Literal if !traits.block || is_flow || is_key => ScalarStyle::Double,
        ScalarStyle::Plain if is_key && traits.has_breaks => ScalarStyle::Double,
        ScalarStyle::Plain
            if !(if is_flow {
                traits.flow_plain
            } else {
                traits.block_plain
            }) =>
        {
            if traits.single {
                ScalarStyle::Single
            } else {
                ScalarStyle::Double
            }
        }
        style => style,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFlow {
    Yes,
    No,
}

/// Which styles can hold a text.
struct Traits {
    has_breaks: bool,
    flow_plain: bool,
    block_plain: bool,
    single: bool,
    block: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut block_indicators = text.starts_with("---") || text.starts_with("...");
        let mut flow_indicators = block_indicators;
        let (mut is_special, mut has_breaks) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        for (at, c) in chars.iter().copied().enumerate() {
            let previous = at
                .checked_sub(1)
                .and_then(|before| chars.get(before))
                .copied();
            let before_blank = chars
                .get(at + 1)
                .is_none_or(|next| is_blank(*next) || is_break(*next));
            let after_blank = previous.is_none_or(|c| is_blank(c) || is_break(c));
            match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                | '%' | '@' | '`'
                    if at == 0 =>
                {
                    flow_indicators = true;
                    block_indicators = true;
                }
                '-' if at == 0 && before_blank => {
                    flow_indicators = true;
                    block_indicators = true;
                }
                ':' => {
                    flow_indicators = true;
                    block_indicators |= before_blank;
                }
                '?' => {
                    flow_indicators = true;
                    block_indicators |= at == 0 && before_blank;
                }
                ',' | '[' | ']' | '{' | '}' => flow_indicators = true,
                '#' if after_blank => {
                    flow_indicators = true;
                    block_indicators = true;
                }
                _ => {}
            }
            is_special |= !is_printable(c);
            has_breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
        }
        let first = chars.first().copied();
        let last = chars.last().copied();
        let has_edge = [first, last]
            .into_iter()
            .flatten()
            .any(|c| c == ' ' || is_break(c));
        let plain = !has_edge && !break_space && !space_break && !is_special && !has_breaks;
        Self {
            has_breaks,
            flow_plain: plain && !flow_indicators && !text.is_empty(),
            block_plain: plain && !block_indicators,
            single: !break_space && !space_break && !is_special,
            block: last != Some(' ') && !space_break && !is_special && !text.is_empty(),
        }
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

pub(crate) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters beyond the basic plane are escaped too: the peers' printer does not know them.
pub(crate) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}
