//! Queries that users type: read with everything switched on, problems shown with the text underlined.

use std::io::IsTerminal;

use anyhow::bail;
use promql::{Expr, ParserOptions};

/// Reads a query; its problems are printed, all of them, and the error only counts them.
pub(crate) fn parse(name: &str, text: &str) -> anyhow::Result<Expr> {
    match promql::parse(text, &ParserOptions::ALL) {
        Ok(expr) => Ok(expr),
        Err(errors) => {
            let problems = errors.to_diagnostics(name);
            let colour = std::io::stderr().is_terminal();
            eprint!("{}", diag::render_terminal(&problems, colour));
            match problems.len() {
                1 => bail!("1 error in the query"),
                count => bail!("{count} errors in the query"),
            }
        }
    }
}
