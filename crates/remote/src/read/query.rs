//! One query of a request, ready to be asked of storage.

use model::storage::TimeRange;
use model::{Labels, MatchOp, Matcher};
use wire::remote::read;

use super::refusal::ReadRefusal;

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) range: TimeRange,
    pub(super) matchers: Vec<Matcher>,
}

impl Query {
    pub(super) fn new(raw: &read::Query, external: &Labels) -> Result<Self, ReadRefusal> {
        let matchers = raw.matchers.iter().map(|raw| matcher(raw, external));
        Ok(Self {
            range: raw.range,
            matchers: matchers.collect::<Result<_, _>>()?,
        })
    }
}

/// A matcher that asks for an external label becomes one that asks for its absence, as no stored series has
/// it. Other operators see stored labels only, as in the peer.
fn matcher(raw: &read::RawMatcher, external: &Labels) -> Result<Matcher, ReadRefusal> {
    let op = raw.op.ok_or(ReadRefusal::MatcherType)?;
    if op == MatchOp::Equal && external.value(&raw.name) == raw.value {
        return Ok(Matcher::equal(raw.name.as_str(), ""));
    }
    Ok(Matcher::new(op, raw.name.as_str(), raw.value.as_str())?)
}

/// The labels of a stored series with the external ones that it has not itself.
pub(super) fn with_external(own: &Labels, external: &Labels) -> Labels {
    if external.is_empty() {
        return own.clone();
    }
    let mut labels = external.to_builder();
    for (name, value) in own {
        labels.set(name, value);
    }
    labels.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, op: Option<MatchOp>, value: &str) -> read::RawMatcher {
        read::RawMatcher {
            name: name.to_owned(),
            op,
            value: value.to_owned(),
        }
    }

    #[test]
    fn external_labels_count_as_fulfilled() {
        let external = Labels::from_pairs([("cluster", "a"), ("replica", "0")]);
        for (name, op, value, expected) in [
            ("cluster", MatchOp::Equal, "a", "cluster=\"\""),
            ("cluster", MatchOp::Equal, "b", "cluster=\"b\""),
            ("cluster", MatchOp::NotEqual, "a", "cluster!=\"a\""),
            ("cluster", MatchOp::Regex, "a", "cluster=~\"a\""),
            ("job", MatchOp::Equal, "", "job=\"\""),
            ("job", MatchOp::NotRegex, "x.*", "job!~\"x.*\""),
        ] {
            let found = matcher(&raw(name, Some(op), value), &external).unwrap();
            let shown = format!("{}{}{:?}", found.name(), found.op(), found.value());
            assert_eq!(shown, expected);
        }
        let refused = |raw| matcher(&raw, &external).unwrap_err();
        assert_eq!(refused(raw("a", None, "")), ReadRefusal::MatcherType);
        let text = refused(raw("a", Some(MatchOp::Regex), "(")).to_string();
        assert!(text.contains("missing"), "{text}");
    }

    #[test]
    fn own_labels_win_over_external_ones() {
        let external = Labels::from_pairs([("cluster", "a"), ("job", "outer")]);
        let own = Labels::from_pairs([("__name__", "m"), ("job", "inner")]);
        let wanted = Labels::from_pairs([("__name__", "m"), ("cluster", "a"), ("job", "inner")]);
        assert_eq!(with_external(&own, &external), wanted);
    }
}
