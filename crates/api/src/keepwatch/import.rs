//! `import`: samples and blocks from elsewhere, visible at once.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use net::Bytes;
use net::axum::body::Body;
use net::axum::extract::{Request, State};
use net::axum::http::{HeaderMap, Uri, header};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::params::Params;
use crate::prometheus::admin::admin;
use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::{AdminSource, Api, ImportFailure, ImportKind, ImportSource, ImportView};

/// Pieces of a body that wait to be written.
const WAITING_MAX: usize = 16;
/// A client that sends nothing for so long is given up: others wait for their turn.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What an import did.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Import")]
pub(crate) struct ImportTwin {
    blocks: Vec<ImportedBlockTwin>,
    samples: u64,
    /// Samples that were left out: their series has another one at the same time.
    duplicates: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ImportedBlock")]
pub(crate) struct ImportedBlockTwin {
    ulid: String,
    /// Milliseconds; the last one is not in the block.
    min_time: i64,
    max_time: i64,
    series: u64,
    samples: u64,
}

impl From<ImportView> for ImportTwin {
    fn from(view: ImportView) -> Self {
        let block = |block: crate::sources::ImportedBlockView| ImportedBlockTwin {
            ulid: block.ulid,
            min_time: block.min_time,
            max_time: block.max_time,
            series: block.series,
            samples: block.samples,
        };
        Self {
            blocks: view.blocks.into_iter().map(block).collect(),
            samples: view.samples,
            duplicates: view.duplicates,
        }
    }
}

enum Piece {
    Bytes(Bytes),
    /// The body has come whole.
    End,
}

pub(crate) async fn import(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    let admin = Arc::clone(admin(&api)?);
    let (parts, body) = request.into_parts();
    let kind = kind(&parts.headers)?;
    let source = ImportSource {
        kind,
        labels: labels(&parts.uri)?,
    };
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let work = tokio::task::spawn_blocking(move || run(&*admin, source, receiver));
    // If nobody takes the pieces any more, the work has ended with an error, which is the answer.
    let received = send(body, &sender).await;
    drop(sender);
    let done = work.await;
    let failed = |error: String| ApiError::new(ErrorKind::Internal, error);
    let done = done.map_err(|error| failed(format!("importing failed: {error}")))?;
    received?;
    match done {
        Ok(view) => Ok(success(&ImportTwin::from(view))),
        Err(ImportFailure::Input(problem)) => Err(ApiError::bad_data(problem)),
        Err(ImportFailure::Busy(problem)) => Err(ApiError::new(ErrorKind::Timeout, problem)),
        Err(ImportFailure::Failed(problem)) => Err(failed(problem)),
    }
}

fn kind(headers: &HeaderMap) -> Result<ImportKind, ApiError> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
    {
        "application/openmetrics-text" => Ok(ImportKind::OpenMetrics),
        "application/x-tar" => Ok(ImportKind::Blocks),
        other => Err(ApiError::bad_data(format!(
            "the Content-Type is {other:?}; samples come as application/openmetrics-text, blocks in an archive as application/x-tar"
        ))),
    }
}

fn labels(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    let params = Params::of_query(uri.query().unwrap_or_default());
    let pair = |text: &str| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(ApiError::parameter(
            "label",
            format!("{text:?} is not NAME=VALUE"),
        )),
    };
    params.all("label").map(pair).collect()
}

/// Hands on the body; an error if it does not come whole.
async fn send(mut body: Body, sender: &mpsc::Sender<Piece>) -> Result<(), ApiError> {
    loop {
        let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await;
        let silent = |_| ApiError::bad_data("reading the body: nothing came for a minute");
        let Some(frame) = frame.map_err(silent)? else {
            break;
        };
        let frame =
            frame.map_err(|error| ApiError::bad_data(format!("reading the body: {error}")))?;
        if let Ok(bytes) = frame.into_data()
            && sender.send(Piece::Bytes(bytes)).await.is_err()
        {
            return Ok(());
        }
    }
    // As above.
    let _ = sender.send(Piece::End).await;
    Ok(())
}

fn run(
    admin: &dyn AdminSource,
    source: ImportSource,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<ImportView, ImportFailure> {
    let mut import = admin.begin_import(source)?;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => import.write(&bytes)?,
            Piece::End => return import.finish(),
        }
    }
    Err(ImportFailure::Input(
        "the body did not come whole".to_owned(),
    ))
}
