//! Client and server against each other over loopback.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use net::axum::Router;
use net::axum::http::{HeaderMap, StatusCode, header};
use net::axum::response::Redirect;
use net::axum::routing::get;
use net::client::{Encoding, Redirects, Secret};
use net::server::{ServeOptions, serve};
use net::{Authorization, ClientOptions, HttpClient, Overrides, Request, SendError};

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

async fn start() -> u16 {
    let router =
        Router::new()
            .route(
                "/host",
                get(|headers: HeaderMap| async move {
                    headers[header::HOST].to_str().unwrap().to_owned()
                }),
            )
            .route(
                "/who",
                get(|headers: HeaderMap| async move {
                    headers
                        .get(header::AUTHORIZATION)
                        .map_or("nobody".to_owned(), |value| {
                            value.to_str().unwrap().to_owned()
                        })
                }),
            )
            .route("/away", get(|| async { Redirect::temporary("/host") }))
            .route("/loop", get(|| async { Redirect::temporary("/loop") }))
            .route("/big", get(|| async { "x".repeat(1000) }))
            .route(
                "/packed",
                get(|| async {
                    (
                        [(header::CONTENT_ENCODING, "gzip")],
                        gzip(&"y".repeat(5000)),
                    )
                }),
            )
            .route(
                "/slow",
                get(|| async { std::future::pending::<StatusCode>().await }),
            );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(
        listener,
        router,
        ServeOptions::default(),
        std::future::pending(),
    ));
    port
}

fn client(change: impl FnOnce(&mut ClientOptions)) -> HttpClient {
    let mut options = ClientOptions::default();
    change(&mut options);
    HttpClient::new(options).unwrap()
}

#[tokio::test]
async fn overridden_names_keep_their_host_header() {
    let port = start().await;
    let overrides =
        Overrides::parse([format!("svc.ns.svc:8000=127.0.0.1:{port}").as_str()]).unwrap();
    let client = client(|options| options.overrides = overrides);
    let response = client
        .send(Request::get("http://svc.ns.svc:8000/host"))
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"svc.ns.svc:8000");
}

#[tokio::test]
async fn redirects_are_followed_a_bounded_number_of_times() {
    let port = start().await;
    let response = client(|_| ())
        .send(Request::get(format!("http://127.0.0.1:{port}/away")))
        .await
        .unwrap();
    assert_eq!(response.body, format!("127.0.0.1:{port}"));
    let error = client(|_| ())
        .send(Request::get(format!("http://127.0.0.1:{port}/loop")))
        .await
        .unwrap_err();
    assert_eq!(error, SendError::Redirects);
    let returned = client(|options| options.redirects = Redirects::Returned);
    let response = returned
        .send(Request::get(format!("http://127.0.0.1:{port}/away")))
        .await
        .unwrap();
    assert_eq!(response.status, 307);
}

#[tokio::test]
async fn credentials_are_sent() {
    let port = start().await;
    let text = |text: &str| Secret::Text(text.to_owned());
    let basic = client(|options| {
        options.authorization = Some(Authorization::Basic {
            username: text("user"),
            password: text("pass"),
        });
    });
    let response = basic
        .send(Request::get(format!("http://127.0.0.1:{port}/who")))
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"Basic dXNlcjpwYXNz");
    let missing = client(|options| {
        let credentials = Secret::File("/nonexistent/token".to_owned());
        options.authorization = Some(Authorization::Scheme {
            scheme: "Bearer".to_owned(),
            credentials,
        });
    });
    let error = missing
        .send(Request::get(format!("http://127.0.0.1:{port}/who")))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nonexistent/token"), "{error}");
}

#[tokio::test]
async fn limits_hold_for_packed_and_plain_bodies() {
    let port = start().await;
    for (path, limit, fits) in [
        ("big", 1000, true),
        ("big", 999, false),
        ("packed", 5000, true),
        ("packed", 4999, false),
    ] {
        let mut request = Request::get(format!("http://127.0.0.1:{port}/{path}"));
        request.body_bytes_max = limit;
        request.encoding = Encoding::Gzip;
        assert_eq!(
            client(|_| ()).send(request).await.is_ok(),
            fits,
            "{path} {limit}"
        );
    }
}

#[tokio::test]
async fn errors_say_what_happened() {
    let port = start().await;
    let mut request = Request::get(format!("http://127.0.0.1:{port}/slow"));
    request.timeout = Duration::from_millis(20);
    let error = client(|_| ()).send(request).await.unwrap_err();
    assert_eq!(error.to_string(), "context deadline exceeded after 0.02s");
    let error = client(|_| ())
        .send(Request::get("http://127.0.0.1:1/"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .to_lowercase()
            .contains("connection refused"),
        "{error}"
    );
    let error = client(|_| ())
        .send(Request::get("ftp://x/"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("http://"), "{error}");
}
