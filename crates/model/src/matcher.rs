//! Label matchers.

use std::fmt;

use crate::format::go_quote;
use crate::labels::Labels;
use crate::pattern::{Pattern, PatternError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

impl MatchOp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition on one label. An absent label has the value "".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    /// Some exactly for the two regex operators.
    pattern: Option<Pattern>,
}

impl Matcher {
    /// Fails only for the regex operators, when `value` is no valid expression.
    pub fn new(
        op: MatchOp,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, PatternError> {
        let value = value.into();
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Pattern::new(&value)?),
        };
        Ok(Self {
            name: name.into(),
            op,
            value,
            pattern,
        })
    }

    /// A regex matcher whose expression was compiled with other options than [`Pattern::new`] has; `value`
    /// is what is printed.
    pub fn with_pattern(
        op: MatchOp,
        name: impl Into<String>,
        value: impl Into<String>,
        pattern: Pattern,
    ) -> Self {
        let pattern = matches!(op, MatchOp::Regex | MatchOp::NotRegex).then_some(pattern);
        Self {
            name: name.into(),
            op,
            value: value.into(),
            pattern,
        }
    }

    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op: MatchOp::Equal,
            value: value.into(),
            pattern: None,
        }
    }

    pub fn not_equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op: MatchOp::NotEqual,
            value: value.into(),
            pattern: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn op(&self) -> MatchOp {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// The compiled expression of a regex matcher.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    /// Whether a label with this value (or "" for an absent one) satisfies the matcher.
    pub fn matches(&self, value: &str) -> bool {
        let matched = match &self.pattern {
            Some(pattern) => pattern.is_match(value),
            None => self.value == value,
        };
        matched == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.value(&self.name))
    }

    /// Whether an absent label satisfies the matcher.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

/// `name="value"`, with the name quoted where the classic syntax needs it.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if crate::name::is_legacy_label_name(&self.name) {
            write!(f, "{}{}{}", self.name, self.op, go_quote(&self.value))
        } else {
            write!(
                f,
                "{}{}{}",
                go_quote(&self.name),
                self.op,
                go_quote(&self.value)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_empty() {
        let labels = Labels::from_pairs([("a", "1")]);
        assert!(Matcher::equal("b", "").matches_labels(&labels));
        assert!(Matcher::not_equal("b", "x").matches_labels(&labels));
        assert!(
            !Matcher::new(MatchOp::Regex, "b", ".+")
                .unwrap()
                .matches_labels(&labels)
        );
        assert!(
            Matcher::new(MatchOp::NotRegex, "a", "2|3")
                .unwrap()
                .matches_labels(&labels)
        );
        assert_eq!(
            Matcher::new(MatchOp::NotRegex, "a", "2|3")
                .unwrap()
                .to_string(),
            "a!~\"2|3\""
        );
    }
}
