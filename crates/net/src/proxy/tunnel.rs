//! Asking a proxy for a connection to a host: HTTP's `CONNECT`, or SOCKS 5 (RFC 1928, with user and password by RFC
//! 1929). Names are looked up by the proxy, as Go's client has it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::Uri;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::BoxError;

/// The most bytes of a proxy's answer to `CONNECT`.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Both directions of a connection to a proxy.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The host of a URL without brackets, and its port.
fn target(uri: &Uri) -> (&str, u16) {
    let default_port = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = uri.host().unwrap_or("").trim_matches(['[', ']']);
    (host, uri.port_u16().unwrap_or(default_port))
}

/// Asks an HTTP proxy for a connection to the host of `uri`.
pub(super) async fn connect(
    stream: &mut dyn Stream,
    uri: &Uri,
    authorization: Option<&str>,
    headers: &BTreeMap<String, Vec<String>>,
) -> Result<(), BoxError> {
    let host = uri.host().unwrap_or("");
    let target = format!("{host}:{}", target(uri).1);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    let own = authorization
        .iter()
        .map(|value| ("Proxy-Authorization", *value));
    let configured = headers.iter().flat_map(|(name, values)| {
        let values = values.iter();
        values.map(move |value| (name.as_str(), value.as_str()))
    });
    for (name, value) in own.chain(configured) {
        if name.contains(['\r', '\n', ':']) || value.contains(['\r', '\n']) {
            return Err("a header of proxy_connect_header holds a line break".into());
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
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

/// User and password for a SOCKS proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

const VERSION: u8 = 5;
const WITHOUT_LOGIN: u8 = 0;
const WITH_LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const IP_V4: u8 = 1;
const NAME: u8 = 3;
const IP_V6: u8 = 4;

/// A text with its length in one byte before it.
fn with_length(text: &[u8], what: &str) -> Result<Vec<u8>, BoxError> {
    let length = u8::try_from(text.len())
        .ok()
        .filter(|length| *length > 0)
        .ok_or_else(|| format!("SOCKS: {what} must have 1 to 255 bytes"))?;
    Ok([&[length][..], text].concat())
}

/// Asks a SOCKS proxy for a connection to the host of `uri`.
pub(super) async fn socks(
    stream: &mut dyn Stream,
    uri: &Uri,
    login: Option<&Login>,
) -> Result<(), BoxError> {
    let offered: &[u8] = match login {
        None => &[VERSION, 1, WITHOUT_LOGIN],
        Some(_) => &[VERSION, 2, WITHOUT_LOGIN, WITH_LOGIN],
    };
    stream.write_all(offered).await?;
    stream.flush().await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, login) {
        ([VERSION, WITHOUT_LOGIN], _) => {}
        ([VERSION, WITH_LOGIN], Some(login)) => log_in(stream, login).await?,
        ([VERSION, WITH_LOGIN | NO_METHOD], _) => {
            return Err(
                "the SOCKS proxy wants another login; give user and password in its URL".into(),
            );
        }
        _ => return Err("the proxy does not speak SOCKS 5".into()),
    }
    let (host, port) = target(uri);
    let address = match host.parse() {
        Ok(IpAddr::V4(ip)) => [&[IP_V4][..], &ip.octets()].concat(),
        Ok(IpAddr::V6(ip)) => [&[IP_V6][..], &ip.octets()].concat(),
        Err(_) => [&[NAME][..], &with_length(host.as_bytes(), "the host")?].concat(),
    };
    let request = [&[VERSION, CONNECT, 0][..], &address, &port.to_be_bytes()].concat();
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [VERSION, reply, _, kind] = head else {
        return Err("the proxy does not speak SOCKS 5".into());
    };
    if reply != 0 {
        return Err(format!("the SOCKS proxy refused the connection: {}", refusal(reply)).into());
    }
    // Where it is connected from, and the port.
    let length = match kind {
        IP_V4 => 4,
        IP_V6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        _ => return Err("the SOCKS proxy answered with an unknown kind of address".into()),
    };
    let mut rest = vec![0; length + 2];
    stream.read_exact(&mut rest).await?;
    Ok(())
}

async fn log_in(stream: &mut dyn Stream, login: &Login) -> Result<(), BoxError> {
    let user = with_length(&login.user, "the user")?;
    let password = with_length(&login.password, "the password")?;
    let request = [&[LOGIN_VERSION][..], &user, &password].concat();
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match answer {
        [_, 0] => Ok(()),
        _ => Err("the SOCKS proxy refused user and password".into()),
    }
}

/// The replies of RFC 1928, section 6.
fn refusal(reply: u8) -> String {
    let text = match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "the connection took too long",
        7 => "it cannot do this",
        8 => "it does not know this kind of address",
        other => return format!("reply {other}"),
    };
    text.to_owned()
}
