//! Query expressions in rules: whether they can be parsed, and with a label forced upon all selectors.

use model::Matcher;
use promql::{ParserOptions, parse};

use crate::tree::Tree;

/// Which experimental syntax a Prometheus understands, by `spec.enableFeatures`.
pub(crate) fn parser_options(spec: Tree<'_>) -> ParserOptions {
    let features = spec.at("enableFeatures").texts();
    let has = |name: &str| features.contains(&name);
    ParserOptions {
        experimental_functions: has("promql-experimental-functions"),
        duration_expressions: has("promql-duration-expr"),
        extended_range_selectors: has("promql-extended-range-selectors"),
        fill_modifiers: has("promql-binop-fill-modifiers"),
    }
}

/// The first problem of an expression, if it has one.
pub(crate) fn check(expression: &str, options: &ParserOptions) -> Result<(), String> {
    parse(expression, options)
        .map(drop)
        .map_err(|errors| errors.to_string())
}

/// The expression with `label="value"` in every selector, in place of other matchers for the label. It is
/// printed anew, so its blanks may change.
pub(crate) fn enforce(expression: &str, label: &str, value: &str) -> Result<String, String> {
    let mut tree =
        parse(expression, &ParserOptions::default()).map_err(|errors| errors.to_string())?;
    tree.for_each_selector_mut(&mut |selector| {
        selector.matchers.retain(|matcher| matcher.name() != label);
        selector.matchers.push(Matcher::equal(label, value));
    });
    Ok(tree.to_string())
}

#[cfg(test)]
mod tests {
    use super::enforce;

    #[test]
    fn every_selector_gets_the_label() {
        assert_eq!(
            enforce("sum(rate(a{namespace=\"x\"}[5m])) / b", "namespace", "shop").as_deref(),
            Ok("sum(rate(a{namespace=\"shop\"}[5m])) / b{namespace=\"shop\"}")
        );
        assert!(enforce("a +", "namespace", "shop").is_err());
    }
}
