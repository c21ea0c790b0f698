//! Target groups in files that are watched.

use model::Duration;
use yaml::MapReader;

use super::refuse;
use crate::quote::quote;
use crate::text::FilePath;

section! {
    pub struct FileSd: "file.plain" as "*file.SDConfig", checked {
        ["files"] pub files: Vec<FilePath>,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(300),
    }
}

impl FileSd {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.files.is_empty() {
            let message = "file service discovery config must contain at least one path name";
            refuse(map, "files", message, "add `files`");
        }
        for file in &self.files {
            if !is_valid_pattern(file) {
                let message = format!("path name {} is not valid for file discovery", quote(file));
                let hint =
                    "the name ends in .json, .yml or .yaml, with `*` in its last element only";
                refuse(map, "files", message, hint);
            }
        }
    }
}

fn is_valid_pattern(path: &str) -> bool {
    let extensions = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"];
    let Some(stem) = extensions
        .iter()
        .find_map(|extension| path.strip_suffix(extension))
    else {
        return false;
    };
    stem.split_once('*')
        .is_none_or(|(_, rest)| !rest.contains('/'))
}
