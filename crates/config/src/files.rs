//! Files as the configuration sees them: it is pure, so someone else opens them.

/// Access to files, for parts of a configuration that live in files of their own.
pub trait FileReader {
    /// The text of a file; the error is a sentence for the user.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The files that a pattern (`*`, `?`, `[…]` within one path element) matches, sorted; a pattern
    /// without such characters matches itself if the file exists.
    fn glob(&self, pattern: &str) -> Result<Vec<String>, String>;
}

/// A configuration that cannot be used, with all the reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadError {
    pub diagnostics: diag::Diagnostics,
}

impl LoadError {
    /// The error as the peers would print it.
    pub fn peer_text(&self) -> String {
        yaml::peer_text(&self.diagnostics).unwrap_or_default()
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, diagnostic) in self.diagnostics.errors().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&diag::render_line(diagnostic))?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// `path` under `base`, cleaned; absolute and empty paths stay as they are.
pub fn join_path(base: &str, path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    let joined = if base.is_empty() {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    };
    clean_path(&joined)
}

/// Without `.`, doubled slashes and `..` where a parent is known.
fn clean_path(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".to_owned(),
        (false, joined) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::join_path;

    #[test]
    fn paths_are_joined_and_cleaned() {
        assert_eq!(join_path("conf", "a/../b.yml"), "conf/b.yml");
        assert_eq!(join_path("conf", "../b.yml"), "b.yml");
        assert_eq!(join_path(".", "b.yml"), "b.yml");
        assert_eq!(join_path("conf", "/b.yml"), "/b.yml");
        assert_eq!(join_path("conf", ""), "");
        assert_eq!(join_path("/etc", "../../x"), "/x");
    }
}
