//! The demo's webhook receiver: keeps what arrives and tells who listens.

use std::sync::Arc;

use net::axum::Router;
use net::axum::extract::State;
use net::axum::http::StatusCode;
use net::axum::routing::post;
use net::server::{ServeOptions, serve};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::broadcast;

use crate::{ListenError, listen};

/// One notification as the webhook integration sends it.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    /// `firing` or `resolved`.
    pub status: String,
    pub receiver: String,
    pub alerts: Vec<NotifiedAlert>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct NotifiedAlert {
    pub status: String,
    pub labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: std::collections::BTreeMap<String, String>,
}

impl NotifiedAlert {
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }
}

/// How many notifications are kept.
const KEPT_MAX: usize = 1000;

#[derive(Clone, Debug)]
struct Inbox {
    received: Arc<Mutex<Vec<Notification>>>,
    news: broadcast::Sender<Notification>,
}

/// A running receiver.
#[derive(Debug)]
pub struct WebhookReceiver {
    inbox: Inbox,
    port: u16,
}

impl WebhookReceiver {
    /// Listens on a free port for `POST /alerts`.
    pub async fn start() -> Result<Self, ListenError> {
        let (listener, port) = listen("the webhook receiver", 0).await?;
        let inbox = Inbox {
            received: Arc::default(),
            news: broadcast::channel(64).0,
        };
        let router = Router::new()
            .route("/alerts", post(receive))
            .with_state(inbox.clone());
        tokio::spawn(serve(
            listener,
            router,
            ServeOptions::default(),
            std::future::pending(),
        ));
        Ok(Self { inbox, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What arrives from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.inbox.news.subscribe()
    }

    /// How many notifications have arrived; a mark for [`Self::since`].
    pub fn count(&self) -> usize {
        self.inbox.received.lock().len()
    }

    /// What arrived after a mark.
    pub fn since(&self, mark: usize) -> Vec<Notification> {
        self.inbox
            .received
            .lock()
            .get(mark..)
            .unwrap_or_default()
            .to_vec()
    }
}

async fn receive(
    State(inbox): State<Inbox>,
    body: net::Bytes,
) -> Result<StatusCode, (StatusCode, String)> {
    let notification: Notification = serde_json::from_slice(&body)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    {
        let mut received = inbox.received.lock();
        if received.len() < KEPT_MAX {
            received.push(notification.clone());
        }
    }
    // Nobody has to listen.
    let _ = inbox.news.send(notification);
    Ok(StatusCode::OK)
}
