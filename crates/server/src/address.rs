//! Where the server listens, and where users reach it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use model::Duration;
use net::inherited::inherited_listeners;
use net::server::ServeOptions;
use tokio::net::TcpListener;

use crate::StartError;
use crate::options::Switch;
use crate::web_config::WebConfigFile;

/// What the command line says of it.
pub(crate) struct ListenOptions<'a> {
    /// `HOST:PORT` each.
    pub(crate) addresses: &'a [String],
    /// Sockets that the process was passed, instead of the addresses.
    pub(crate) inherited: Switch,
    pub(crate) web_config_file: Option<&'a Path>,
    pub(crate) external_url: Option<&'a str>,
    pub(crate) connections_max: usize,
    pub(crate) read_timeout: Duration,
}

/// Addresses that are taken, where nobody is answered yet.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) listeners: Vec<(TcpListener, SocketAddr)>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) options: ServeOptions,
    pub(crate) web_config: Option<Arc<WebConfigFile>>,
    pub(crate) scheme: Scheme,
    /// Without a trailing slash.
    pub(crate) external_url: String,
}

/// How addresses are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    #[default]
    Http,
    Https,
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Where the server reaches itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnAddress {
    pub(crate) scheme: Scheme,
    /// Of the first address.
    pub(crate) port: u16,
}

impl Listening {
    /// Reads the web configuration, and takes all the addresses.
    pub(crate) async fn new(options: ListenOptions<'_>) -> Result<Self, StartError> {
        let web_config = options
            .web_config_file
            .map(WebConfigFile::load)
            .transpose()?;
        let tls = web_config.as_ref().and_then(WebConfigFile::tls);
        let scheme = match tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        };
        let listeners = if options.inherited.is_on() {
            inherited_listeners().map_err(|error| StartError::Listen {
                address: "systemd's sockets".to_owned(),
                problem: error.to_string(),
            })?
        } else {
            listen(options.addresses).await?
        };
        let addresses: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
        let port = addresses.first().map_or(0, SocketAddr::port);
        Ok(Self {
            external_url: external_url(options.external_url, scheme, port),
            listeners,
            addresses,
            options: ServeOptions {
                tls,
                connections_max: options.connections_max,
                read_timeout: options.read_timeout.to_std(),
                ..ServeOptions::default()
            },
            web_config,
            scheme,
        })
    }

    pub(crate) fn own_address(&self) -> OwnAddress {
        OwnAddress {
            scheme: self.scheme,
            port: self.addresses.first().map_or(0, SocketAddr::port),
        }
    }
}

/// Takes all the addresses, each `HOST:PORT`.
async fn listen(addresses: &[String]) -> Result<Vec<(TcpListener, SocketAddr)>, StartError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let fail = |problem: std::io::Error| StartError::Listen {
            address: address.clone(),
            problem: problem.to_string(),
        };
        let full = if address.starts_with(':') {
            format!("0.0.0.0{address}")
        } else {
            address.clone()
        };
        let listener = TcpListener::bind(&full).await.map_err(fail)?;
        let local = listener.local_addr().map_err(fail)?;
        listeners.push((listener, local));
    }
    Ok(listeners)
}

/// `given`, or one made from the host's name; without a trailing slash.
fn external_url(given: Option<&str>, scheme: Scheme, port: u16) -> String {
    let url = given.map(str::to_owned).unwrap_or_else(|| {
        let host = match host_name() {
            host if host.is_empty() => "localhost".to_owned(),
            host => host,
        };
        format!("{scheme}://{host}:{port}")
    });
    url.trim_end_matches('/').to_owned()
}

/// The name of this host; empty if it has none.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The path before all paths, without a trailing slash.
pub fn route_prefix(given: Option<&str>, external_url: &str) -> String {
    let prefix = given.map(str::to_owned).unwrap_or_else(|| {
        let rest = external_url
            .split_once("://")
            .map_or(external_url, |(_, rest)| rest);
        rest.split_once('/')
            .map_or(String::new(), |(_, path)| format!("/{path}"))
    });
    let trimmed = prefix.trim_matches('/');
    if trimmed.is_empty() {
        String::new()
    } else {
        format!("/{trimmed}")
    }
}
