//! `promql format` and `promql label-matchers`: a query printed in canonical form, with other label matchers.

use model::labels::METRIC_NAME;
use model::{MatchOp, Matcher};
use promql::syntax::PRETTY_WIDTH;
use promql::{Expr, ParserOptions};

/// What happens to the label matchers of all selectors.
#[derive(Clone, Debug, PartialEq)]
pub enum MatcherEdit<'a> {
    Set {
        op: MatchOp,
        name: &'a str,
        value: &'a str,
    },
    Delete {
        name: &'a str,
    },
}

/// The query in canonical form; the error is the peer's.
pub fn format(query: &str, parser: &ParserOptions) -> Result<String, String> {
    let expr = parse(query, parser)?;
    Ok(promql::pretty(&expr, PRETTY_WIDTH))
}

/// The query with its matchers changed, in canonical form.
pub fn edit_matchers(
    query: &str,
    edit: &MatcherEdit<'_>,
    parser: &ParserOptions,
) -> Result<String, String> {
    let mut expr = parse(query, parser)?;
    let new = match edit {
        MatcherEdit::Set { op, name, value } => {
            Some(Matcher::new(*op, *name, *value).map_err(|error| error.to_string())?)
        }
        MatcherEdit::Delete { .. } => None,
    };
    expr.for_each_selector_mut(&mut |selector| {
        let matchers = &mut selector.matchers;
        match (&new, edit) {
            (Some(new), _) => {
                let mut is_found = false;
                for own in matchers.iter_mut().filter(|own| own.name() == new.name()) {
                    *own = new.clone();
                    is_found = true;
                }
                if !is_found {
                    matchers.push(new.clone());
                }
            }
            (None, MatcherEdit::Delete { name } | MatcherEdit::Set { name, .. }) => {
                matchers.retain(|own| own.name() != *name);
            }
        }
        // The name before the braces stands for the matcher that was just changed.
        if new.as_ref().is_some_and(|new| new.name() == METRIC_NAME) {
            selector.name.clear();
        }
    });
    Ok(promql::pretty(&expr, PRETTY_WIDTH))
}

fn parse(query: &str, parser: &ParserOptions) -> Result<Expr, String> {
    promql::parse(query, parser).map_err(|errors| errors.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selector_is_changed() {
        let query = "sum(rate(a{job=\"x\"}[5m])) / b offset 1m";
        let set = MatcherEdit::Set {
            op: MatchOp::NotRegex,
            name: "job",
            value: "y.*",
        };
        let edited = edit_matchers(query, &set, &ParserOptions::ALL).unwrap();
        assert_eq!(
            edited,
            "sum(rate(a{job!~\"y.*\"}[5m])) / b{job!~\"y.*\"} offset 1m"
        );
        let delete = MatcherEdit::Delete { name: "job" };
        let edited = edit_matchers(query, &delete, &ParserOptions::ALL).unwrap();
        assert_eq!(edited, "sum(rate(a[5m])) / b offset 1m");
    }

    #[test]
    fn a_metric_name_can_be_changed() {
        let set = MatcherEdit::Set {
            op: MatchOp::Equal,
            name: "__name__",
            value: "b",
        };
        let edited = edit_matchers("a{job=\"x\"}", &set, &ParserOptions::ALL).unwrap();
        assert_eq!(edited, "{__name__=\"b\",job=\"x\"}");
    }

    #[test]
    fn errors_are_the_peers() {
        assert_eq!(
            format("sum(", &ParserOptions::ALL),
            Err("1:5: parse error: unclosed left parenthesis".to_owned())
        );
        let set = MatcherEdit::Set {
            op: MatchOp::Regex,
            name: "a",
            value: "(",
        };
        assert!(edit_matchers("up", &set, &ParserOptions::ALL).is_err());
    }
}
