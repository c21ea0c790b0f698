//! What `keepwatch demo` puts around a real Keepwatch: everything speaks HTTP on loopback.
//!
//! [`stand_in`] plays Kasten K10 (services with metrics, one of which also answers target discovery),
//! [`cluster`] holds the manifests that the demo adds to the user's, [`webhook`] receives notifications,
//! [`control`] lets a second terminal break and heal things, [`script`] does so unattended and checks
//! that the alerts really went all the way.
//!
//! Not here: any part of Keepwatch itself; the demo talks to it as a user would.

pub mod cluster;
pub mod control;
mod metrics_page;
pub mod script;
pub mod stand_in;
mod watch;
pub mod webhook;

pub use stand_in::StandIn;
pub use webhook::{Notification, WebhookReceiver};

/// A started piece could not listen.
#[derive(Debug, thiserror::Error)]
#[error("the demo cannot listen on 127.0.0.1:{port} for {what}: {error}")]
pub struct ListenError {
    pub what: String,
    pub port: u16,
    pub error: std::io::Error,
}

pub(crate) async fn listen(
    what: &str,
    port: u16,
) -> Result<(tokio::net::TcpListener, u16), ListenError> {
    let fail = |error| ListenError {
        what: what.to_owned(),
        port,
        error,
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(fail)?;
    let port = listener.local_addr().map_err(fail)?.port();
    Ok((listener, port))
}
