//! Who runs the program.

/// The name of the user in `/etc/passwd`, else of the environment; empty if neither says it.
pub fn username() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    named
        .or_else(|| std::env::var("USER").ok())
        .unwrap_or_default()
}
