//! Files of the web UI, compressed when they were built.

use std::io::Read;

use flate2::read::GzDecoder;
use net::axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use net::axum::response::{IntoResponse, Response};

/// One file. The name is that below `assets/`, but for `index.html`.
#[derive(Clone, Copy, Debug)]
pub struct UiFile {
    pub name: &'static str,
    pub media_type: &'static str,
    /// Of the content, with its quotes.
    pub etag: &'static str,
    pub gzip: &'static [u8],
    pub brotli: &'static [u8],
}

/// Nothing from elsewhere, and no script in the text of the page. Styles are set by scripts at run time,
/// which needs `unsafe-inline` for styles; values of labels never become styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

pub(super) fn find(files: &'static [UiFile], name: &str) -> Option<&'static UiFile> {
    files.iter().find(|file| file.name == name)
}

/// Headers of all answers of the UI.
fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether the client takes this coding. A quality of zero is a refusal.
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted
        .into_iter()
        .flat_map(|list| list.split(','))
        .any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let is_refused = parts
                .filter_map(|part| part.strip_prefix("q="))
                .any(|quality| quality.parse::<f32>().is_ok_and(|quality| quality == 0.0));
            is_named && !is_refused
        })
}

fn has_tag(headers: &HeaderMap, etag: &str) -> bool {
    let asked = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    asked.is_some_and(|list| {
        list.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == etag)
    })
}

impl UiFile {
    pub(super) fn answer(&'static self, asked: &HeaderMap) -> Response {
        let mut response = if has_tag(asked, self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body(asked)
        };
        let headers = response.headers_mut();
        let set = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(headers, header::ETAG, self.etag);
        set(headers, header::VARY, "accept-encoding");
        // Names of files hold a hash of the content; the index is always asked for anew.
        let caching = if self.name == "index.html" {
            "no-cache"
        } else {
            IMMUTABLE
        };
        set(headers, header::CACHE_CONTROL, caching);
        protect(headers);
        response
    }

    fn body(&'static self, asked: &HeaderMap) -> Response {
        let media = (header::CONTENT_TYPE, self.media_type);
        if takes(asked, "br") {
            return ([media, (header::CONTENT_ENCODING, "br")], self.brotli).into_response();
        }
        if takes(asked, "gzip") {
            return ([media, (header::CONTENT_ENCODING, "gzip")], self.gzip).into_response();
        }
        let mut plain = Vec::new();
        match GzDecoder::new(self.gzip).read_to_end(&mut plain) {
            Ok(_) => ([media], plain).into_response(),
            Err(error) => {
                tracing::error!(name = self.name, %error, "a file of the web UI is damaged");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

const HOW_TO_BUILD: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Keepwatch</title></head>
<body>
<main>
<h1>Keepwatch runs, without its web UI</h1>
<p>This program was built without the files of the web UI. With Node 20 or newer, in the project's folder:</p>
<pre>make build</pre>
<p>The program that comes of it is <code>target/release/keepwatch</code>.</p>
<p>The HTTP interfaces work all the same: <a href="./metrics">/metrics</a>,
<a href="./api/v1/targets">/api/v1/targets</a>, <a href="./api/v1/openapi.yaml">/api/v1/openapi.yaml</a>,
<a href="./api/keepwatch/v1/openapi.yaml">/api/keepwatch/v1/openapi.yaml</a>.</p>
</main>
</body>
</html>
"#;

/// The page of a program without the UI. It answers 200: old links work, there is just nothing to see.
pub(super) fn how_to_build() -> Response {
    let mut response = (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        HOW_TO_BUILD,
    )
        .into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    protect(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn asked(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    fn file() -> &'static UiFile {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"plain text").unwrap();
        Box::leak(Box::new(UiFile {
            name: "app-1.js",
            media_type: "text/javascript",
            etag: "\"1\"",
            gzip: Vec::leak(gzip.finish().unwrap()),
            brotli: b"as if brotli",
        }))
    }

    #[test]
    fn codings() {
        for (accepted, coding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip;q=1.0, br;q=0", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            let answer = file().answer(&asked(&[(header::ACCEPT_ENCODING, accepted)]));
            let found = answer.headers().get(header::CONTENT_ENCODING);
            assert_eq!(
                found.map(|value| value.to_str().unwrap()),
                coding,
                "{accepted}"
            );
            assert_eq!(answer.headers()[header::CACHE_CONTROL], IMMUTABLE);
            assert!(
                !answer.headers()[header::CONTENT_SECURITY_POLICY]
                    .to_str()
                    .unwrap()
                    .contains("script-src 'self' 'unsafe")
            );
        }
    }

    #[test]
    fn known_content_is_not_sent_again() {
        for (tags, status) in [
            ("\"1\"", 304),
            ("W/\"1\"", 304),
            ("\"0\", \"1\"", 304),
            ("*", 304),
            ("\"2\"", 200),
        ] {
            let answer = file().answer(&asked(&[(header::IF_NONE_MATCH, tags)]));
            assert_eq!(answer.status(), status, "{tags}");
        }
    }
}
