//! A web configuration in front of a router, over loopback.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;

use net::axum::http::StatusCode;
use net::axum::http::header::{HeaderName, X_FRAME_OPTIONS};
use net::axum::routing::get;
use net::client::Secret;
use net::server::{ServeOptions, serve};
use net::tls::{Pem, TlsOptions};
use net::{Authorization, ClientOptions, HttpClient, Request, Response};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

/// bcrypt of `secret` at the lowest cost.
const HASH: &str = "$2b$04$GB4vAdL5ROYvvzfHfrcsNumjDMKy8bRfOKMfSnke7O2Sw.EqxdfRC";

struct Site {
    dir: TempDir,
    port: u16,
    has_tls: bool,
}

impl Site {
    fn file(&self) -> PathBuf {
        self.dir.path().join("web.yml")
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    async fn ask(&self, path: &str, pair: Option<(&str, &str)>, ca: Option<&str>) -> Response {
        let text = |text: &str| Secret::Text(text.to_owned());
        let client = HttpClient::new(ClientOptions {
            authorization: pair.map(|(user, password)| Authorization::Basic {
                username: text(user),
                password: text(password),
            }),
            tls: TlsOptions {
                ca: ca.map(|ca| Pem::Text(ca.to_owned())),
                ..TlsOptions::default()
            },
            ..ClientOptions::default()
        });
        let scheme = if self.has_tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}{path}", self.port);
        client.unwrap().send(Request::get(url)).await.unwrap()
    }

    async fn status(&self, pair: Option<(&str, &str)>) -> u16 {
        self.ask("/", pair, None).await.status.as_u16()
    }
}

fn load(dir: &TempDir, text: &str) -> Result<Arc<WebConfigFile>, StartError> {
    let file = dir.path().join("web.yml");
    fs::write(&file, text).unwrap();
    WebConfigFile::load(&file)
}

