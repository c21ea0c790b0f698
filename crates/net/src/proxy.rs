//! Going through an HTTP proxy: `CONNECT` for https, whole URLs in requests for http, as Go's client does.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::Service;

use crate::resolve::OverridingConnector;

/// The most bytes of a proxy's answer to `CONNECT`.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Which requests go through which proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxyOptions {
    pub http: Option<Proxy>,
    pub https: Option<Proxy>,
    pub exceptions: Exceptions,
    /// Sent with `CONNECT`, several values for each name.
    pub connect_headers: BTreeMap<String, Vec<String>>,
}

/// Hosts that are reached directly.
#[derive(Clone, Debug, Default)]
pub enum Exceptions {
    /// Not even this machine.
    #[default]
    None,
    /// This machine, and the hosts of a list as `NO_PROXY` has it.
    List(String),
}

/// One proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    uri: Uri,
    /// `Basic …`, from user and password of the URL.
    authorization: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({:?})", self.uri.host())
    }
}

impl Proxy {
    /// `http://[user:password@]host:port`. The error does not show the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            // So may variables of the environment be written.
            format!("http://{url}")
        };
        let uri: Uri = url.parse().map_err(|_| "this is no URL".to_owned())?;
        if uri.scheme_str() != Some("http") {
            return Err("only proxies at http:// are built yet".to_owned());
        }
        let authority = uri.authority().ok_or("it has no host")?.as_str();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let authorization = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let pair = [unescaped(name), b":".to_vec(), unescaped(password)].concat();
            format!("Basic {}", STANDARD.encode(pair))
        });
        Ok(Self { uri, authorization })
    }
}

/// With `%41` read as `A`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(escaped) => {
                out.push(escaped);
                rest = &after[2..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

impl ProxyOptions {
    fn proxy(&self, uri: &Uri) -> Option<&Proxy> {
        let is_https = uri.scheme_str() == Some("https");
        let proxy = if is_https { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        (!self.exceptions.contain(&host, port)).then_some(proxy)
    }

    /// The header that a request needs besides, if it is sent to a proxy in the clear.
    pub(crate) fn authorization(&self, uri: &Uri) -> Option<&str> {
        if uri.scheme_str() == Some("https") {
            return None;
        }
        self.proxy(uri)?.authorization.as_deref()
    }
}

impl Exceptions {
    fn contain(&self, host: &str, port: u16) -> bool {
        let Self::List(list) = self else {
            return false;
        };
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let entries = list
            .split(',')
            .map(|entry| entry.trim().to_ascii_lowercase());
        entries
            .filter(|entry| !entry.is_empty())
            .any(|entry| is_exception(&entry, host, address, port))
    }
}

/// `*`, an address, a network, `domain` (with what is below it), `.domain` (only that); a port narrows it.
fn is_exception(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let parsed = (network.parse::<IpAddr>(), bits.parse::<u32>());
        return matches!((parsed, address), ((Ok(network), Ok(bits)), Some(address))
            if is_in(network, bits, address));
    }
    let (entry, own_port) = match entry.rsplit_once(':') {
        Some((head, tail)) if !head.contains(':') || head.ends_with(']') => {
            (head, tail.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if own_port.is_some_and(|own| own != port) {
        return false;
    }
    let entry = entry.trim_matches(['[', ']']);
    if let (Ok(own), Some(address)) = (entry.parse::<IpAddr>(), address) {
        return own == address;
    }
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    match entry.strip_prefix('.') {
        Some(_) => host.ends_with(entry),
        None => host == entry || host.ends_with(&format!(".{entry}")),
    }
}

fn is_in(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let shift = |ip: std::net::Ipv4Addr| u32::from(ip).checked_shr(32 - bits).unwrap_or(0);
            shift(network) == shift(address)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let shift =
                |ip: std::net::Ipv6Addr| u128::from(ip).checked_shr(128 - bits).unwrap_or(0);
            shift(network) == shift(address)
        }
        _ => false,
    }
}

/// Connects to hosts, or to the proxy for them.
#[derive(Clone, Debug)]
pub(crate) struct ProxyConnector {
    pub(crate) inner: OverridingConnector,
    pub(crate) options: ProxyOptions,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for ProxyConnector {
    type Response = ProxyStream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<ProxyStream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(proxy) = self.options.proxy(&uri).cloned() else {
            let direct = self.inner.call(uri);
            return Box::pin(async move {
                let io = direct.await?;
                Ok(ProxyStream {
                    io,
                    is_proxy: false,
                })
            });
        };
        let connecting = self.inner.call(proxy.uri.clone());
        let headers = self.options.connect_headers.clone();
        Box::pin(async move {
            let io = connecting.await?;
            if uri.scheme_str() != Some("https") {
                return Ok(ProxyStream { io, is_proxy: true });
            }
            let mut stream = io.into_inner();
            tunnel(&mut stream, &uri, &proxy, &headers).await?;
            Ok(ProxyStream {
                io: TokioIo::new(stream),
                is_proxy: false,
            })
        })
    }
}

/// Asks for a connection to the host of `uri`.
async fn tunnel(
    stream: &mut TcpStream,
    uri: &Uri,
    proxy: &Proxy,
    headers: &BTreeMap<String, Vec<String>>,
) -> Result<(), BoxError> {
    let host = uri.host().unwrap_or("");
    let target = format!("{host}:{}", uri.port_u16().unwrap_or(443));
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    let own = proxy
        .authorization
        .iter()
        .map(|value| ("Proxy-Authorization", value));
    let configured = headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value)));
    for (name, value) in own.chain(configured) {
        if name.contains(['\r', '\n', ':']) || value.contains(['\r', '\n']) {
            return Err("a header of proxy_connect_header holds a line break".into());
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte, because what follows belongs to the tunnel.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > ANSWER_BYTES_MAX {
            return Err("the proxy's answer to CONNECT is too long".into());
        }
        answer.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or("");
    let status = line.split(' ').nth(1).unwrap_or("");
    if !line.starts_with("HTTP/1.") || !status.starts_with('2') {
        let line: String = line.chars().take(200).collect();
        return Err(format!("the proxy refused the connection: {line:?}").into());
    }
    Ok(())
}

/// A connection that knows whether requests on it name the whole URL.
#[derive(Debug)]
pub(crate) struct ProxyStream {
    io: TokioIo<TcpStream>,
    is_proxy: bool,
}

impl Connection for ProxyStream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_proxy)
    }
}

