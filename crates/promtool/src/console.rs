//! Where the output goes: the terminal of the program, or buffers in tests.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Standard output and standard error.
pub struct Console<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
}

impl std::fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console")
    }
}

impl Console<'_> {
    /// A line of the result. If nobody reads it any more, there is nobody to tell.
    pub fn line(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
    }

    /// Text that ends as it ends.
    pub fn print(&mut self, text: impl Display) {
        let _ = write!(self.out, "{text}");
    }

    /// A line about a problem.
    pub fn problem(&mut self, text: impl Display) {
        // What was printed before stands before it on a terminal that shows both.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{text}");
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failed,
    /// Nothing is wrong, and something could be better.
    Lint,
}

impl Outcome {
    /// The peer's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Lint => 3,
        }
    }
}

/// An error of a file as Go prints it: `open FILE: no such file or directory`.
pub fn go_file_error(doing: &str, path: &str, error: &std::io::Error) -> String {
    let text = match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("{doing} {path}: {text}")
}

/// A whole text file, read as Go would report it.
pub fn read_text(path: &str) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| go_file_error("open", path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "{path}: yaml: invalid UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        )
    })
}
