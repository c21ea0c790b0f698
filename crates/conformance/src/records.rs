//! `conformance.toml`: how many cases of each suite pass at least.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::run::SuiteResult;

#[derive(Debug, Default, Deserialize)]
struct Records {
    /// Suite name to cases passed.
    passed: BTreeMap<String, usize>,
}

fn read(path: &Path) -> anyhow::Result<Records> {
    if !path.exists() {
        return Ok(Records::default());
    }
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("parsing {}", path.display()))
}

/// A line for each suite that passes fewer cases than its record.
pub(crate) fn fallen(path: &Path, results: &[SuiteResult]) -> anyhow::Result<Vec<String>> {
    let records = read(path)?;
    let below = results.iter().filter_map(|result| {
        let record = records.passed.get(result.name).copied().unwrap_or(0);
        let fell = result.passed < record;
        fell.then(|| {
            format!(
                "{} fell below its record: {} passed, recorded {record}",
                result.name, result.passed
            )
        })
    });
    Ok(below.collect())
}

/// Writes the higher of record and result for each suite.
pub(crate) fn raise(path: &Path, results: &[SuiteResult]) -> anyhow::Result<()> {
    let mut records = read(path)?;
    for result in results {
        let record = records.passed.entry(result.name.to_owned()).or_default();
        *record = result.passed.max(*record);
    }
    let mut text = String::from(
        "# Cases passed per suite. A suite that falls below its record fails `make test`.\n\
         # Raise with: cargo xtask conformance --records --raise\n[passed]\n",
    );
    for (name, passed) in &records.passed {
        writeln!(text, "\"{name}\" = {passed}")?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