impl Read for ProxyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for ProxyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_as_go_reads_them() {
        let list = "example.com, .sub.org,10.0.0.0/8,192.168.1.1,port.net:8080,*.star.io,fe80::1";
        let list = Exceptions::List(list.to_owned());
        let direct = [
            ("localhost", 80),
            ("127.0.0.9", 80),
            ("example.com", 80),
            ("a.example.com", 443),
            ("x.sub.org", 80),
            ("10.9.8.7", 80),
            ("192.168.1.1", 1),
            ("port.net", 8080),
            ("a.star.io", 80),
            ("fe80::1", 80),
        ];
        for (host, port) in direct {
            assert!(list.contain(host, port), "{host}:{port}");
        }
        let proxied = [
            ("notexample.com", 80),
            ("sub.org", 80),
            ("11.0.0.1", 80),
            ("port.net", 80),
            ("star.io", 80),
        ];
        for (host, port) in proxied {
            assert!(!list.contain(host, port), "{host}:{port}");
        }
        assert!(!Exceptions::None.contain("localhost", 80));
        assert!(Exceptions::List("*".to_owned()).contain("a.b", 1));
    }

    #[test]
    fn urls_of_proxies() {
        let proxy = Proxy::parse("http://u%40x:p@h:3128").unwrap();
        assert_eq!(proxy.authorization.as_deref(), Some("Basic dUB4OnA="));
        assert!(!format!("{proxy:?}").contains("u%40x"));
        assert!(Proxy::parse("h:3128").is_ok());
        assert!(
            Proxy::parse("socks5://h:1")
                .unwrap_err()
                .contains("http://")
        );
    }
}
