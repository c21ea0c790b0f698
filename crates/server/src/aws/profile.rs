//! Profiles of the files that AWS' own programs share: `~/.aws/credentials` and `~/.aws/config`.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use net::small_file::small_file;

/// Reads the environment; empty variables are not there.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A profile's settings of both files; those of the file of credentials count where both have one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: String,
    settings: BTreeMap<String, String>,
}

/// Keys, and what comes with temporary ones.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) session_token: Option<String>,
}

impl Profile {
    /// `None` if neither file has it; a file that is not there has none.
    pub(super) fn read(name: &str, variable: Variable<'_>) -> Result<Option<Self>, String> {
        let mut found = None;
        for (own, file, prefix) in [
            ("AWS_CONFIG_FILE", "config", "profile "),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", ""),
        ] {
            let path = match (variable(own), variable("HOME")) {
                (Some(path), _) => PathBuf::from(path),
                (None, Some(home)) => Path::new(&home).join(".aws").join(file),
                (None, None) => continue,
            };
            if !path.exists() {
                continue;
            }
            let text = small_file(&path)
                .map_err(|error| format!("sigv4: reading {}: {error}", path.display()))?;
            let is_wanted = |section: &str| {
                let own = match section {
                    "default" => section,
                    section => section.strip_prefix(prefix).unwrap_or("").trim(),
                };
                own == name
            };
            let settings = settings(&text, is_wanted);
            if let Some(settings) = settings {
                let profile = found.get_or_insert_with(|| Self {
                    name: name.to_owned(),
                    settings: BTreeMap::new(),
                });
                profile.settings.extend(settings);
            }
        }
        Ok(found)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.settings.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Those that it holds itself.
    pub(super) fn keys(&self) -> Option<Keys> {
        Some(Keys {
            access_key: self.get("aws_access_key_id")?.to_owned(),
            secret_key: self.get("aws_secret_access_key")?.to_owned(),
            session_token: self.get("aws_session_token").map(str::to_owned),
        })
    }
}

/// The settings of the sections that are wanted, if there is one.
fn settings(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut is_inside = false;
    for line in text.lines() {
        // What is indented belongs to a setting of many lines, none of which is asked for here.
        if line.starts_with([' ', '\t', '#', ';']) || line.trim().is_empty() {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            let name = section.split(']').next().unwrap_or("").trim();
            is_inside = is_wanted(name);
            if is_inside {
                found.get_or_insert_default();
            }
            continue;
        }
        if let (true, Some((name, value)), Some(found)) =
            (is_inside, line.split_once('='), &mut found)
        {
            // Only behind a space: keys may hold such characters.
            let value = value.split(" #").next().unwrap_or("");
            let value = value.split(" ;").next().unwrap_or("").trim();
            found.insert(name.trim().to_ascii_lowercase(), value.to_owned());
        }
    }
    found
}
