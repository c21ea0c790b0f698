//! Files for the pure readers of configurations.

use std::fs;
use std::path::Path;

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFiles;

impl config::FileReader for RealFiles {
    fn read(&self, path: &str) -> Result<String, String> {
        read_text(Path::new(path))
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let files =
            discovery::matching_files(pattern).map_err(|error| format!("{pattern}: {error}"))?;
        Ok(files
            .into_iter()
            .map(|file| file.display().to_string())
            .collect())
    }
}

/// A text file; the error says what is wrong with it.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("reading {shown}: {error}"))?;
    diag::text_of(bytes).map_err(|problem| format!("reading {shown}: {problem}"))
}

/// The folder of a file, as relative paths in it start from.
pub fn folder_of(file: &Path) -> String {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
        _ => ".".to_owned(),
    }
}

/// The YAML files of the given files and folders (not of folders in them), in name order.
pub(crate) fn manifest_files(
    paths: &[std::path::PathBuf],
) -> Result<Vec<(String, String)>, String> {
    let mut texts = Vec::new();
    for path in paths {
        let mut files = Vec::new();
        if path.is_dir() {
            let entries = fs::read_dir(path)
                .map_err(|error| format!("listing {}: {error}", path.display()))?;
            for entry in entries {
                let file = entry
                    .map_err(|error| format!("listing {}: {error}", path.display()))?
                    .path();
                let extension = file.extension().and_then(|extension| extension.to_str());
                if matches!(extension, Some("yaml" | "yml" | "json")) {
                    files.push(file);
                }
            }
            files.sort();
        } else {
            files.push(path.clone());
        }
        for file in files {
            let text = read_text(&file)?;
            texts.push((file.display().to_string(), text));
        }
    }
    Ok(texts)
}
