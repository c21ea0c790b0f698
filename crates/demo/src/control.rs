//! The door for a second terminal: `keepwatch demo break metering-svc`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use net::axum::Router;
use net::axum::extract::State;
use net::axum::http::StatusCode;
use net::axum::routing::post;
use net::server::{ServeOptions, serve};

use crate::stand_in::StandIn;
use crate::{ListenError, listen};

/// What can be done to the stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Break(String),
    Heal,
    FailBackup { namespace: String },
}

/// The namespace whose backups fail unless another is named.
pub const FAILING_NAMESPACE: &str = "failed-ns";

impl FromStr for Command {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["break", service] => Ok(Self::Break((*service).to_owned())),
            ["heal"] => Ok(Self::Heal),
            ["fail-backup"] => Ok(Self::FailBackup {
                namespace: FAILING_NAMESPACE.to_owned(),
            }),
            ["fail-backup", namespace] => Ok(Self::FailBackup {
                namespace: (*namespace).to_owned(),
            }),
            _ => Err(format!(
                "{text:?} is none of: break SERVICE, heal, fail-backup [NAMESPACE]"
            )),
        }
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Break(service) => write!(f, "break {service}"),
            Self::Heal => f.write_str("heal"),
            Self::FailBackup { namespace } => write!(f, "fail-backup {namespace}"),
        }
    }
}

/// Carries a command out and says what happened.
pub async fn execute(stand_in: &StandIn, command: &Command) -> Result<String, String> {
    match command {
        Command::Break(service) => {
            stand_in
                .break_service(service)
                .await
                .map_err(|error| error.to_string())?;
            Ok(format!("{service} is stopped"))
        }
        Command::Heal => {
            let healed = stand_in.heal().await.map_err(|error| error.to_string())?;
            Ok(if healed.is_empty() {
                "nothing was broken".to_owned()
            } else {
                format!("{} runs again", healed.join(", "))
            })
        }
        Command::FailBackup { namespace } => {
            stand_in.fail_backup(namespace).await;
            Ok(format!("one more backup of namespace {namespace} failed"))
        }
    }
}

/// Serves `POST /command` with a command line as body; returns the port.
pub async fn start(stand_in: Arc<StandIn>) -> Result<u16, ListenError> {
    let (listener, port) = listen("commands", 0).await?;
    let router = Router::new()
        .route("/command", post(handle))
        .with_state(stand_in);
    tokio::spawn(serve(
        listener,
        router,
        ServeOptions::default(),
        std::future::pending(),
    ));
    Ok(port)
}

async fn handle(State(stand_in): State<Arc<StandIn>>, body: String) -> (StatusCode, String) {
    let result = match body.parse::<Command>() {
        Ok(command) => execute(&stand_in, &command).await,
        Err(problem) => Err(problem),
    };
    match result {
        Ok(text) => (StatusCode::OK, text),
        Err(text) => (StatusCode::BAD_REQUEST, text),
    }
}

/// The file by which a second terminal finds the newest running demo of this user.
pub fn address_file(temporary: &Path, user: &str) -> PathBuf {
    temporary.join(format!("keepwatch-demo-{user}.address"))
}

/// Announces the running demo.
pub fn announce(file: &Path, port: u16) -> io::Result<()> {
    fs::write(file, format!("127.0.0.1:{port}"))
}

/// Why a command did not reach a running demo.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("no demo is running: start one with `keepwatch demo` ({0})")]
    NotRunning(String),
    #[error("{0}")]
    Refused(String),
}

/// A failed backup waits for a scrape first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends a command to the demo that was announced in `file`; returns its answer.
pub async fn send(file: &Path, command: &Command) -> Result<String, SendError> {
    let address =
        fs::read_to_string(file).map_err(|error| SendError::NotRunning(error.to_string()))?;
    let client = net::HttpClient::new(net::ClientOptions::default())
        .map_err(|error| SendError::NotRunning(error.to_string()))?;
    let mut request = net::Request::get(format!("http://{}/command", address.trim()));
    request.method = net::axum::http::Method::POST;
    request.body = net::Bytes::from(command.to_string());
    request.timeout = ANSWER_TIMEOUT;
    let response = client
        .send(request)
        .await
        .map_err(|error| SendError::NotRunning(error.to_string()))?;
    let text = String::from_utf8_lossy(&response.body).into_owned();
    if response.status.is_success() {
        Ok(text)
    } else {
        Err(SendError::Refused(text))
    }
}
