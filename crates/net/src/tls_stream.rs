//! TLS on single connections, on either side: what a server of HTTP and members of a mesh use. (Mails have their own.)
//!
//! Files are read for each connection, so that certificates can be replaced while the process runs. A server goes on with
//! what it had where the new files cannot be used, and says so once; a client fails.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{NamedGroup, ServerConfig, SupportedCipherSuite};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
pub use tokio_rustls::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{Pem, TlsError, TlsOptions, Versions, chain, client_config, invalid, private_key};
pub use crate::tls_clients::ClientCertificates;
use crate::tls_clients::verifier;

/// What a server says of itself, and asks of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsServerOptions {
    pub cert: Pem,
    pub key: Pem,
    pub clients: ClientCertificates,
    /// What certificates of clients must be for, one of these at least; `None` for anything.
    pub client_names: Option<Vec<String>>,
    pub versions: Versions,
    /// Names of suites for TLS 1.2, as IANA has them; all that are known if there are none.
    pub cipher_suites: Vec<String>,
    /// Curves as Go names them; all that are known if there are none.
    pub curves: Vec<String>,
    /// What can be spoken inside, the best first; none for anything.
    pub protocols: Vec<Protocol>,
}

/// What a handshake can agree on to speak inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    fn name(self) -> Vec<u8> {
        match self {
            Self::Http1 => b"http/1.1".to_vec(),
            Self::Http2 => b"h2".to_vec(),
        }
    }
}

impl TlsServerOptions {
    /// With the text of files instead of their names.
    fn read(&self) -> Result<Self, TlsError> {
        Ok(Self {
            cert: self.cert.read()?,
            key: self.key.read()?,
            clients: self.clients.read()?,
            ..self.clone()
        })
    }
}

/// Opens connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsClient(Arc<TlsOptions>);

impl TlsClient {
    /// Fails if the options cannot be used.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        client_config(&options)?;
        name(&options, None)?;
        Ok(Self(Arc::new(options)))
    }

    /// The other side must be who the options say, or else have a certificate for its address.
    pub async fn connect(&self, stream: TcpStream, ip: IpAddr) -> io::Result<TlsStream<TcpStream>> {
        let options = Arc::clone(&self.0);
        let made = move || Ok((client_config(&options)?, name(&options, Some(ip))?));
        let (config, name) = off_the_async_threads(made).await?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(connector.connect(name, stream).await?.into())
    }
}

/// Whom the other side must prove to be.
fn name(options: &TlsOptions, ip: Option<IpAddr>) -> Result<ServerName<'static>, TlsError> {
    match (&options.server_name, ip) {
        (Some(name), _) => {
            ServerName::try_from(name.clone()).map_err(|error| invalid("server_name", &error))
        }
        (None, ip) => {
            let ip = ip.unwrap_or(IpAddr::from([127, 0, 0, 1]));
            Ok(ServerName::IpAddress(ip.into()))
        }
    }
}

/// Takes connections. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: TlsServerOptions,
    current: Mutex<Current>,
}

/// What was made of the files as they were last.
struct Current {
    seen: TlsServerOptions,
    config: Arc<ServerConfig>,
    /// Why the files cannot be used, if they cannot; the configuration is an older one then.
    problem: Option<TlsError>,
}

impl std::fmt::Debug for Current {
    /// Without what was seen, which has a key in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current")
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

impl TlsServer {
    /// Reads the files. Fails if the options cannot be used.
    pub fn new(options: TlsServerOptions) -> Result<Self, TlsError> {
        let seen = options.read()?;
        let current = Current {
            config: Arc::new(server_config(&seen)?),
            seen,
            problem: None,
        };
        Ok(Self(Arc::new(Inner {
            options,
            current: Mutex::new(current),
        })))
    }

    pub fn options(&self) -> &TlsServerOptions {
        &self.0.options
    }

    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let server = self.clone();
        let config = off_the_async_threads(move || Ok(server.config())).await?;
        let acceptor = TlsAcceptor::from(config);
        Ok(acceptor.accept(stream).await?.into())
    }

    /// For the next connection, of the files as they are now. As it is kept while they stay the same, clients can
    /// take up their sessions again. To be called off the async threads.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let Inner { options, current } = &*self.0;
        // Files are read under the lock, so that nobody puts what was there before in place again.
        let mut current = current.lock();
        let problem = match options.read() {
            Ok(seen) if seen == current.seen => match current.problem {
                // What was unreadable in between is there again.
                Some(TlsError::Unreadable { .. }) => None,
                _ => return Arc::clone(&current.config),
            },
            Ok(seen) => {
                let made = server_config(&seen);
                current.seen = seen;
                made.map(|config| {
                    current.config = Arc::new(config);
                    tracing::info!(cert = %options.cert, "the new TLS files are in use");
                })
                .err()
            }
            Err(error) => Some(error),
        };
        if let Some(problem) = problem.as_ref().filter(|_| problem != current.problem) {
            tracing::error!(
                cert = %options.cert, key = %options.key, %problem,
                "the TLS files cannot be used; those of before stay in use until these are repaired"
            );
        }
        current.problem = problem;
        Arc::clone(&current.config)
    }
}

/// Files are read, and the system's authorities are many.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TlsError> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn server_config(options: &TlsServerOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(provider(options)?);
    let names = options.client_names.as_deref();
    let verifier = verifier(&options.clients, names, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&options.versions.supported())
        .map_err(|error| invalid("protocol versions", &error))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let chain = chain("server certificate", &options.cert)?;
    let key = private_key("server key", &options.key)?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| invalid("server certificate and key", &error))?;
    config.alpn_protocols = options.protocols.iter().map(|one| one.name()).collect();
    Ok(config)
}

/// Names of wanted suites for TLS 1.2 that are not spoken here, because they are weak.
pub fn unspoken_suites(options: &TlsServerOptions) -> Vec<String> {
    let spoken: Vec<String> = ring::ALL_CIPHER_SUITES
        .iter()
        .map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
        .collect();
    let wanted = options.cipher_suites.iter();
    wanted
        .filter(|suite| !spoken.contains(suite))
        .cloned()
        .collect()
}

/// What is both wanted and known. Names of what nobody should use any more are not known; the peers know some.
fn provider(options: &TlsServerOptions) -> Result<CryptoProvider, TlsError> {
    let mut provider = ring::default_provider();
    if !options.cipher_suites.is_empty() {
        provider.cipher_suites.retain(|suite| match suite {
            SupportedCipherSuite::Tls13(_) => true,
            SupportedCipherSuite::Tls12(_) => {
                let known = format!("{:?}", suite.suite());
                options.cipher_suites.contains(&known)
            }
        });
        let is_12 = |suite: &SupportedCipherSuite| matches!(suite, SupportedCipherSuite::Tls12(_));
        if options.versions == Versions::Only12 && !provider.cipher_suites.iter().any(is_12) {
            return Err(invalid("cipher_suites", &"none of them is spoken here"));
        }
    }
    if !options.curves.is_empty() {
        provider.kx_groups.retain(|group| {
            let known = match group.name() {
                NamedGroup::secp256r1 => "CurveP256",
                NamedGroup::secp384r1 => "CurveP384",
                NamedGroup::X25519 => "X25519",
                _ => return false,
            };
            options.curves.iter().any(|curve| curve == known)
        });
        if provider.kx_groups.is_empty() {
            return Err(invalid("curve_preferences", &"none of them is spoken here"));
        }
    }
    Ok(provider)
}
