//! The labels that `absent` and `absent_over_time` give to the series that is not there.

use model::labels::METRIC_NAME;
use model::{Labels, LabelsBuilder, MatchOp};

use crate::plan::{Op, Plan};

/// From the equality matchers of a selector; a label with several matchers has no value.
pub(crate) fn absent_labels(arg: &Plan) -> Labels {
    let matchers = match &arg.op {
        Op::Selector(selector) if !selector.has_sign => &selector.matchers,
        Op::Range(range) => &range.selector.matchers,
        _ => return Labels::empty(),
    };
    let mut builder = LabelsBuilder::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers {
        let name = matcher.name();
        if name == METRIC_NAME {
            continue;
        }
        if matcher.op() == MatchOp::Equal && !seen.contains(&name) {
            builder.set(name, matcher.value());
            seen.push(name);
        } else {
            builder.remove(name);
        }
    }
    builder.build()
}
