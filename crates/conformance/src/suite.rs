//! What a suite and a case are, and readers for the usual file kinds.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// One behaviour to check.
pub(crate) struct Case {
    /// Names the case in the list of failures; unique within the suite.
    pub(crate) id: String,
    pub(crate) run: Box<dyn FnOnce() -> Result<(), String>>,
}

impl Case {
    pub(crate) fn new(
        id: impl Into<String>,
        run: impl FnOnce() -> Result<(), String> + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            run: Box::new(run),
        }
    }
}

/// A folder (or a part of one) of cases of one format. Cases of a suite run in order on one thread, so
/// they may share state; suites run side by side.
#[derive(Clone, Copy)]
pub(crate) struct Suite {
    /// `folder` or `folder/part`.
    pub(crate) name: &'static str,
    /// Reads the cases below the conformance folder. An absent file means no case, not an error: the
    /// folder may hold only some of the suites.
    pub(crate) load: fn(&Path) -> anyhow::Result<Vec<Case>>,
}

/// The JSON objects of a file with one per line, with their line numbers; none if there is no such file.
pub(crate) fn json_lines(path: &Path) -> anyhow::Result<Vec<(usize, Value)>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let value = serde_json::from_str(line)
                .with_context(|| format!("{}:{}", path.display(), index + 1))?;
            Ok((index + 1, value))
        })
        .collect()
}

/// One case per line of `path`. Its id is the file's stem with the line's `id`, or its line number.
pub(crate) fn json_line_cases(
    path: &Path,
    run: fn(&Value) -> Result<(), String>,
) -> anyhow::Result<Vec<Case>> {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("?")
        .to_owned();
    let lines = json_lines(path)?;
    Ok(lines
        .into_iter()
        .map(|(line, value)| {
            let id = match value.get("id") {
                Some(Value::String(id)) => format!("{stem}/{id}"),
                Some(Value::Number(id)) => format!("{stem}/{id}"),
                _ => format!("{stem}:{line}"),
            };
            Case::new(id, move || run(&value))
        })
        .collect())
}

/// Entries of a folder in name order; none if there is no such folder.
pub(crate) fn entries(dir: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let read = fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))?;
    let mut paths = read
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
