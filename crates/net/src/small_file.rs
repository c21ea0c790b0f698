//! Files of a few lines that are read again and again while the process runs: certificates, keys, settings.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// All certificates of an operating system are a quarter of that.
const BYTES_MAX: u64 = 1 << 20;

/// The text of a regular file of at most 1 MiB. Nothing else is waited for, such as a pipe.
pub fn small_file(path: &Path) -> io::Result<String> {
    let refuse = |what: &Metadata| {
        let problem = if !what.is_file() {
            "not a regular file"
        } else if what.len() > BYTES_MAX {
            "longer than 1 MiB"
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
    };
    // Before it is opened, as opening a pipe waits for somebody to write.
    refuse(&std::fs::metadata(path)?)?;
    let mut text = String::new();
    let file = File::open(path)?;
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    match read as u64 {
        0..=BYTES_MAX => Ok(text),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "longer than 1 MiB",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        let error = |path: &Path| small_file(path).unwrap_err().to_string();
        assert!(error(&file).contains("No such file"));
        std::fs::write(&file, "text").unwrap();
        assert_eq!(small_file(&file).unwrap(), "text");
        std::fs::write(&file, vec![b'x'; BYTES_MAX as usize]).unwrap();
        assert_eq!(small_file(&file).unwrap().len() as u64, BYTES_MAX);
        std::fs::write(&file, vec![b'x'; BYTES_MAX as usize + 1]).unwrap();
        assert_eq!(error(&file), "longer than 1 MiB");
        assert_eq!(error(dir.path()), "not a regular file");
        assert_eq!(error(Path::new("/dev/zero")), "not a regular file");
        std::fs::write(&file, b"\xff").unwrap();
        assert!(error(&file).contains("UTF-8"));
    }
}
