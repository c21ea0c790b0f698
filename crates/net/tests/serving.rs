//! The HTTP server with TLS and without: which version is spoken, who is told what, and who is waited for how long.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use net::axum::Router;
use net::axum::extract::Request as Asked;
use net::axum::routing::get;
use net::client::Http2;
use net::server::{ServeOptions, serve};
use net::tls::{Pem, TlsOptions, Versions};
use net::tls_stream::{ClientCertificates, Protocol, TlsServer, TlsServerOptions};
use net::{ClientOptions, HttpClient, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Started {
    port: u16,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Answers with the version that was spoken.
async fn start(options: ServeOptions) -> Started {
    let version = |asked: Asked| async move { format!("{:?}", asked.version()) };
    let router = Router::new().route("/", get(version));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        // Also when the test ends.
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, router, options, stopped));
    Started {
        port,
        stop,
        serving,
    }
}

struct Identity {
    tls: Arc<TlsServer>,
    cert: String,
}

fn identity(protocols: &[Protocol]) -> Identity {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let cert = made.cert.pem();
    let options = TlsServerOptions {
        cert: Pem::Text(cert.clone()),
        key: Pem::Text(made.signing_key.serialize_pem()),
        clients: ClientCertificates::NotAsked,
        client_names: None,
        versions: Versions::All,
        cipher_suites: Vec::new(),
        curves: Vec::new(),
        protocols: protocols.to_vec(),
    };
    Identity {
        tls: Arc::new(TlsServer::new(options).unwrap()),
        cert,
    }
}

fn with_tls(identity: &Identity) -> ServeOptions {
    ServeOptions {
        tls: Some(Arc::clone(&identity.tls) as Arc<_>),
        ..ServeOptions::default()
    }
}

async fn ask(started: &Started, identity: &Identity, http2: Http2) -> String {
    let options = ClientOptions {
        tls: TlsOptions {
            ca: Some(Pem::Text(identity.cert.clone())),
            ..TlsOptions::default()
        },
        http2,
        ..ClientOptions::default()
    };
    let url = format!("https://localhost:{}/", started.port);
    let client = HttpClient::new(options).unwrap();
    let answer = client.send(Request::get(url)).await.unwrap();
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// All that comes after these bytes.
async fn talk(started: &Started, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", started.port))
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // Where bytes were not wanted, the end is a reset.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn the_handshake_says_what_is_spoken() {
    let both = identity(&[Protocol::Http2, Protocol::Http1]);
    let started = start(with_tls(&both)).await;
    assert_eq!(ask(&started, &both, Http2::Negotiated).await, "HTTP/2.0");
    assert_eq!(ask(&started, &both, Http2::Off).await, "HTTP/1.1");
    let older = identity(&[Protocol::Http1]);
    let started = start(with_tls(&older)).await;
    assert_eq!(ask(&started, &older, Http2::Negotiated).await, "HTTP/1.1");
}

#[tokio::test]
async fn without_tls_the_beginning_says_it() {
    let started = start(ServeOptions::default()).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = String::from_utf8(talk(&started, request).await).unwrap();
    assert!(answer.ends_with("\r\n\r\nHTTP/1.1"), "{answer}");
    // In parts, the first of which could be of either version.
    let mut stream = TcpStream::connect(("127.0.0.1", started.port))
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"PRI * HTTP/2").await.unwrap();
    tokio::task::yield_now().await;
    stream
        .write_all(b".0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    // A frame of settings.
    assert_eq!(frame[3], 4, "{frame:?}");
}

#[tokio::test]
async fn a_request_without_tls_is_told_so() {
    let identity = identity(&[Protocol::Http1]);
    let started = start(with_tls(&identity)).await;
    let told = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(talk(&started, request).await, told);
    // Something else entirely: an alert of TLS, or nothing.
    let answer = talk(&started, b"SSH-2.0-x\r\n").await;
    assert_ne!(answer, told);
    // The others are served as before.
    assert_eq!(ask(&started, &identity, Http2::Off).await, "HTTP/1.1");
}

#[tokio::test]
async fn nobody_takes_forever_to_begin() {
    let identity = identity(&[]);
    let short = |tls: bool| ServeOptions {
        read_timeout: Duration::from_millis(50),
        connections_max: 1,
        ..if tls {
            with_tls(&identity)
        } else {
            ServeOptions::default()
        }
    };
    for options in [short(false), short(true)] {
        let started = start(options).await;
        // The only place is given back each time.
        for beginning in [
            &b""[..],
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"\x16\x03\x01",
            b"GET / ",
        ] {
            talk(&started, beginning).await;
        }
    }
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_has_not_begun() {
    let identity = identity(&[]);
    for options in [ServeOptions::default(), with_tls(&identity)] {
        let started = start(options).await;
        let mut idle = TcpStream::connect(("127.0.0.1", started.port))
            .await
            .unwrap();
        idle.write_all(b"P").await.unwrap();
        started.stop.send(()).unwrap();
        // Long before the time that requests have to end.
        let stopped = tokio::time::timeout(Duration::from_secs(5), started.serving).await;
        stopped.unwrap().unwrap();
    }
}
