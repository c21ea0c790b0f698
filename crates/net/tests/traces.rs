//! Spans sent to a collector, by HTTP and by gRPC, which is a real server of HTTP/2 here.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use model::clock::ManualClock;
use net::axum::Router;
use net::axum::body::Body;
use net::axum::extract::Request;
use net::axum::response::Response;
use net::axum::routing::post;
use net::client::{Http2, Secret};
use net::server::{ServeOptions, serve};
use net::traces::{
    ExportCounts, ExportOptions, Exporter, Protocol, SpanKind, SpanValue, TraceContext, Traces,
};
use net::{Bytes, ClientOptions, HttpClient};
use tokio::net::TcpListener;

/// A request as it came.
struct Asked {
    version: String,
    headers: HeaderMap,
    body: Bytes,
}

type Seen = Arc<Mutex<Vec<Asked>>>;

/// Answers with these statuses, one after another: of HTTP, or of gRPC if there is one.
async fn collector(answers: Vec<(u16, Option<&'static str>)>) -> (u16, Seen) {
    let seen = Seen::default();
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let asked = Arc::clone(&seen);
    let answer = move |request: Request| {
        let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
        async move {
            let (parts, body) = request.into_parts();
            let request = Asked {
                version: format!("{:?}", parts.version),
                headers: parts.headers,
                body: body.collect().await.unwrap().to_bytes(),
            };
            asked.lock().unwrap().push(request);
            let (status, grpc) = answers.lock().unwrap().pop_front().unwrap();
            let body = match grpc {
                None => Body::empty(),
                Some(status) => {
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", HeaderValue::from_static(status));
                    let message = Full::new(Bytes::from_static(&[0; 5]));
                    Body::new(message.with_trailers(async { Some(Ok(trailers)) }))
                }
            };
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        }
    };
    let router = Router::new().route("/service", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(
        listener,
        router,
        ServeOptions::default(),
        std::future::pending(),
    ));
    (port, seen)
}

/// Sends one span for each of these names, each in a request of its own.
async fn export(port: u16, protocol: Protocol, names: &[&str]) -> (u64, u64) {
    let client = ClientOptions {
        http2: match protocol {
            Protocol::Http => Http2::Off,
            Protocol::Grpc => Http2::Only,
        },
        headers: vec![("x-token".to_owned(), Secret::Text("t".to_owned()))],
        ..ClientOptions::default()
    };
    let counts = ExportCounts::default();
    for name in names {
        let options = ExportOptions {
            client: HttpClient::new(client.clone()).unwrap(),
            protocol,
            url: format!("http://127.0.0.1:{port}/service"),
            is_compressed: true,
            timeout: Duration::from_secs(60),
            sampling_fraction: 1.0,
            resource: vec![("service.name", SpanValue::Text("me".to_owned()))],
        };
        let clock = Arc::new(ManualClock::default());
        let (tracer, exporter) = Exporter::new(options, clock, counts.clone());
        let traces = Traces::default();
        traces.set(Some(tracer));
        let parent = TraceContext::parse("00-6162636465666768696a6b6c6d6e6f70-b7ad6b7169203331-01");
        drop(traces.start(SpanKind::Client, parent, || (*name).to_owned()));
        // Nobody makes spans any more, so it sends what is left and ends.
        traces.set(None);
        exporter.run().await;
    }
    (counts.sent(), counts.dropped())
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut body).unwrap();
    body
}

fn assert_tells_of(body: &[u8], name: &str) {
    let text = String::from_utf8_lossy(body);
    for part in [name, "service.name", "me", "abcdefghijklmnop"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn by_http() {
    let (port, seen) = collector(vec![(200, None), (503, None)]).await;
    let counts = export(port, Protocol::Http, &["first", "second"]).await;
    assert_eq!(counts, (1, 1));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    for (asked, name) in seen.iter().zip(["first", "second"]) {
        assert_eq!(asked.headers["content-type"], "application/x-protobuf");
        assert_eq!(asked.headers["content-encoding"], "gzip");
        assert_eq!(asked.headers["x-token"], "t");
        assert_tells_of(&unpacked(&asked.body), name);
    }
}

#[tokio::test]
async fn by_grpc() {
    let answers = vec![
        (200, Some("0")),
        (200, Some("14")),
        (200, None),
        (404, Some("0")),
    ];
    let (port, seen) = collector(answers).await;
    let names = ["taken", "unavailable", "no status", "no service"];
    assert_eq!(export(port, Protocol::Grpc, &names).await, (1, 3));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    for (asked, name) in seen.iter().zip(names) {
        assert_eq!(asked.version, "HTTP/2.0");
        assert_eq!(asked.headers["content-type"], "application/grpc");
        assert_eq!(asked.headers["grpc-encoding"], "gzip");
        assert_eq!(asked.headers["te"], "trailers");
        assert_eq!(asked.headers["x-token"], "t");
        let (head, message) = asked.body.split_at(5);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        assert_eq!(head, [&[1], length.as_slice()].concat());
        assert_tells_of(&unpacked(message), name);
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_the_spans_only() {
    let counts = export(1, Protocol::Grpc, &["lost"]).await;
    assert_eq!(counts, (0, 1));
}
