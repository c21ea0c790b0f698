//! A server that is asked over HTTP, one question after the other.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use config::http::HttpClient as ClientConfig;
use diag::Source;
use net::axum::http::{HeaderName, HeaderValue, Method};
use net::client::{Authorization, ClientOptions, Encoding, Secret};
use net::{Bytes, HttpClient, Overrides, Request, Response};
use serde_json::Value;

use crate::console::read_text;

const TIMEOUT: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// How a server is reached.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions<'a> {
    /// With or without `http://`; may hold a user and a password.
    pub url: &'a str,
    /// `--http.config.file`: authentication, TLS and the like.
    pub config_file: Option<&'a str>,
    /// Added to each request.
    pub headers: Vec<(String, String)>,
}

/// A server and the client for it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Without a slash at the end.
    url: String,
    client: HttpClient,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
}

/// Names and values of a query or of a form.
pub type Parameters = Vec<(&'static str, String)>;

impl Server {
    pub fn new(options: &ServerOptions<'_>) -> Result<Self, String> {
        let url = match options.url {
            url if url.contains("://") => url.to_owned(),
            url => format!("http://{url}"),
        };
        let (url, user) = without_user(&url);
        let mut settings = match options.config_file {
            None => ClientOptions::default(),
            Some(_) if user.is_some() => {
                return Err("Cannot set base auth in the server URL and use a http.config.file at the same time".to_owned());
            }
            Some(file) => client_options(file)?,
        };
        if let Some((username, password)) = user {
            settings.authorization = Some(Authorization::Basic {
                username: Secret::Text(username),
                password: Secret::Text(password),
            });
        }
        let client = HttpClient::new(settings);
        let client = client.map_err(|error| format!("error creating API client: {error}"))?;
        let header = |(name, value): &(String, String)| {
            let fail = |problem: String| format!("header {name}: {problem}");
            let parsed = HeaderName::from_bytes(name.as_bytes());
            let parsed = parsed.map_err(|error| fail(error.to_string()))?;
            let value = HeaderValue::from_str(value).map_err(|error| fail(error.to_string()))?;
            Ok((parsed, value))
        };
        let headers: Result<_, String> = options.headers.iter().map(header).collect();
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            client,
            headers: headers?,
            timeout: TIMEOUT,
        })
    }

    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The answer to a GET, whatever its status.
    pub fn get(&self, path: &str) -> Result<Response, String> {
        self.send(self.request(Method::GET, path))
    }

    /// The answer to a POST of these bytes.
    pub fn post(
        &self,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: impl Into<Bytes>,
    ) -> Result<Response, String> {
        let mut request = self.request(Method::POST, path);
        for (name, value) in headers {
            let (name, value) = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            request.headers.push((name, value));
        }
        request.body = body.into();
        self.send(request)
    }

    /// An answer of the query API that tells of success, with all that is in its envelope.
    pub fn ask(&self, path: &str, parameters: &Parameters) -> Result<Value, String> {
        let url = format!("{path}?{}", encoded(parameters));
        let answer = self.get(&url)?;
        let else_told = format!("{} and no JSON from {}{path}", answer.status, self.url);
        success(&answer.body, &else_told)
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request {
            method,
            headers: self.headers.clone(),
            timeout: self.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
            encoding: Encoding::Gzip,
            ..Request::get(format!("{}{path}", self.url))
        }
    }

    fn send(&self, request: Request) -> Result<Response, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("starting the async runtime: {error}"))?;
        let answer = runtime.block_on(self.client.send(request));
        answer.map_err(|error| format!("asking {}: {error}", self.url))
    }
}

/// The envelope of an answer that tells of success.
pub fn success(body: &[u8], else_told: &str) -> Result<Value, String> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Err(else_told.to_owned());
    };
    if body["status"] != "success" {
        let kind = body["errorType"].as_str().unwrap_or("unknown");
        let text = body["error"].as_str().unwrap_or_default();
        return Err(format!("{kind}: {text}"));
    }
    Ok(body)
}

/// `a=b&c=d`.
pub fn encoded(parameters: &Parameters) -> String {
    let pair = |(name, value): &(&str, String)| {
        format!("{}={}", percent_encoded(name), percent_encoded(value))
    };
    let pairs: Vec<String> = parameters.iter().map(pair).collect();
    pairs.join("&")
}

pub fn percent_encoded(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{other:02X}");
            }
        }
    }
    escaped
}

/// Takes `user:password@` out of a URL.
pub fn without_user(url: &str) -> (String, Option<(String, String)>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((user, host)) = authority.rsplit_once('@') else {
        return (url.to_owned(), None);
    };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    (
        format!("{scheme}://{host}{path}"),
        Some((name.to_owned(), password.to_owned())),
    )
}

/// What a file says of how servers are reached.
pub fn client_options(file: &str) -> Result<ClientOptions, String> {
    let fail = |problem: String| format!("Failed to load HTTP config file: {problem}");
    let text = read_text(file).map_err(fail)?;
    let folder = server::pieces::folder_of(Path::new(file));
    let config: ClientConfig = config::http::load(&Source::new(file, text), &folder)
        .map_err(|error| fail(error.peer_text()))?;
    server::pieces::client_options(&config, &Overrides::default())
        .map_err(|error| format!("Failed to create a new HTTP round tripper: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_taken_out_of_urls() {
        assert_eq!(
            without_user("https://a:b:c@host:1/p@q"),
            (
                "https://host:1/p@q".to_owned(),
                Some(("a".to_owned(), "b:c".to_owned()))
            )
        );
        assert_eq!(without_user("http://host/a@b").1, None);
    }

    #[test]
    fn addresses_and_headers_are_checked() {
        let mut options = ServerOptions {
            url: "localhost:9090/prefix/",
            ..ServerOptions::default()
        };
        assert_eq!(
            Server::new(&options).unwrap().url(),
            "http://localhost:9090/prefix"
        );
        options.headers = vec![("a b".to_owned(), "c".to_owned())];
        assert!(
            Server::new(&options)
                .unwrap_err()
                .starts_with("header a b: ")
        );
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("http.yml").display().to_string();
        std::fs::write(&file, "basic_auth: {username: a, password_fil: b}\n").unwrap();
        let options = ServerOptions {
            url: "localhost",
            config_file: Some(&file),
            headers: Vec::new(),
        };
        let error = Server::new(&options).unwrap_err();
        assert!(error.contains("field password_fil not found"), "{error}");
        let options = ServerOptions {
            url: "http://u@localhost",
            ..options
        };
        assert!(
            Server::new(&options)
                .unwrap_err()
                .starts_with("Cannot set base auth")
        );
    }

    #[test]
    fn answers_without_success_are_errors() {
        let failed = br#"{"status":"error","errorType":"bad_data","error":"no"}"#;
        assert_eq!(success(failed, "x"), Err("bad_data: no".to_owned()));
        assert_eq!(success(b"<html>", "404"), Err("404".to_owned()));
    }
}
