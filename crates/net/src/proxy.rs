//! Going through a proxy, as Go's client does: at HTTP proxies, themselves in TLS or not, `CONNECT` for https and whole
//! URLs in requests for http; at SOCKS 5 proxies a connection for either.

mod tunnel;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use self::tunnel::Login;
use crate::resolve::OverridingConnector;

/// What talking with the proxy may take, connecting to it included; a request may wait less.
const OPENING_TIME_MAX: Duration = Duration::from_secs(60);

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
    kind: Kind,
    /// Where to connect to, as a URL with host and port.
    uri: Uri,
    /// `Basic …`, from user and password of the URL; for HTTP.
    authorization: Option<String>,
    /// The same for SOCKS.
    login: Option<Login>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    /// Spoken to in TLS.
    Https,
    Socks,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({:?}, {:?})", self.kind, self.uri.host())
    }
}

impl Proxy {
    /// `SCHEME://[user:password@]host[:port]`, where the scheme is `http`, `https`, `socks5` or `socks5h`, which are the
    /// same: names are looked up by the proxy. The error does not show the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // So may variables of the environment be written.
            None => ("http".to_owned(), url),
        };
        let (kind, default_port) = match scheme.as_str() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" | "socks5h" => (Kind::Socks, 1080),
            _ => {
                let problem = "a proxy is at http://, https://, socks5:// or socks5h://";
                return Err(problem.to_owned());
            }
        };
        let broken = |_| "this is no URL".to_owned();
        let given: Uri = format!("http://{rest}").parse().map_err(broken)?;
        let authority = given.authority().ok_or("it has no host")?;
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        let login = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (unescaped(name), unescaped(password))
        });
        let port = authority.port_u16().unwrap_or(default_port);
        let uri = format!("http://{}:{port}", authority.host());
        let mut proxy = Self {
            kind,
            uri: uri.parse().map_err(broken)?,
            authorization: None,
            login: None,
        };
        match (kind, login) {
            (_, None) => {}
            (Kind::Socks, Some((user, password))) => proxy.login = Some(Login { user, password }),
            (_, Some((user, password))) => {
                let pair = [user, b":".to_vec(), password].concat();
                proxy.authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
        }
        Ok(proxy)
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
    pub(crate) tls: ProxyTls,
}

/// How proxies in TLS are spoken to: as the servers behind them, as in Go's client.
#[derive(Clone, Debug)]
pub(crate) struct ProxyTls {
    pub(crate) config: Arc<ClientConfig>,
    /// Whom they must prove to be, if not the host of their URL.
    pub(crate) server_name: Option<ServerName<'static>>,
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
                Ok(ProxyStream {
                    io: Io::Plain(direct.await?),
                    is_proxy: false,
                })
            });
        };
        let connecting = self.inner.call(proxy.uri.clone());
        let headers = self.options.connect_headers.clone();
        let tls = self.tls.clone();
        Box::pin(async move {
            let opening = async {
                let stream = connecting.await?.into_inner();
                open(stream, &uri, &proxy, &headers, &tls).await
            };
            tokio::time::timeout(OPENING_TIME_MAX, opening)
                .await
                .unwrap_or_else(|_| Err("the proxy took too long to answer".into()))
        })
    }
}

/// A connection to the host of `uri`, or to the proxy itself where requests name the whole URL.
async fn open(
    mut stream: TcpStream,
    uri: &Uri,
    proxy: &Proxy,
    headers: &BTreeMap<String, Vec<String>>,
    tls: &ProxyTls,
) -> Result<ProxyStream, BoxError> {
    if proxy.kind == Kind::Socks {
        tunnel::socks(&mut stream, uri, proxy.login.as_ref()).await?;
        return Ok(ProxyStream {
            io: Io::Plain(TokioIo::new(stream)),
            is_proxy: false,
        });
    }
    let is_tunnel = uri.scheme_str() == Some("https");
    let authorization = proxy.authorization.as_deref();
    let io = match proxy.kind {
        Kind::Https => {
            let name = match &tls.server_name {
                Some(name) => name.clone(),
                None => {
                    let host = proxy.uri.host().unwrap_or("").trim_matches(['[', ']']);
                    ServerName::try_from(host.to_owned())?
                }
            };
            let connector = TlsConnector::from(Arc::clone(&tls.config));
            let stream = connector.connect(name, stream).await;
            let mut stream = stream.map_err(|error| format!("TLS with the proxy: {error}"))?;
            if is_tunnel {
                tunnel::connect(&mut stream, uri, authorization, headers).await?;
            }
            Io::Tls(Box::new(TokioIo::new(stream)))
        }
        _ => {
            if is_tunnel {
                tunnel::connect(&mut stream, uri, authorization, headers).await?;
            }
            Io::Plain(TokioIo::new(stream))
        }
    };
    Ok(ProxyStream {
        io,
        is_proxy: !is_tunnel,
    })
}

/// A connection that knows whether requests on it name the whole URL.
#[derive(Debug)]
pub(crate) struct ProxyStream {
    io: Io,
    is_proxy: bool,
}

#[derive(Debug)]
enum Io {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

/// Does the same with either kind of connection.
macro_rules! either {
    ($stream:expr, $io:ident => $done:expr) => {
        match &mut $stream.io {
            Io::Plain($io) => {
                let $io = Pin::new($io);
                $done
            }
            Io::Tls($io) => {
                let $io = Pin::new(&mut **$io);
                $done
            }
        }
    };
}

impl Connection for ProxyStream {
    fn connected(&self) -> Connected {
        let connected = match &self.io {
            Io::Plain(io) => io.connected(),
            Io::Tls(io) => io.inner().get_ref().0.connected(),
        };
        connected.proxy(self.is_proxy)
    }
}

impl Read for ProxyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(context, buffer))
    }
}

impl Write for ProxyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(context))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write_vectored(context, slices))
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
        for (url, kind, address) in [
            ("h", Kind::Http, "http://h:80/"),
            ("https://h", Kind::Https, "http://h:443/"),
            ("SOCKS5://u:p@h", Kind::Socks, "http://h:1080/"),
            ("socks5h://[::1]:9", Kind::Socks, "http://[::1]:9/"),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!(
                (proxy.kind, proxy.uri.to_string()),
                (kind, address.to_owned())
            );
            assert_eq!(proxy.authorization, None);
        }
        let login = Proxy::parse("socks5://u:p%40@h").unwrap().login.unwrap();
        assert_eq!(
            (login.user, login.password),
            (b"u".to_vec(), b"p@".to_vec())
        );
        let problem = Proxy::parse("socks4://h:1").unwrap_err();
        assert!(problem.contains("socks5://"), "{problem}");
        assert!(Proxy::parse("http://").is_err());
    }
}