/// The only path that is known is `/`, which sets a header itself.
async fn start(dir: TempDir, text: &str) -> Site {
    let file = load(&dir, text).unwrap();
    let tls = file.tls();
    let has_tls = tls.is_some();
    let own = [(X_FRAME_OPTIONS, "sameorigin")];
    let router = Router::new().route("/", get(move || async move { (own, "in") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ServeOptions {
        tls,
        ..ServeOptions::default()
    };
    let router = file.guard(router);
    tokio::spawn(serve(listener, router, options, std::future::pending()));
    Site { dir, port, has_tls }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn only_users_are_let_in_and_changes_count_at_once() {
    let users = |name: &str| format!("basic_auth_users: {{{name}: {HASH}}}\n");
    let site = start(folder(), &users("me")).await;
    let answer = site.ask("/unknown", None, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(&answer.body[..], b"Unauthorized\n");
    assert_eq!(answer.headers["www-authenticate"], "Basic");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let right = Some(("me", "secret"));
    let other = Some(("you", "secret"));
    assert_eq!(site.status(right).await, 200);
    assert_eq!(site.status(other).await, 401);
    assert_eq!(site.status(Some(("me", "other"))).await, 401);
    let unknown = site.ask("/unknown", right, None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    site.write(&users("you"));
    assert_eq!(site.status(right).await, 401);
    assert_eq!(site.status(other).await, 200);
    // What cannot be used changes nothing: nobody is let in by it, and nobody kept out.
    for broken in ["basic_auth_users: {you: no}\n", "users: []\n", "{"] {
        site.write(broken);
        assert_eq!(site.status(None).await, 401, "{broken}");
        assert_eq!(site.status(other).await, 200, "{broken}");
    }
    fs::remove_file(site.file()).unwrap();
    assert_eq!(site.status(None).await, 401);
    assert_eq!(site.status(other).await, 200);
    // Without users everybody may come.
    site.write("");
    assert_eq!(site.status(None).await, 200);
}

#[tokio::test]
async fn answers_get_headers_that_they_do_not_have() {
    let headers = "http_server_config: {headers: {X-Frame-Options: deny, X-XSS-Protection: '1'}}\n";
    let site = start(folder(), headers).await;
    let answer = site.ask("/", None, None).await;
    assert_eq!(answer.headers["x-xss-protection"], "1");
    assert_eq!(answer.headers[X_FRAME_OPTIONS], "sameorigin");
    let answer = site.ask("/unknown", None, None).await;
    assert_eq!(answer.headers[X_FRAME_OPTIONS], "deny");
    site.write(&format!("{headers}basic_auth_users: {{me: {HASH}}}\n"));
    let answer = site.ask("/", None, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers[X_FRAME_OPTIONS], "deny");
}

#[tokio::test]
async fn the_rate_of_requests_is_bounded() {
    let rate = "rate_limit: {burst: 2, interval: 1h}\n";
    let site = start(folder(), rate).await;
    assert_eq!(site.status(None).await, 200);
    assert_eq!(site.status(None).await, 200);
    let answer = site.ask("/", None, None).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(&answer.body[..], b"Too Many Requests\n");
    // Another change does not fill the bucket again; one of the rate does.
    site.write(&format!("{rate}http_server_config: {{http2: false}}\n"));
    assert_eq!(site.status(None).await, 429);
    site.write("rate_limit: {burst: 1, interval: 1h}\n");
    assert_eq!(site.status(None).await, 200);
    assert_eq!(site.status(None).await, 429);
}

/// Writes a certificate and its key, and gives the certificate.
fn identity(dir: &TempDir) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(dir.path().join("tls.crt"), &cert).unwrap();
    fs::write(dir.path().join("tls.key"), key).unwrap();
    cert
}

const TLS: &str = "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n";

#[tokio::test]
async fn tls_follows_the_file_but_stays_tls() {
    let dir = folder();
    let old = identity(&dir);
    let site = start(dir, TLS).await;
    assert_eq!(site.ask("/", None, Some(&old)).await.status, 200);
    let renewed = identity(&site.dir);
    assert_eq!(site.ask("/", None, Some(&renewed)).await.status, 200);
    let headers = "http_server_config: {headers: {X-XSS-Protection: '1'}}\n";
    for text in ["", headers, "tls_server_config: {}\n"] {
        site.write(text);
        let answer = site.ask("/", None, Some(&renewed)).await;
        assert!(!answer.headers.contains_key("x-xss-protection"));
    }
    site.write(&format!("{TLS}  min_version: TLS13\n{headers}"));
    let answer = site.ask("/", None, Some(&renewed)).await;
    assert_eq!(answer.headers["x-xss-protection"], "1");
    // A broken certificate is no reason to keep an old user.
    fs::write(site.dir.path().join("tls.key"), "broken").unwrap();
    site.write(&format!(
        "{TLS}  min_version: TLS13\nbasic_auth_users: {{me: {HASH}}}\n"
    ));
    let answer = site.ask("/", None, Some(&renewed)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let name = HeaderName::from_static("x-xss-protection");
    assert!(!answer.headers.contains_key(name));
}

#[test]
fn a_start_says_what_is_wrong_and_where() {
    let dir = folder();
    identity(&dir);
    let problem = |text: &str| {
        let error = load(&dir, text).unwrap_err();
        let problem = error.to_lines();
        problem.replace(&format!("{}/", dir.path().display()), "")
    };
    let with = |more: &str| problem(&format!("{TLS}{more}"));
    for (found, expected) in [
        (problem("tls: {}\n"), "web.yml:1:1: field tls not found"),
        (
            problem("tls_server_config:\n  cert: x\n"),
            "missing one of key or key_file",
        ),
        (
            problem("tls_server_config:\n  cert_file: no.crt\n  key_file: tls.key\n"),
            "web.yml:2:14: reading no.crt: No such file",
        ),
        (
            problem("tls_server_config:\n  cert_file: tls.crt\n  key: x\n"),
            "web.yml:3:8: server key: ",
        ),
        (
            with("  client_auth_type: RequireAndVerifyClientCert\n  client_ca: x\n"),
            "web.yml:5:14: certificate authorities: no certificate in the text",
        ),
        (
            with("  min_version: TLS13\n  max_version: TLS12\n"),
            "web.yml:5:16: `min_version` is above `max_version`",
        ),
        (
            with("  curve_preferences: [CurveP521]\n"),
            "web.yml:4:22: curve_preferences: none of them is spoken here",
        ),
        (
            with("  max_version: TLS12\n  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n"),
            "web.yml:5:18: cipher_suites: none of them is spoken here",
        ),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    let missing = WebConfigFile::load(&dir.path().join("none.yml")).unwrap_err();
    let missing = missing.to_lines();
    assert!(missing.starts_with("--web.config.file "), "{missing}");
    assert!(missing.contains("none.yml: No such file"), "{missing}");
}
