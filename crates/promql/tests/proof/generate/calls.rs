//! Calls of functions, with arguments that make sense often enough.

use promql::ast::ValueType;
use promql::syntax::{FUNCTIONS, Function};

use super::expr::Generator;

/// Functions that Prometheus 2.42 does not have, or that are only for native histograms.
const NEWER: [&str; 7] = [
    "first_over_time",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
];

impl Generator<'_> {
    pub(crate) fn vector_call(&mut self, depth: usize) -> String {
        let function = self.function(ValueType::Vector);
        self.call(function, depth)
    }

    pub(crate) fn scalar_call(&mut self, depth: usize) -> String {
        let function = self.function(ValueType::Scalar);
        self.call(function, depth)
    }

    fn function(&mut self, return_type: ValueType) -> &'static Function {
        let is_known = |function: &&Function| {
            let is_new = function.is_experimental || NEWER.contains(&function.name);
            function.return_type == return_type && (self.is_ours() || !is_new)
        };
        let known: Vec<&'static Function> = FUNCTIONS.iter().filter(is_known).collect();
        // Functions of ranges are where the most can go wrong.
        if return_type == ValueType::Vector && self.choices.chance(35) {
            let takes_range = |f: &&&Function| f.arg_types.contains(&ValueType::Matrix);
            let of_ranges: Vec<&Function> = known.iter().filter(takes_range).copied().collect();
            return self.choices.pick(&of_ranges);
        }
        self.choices.pick(&known)
    }

    fn call(&mut self, function: &'static Function, depth: usize) -> String {
        let name = function.name;
        let mut args: Vec<String> = Vec::new();
        match name {
            "label_replace" => {
                args.push(self.vector(depth));
                args.extend(self.replacement().map(|text| format!("{text:?}")));
            }
            "label_join" => {
                args.push(self.vector(depth));
                let destinations = ["v", "a", "b", "__name__", "le"];
                for from in [&destinations[..], &["-", ""]] {
                    args.push(format!("{:?}", self.choices.pick(from)));
                }
                for _ in 0..self.choices.below(3) {
                    args.push(format!(
                        "{:?}",
                        self.choices.pick(&["a", "b", "c", "__name__"])
                    ));
                }
            }
            "info" => {
                args.push(self.vector(depth));
                if self.choices.chance(50) {
                    let selectors = [
                        "{version=~\".+\"}",
                        "{__name__=\"build_info\"}",
                        "{__name__!=\"target_info\"}",
                        "{branch=\"\"}",
                        "{__name__=~\".*_info\", version!=\"2\"}",
                    ];
                    args.push(self.choices.pick(&selectors).to_owned());
                }
            }
            "histogram_quantiles" => {
                args.push(self.vector(depth));
                args.push(format!("{:?}", self.choices.pick(&["q", "a"])));
                for _ in 0..1 + self.choices.below(3) {
                    args.push(self.ratio(depth));
                }
            }
            "sort_by_label" | "sort_by_label_desc" => {
                args.push(self.vector(depth));
                for _ in 0..self.choices.below(3) {
                    args.push(format!(
                        "{:?}",
                        self.choices.pick(&["a", "b", "le", "nothing"])
                    ));
                }
            }
            _ => {
                let optional = usize::from(function.variadic != 0 && self.choices.chance(50));
                let count = function.args_min() + optional;
                for arg_type in &function.arg_types[..count] {
                    args.push(self.argument(name, *arg_type, depth));
                }
            }
        }
        format!("{name}({})", args.join(", "))
    }

    fn argument(&mut self, name: &str, arg_type: ValueType, depth: usize) -> String {
        match (name, arg_type) {
            (
                "quantile_over_time" | "histogram_quantile" | "double_exponential_smoothing",
                ValueType::Scalar,
            ) => self.ratio(depth),
            ("histogram_quantile" | "histogram_fraction", ValueType::Vector)
                if self.choices.chance(60) =>
            {
                self.histograms(depth)
            }
            (_, ValueType::Vector) if name.starts_with("histogram_") && self.choices.chance(60) => {
                self.histograms(depth)
            }
            (_, ValueType::Matrix) => self.matrix_for(name, depth),
            (_, ValueType::Scalar) => self.scalar(depth.min(1)),
            _ => self.of_type(arg_type, depth),
        }
    }

    /// Mostly between 0 and 1.
    fn ratio(&mut self, depth: usize) -> String {
        if self.choices.chance(12) {
            return self.scalar(depth.min(1));
        }
        let ratios = ["0.5", "0.9", "0.25", "0.99", "0.1"];
        self.choices.pick(&ratios).to_owned()
    }

    /// Something that has buckets.
    fn histograms(&mut self, depth: usize) -> String {
        let forms: &[&str] = if self.is_ours() {
            &[
                "r_bucket",
                "h",
                "g",
                "x",
                "{__name__=~\"h|g|r_bucket\"}",
                "sum by (le) (rate(r_bucket[1m]))",
                "sum by (le, a) (r_bucket)",
                "rate(h[1m])",
                "increase(g[2m])",
                "sum(h)",
                "avg by (b) (g)",
                "r_bucket or h",
            ]
        } else {
            &[
                "r_bucket",
                "sum by (le) (delta(r_bucket[1m]))",
                "sum by (le, a) (r_bucket)",
                "max_over_time(r_bucket[2m])",
            ]
        };
        if self.choices.chance(20) {
            return self.vector(depth);
        }
        self.choices.pick(forms).to_owned()
    }

    /// Destination, replacement, source and pattern.
    fn replacement(&mut self) -> [&'static str; 4] {
        let replacements: &[[&'static str; 4]] = &[
            ["v", "$1", "a", "(.*)"],
            ["a", "1", "b", "x"],
            ["b", "$2-${1}", "a", "([0-9])(.*)"],
            ["a", "", "a", ".*"],
            ["__name__", "new_$1", "__name__", "(.*)"],
            ["le", "${bound}x$$", "le", "(?P<bound>[0-9])"],
            ["c", "$1x", "a", "(.)"],
            ["v", "same", "nothing", ""],
            ["v", "$3", "a", "(1|2)0?"],
        ];
        let mut replacement = self.choices.pick(replacements);
        if self.is_ours() && self.choices.chance(5) {
            replacement = self.choices.pick(&[
                ["", "x", "a", "(.*)"],
                ["v", "x", "a", "(.*"],
                ["with space", "$1", "b", "(.+)"],
            ]);
        }
        replacement
    }
}
