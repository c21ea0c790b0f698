//! Secrets of integrations: written into the configuration, or in a file that is read at each delivery, so
//! that rotation needs no reload.

use std::fs::File;
use std::io::Read;

use crate::answer::Failure;

/// No key, token or URL needs more.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// The text, or else what the file holds without the space around it. `key` names the option in the message
/// of a failure, which may pass: a file that is replaced is gone for a moment.
pub(crate) fn text_or_file(key: &str, text: &str, file: &str) -> Result<String, Failure> {
    if file.is_empty() {
        return Ok(text.to_owned());
    }
    let unreadable = |problem: &dyn std::fmt::Display| {
        Failure::retriable(format!("reading {key}_file {file}: {problem}"))
    };
    let mut content = String::new();
    let mut limited = File::open(file)
        .map_err(|error| unreadable(&error))?
        .take(SECRET_BYTES_MAX + 1);
    let length = limited
        .read_to_string(&mut content)
        .map_err(|error| unreadable(&error))?;
    if length as u64 > SECRET_BYTES_MAX {
        return Err(unreadable(&"it holds more than 1 MiB"));
    }
    Ok(content.trim().to_owned())
}

/// The same, but the text wins: where each of the two may have come from `global` for itself.
pub(crate) fn text_before_file(key: &str, text: &str, file: &str) -> Result<String, Failure> {
    let file = if text.is_empty() { file } else { "" };
    text_or_file(key, text, file)
}

#[cfg(test)]
mod tests {
    use alerting::Retry;

    use super::*;

    #[test]
    fn a_file_is_read_anew_and_its_absence_may_pass() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let file = path.to_str().unwrap();
        std::fs::write(&path, " one\n").unwrap();
        assert_eq!(text_or_file("token", "", file).unwrap(), "one");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(text_or_file("token", "", file).unwrap(), "two");
        std::fs::remove_file(&path).unwrap();
        let failure = text_or_file("token", "", file).unwrap_err();
        assert_eq!(failure.retry, Retry::Later);
        assert!(
            failure
                .message
                .starts_with(&format!("reading token_file {file}: ")),
            "{failure}"
        );
        assert_eq!(text_or_file("token", "inline", "").unwrap(), "inline");
        assert_eq!(text_before_file("token", "inline", file).unwrap(), "inline");
        assert!(text_before_file("token", "", file).is_err());
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let failure = text_or_file("token", "", "/dev/zero").unwrap_err();
        assert!(failure.message.ends_with("more than 1 MiB"), "{failure}");
    }
}
