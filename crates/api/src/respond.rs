//! The envelope of the Prometheus API: `{"status": …, "data": …}` and errors with their status codes.

use net::axum::http::{HeaderValue, StatusCode, header};
use net::axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::json::escape_html;

/// The kinds of errors, with the names and status codes of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
    /// Switched off, or not possible as things are.
    Unavailable,
    NotFound,
}

impl ErrorKind {
    fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // 499, which has no name of its own.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            // The peer has no status of its own for what is unavailable.
            Self::Internal | Self::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadData, message)
    }

    /// `invalid parameter "NAME": …`.
    pub(crate) fn parameter(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter \"{name}\": {problem}"))
    }
}

#[derive(Serialize)]
struct ErrorTwin<'a> {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: &'a str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let twin = ErrorTwin {
            status: "error",
            error_type: self.kind.name(),
            error: &self.message,
        };
        (self.kind.status(), json_text(to_json(&twin))).into_response()
    }
}

#[derive(Serialize)]
struct SuccessTwin<'a, T> {
    status: &'static str,
    data: &'a T,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// `{"status":"success","data":…}`.
pub(crate) fn success<T: Serialize>(data: &T) -> Response {
    success_with_warnings(data, &[])
}

pub(crate) fn success_with_warnings<T: Serialize>(data: &T, warnings: &[String]) -> Response {
    json_text(to_json(&SuccessTwin {
        status: "success",
        data,
        warnings,
    }))
}

/// A text and a line end, as Go's `http.Error` answers.
pub(crate) fn plain_error(status: StatusCode, text: &str) -> Response {
    let nosniff = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, nosniff, format!("{text}\n")).into_response()
}

/// JSON with `<`, `>` and `&` escaped, as Go writes it.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    // Twins have text keys and finite numbers, so this cannot fail; an empty object shows if it did.
    let text = serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned());
    escape_html(text)
}

/// A body of finished JSON text.
pub(crate) fn json_text(text: String) -> Response {
    json_response(text)
}

/// A body that is JSON.
pub(crate) fn json_response(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
