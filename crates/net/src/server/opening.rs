//! The beginning of a connection: its TLS, and which version of HTTP it speaks. Nobody can take forever for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::TlsSource;
use crate::tls_stream::Protocol;

/// For the handshake of TLS; the timeout for reading is for what comes inside.
const HANDSHAKE_TIMEOUT_MAX: Duration = Duration::from_secs(30);
/// Pause before it is looked again whether more of the first bytes has come, if only a part of them has.
const PART_PAUSE: Duration = Duration::from_millis(20);
/// What a client of HTTP/2 begins with, if it knows that the server speaks it (RFC 9113, 3.4).
const HTTP2_BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// By these a request in the wrong place is known, as with the peers.
const HTTP_BEGINNINGS: [&[u8]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];
const NOT_HTTP_HERE: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

pub(super) enum Opened {
    Plain(TcpStream, Protocol),
    Tls(Box<TlsStream<TcpStream>>, Protocol),
}

/// Fails if it takes longer than `timeout`.
pub(super) async fn open(
    stream: TcpStream,
    tls: Option<Arc<dyn TlsSource>>,
    timeout: Duration,
) -> io::Result<Opened> {
    let (opened, timeout) = match tls {
        None => (tokio::time::timeout(timeout, plain(stream)).await, timeout),
        Some(tls) => {
            let timeout = timeout.min(HANDSHAKE_TIMEOUT_MAX);
            let opened = tokio::time::timeout(timeout, handshake(stream, tls)).await;
            (opened, timeout)
        }
    };
    opened.unwrap_or_else(|_| {
        let problem = format!("nothing that can be answered came within {timeout:?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, problem))
    })
}

async fn plain(stream: TcpStream) -> io::Result<Opened> {
    let mut first = [0; HTTP2_BEGINNING.len()];
    loop {
        let first = peek(&stream, &mut first).await?;
        if first == HTTP2_BEGINNING {
            return Ok(Opened::Plain(stream, Protocol::Http2));
        }
        if !HTTP2_BEGINNING.starts_with(first) {
            return Ok(Opened::Plain(stream, Protocol::Http1));
        }
        // What has come stays there, so there is nothing to wait on but time.
        tokio::time::sleep(PART_PAUSE).await;
    }
}

async fn handshake(mut stream: TcpStream, tls: Arc<dyn TlsSource>) -> io::Result<Opened> {
    let mut first = [0; 5];
    let first = peek(&stream, &mut first).await?;
    if HTTP_BEGINNINGS
        .iter()
        .any(|beginning| beginning.starts_with(first))
    {
        // Bytes that were not read would turn the end of the connection into a reset, and the answer would be lost.
        // How many they are does not matter.
        let _ = stream.try_read(&mut [0; 4096]);
        stream.write_all(NOT_HTTP_HERE).await?;
        stream.shutdown().await?;
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the client speaks HTTP without TLS",
        ));
    }
    let config = tokio::task::spawn_blocking(move || tls.now().config())
        .await
        .map_err(io::Error::other)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok(Opened::Tls(Box::new(stream), protocol))
}

/// The first bytes, at least one, which stay there.
async fn peek<'a>(stream: &TcpStream, bytes: &'a mut [u8]) -> io::Result<&'a [u8]> {
    match stream.peek(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(bytes.get(..count).unwrap_or_default()),
    }
}
