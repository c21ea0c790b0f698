//! What to do about a syntax error. The peers say only what is wrong, so this stands beside the message.

/// A guess from the message, for people; `None` where the message says it all.
pub(super) fn hint(message: &str) -> Option<&'static str> {
    let is_about = |part: &str| message.contains(part);
    Some(if is_about("unclosed left bracket") {
        "close the range with `]`, as in `[5m]`"
    } else if is_about("unclosed left parenthesis") {
        "close it with `)`"
    } else if is_about("unexpected right parenthesis") {
        "there is one `)` too many"
    } else if is_about("subquery") || is_about("in duration expression") {
        "a range is a duration in brackets, `[5m]`; a subquery has a step too, `[30m:1m]`"
    } else if is_about("bad number or duration syntax") {
        "a duration is a number and a unit, as in `30s`, `5m`, `1h30m`"
    } else if is_about("label matching") || is_about("inside braces") {
        "a matcher is a label, one of `=`, `!=`, `=~`, `!~`, and a quoted text, as in `{job=\"api\"}`"
    } else if is_about("unterminated") {
        "close the text with the quote that begins it"
    } else if is_about("unexpected end of input") {
        "the expression stops too early: an operand or a closing bracket is missing"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use crate::{ParserOptions, parse};

    #[test]
    fn common_slips_have_hints() {
        for (query, wanted) in [
            ("rate(x[5m) > 1", "[30m:1m]"),
            ("x[5m", "`]`"),
            ("sum(x", "`)`"),
            ("sum(x))", "too many"),
            ("x{job=api}", "quoted text"),
            ("x{job=\"api}", "quote"),
            ("1 +", "too early"),
        ] {
            let errors = parse(query, &ParserOptions::default()).unwrap_err();
            let mut hints = errors
                .errors()
                .iter()
                .filter_map(|error| error.hint.as_deref());
            assert!(
                hints.any(|hint| hint.contains(wanted)),
                "{query}: {errors:?}"
            );
        }
    }
}
