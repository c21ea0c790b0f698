//! Programs of peers that a test can be compared with.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

/// Whether Debian's program is there. Where tests can install it (as root) or must (on CI), its absence is
/// a failure.
pub fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let found = command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    assert!(
        !is_root && !is_ci,
        "{program} is missing: apt-get install {program}"
    );
    println!("skipped: {program} is missing; `make test` installs the Debian package of this name");
    false
}
