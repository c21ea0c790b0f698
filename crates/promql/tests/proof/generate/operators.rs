//! Binary operators and aggregations.

use promql::ast::{AggregateOp, ValueType};

use super::expr::Generator;

const ARITHMETIC: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const GROUPINGS: [&str; 10] = [
    "a",
    "b",
    "a, b",
    "",
    "c",
    "__name__",
    "instance, job",
    "le",
    "a, le",
    "b, c, nothing",
];

impl Generator<'_> {
    /// An operator that is not one of sets, with `bool` now and then.
    fn operator(&mut self) -> String {
        if self.choices.chance(35) {
            let comparison = self.choices.pick(&COMPARISONS);
            let is_bool = self.choices.chance(40);
            return format!("{comparison}{}", if is_bool { " bool" } else { "" });
        }
        if self.is_ours() && self.choices.chance(12) {
            return self.choices.pick(&["</", ">/"]).to_owned();
        }
        let known = ARITHMETIC.len() - usize::from(!self.is_ours());
        self.choices.pick(&ARITHMETIC[..known]).to_owned()
    }

    pub(crate) fn scalar_binary(&mut self, depth: usize) -> String {
        let operator = self.operator();
        let vector = self.wrapped(depth);
        let scalar = format!("({})", self.scalar(depth.min(1)));
        if self.choices.chance(50) {
            format!("{vector} {operator} {scalar}")
        } else {
            format!("{scalar} {operator} {vector}")
        }
    }

    pub(crate) fn vector_binary(&mut self, depth: usize) -> String {
        let operator = self.operator();
        let (lhs, mut rhs) = (self.wrapped(depth), self.wrapped(depth));
        // Two random vectors seldom have labels in common.
        if self.choices.chance(35) {
            rhs.clone_from(&lhs);
        }
        let mut matching = String::new();
        if self.choices.chance(50) {
            let kind = self.choices.pick(&["on", "ignoring", "on"]);
            let labels = self.choices.pick(&GROUPINGS);
            matching = format!(" {kind} ({labels})");
            if self.choices.chance(40) {
                let side = self.choices.pick(&["group_left", "group_right"]);
                let candidates = [
                    " ()",
                    " (a)",
                    " (c)",
                    " (b)",
                    " (version, job)",
                    " (__name__)",
                ];
                let known = candidates.len() - usize::from(!self.is_ours());
                let include = self.choices.pick(&candidates[..known]);
                // A label cannot be both matched and included.
                let is_twice = kind == "on"
                    && include
                        .trim_matches([' ', '(', ')'])
                        .split(", ")
                        .any(|name| !name.is_empty() && labels.split(", ").any(|l| l == name));
                matching = format!(
                    "{matching} {side}{}",
                    if is_twice { " ()" } else { include }
                );
            }
        }
        if self.is_ours() && self.choices.chance(12) {
            let fills = [
                "fill (0)",
                "fill_left (1)",
                "fill_right (2)",
                "fill_left (NaN) fill_right (-1)",
            ];
            matching = format!("{matching} {}", self.choices.pick(&fills));
        }
        format!("{lhs} {operator}{matching} {rhs}")
    }

    pub(crate) fn set_operation(&mut self, depth: usize) -> String {
        let operator = self.choices.pick(&["or", "and", "unless"]);
        let mut matching = String::new();
        if self.choices.chance(40) {
            let kind = self.choices.pick(&["on", "ignoring"]);
            matching = format!(" {kind} ({})", self.choices.pick(&GROUPINGS));
        }
        format!(
            "{} {operator}{matching} {}",
            self.wrapped(depth),
            self.wrapped(depth)
        )
    }

    pub(crate) fn aggregation(&mut self, depth: usize) -> String {
        let mut op = self.choices.pick(&AggregateOp::ALL);
        let is_changed = matches!(
            op,
            AggregateOp::Stddev | AggregateOp::Stdvar | AggregateOp::Topk | AggregateOp::Bottomk
        );
        if !self.is_ours() && (op.is_experimental() || is_changed) {
            op = AggregateOp::Sum;
        }
        let param = match (op, op.param_type()) {
            (_, None) => String::new(),
            (_, Some(ValueType::String)) => {
                let labels: &[&str] = if self.is_ours() {
                    &["v", "a", "le", "", "__name__", "b c"]
                } else {
                    &["v", "a", "le"]
                };
                format!("\"{}\", ", self.choices.pick(labels))
            }
            (AggregateOp::Quantile | AggregateOp::LimitRatio, _)
                if !self.is_ours() || self.choices.chance(80) =>
            {
                let ratio = self
                    .choices
                    .pick(&["0.5", "0.9", "0", "1", "0.25", "-0.5", "1.5"]);
                format!("{ratio}, ")
            }
            _ if !self.is_ours() || self.choices.chance(80) => {
                format!(
                    "{}, ",
                    self.choices.pick(&["1", "2", "3", "0", "100", "-1", "1.5"])
                )
            }
            _ => format!("{}, ", self.scalar(depth.min(2))),
        };
        // Values as texts show every rounding error.
        let inner = if op == AggregateOp::CountValues && !self.is_ours() {
            self.selector()
        } else {
            self.vector(depth)
        };
        let grouping = if self.choices.chance(60) {
            let kind = self.choices.pick(&["by", "without"]);
            format!(" {kind} ({})", self.choices.pick(&GROUPINGS))
        } else {
            String::new()
        };
        if self.choices.chance(50) {
            format!("{op}{grouping} ({param}{inner})")
        } else {
            format!("{op}({param}{inner}){grouping}")
        }
    }
}
