//! Selectors, ranges and subqueries with their modifiers.

use super::expr::Generator;

const NAMES: [&str; 16] = [
    "m",
    "n",
    "c_total",
    "h",
    "r_bucket",
    "m",
    "n",
    "g",
    "x",
    "d_total",
    "m",
    "c_total",
    "x",
    "target_info",
    "h",
    "nothing",
];
const FLOAT_NAMES: [&str; 8] = [
    "m",
    "n",
    "c_total",
    "r_bucket",
    "m",
    "d_total",
    "target_info",
    "nothing",
];
const MATCHERS: [&str; 14] = [
    "a=\"1\"",
    "a!=\"2\"",
    "a=~\"1|2\"",
    "a!~\"1.*\"",
    "b=\"x\"",
    "b!=\"\"",
    "b=\"\"",
    "c=~\".+\"",
    "le!=\"bad\"",
    "le=~\"1|.Inf\"",
    "instance=\"i1\"",
    "instance=~\"i.\"",
    "a=~\"[0-9]+\"",
    "job=~\"j|k\"",
];

impl Generator<'_> {
    fn names(&self) -> &'static [&'static str] {
        if self.is_ours() { &NAMES } else { &FLOAT_NAMES }
    }

    /// Name and matchers.
    fn base(&mut self) -> String {
        let mut matchers = Vec::new();
        let mut name = self.choices.pick(self.names());
        if self.choices.chance(12) {
            let by_name = [
                "__name__=~\"m|n\"",
                "__name__=~\"[a-h]|c_total\"",
                "__name__!~\"m|.*_info|.*_bucket\",a!=\"\"",
                "__name__=~\".*_total\"",
                "__name__=~\".*_info\"",
            ];
            matchers.push(self.choices.pick(&by_name));
            name = "";
        } else if self.is_ours() && self.choices.chance(4) {
            matchers.push("\"m\"");
            name = "";
        }
        while self.choices.chance(18) {
            matchers.push(self.choices.pick(&MATCHERS));
        }
        if matchers.is_empty() {
            return name.to_owned();
        }
        format!("{name}{{{}}}", matchers.join(","))
    }

    pub(crate) fn selector(&mut self) -> String {
        let mut text = self.base();
        if self.is_ours() && self.choices.chance(3) {
            text.push_str(" smoothed");
        }
        text + &self.modifiers()
    }

    /// `offset` and `@`.
    fn modifiers(&mut self) -> String {
        let mut parts = Vec::new();
        if self.choices.chance(12) {
            parts.push(format!("offset {}", self.offset()));
        }
        if self.choices.chance(10) {
            parts.push(self.at());
        }
        if self.choices.chance(50) {
            parts.reverse();
        }
        parts.into_iter().map(|part| format!(" {part}")).collect()
    }

    fn at(&mut self) -> String {
        match self.choices.below(4) {
            0 => "@ start()".to_owned(),
            1 => "@ end()".to_owned(),
            _ => {
                let seconds = self.origin_ms / 1000 + self.choices.below(400) as i64;
                // Off the edges of windows.
                let half = if self.is_ours() { "" } else { ".5" };
                format!("@ {seconds}{half}")
            }
        }
    }

    fn offset(&mut self) -> String {
        if self.is_ours() && self.choices.chance(10) {
            let expressions = [
                "(step() - 5s)",
                "(-(2 * 7s))",
                "(range() / 2)",
                "min_of(step(), 30s)",
            ];
            return self.choices.pick(&expressions).to_owned();
        }
        let fixed = ["10s", "1m", "-15s", "5s", "-1m30s", "100ms"];
        let whole_seconds = fixed.len() - usize::from(!self.is_ours());
        self.choices.pick(&fixed[..whole_seconds]).to_owned()
    }

    fn range(&mut self) -> String {
        if self.is_ours() && self.choices.chance(6) {
            let expressions = [
                "30s + step()",
                "max_of(1m, range())",
                "2 * step() + 1",
                "1m / 2",
                "step()",
                "7s ^ 2 % 60",
            ];
            return self.choices.pick(&expressions).to_owned();
        }
        let fixed = [
            "1m", "30s", "20s", "2m", "5m", "45s", "10s", "1s", "59999ms",
        ];
        let whole_seconds = fixed.len() - usize::from(!self.is_ours());
        self.choices.pick(&fixed[..whole_seconds]).to_owned()
    }

    pub(crate) fn matrix(&mut self, depth: usize) -> String {
        self.matrix_for("", depth)
    }

    /// A range vector for a function of this name: few can take ends beyond the range.
    pub(crate) fn matrix_for(&mut self, function: &str, depth: usize) -> String {
        // Rates of what may be near zero, and subqueries in subqueries, are not for the peer of old.
        let is_rate = !self.is_ours() && matches!(function, "rate" | "increase");
        let may_nest = self.is_ours() || !self.is_inner && !is_rate;
        if depth > 0 && may_nest && self.choices.chance(25) {
            return self.subquery(function, depth - 1);
        }
        let base = if is_rate {
            self.choices
                .pick(&["c_total", "d_total", "c_total{a!=\"2\"}"])
                .to_owned()
        } else {
            self.base()
        };
        let mut text = format!("{base}[{}]", self.range());
        let takes_smoothed = matches!(function, "rate" | "increase" | "delta");
        let takes_anchored = takes_smoothed || matches!(function, "resets" | "changes");
        if self.is_ours() {
            let percent = |fits: bool| if fits { 15 } else { 1 };
            if self.choices.chance(percent(takes_anchored)) {
                text.push_str(" anchored");
            } else if self.choices.chance(percent(takes_smoothed)) {
                text.push_str(" smoothed");
            }
        }
        text + &self.range_modifiers(function)
    }

    /// Prometheus 2.42 has a window that is fixed in time move where the rest of the call is not fixed.
    fn range_modifiers(&mut self, function: &str) -> String {
        let may_move = matches!(function, "predict_linear" | "quantile_over_time");
        let modifiers = self.modifiers();
        if may_move && !self.is_ours() && modifiers.contains('@') {
            return String::new();
        }
        modifiers
    }

    fn subquery(&mut self, function: &str, depth: usize) -> String {
        let was_inner = std::mem::replace(&mut self.is_inner, true);
        let inner = if self.choices.chance(20) && self.is_ours() {
            format!("vector({})", self.scalar(depth))
        } else {
            self.vector(depth)
        };
        let step = if self.is_ours() {
            self.choices.pick(&["10s", "20s", "", "7s", "1m", "2500ms"])
        } else {
            // Multiples of these, half a second off, are no times of samples.
            self.choices.pick(&["10s", "20s", "7s", "1m"])
        };
        self.is_inner = was_inner;
        // A range that is only `step()` may not stand before the colon.
        let range = match self.range() {
            range if range.contains("step()") => "1m + 1s".to_owned(),
            range => range,
        };
        format!(
            "({inner})[{range}:{step}]{}",
            self.range_modifiers(function)
        )
    }
}
