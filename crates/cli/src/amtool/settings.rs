//! The role's own file: `~/.config/amtool/config.yml` and `/etc/amtool/config.yml`, with the names of flags as keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::amtool::Failure;
use ::promtool::console::go_file_error;
use diag::{Diagnostics, Source};
use yaml::Node;

pub(super) const ABOUT: &str = "View and modify the current Alertmanager state.

Config File: flags can be given in a YAML file with their names as keys. The first of
$HOME/.config/amtool/config.yml and /etc/amtool/config.yml that has a key decides. Suited are:

  alertmanager.url   the Alertmanager that is asked
  author             creator of new silences; without it, the name of the user
  require-comment    whether a silence needs a comment; true by default
  output             simple, extended, or json
  date.format        format of dates, as Go writes layouts; 2006-01-02 15:04:05 MST by default
  http.config.file   how to reach the Alertmanager: authentication, TLS and the like";

/// Names of flags and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the files that are there.
    pub(super) fn read() -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let own = home.map(|home| home.join(".config/amtool/config.yml"));
        let files = own
            .into_iter()
            .chain([PathBuf::from("/etc/amtool/config.yml")]);
        let mut settings = Self::default();
        for file in files.filter(|file| file.exists()) {
            settings
                .add(&file)
                .map_err(|problem| format!("could not load config file: {problem}"))?;
        }
        Ok(settings)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn add(&mut self, file: &Path) -> Result<(), String> {
        let name = file.display().to_string();
        let text =
            std::fs::read_to_string(file).map_err(|error| go_file_error("open", &name, &error))?;
        let written = pairs(&Source::new(name, text))?;
        for (key, value) in &written {
            let key = match key.as_str() {
                // Its name in older versions.
                "comment_required" if written.contains_key("require-comment") => continue,
                "comment_required" => "require-comment",
                key => key,
            };
            self.0
                .entry(key.to_owned())
                .or_insert_with(|| value.clone());
        }
        Ok(())
    }
}

/// A mapping of texts; anything else is refused with its place.
fn pairs(source: &Source) -> Result<BTreeMap<String, String>, String> {
    let mut problems = Diagnostics::new();
    let node = yaml::parse(source, &mut problems);
    if let Some(problem) = problems.errors().next() {
        return Err(diag::render_line(problem));
    }
    let Some(node) = node.filter(|node| !node.is_null()) else {
        return Ok(BTreeMap::new());
    };
    read(&node).ok_or_else(|| {
        let name = source.name();
        format!("{name}: it is a mapping of names of flags to texts, such as `output: extended`")
    })
}

fn read(node: &Node) -> Option<BTreeMap<String, String>> {
    let text = |node: &Node| match node.is_null() {
        true => Some(String::new()),
        false => node.text().map(str::to_owned),
    };
    let pairs = node.as_mapping()?.iter();
    pairs
        .map(|(key, value)| Some((text(key)?, text(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(files: &[&str]) -> Result<Settings, String> {
        let mut settings = Settings::default();
        for (position, text) in files.iter().enumerate() {
            let file = std::env::temp_dir().join(format!(
                "amtool-settings-{}-{position}.yml",
                std::process::id()
            ));
            std::fs::write(&file, text).unwrap();
            let added = settings.add(&file);
            std::fs::remove_file(&file).unwrap();
            added?;
        }
        Ok(settings)
    }

    /// One test, because the files have names of their own process.
    #[test]
    fn the_first_file_decides_and_old_names_are_known() {
        let read = settings(&[
            "output: extended\ncomment_required: false\n",
            "output: json\nauthor: me\nrequire-comment: true\n",
        ])
        .unwrap();
        assert_eq!(read.get("output"), Some("extended"));
        assert_eq!(read.get("author"), Some("me"));
        assert_eq!(read.get("require-comment"), Some("false"));
        let both = settings(&["comment_required: false\nrequire-comment: true\n", ""]).unwrap();
        assert_eq!(both.get("require-comment"), Some("true"));
        let problem = settings(&["output: [json]\n"]).unwrap_err();
        assert!(problem.contains("mapping of names of flags"), "{problem}");
        let problem = settings(&["a: 'b\n"]).unwrap_err();
        assert!(problem.contains(".yml:"), "{problem}");
    }
}
