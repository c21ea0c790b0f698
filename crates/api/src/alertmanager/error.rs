//! The two shapes of errors of Alertmanager's API: an object from the schema layer, a bare string from
//! handlers.

use net::axum::http::StatusCode;
use net::axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::answer;
use crate::respond::{json_text, to_json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// `{"code": …, "message": …}`: the request does not have the form that the interface describes.
    Schema {
        status: StatusCode,
        code: u16,
        message: String,
    },
    /// `"text"`: the handler refused what the request asks for.
    Handler { status: StatusCode, message: String },
}

#[derive(Serialize)]
struct SchemaTwin<'a> {
    code: u16,
    message: &'a str,
}

impl Error {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::Handler {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    pub(crate) fn bad_body(message: impl Into<String>) -> Self {
        Self::Schema {
            status: StatusCode::BAD_REQUEST,
            code: 400,
            message: message.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Schema {
                status,
                code,
                message,
            } => (
                status,
                json_text(to_json(&SchemaTwin {
                    code,
                    message: &message,
                })),
            )
                .into_response(),
            Self::Handler { status, message } => {
                (status, answer(to_json(&message))).into_response()
            }
        }
    }
}
