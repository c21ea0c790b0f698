//! The addresses that the server answers at, and how that ends.

use std::net::SocketAddr;

use net::axum::Router;
use net::server::{ServeOptions, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// All of them serve the same paths.
#[derive(Debug)]
pub(crate) struct Serving {
    servers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Serving {
    pub(crate) fn start(
        listeners: Vec<(TcpListener, SocketAddr)>,
        router: &Router,
        options: ServeOptions,
    ) -> Self {
        let (stop, _) = watch::channel(false);
        let mut servers = Vec::new();
        for (listener, address) in listeners {
            tracing::info!(%address, "listening");
            let mut stopped = stop.subscribe();
            let is_over = async move {
                // An error means that the main task is gone, which is the same.
                let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
            };
            let serving = serve(listener, router.clone(), options.clone(), is_over);
            servers.push(tokio::spawn(serving));
        }
        Self { servers, stop }
    }

    /// Returns when what was asked before is answered.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            // A panic of it was logged by the runtime.
            let _ = server.await;
        }
    }
}
