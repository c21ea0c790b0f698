//! How a command fails.

/// Why a command did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The peer ends these with an empty line.
    Problem(String),
    /// The peer ends these with their line.
    Short(String),
    /// All was said already.
    Told,
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

impl From<&str> for Failure {
    fn from(problem: &str) -> Self {
        Self::Problem(problem.to_owned())
    }
}
