//! Where the server listens, and where users reach it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::StartError;

/// Takes all the addresses, each `HOST:PORT`.
pub(crate) async fn listen(
    addresses: &[String],
) -> Result<Vec<(TcpListener, SocketAddr)>, StartError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let fail = |problem: std::io::Error| StartError::Listen {
            address: address.clone(),
            problem: problem.to_string(),
        };
        let full = if address.starts_with(':') {
            format!("0.0.0.0{address}")
        } else {
            address.clone()
        };
        let listener = TcpListener::bind(&full).await.map_err(fail)?;
        let local = listener.local_addr().map_err(fail)?;
        listeners.push((listener, local));
    }
    Ok(listeners)
}

/// `given`, or one made from the host's name; without a trailing slash.
pub(crate) fn external_url(given: Option<&str>, port: u16) -> String {
    let url = given.map(str::to_owned).unwrap_or_else(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() {
            "localhost"
        } else {
            host.trim()
        };
        format!("http://{host}:{port}")
    });
    url.trim_end_matches('/').to_owned()
}

/// The path before all paths, without a trailing slash.
pub fn route_prefix(given: Option<&str>, external_url: &str) -> String {
    let prefix = given.map(str::to_owned).unwrap_or_else(|| {
        let rest = external_url
            .split_once("://")
            .map_or(external_url, |(_, rest)| rest);
        rest.split_once('/')
            .map_or(String::new(), |(_, path)| format!("/{path}"))
    });
    let trimmed = prefix.trim_matches('/');
    if trimmed.is_empty() {
        String::new()
    } else {
        format!("/{trimmed}")
    }
}
