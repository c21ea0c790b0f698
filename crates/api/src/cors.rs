//! Which pages of other origins may read the answers of `/api/v1`: what browsers ask before they show them.

use std::sync::Arc;

use model::pattern::{Pattern, PatternError};
use net::axum::extract::{Request, State};
use net::axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, ORIGIN, VARY,
};
use net::axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use net::axum::middleware::Next;
use net::axum::response::{IntoResponse, Response};

/// `--web.cors.origin`.
#[derive(Clone, Debug)]
pub struct CorsOrigin(Option<Pattern>);

impl Default for CorsOrigin {
    /// Everybody, as the peer has it: it is for whoever may reach the server to read it.
    fn default() -> Self {
        Self(None)
    }
}

impl CorsOrigin {
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text == ".*" {
            return Ok(Self::default());
        }
        Pattern::new(text).map(|pattern| Self(Some(pattern)))
    }

    /// What the answer says to a page of this origin.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.0 {
            None => Some(HeaderValue::from_static("*")),
            Some(pattern) => {
                let is_allowed = origin.to_str().is_ok_and(|text| pattern.is_match(text));
                is_allowed.then(|| origin.clone())
            }
        }
    }

    fn tell(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        const ALWAYS: [(HeaderName, &str); 4] = [
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "Accept, Authorization, Content-Type, Origin",
            ),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
            (VARY, "Origin"),
        ];
        for (name, value) in ALWAYS {
            headers.append(name, HeaderValue::from_static(value));
        }
        if let Some(allowed) = self.allowed(origin) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
    }
}

/// Answers OPTIONS, and tells browsers who may read all other answers.
pub(crate) async fn guard(
    State(cors): State<Arc<CorsOrigin>>,
    request: Request,
    next: Next,
) -> Response {
    if !request.uri().path().starts_with("/api/v1/") {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = if *request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin {
        cors.tell(&origin, response.headers_mut());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let told = |cors: &CorsOrigin, origin| {
            let mut headers = HeaderMap::new();
            cors.tell(&HeaderValue::from_static(origin), &mut headers);
            let allowed = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN);
            allowed.map(|value| value.to_str().unwrap().to_owned())
        };
        let some = CorsOrigin::parse(r"https://(one|two)\.example").unwrap();
        assert_eq!(
            told(&some, "https://two.example").as_deref(),
            Some("https://two.example")
        );
        assert_eq!(told(&some, "https://two.example.evil"), None);
        let all = CorsOrigin::parse(".*").unwrap();
        assert_eq!(told(&all, "http://x").as_deref(), Some("*"));
        assert!(CorsOrigin::parse("(").is_err());
    }
}
