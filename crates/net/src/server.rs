//! The HTTP server: accepts connections for an axum router, within limits, and ends them in order.
//!
//! A connection is opened first: in TLS where there is any, and until it is known which version of HTTP it speaks.

mod opening;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::tls_stream::{Protocol, TlsServer};
use opening::Opened;

/// Where connections get their TLS from.
pub trait TlsSource: std::fmt::Debug + Send + Sync {
    /// As it is to be for a new connection. Called off the async threads.
    fn now(&self) -> TlsServer;
}

impl TlsSource for TlsServer {
    fn now(&self) -> TlsServer {
        self.clone()
    }
}

#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// `None` for connections as they come.
    pub tls: Option<Arc<dyn TlsSource>>,
    /// Connections open at once; more wait to be accepted.
    pub connections_max: usize,
    /// For opening a connection, for reading the head of a request, and for idle connections.
    pub read_timeout: Duration,
    /// How long running requests may take to end at shutdown.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            tls: None,
            connections_max: 512,
            read_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// Serves `router` until `stop` is ready, then lets running requests end. HTTP/1.1 and HTTP/2 share the port: without
/// TLS by prior knowledge, with TLS as its handshake says. Handlers find the peer's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(options.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.read_timeout);
    // Those that are gone without a word are found out.
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(options.read_timeout));
    // Dropped to end those that are still being opened.
    let (opening, is_ending) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, address, place)) = accepted else {
            continue;
        };
        let connection = Connection {
            address,
            router: router.clone(),
            builder: builder.clone(),
            watcher: graceful.watcher(),
            is_ending: is_ending.clone(),
        };
        let (tls, timeout) = (options.tls.clone(), options.read_timeout);
        tokio::spawn(async move {
            connection.run(stream, tls, timeout).await;
            drop(place);
        });
    }
    drop(opening);
    drop(listener);
    if tokio::time::timeout(options.drain_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(timeout = ?options.drain_timeout, "requests still running at shutdown were cut off");
    }
}

/// What the task of a connection works with.
struct Connection {
    address: SocketAddr,
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    watcher: Watcher,
    is_ending: watch::Receiver<()>,
}

impl Connection {
    async fn run(mut self, stream: TcpStream, tls: Option<Arc<dyn TlsSource>>, timeout: Duration) {
        let address = self.address;
        let opened = tokio::select! {
            opened = opening::open(stream, tls, timeout) => opened,
            // Nothing is sent, so this is when the sender is dropped.
            _ = self.is_ending.changed() => return,
        };
        match opened {
            Ok(Opened::Plain(stream, protocol)) => self.serve(stream, protocol).await,
            Ok(Opened::Tls(stream, protocol)) => self.serve(stream, protocol).await,
            // Somebody looked whether the port is open.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                tracing::debug!(%address, %error, "connection ended");
            }
            Err(error) => tracing::warn!(%address, %error, "a connection was not opened"),
        }
    }

    async fn serve<S>(self, stream: S, protocol: Protocol)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let address = self.address;
        let router = self.router;
        let service =
            router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo(address));
                request.map(axum::body::Body::new)
            });
        let builder = match protocol {
            Protocol::Http1 => self.builder.http1_only(),
            Protocol::Http2 => self.builder.http2_only(),
        };
        let connection =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = self.watcher.watch(connection.into_owned());
        if let Err(error) = connection.await {
            tracing::debug!(%address, %error, "connection ended");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Answers are written whole; waiting to fill packets only adds latency.
            let _ = stream.set_nodelay(true);
            Some((stream, address, place))
        }
        Err(error) => {
            // Out of file descriptors, mostly: wait for connections to end instead of spinning.
            tracing::warn!(%error, "accepting a connection failed");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
