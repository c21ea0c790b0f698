//! A server with Alertmanager's API v2, asked over HTTP. Failures are told in the words of the peer's client, which
//! scripts look for.

use std::time::{Duration, Instant};

use net::axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use net::client::{Authorization, ClientOptions, Encoding, Secret, SendError};
use net::{Bytes, HttpClient, Request};
use notify::go_json;
use promtool::http::{client_options, encoded, percent_encoded, without_user};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::answer::{Alert, PostedAlert, PostedSilence, Silence, Status};
use crate::failure::Failure;

const ANSWER_BYTES_MAX: usize = 1 << 30;

/// How a server is reached.
#[derive(Clone, Copy, Debug)]
pub struct ApiOptions<'a> {
    /// With or without `http://`; may hold a user and a password.
    pub url: &'a str,
    /// `--http.config.file`: authentication, TLS and the like.
    pub config_file: Option<&'a str>,
    /// For all that one command asks.
    pub timeout: Duration,
}

/// A server and the client for it.
#[derive(Debug)]
pub struct Api {
    /// Up to `/api/v2`.
    base: String,
    client: HttpClient,
    runtime: Runtime,
    deadline: Instant,
}

/// One of the requests that the API knows.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: &'static str,
    name: &'static str,
    /// The failures that the API declares; the flag of each says whether its text is told.
    failures: &'static [(StatusCode, &'static str, Body)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Told,
    Empty,
}

const BAD_REQUEST: (StatusCode, &str, Body) = (StatusCode::BAD_REQUEST, "BadRequest", Body::Told);
const NOT_FOUND: (StatusCode, &str, Body) = (StatusCode::NOT_FOUND, "NotFound", Body::Empty);
const INTERNAL: (StatusCode, &str, Body) = (
    StatusCode::INTERNAL_SERVER_ERROR,
    "InternalServerError",
    Body::Told,
);

const GET_ALERTS: Operation = Operation {
    method: Method::GET,
    path: "/alerts",
    name: "getAlerts",
    failures: &[BAD_REQUEST, INTERNAL],
};
const POST_ALERTS: Operation = Operation {
    method: Method::POST,
    path: "/alerts",
    name: "postAlerts",
    failures: &[BAD_REQUEST, INTERNAL],
};
const GET_SILENCES: Operation = Operation {
    method: Method::GET,
    path: "/silences",
    name: "getSilences",
    failures: &[BAD_REQUEST, INTERNAL],
};
const POST_SILENCES: Operation = Operation {
    method: Method::POST,
    path: "/silences",
    name: "postSilences",
    failures: &[BAD_REQUEST, (StatusCode::NOT_FOUND, "NotFound", Body::Told)],
};
const GET_SILENCE: Operation = Operation {
    method: Method::GET,
    path: "/silence/{silenceID}",
    name: "getSilence",
    failures: &[NOT_FOUND, INTERNAL],
};
const DELETE_SILENCE: Operation = Operation {
    method: Method::DELETE,
    path: "/silence/{silenceID}",
    name: "deleteSilence",
    failures: &[NOT_FOUND, INTERNAL],
};
const GET_STATUS: Operation = Operation {
    method: Method::GET,
    path: "/status",
    name: "getStatus",
    failures: &[],
};

/// Why a request failed.
#[derive(Clone, Debug)]
pub struct CallError {
    /// None if there is no answer.
    pub status: Option<StatusCode>,
    pub text: String,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Problem(error.text)
    }
}

