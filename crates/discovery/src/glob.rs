//! File name patterns with `*`, `?` and `[…]` in the last path element.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::pattern::Pattern;

/// The files that match, sorted. A pattern without special characters matches itself, if the file exists.
pub fn matching_files(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let path = Path::new(pattern);
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    if !name.contains(['*', '?', '[']) {
        return Ok(if path.exists() {
            vec![path.to_owned()]
        } else {
            Vec::new()
        });
    }
    let invalid = |error: model::pattern::PatternError| {
        io::Error::new(io::ErrorKind::InvalidInput, error.to_string())
    };
    let expression = Pattern::new(&to_expression(name)).map_err(invalid)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| expression.is_match(name))
        {
            files.push(path.with_file_name(entry.file_name()));
        }
    }
    files.sort();
    Ok(files)
}

fn to_expression(pattern: &str) -> String {
    let mut expression = String::new();
    let mut in_class = false;
    for character in pattern.chars() {
        match character {
            '[' | ']' => {
                in_class = character == '[';
                expression.push(character);
            }
            _ if in_class => expression.push(character),
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_matching_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.json", "b.json", "c.yml", "xjson"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |pattern: &str| {
            let files = matching_files(folder.path().join(pattern).to_str().unwrap()).unwrap();
            files
                .iter()
                .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("*.json"), ["a.json", "b.json"]);
        assert_eq!(found("[bc].*"), ["b.json", "c.yml"]);
        assert_eq!(found("c.yml"), ["c.yml"]);
        assert!(found("none.yml").is_empty());
    }
}
