//! `cargo xtask tidy`: what must hold for the whole tree. Also run as a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::layers;

/// No source file may be longer; style.md says why. Think of splitting far earlier.
const FILE_LINES_MAX: usize = 800;

/// Constructs that no committed source may hold.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("#[", "ignore"),
        "a test that is never run tells nothing",
    ),
    (
        concat!("todo", "!("),
        "finish it, or say in an error what is missing",
    ),
    (
        concat!("unimplemented", "!("),
        "finish it, or say in an error what is missing",
    ),
    (concat!("TO", "DO"), "what is left belongs into an issue"),
    (concat!("FIX", "ME"), "what is left belongs into an issue"),
];

#[derive(Debug, Deserialize)]
struct CrateManifest {
    package: Package,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    description: String,
}

/// All problems, one line each, with the file and what to do.
pub fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    check_crates(root, &mut problems)?;
    let mut sources = Vec::new();
    for folder in ["crates", "xtask"] {
        rust_files(&root.join(folder), &mut sources)?;
    }
    for path in sources {
        check_source(root, &path, &mut problems)?;
    }
    Ok(problems)
}

fn check_crates(root: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    for entry in fs::read_dir(root.join("crates")).context("listing crates")? {
        let folder = entry?.path();
        let path = folder.join("Cargo.toml");
        if !path.exists() {
            continue;
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let manifest: CrateManifest =
            toml::from_str(&text).with_context(|| format!("parsing {}", path.display()))?;
        let name = manifest.package.name.as_str();
        if folder.file_name().and_then(|folder| folder.to_str()) != Some(name) {
            problems.push(format!(
                "crates/{name}: folder and crate must have the same name"
            ));
        }
        if !manifest.package.description.ends_with('.') {
            problems.push(format!(
                "crates/{name}: the description must be one sentence of purpose"
            ));
        }
        if !architecture.contains(&format!("`{name}`")) {
            problems.push(format!("crates/{name}: ARCHITECTURE.md does not name it"));
        }
        check_layer(&manifest, problems);
    }
    Ok(())
}

fn check_layer(manifest: &CrateManifest, problems: &mut Vec<String>) {
    let name = manifest.package.name.as_str();
    if layers::OUTSIDE.contains(&name) {
        return;
    }
    let Some(rank) = layers::rank(name) else {
        problems.push(format!(
            "crates/{name}: not in the table of xtask/src/layers.rs"
        ));
        return;
    };
    for dependency in manifest.dependencies.keys() {
        if layers::OUTSIDE.contains(&dependency.as_str()) {
            problems.push(format!(
                "crates/{name}: {dependency} may only be a dev-dependency"
            ));
        }
        if layers::rank(dependency).is_some_and(|dependency_rank| dependency_rank >= rank) {
            problems.push(format!(
                "crates/{name}: must not depend on {dependency}, which is not below it"
            ));
        }
        if layers::PURE.contains(&name) && layers::IMPURE_LIBRARIES.contains(&dependency.as_str()) {
            problems.push(format!(
                "crates/{name}: is pure and must not depend on {dependency}"
            ));
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                rust_files(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn check_source(root: &Path, path: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let shown = path.strip_prefix(root).unwrap_or(path).display();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        problems.push(format!(
            "{shown}: {lines} lines; split it by ideas (at most {FILE_LINES_MAX})"
        ));
    }
    let is_module = path.components().any(|part| part.as_os_str() == "src");
    if is_module && !text.trim_start().starts_with("//!") {
        problems.push(format!(
            "{shown}: starts without a module doc that says what it is"
        ));
    }
    for (index, line) in text.lines().enumerate() {
        for (construct, reason) in FORBIDDEN {
            if line.contains(construct) {
                problems.push(format!("{shown}:{}: {construct}: {reason}", index + 1));
            }
        }
    }
    Ok(())
}
