//! `check healthy` and `check ready`.

use std::time::Duration;

use crate::http::Server;

const TIMEOUT: Duration = Duration::from_secs(10);

/// What the server says at the path, if it is well.
pub fn check_alive(server: &Server, path: &str) -> Result<String, String> {
    let answer = server.clone().with_timeout(TIMEOUT).get(path)?;
    if answer.status != 200 {
        return Err(format!(
            "check failed: URL={}, status={}",
            server.url(),
            answer.status.as_u16()
        ));
    }
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}
