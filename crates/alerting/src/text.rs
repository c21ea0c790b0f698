//! Label sets and matchers in the peer's own spelling, which ends up in group keys and so in the
//! notification log, in webhooks and in the state that cluster members share.

use std::cmp::Ordering;

use model::format::go_quote;
use model::{Labels, MatchOp, Matcher};

/// `{a="b", c="d"}`: values quoted as Go does, names as they are (`LabelSet.String` of prometheus/common).
pub fn label_set(labels: &Labels) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        text.push_str(&go_quote(value));
    }
    text.push('}');
    text
}

/// `{a="b",c=~"d.*"}` in the given order.
pub fn matchers(matchers: &[Matcher]) -> String {
    let mut text = String::from("{");
    for (index, one) in matchers.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&matcher(one));
    }
    text.push('}');
    text
}

/// `name="value"`. Names with characters that only the UTF-8 syntax allows are quoted, and then the value
/// gets all of Go's escapes; otherwise only backslash, newline and quote are escaped.
pub fn matcher(matcher: &Matcher) -> String {
    condition(matcher.name(), matcher.op(), matcher.value())
}

/// The same of parts that need not make a matcher.
pub fn condition(name: &str, op: MatchOp, value: &str) -> String {
    let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
    if name.contains(reserved) {
        return format!("{}{op}{}", go_quote(name), go_quote(value));
    }
    let escaped = value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"");
    format!("{name}{op}\"{escaped}\"")
}

/// By name, then value, then operator: the order inside route keys.
pub fn compare_matchers(a: &Matcher, b: &Matcher) -> Ordering {
    let op = |matcher: &Matcher| match matcher.op() {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    };
    (a.name(), a.value(), op(a)).cmp(&(b.name(), b.value(), op(b)))
}

/// The peer's order of label sets: fewer labels first; then, walking all names in order, the set that lacks
/// a name or has the smaller value comes first.
pub fn compare_label_sets(a: &Labels, b: &Labels) -> Ordering {
    let by_length = a.len().cmp(&b.len());
    if by_length != Ordering::Equal {
        return by_length;
    }
    // Both are sorted by name, so at the first position with different names the set with the greater
    // name lacks the smaller one.
    for ((name_a, value_a), (name_b, value_b)) in a.iter().zip(b.iter()) {
        match name_a.cmp(name_b) {
            Ordering::Greater => return Ordering::Less,
            Ordering::Less => return Ordering::Greater,
            Ordering::Equal => {}
        }
        match value_a.cmp(value_b) {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn as_the_peer_prints() {
        assert_eq!(
            label_set(&labels(&[("b", "x\"y\n"), ("a b", "1")])),
            r#"{a b="1", b="x\"y\n"}"#
        );
        let regex = Matcher::new(MatchOp::Regex, "env", "^(?:a\\d)$").unwrap();
        assert_eq!(matcher(&regex), r#"env=~"^(?:a\\d)$""#);
        assert_eq!(matcher(&Matcher::equal("a b", "t\t")), r#""a b"="t\t""#);
        assert_eq!(matcher(&Matcher::equal("a", "t\t")), "a=\"t\t\"");
    }

    #[test]
    fn order_of_label_sets() {
        let cases = [
            (labels(&[("z", "1")]), labels(&[("a", "1"), ("b", "1")])),
            (labels(&[("a", "1")]), labels(&[("a", "2")])),
            // {b} lacks "a", so it is the lesser one.
            (labels(&[("b", "1")]), labels(&[("a", "1")])),
        ];
        for (lesser, greater) in cases {
            assert_eq!(
                compare_label_sets(&lesser, &greater),
                Ordering::Less,
                "{lesser} {greater}"
            );
            assert_eq!(compare_label_sets(&greater, &lesser), Ordering::Greater);
        }
    }
}
