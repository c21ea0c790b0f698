//! The addresses that the server answers at, and how that ends.

use net::axum::Router;
use net::server::serve;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::address::Listening;

/// All of them serve the same paths.
#[derive(Debug)]
pub(crate) struct Serving {
    servers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// The router is behind the gate of the web configuration, if there is one.
    pub(crate) fn start(listening: Listening, router: Router) -> Self {
        let router = match &listening.web_config {
            Some(web_config) => web_config.guard(router),
            None => router,
        };
        let (stop, _) = watch::channel(false);
        let mut servers = Vec::new();
        for (listener, address) in listening.listeners {
            tracing::info!(%address, scheme = %listening.scheme, "listening");
            let mut stopped = stop.subscribe();
            let is_over = async move {
                // An error means that the main task is gone, which is the same.
                let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
            };
            let serving = serve(listener, router.clone(), listening.options.clone(), is_over);
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
