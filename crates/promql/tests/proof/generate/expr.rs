//! Expressions by type, with a bound on their depth.

use promql::ast::ValueType;

use super::Choices;
use super::data::FIRST_MS;

/// Which language the expressions are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// All of it.
    Ours,
    /// What Prometheus 2.42 knows and does the same way; see the list of differences where it is asked.
    Prometheus242,
}

pub(crate) struct Generator<'c> {
    pub(super) choices: &'c mut Choices,
    pub(super) dialect: Dialect,
    /// About the time of the first sample.
    pub(super) origin_ms: i64,
    /// Inside of a subquery.
    pub(super) is_inner: bool,
    /// How many selectors, calls and operators may still be made.
    budget: usize,
}

const DEPTH_MAX: usize = 4;
const NODES_MAX: usize = 24;

impl<'c> Generator<'c> {
    pub(crate) fn new(choices: &'c mut Choices, dialect: Dialect) -> Self {
        Self {
            choices,
            dialect,
            origin_ms: FIRST_MS,
            is_inner: false,
            budget: NODES_MAX,
        }
    }

    /// For data that begins at another time.
    pub(crate) fn since(self, origin_ms: i64) -> Self {
        Self { origin_ms, ..self }
    }

    pub(super) fn is_ours(&self) -> bool {
        self.dialect == Dialect::Ours
    }

    /// An expression of any type, mostly an instant vector.
    pub(crate) fn query(&mut self) -> String {
        match self.choices.below(40) {
            0 => "\"text\"".to_owned(),
            1 | 2 => {
                let depth = self.depth();
                self.matrix(depth)
            }
            _ => self.range_query(),
        }
    }

    /// An expression that can be asked over a range.
    pub(crate) fn range_query(&mut self) -> String {
        let depth = self.depth();
        if self.choices.chance(3) {
            return self.scalar(depth);
        }
        self.vector(depth)
    }

    fn depth(&mut self) -> usize {
        1 + self.choices.below(DEPTH_MAX)
    }

    pub(crate) fn of_type(&mut self, value_type: ValueType, depth: usize) -> String {
        match value_type {
            ValueType::Scalar => self.scalar(depth),
            ValueType::Vector => self.vector(depth),
            ValueType::Matrix => self.matrix(depth),
            ValueType::String => format!("\"{}\"", self.choices.pick(&["a", "b", "", "le"])),
        }
    }

    /// Whether there is room for more below.
    fn goes_on(&mut self, depth: usize) -> bool {
        self.budget = self.budget.saturating_sub(1);
        depth > 0 && self.budget > 0
    }

    pub(crate) fn vector(&mut self, depth: usize) -> String {
        if !self.goes_on(depth) {
            return self.selector();
        }
        let below = depth - 1;
        match self.choices.below(20) {
            0..3 => self.selector(),
            3..8 => self.vector_call(below),
            8..11 => self.aggregation(below),
            11..14 => self.vector_binary(below),
            14..16 => self.scalar_binary(below),
            16 => self.set_operation(below),
            17 => format!("-{}", self.wrapped(below)),
            18 => format!("+{}", self.wrapped(below)),
            _ => format!("({})", self.vector(below)),
        }
    }

    /// A vector that binds tighter than every operator.
    pub(super) fn wrapped(&mut self, depth: usize) -> String {
        format!("({})", self.vector(depth))
    }

    pub(crate) fn scalar(&mut self, depth: usize) -> String {
        if !self.goes_on(depth) {
            return self.number();
        }
        let below = depth - 1;
        match self.choices.below(12) {
            0..4 => self.number(),
            4 => "time()".to_owned(),
            5 | 6 => format!("scalar({})", self.vector(below)),
            7 => format!("-({})", self.scalar(below)),
            8 => {
                let comparison = self.choices.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (lhs, rhs) = (self.scalar(below), self.scalar(below));
                format!("({lhs}) {comparison} bool ({rhs})")
            }
            9 | 10 => {
                let operators = ["+", "-", "*", "/", "%", "^", "atan2"];
                let operator = self.choices.pick(&operators);
                let (lhs, rhs) = (self.scalar(below), self.scalar(below));
                format!("({lhs}) {operator} ({rhs})")
            }
            _ => self.scalar_call(below),
        }
    }

    pub(super) fn number(&mut self) -> String {
        let numbers = [
            "1", "0", "2", "0.5", "3", "-1", "10", "0.1", "1e3", "100", "NaN", "Inf", "-Inf",
            "1e-9",
        ];
        let number = self.choices.pick(&numbers);
        if self.is_ours() && self.choices.chance(5) {
            return self
                .choices
                .pick(&["1m", "0x1F", "1_000", "1h30m"])
                .to_owned();
        }
        number.to_owned()
    }
}
