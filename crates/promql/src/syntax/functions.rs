//! The signatures of all functions: what the type checker and the API need, not how they are computed.

use super::ast::ValueType::{self, Matrix, Scalar, String, Vector};

/// The signature of a function. There is one static value per function, so two calls are of the same
/// function exactly if their references point to the same entry; [`Function::index`] is dense.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// The types of the arguments; for variadic functions the last one may be absent or repeated.
    pub arg_types: &'static [ValueType],
    /// 0: exactly `arg_types`; n > 0: the last one may be absent, or given up to n times;
    /// -1: absent or any number of times.
    pub variadic: i32,
    pub return_type: ValueType,
    /// Only known with experimental functions switched on.
    pub is_experimental: bool,
}

impl Function {
    /// The place in [`FUNCTIONS`].
    pub fn index(&self) -> usize {
        index_of(self.name).unwrap_or(usize::MAX)
    }

    /// The fewest arguments a call may have.
    pub fn args_min(&self) -> usize {
        self.arg_types.len() - usize::from(self.variadic != 0)
    }

    /// The most arguments a call may have; none if there is no bound.
    pub fn args_max(&self) -> Option<usize> {
        match usize::try_from(self.variadic) {
            Ok(0) => Some(self.arg_types.len()),
            Ok(extra) => Some(self.arg_types.len() - 1 + extra),
            Err(_) => None,
        }
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

/// The function of this name, experimental or not. Names are case-sensitive.
pub fn function(name: &str) -> Option<&'static Function> {
    index_of(name).map(|index| &FUNCTIONS[index])
}

fn index_of(name: &str) -> Option<usize> {
    FUNCTIONS
        .binary_search_by(|function| function.name.cmp(name))
        .ok()
}

const fn stable(
    name: &'static str,
    arg_types: &'static [ValueType],
    variadic: i32,
    return_type: ValueType,
) -> Function {
    Function {
        name,
        arg_types,
        variadic,
        return_type,
        is_experimental: false,
    }
}

const fn experimental(
    name: &'static str,
    arg_types: &'static [ValueType],
    variadic: i32,
    return_type: ValueType,
) -> Function {
    Function {
        name,
        arg_types,
        variadic,
        return_type,
        is_experimental: true,
    }
}

/// All functions, sorted by name.
pub static FUNCTIONS: &[Function] = &[
    stable("abs", &[Vector], 0, Vector),
    stable("absent", &[Vector], 0, Vector),
    stable("absent_over_time", &[Matrix], 0, Vector),
    stable("acos", &[Vector], 0, Vector),
    stable("acosh", &[Vector], 0, Vector),
    stable("asin", &[Vector], 0, Vector),
    stable("asinh", &[Vector], 0, Vector),
    stable("atan", &[Vector], 0, Vector),
    stable("atanh", &[Vector], 0, Vector),
    stable("avg_over_time", &[Matrix], 0, Vector),
    stable("ceil", &[Vector], 0, Vector),
    stable("changes", &[Matrix], 0, Vector),
    stable("clamp", &[Vector, Scalar, Scalar], 0, Vector),
    stable("clamp_max", &[Vector, Scalar], 0, Vector),
    stable("clamp_min", &[Vector, Scalar], 0, Vector),
    stable("cos", &[Vector], 0, Vector),
    stable("cosh", &[Vector], 0, Vector),
    stable("count_over_time", &[Matrix], 0, Vector),
    stable("day_of_month", &[Vector], 1, Vector),
    stable("day_of_week", &[Vector], 1, Vector),
    stable("day_of_year", &[Vector], 1, Vector),
    stable("days_in_month", &[Vector], 1, Vector),
    stable("deg", &[Vector], 0, Vector),
    stable("delta", &[Matrix], 0, Vector),
    stable("deriv", &[Matrix], 0, Vector),
    experimental(
        "double_exponential_smoothing",
        &[Matrix, Scalar, Scalar],
        0,
        Vector,
    ),
    experimental("end", &[], 0, Scalar),
    stable("exp", &[Vector], 0, Vector),
    stable("first_over_time", &[Matrix], 0, Vector),
    stable("floor", &[Vector], 0, Vector),
    stable("histogram_avg", &[Vector], 0, Vector),
    stable("histogram_count", &[Vector], 0, Vector),
    stable("histogram_fraction", &[Scalar, Scalar, Vector], 0, Vector),
    stable("histogram_quantile", &[Scalar, Vector], 0, Vector),
    experimental(
        "histogram_quantiles",
        &[Vector, String, Scalar, Scalar],
        9,
        Vector,
    ),
    stable("histogram_stddev", &[Vector], 0, Vector),
    stable("histogram_stdvar", &[Vector], 0, Vector),
    stable("histogram_sum", &[Vector], 0, Vector),
    stable("hour", &[Vector], 1, Vector),
    stable("idelta", &[Matrix], 0, Vector),
    stable("increase", &[Matrix], 0, Vector),
    experimental("info", &[Vector, Vector], 1, Vector),
    stable("irate", &[Matrix], 0, Vector),
    stable("label_join", &[Vector, String, String, String], -1, Vector),
    stable(
        "label_replace",
        &[Vector, String, String, String, String],
        0,
        Vector,
    ),
    stable("last_over_time", &[Matrix], 0, Vector),
    stable("ln", &[Vector], 0, Vector),
    stable("log10", &[Vector], 0, Vector),
    stable("log2", &[Vector], 0, Vector),
    experimental("mad_over_time", &[Matrix], 0, Vector),
    experimental("max_of", &[Scalar, Scalar], 0, Scalar),
    stable("max_over_time", &[Matrix], 0, Vector),
    experimental("min_of", &[Scalar, Scalar], 0, Scalar),
    stable("min_over_time", &[Matrix], 0, Vector),
    stable("minute", &[Vector], 1, Vector),
    stable("month", &[Vector], 1, Vector),
    stable("pi", &[], 0, Scalar),
    stable("predict_linear", &[Matrix, Scalar], 0, Vector),
    stable("present_over_time", &[Matrix], 0, Vector),
    stable("quantile_over_time", &[Scalar, Matrix], 0, Vector),
    stable("rad", &[Vector], 0, Vector),
    experimental("range", &[], 0, Scalar),
    stable("rate", &[Matrix], 0, Vector),
    stable("resets", &[Matrix], 0, Vector),
    stable("round", &[Vector, Scalar], 1, Vector),
    stable("scalar", &[Vector], 0, Scalar),
    stable("sgn", &[Vector], 0, Vector),
    stable("sin", &[Vector], 0, Vector),
    stable("sinh", &[Vector], 0, Vector),
    stable("sort", &[Vector], 0, Vector),
    experimental("sort_by_label", &[Vector, String], -1, Vector),
    experimental("sort_by_label_desc", &[Vector, String], -1, Vector),
    stable("sort_desc", &[Vector], 0, Vector),
    stable("sqrt", &[Vector], 0, Vector),
    experimental("start", &[], 0, Scalar),
    experimental("start_timestamp", &[Vector], 0, Vector),
    stable("stddev_over_time", &[Matrix], 0, Vector),
    stable("stdvar_over_time", &[Matrix], 0, Vector),
    experimental("step", &[], 0, Scalar),
    stable("sum_over_time", &[Matrix], 0, Vector),
    stable("tan", &[Vector], 0, Vector),
    stable("tanh", &[Vector], 0, Vector),
    stable("time", &[], 0, Scalar),
    stable("timestamp", &[Vector], 0, Vector),
    experimental("ts_of_first_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_last_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_max_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_min_over_time", &[Matrix], 0, Vector),
    stable("vector", &[Scalar], 0, Vector),
    stable("year", &[Vector], 1, Vector),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        for (index, entry) in FUNCTIONS.iter().enumerate() {
            assert_eq!(entry.index(), index, "{}", entry.name);
        }
        assert!(function("Rate").is_none());
    }

    #[test]
    fn argument_counts() {
        let counts = |name| function(name).map(|f| (f.args_min(), f.args_max()));
        assert_eq!(counts("rate"), Some((1, Some(1))));
        assert_eq!(counts("round"), Some((1, Some(2))));
        assert_eq!(counts("label_join"), Some((3, None)));
        assert_eq!(counts("histogram_quantiles"), Some((3, Some(12))));
    }
}