impl Api {
    pub fn new(options: &ApiOptions<'_>) -> Result<Self, Failure> {
        let url = match options.url {
            url if url.contains("://") => url.to_owned(),
            url => format!("http://{url}"),
        };
        let (url, user) = without_user(&url);
        let mut settings = match options.config_file {
            None => ClientOptions::default(),
            Some(_) if user.is_some() => {
                let problem = "basic authentication and http.config.file are mutually exclusive";
                return Err(Failure::Short(problem.to_owned()));
            }
            Some(file) => client_options(file).map_err(Failure::Short)?,
        };
        if let Some((username, password)) = user {
            settings.authorization = Some(Authorization::Basic {
                username: Secret::Text(username),
                password: Secret::Text(password),
            });
        }
        let client = HttpClient::new(settings).map_err(|error| {
            Failure::Short(format!("failed to create a new HTTP client: {error}"))
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| format!("starting the async runtime: {error}"))?;
        Ok(Self {
            base: format!("{}/api/v2", url.trim_end_matches('/')),
            client,
            runtime,
            deadline: Instant::now() + options.timeout,
        })
    }

    /// Alerts; the parameters are those of the API, in the order of their names.
    pub fn alerts(&self, parameters: &[(&'static str, String)]) -> Result<Vec<Alert>, CallError> {
        let path = format!("/alerts?{}", encoded(&parameters.to_vec()));
        self.read(&GET_ALERTS, &path, None)
    }

    pub fn post_alerts(&self, alerts: &[PostedAlert]) -> Result<(), CallError> {
        let body = json(&POST_ALERTS, &alerts)?;
        self.call(&POST_ALERTS, "/alerts", Some(body)).map(drop)
    }

    pub fn silences(&self, filter: &[String]) -> Result<Vec<Silence>, CallError> {
        let parameters = filter.iter().map(|text| ("filter", text.clone())).collect();
        let path = match filter {
            [] => "/silences".to_owned(),
            _ => format!("/silences?{}", encoded(&parameters)),
        };
        self.read(&GET_SILENCES, &path, None)
    }

    pub fn silence(&self, id: &str) -> Result<Silence, CallError> {
        let path = format!("/silence/{}", percent_encoded(id));
        self.read(&GET_SILENCE, &path, None)
    }

    /// The id that it has from now on.
    pub fn post_silence(&self, silence: &PostedSilence) -> Result<String, CallError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Posted {
            #[serde(rename = "silenceID")]
            silence_id: String,
        }
        let body = json(&POST_SILENCES, silence)?;
        let posted: Posted = self.read(&POST_SILENCES, "/silences", Some(body))?;
        Ok(posted.silence_id)
    }

    pub fn delete_silence(&self, id: &str) -> Result<(), CallError> {
        let path = format!("/silence/{}", percent_encoded(id));
        self.call(&DELETE_SILENCE, &path, None).map(drop)
    }

    pub fn status(&self) -> Result<Status, CallError> {
        self.read(&GET_STATUS, "/status", None)
    }

    fn read<T: DeserializeOwned>(
        &self,
        operation: &Operation,
        path: &str,
        body: Option<String>,
    ) -> Result<T, CallError> {
        let answer = self.call(operation, path, body)?;
        serde_json::from_slice(&answer).map_err(|error| CallError {
            status: Some(StatusCode::OK),
            text: format!(
                "{} is no answer of Alertmanager's API: {error}; does --alertmanager.url name one?",
                self.base
            ),
        })
    }

    fn call(
        &self,
        operation: &Operation,
        path: &str,
        body: Option<String>,
    ) -> Result<Bytes, CallError> {
        let url = format!("{}{path}", self.base);
        let mut request = Request {
            method: operation.method.clone(),
            timeout: self.deadline.saturating_duration_since(Instant::now()),
            body_bytes_max: ANSWER_BYTES_MAX,
            encoding: Encoding::Gzip,
            ..Request::get(url.as_str())
        };
        let header = |name, value| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        request.headers.push(header("accept", "application/json"));
        if let Some(body) = body {
            request
                .headers
                .push(header("content-type", "application/json"));
            request.body = body.into();
        }
        let answer = self.runtime.block_on(self.client.send(request));
        let answer = answer.map_err(|error| CallError {
            status: None,
            text: unanswered(&operation.method, &url, &error),
        })?;
        if answer.status == StatusCode::OK {
            return Ok(answer.body);
        }
        Err(CallError {
            status: Some(answer.status),
            text: operation.refused(answer.status, &answer.body),
        })
    }
}

impl Operation {
    /// `[POST /alerts][400] postAlertsBadRequest "at least one label pair required"`
    fn refused(&self, status: StatusCode, body: &[u8]) -> String {
        let code = status.as_u16();
        let (method, path, name) = (&self.method, self.path, self.name);
        let known = self.failures.iter().find(|(known, ..)| *known == status);
        let Some((_, suffix, told)) = known else {
            return format!("[{method} {path}] {name} (status {code}): {{}}");
        };
        let mut text = format!("[{method} {path}][{code}] {name}{suffix}");
        if *told == Body::Told {
            let said = String::from_utf8_lossy(body);
            let said: String =
                serde_json::from_str(&said).unwrap_or_else(|_| said.trim().to_owned());
            text.push(' ');
            // Writing a text as JSON cannot fail.
            text.push_str(&go_json::compact(&said).unwrap_or_default());
        }
        text
    }
}

fn json(operation: &Operation, value: &impl serde::Serialize) -> Result<String, CallError> {
    go_json::compact(value).map_err(|failure| CallError {
        status: None,
        text: format!("{}: {}", operation.name, failure.message),
    })
}

/// `Get "http://host/path": dial tcp host:80: connect: connection refused`
fn unanswered(method: &Method, url: &str, error: &SendError) -> String {
    let verb = match *method {
        Method::GET => "Get",
        Method::POST => "Post",
        _ => "Delete",
    };
    let cause = match error {
        SendError::Timeout(_) => "context deadline exceeded".to_owned(),
        SendError::Connect(text) => match text.split_once(" (os error") {
            Some((cause, _)) => {
                let cause = cause.to_lowercase();
                format!("dial tcp {}: connect: {cause}", host_and_port(url))
            }
            None => text.clone(),
        },
        other => other.to_string(),
    };
    format!("{verb} \"{url}\": {cause}")
}

fn host_and_port(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    match (has_port, scheme) {
        (true, _) => authority.to_owned(),
        (false, "https") => format!("{authority}:443"),
        (false, _) => format!("{authority}:80"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_as_the_peers_client_tells_them() {
        let bad = POST_ALERTS.refused(StatusCode::BAD_REQUEST, br#""a <b>""#);
        assert_eq!(
            bad,
            r#"[POST /alerts][400] postAlertsBadRequest "a \u003cb\u003e""#
        );
        let missing = GET_SILENCE.refused(StatusCode::NOT_FOUND, b"");
        assert_eq!(
            missing,
            "[GET /silence/{silenceID}][404] getSilenceNotFound"
        );
        let other = POST_SILENCES.refused(StatusCode::UNPROCESSABLE_ENTITY, b"{}");
        assert_eq!(other, "[POST /silences] postSilences (status 422): {}");
    }

    #[test]
    fn servers_that_do_not_answer_are_told_as_go_tells_them() {
        let error = SendError::Connect("Connection refused (os error 111)".to_owned());
        let text = unanswered(&Method::GET, "http://a/api/v2/status", &error);
        assert_eq!(
            text,
            "Get \"http://a/api/v2/status\": dial tcp a:80: connect: connection refused"
        );
    }

    #[test]
    fn a_user_in_the_url_and_a_file_exclude_each_other() {
        let options = ApiOptions {
            url: "http://u:p@localhost",
            config_file: Some("/nowhere"),
            timeout: Duration::from_secs(1),
        };
        let failure = Api::new(&options).unwrap_err();
        assert!(matches!(failure, Failure::Short(text) if text.starts_with("basic auth")));
    }
}
