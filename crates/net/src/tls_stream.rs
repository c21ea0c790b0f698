//! TLS on connections that are not HTTP's, on either side: members of a mesh use it. (Mails have their own.)
//!
//! Files are read for each connection, so that certificates can be replaced while the process runs.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{NamedGroup, ServerConfig, SupportedCipherSuite};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
pub use tokio_rustls::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{
    Pem, TlsError, TlsOptions, Versions, chain, client_config, invalid, private_key, roots,
};

/// What a server says of itself, and asks of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsServerOptions {
    pub cert: Pem,
    pub key: Pem,
    pub clients: ClientCertificates,
    pub versions: Versions,
    /// Names of suites for TLS 1.2, as IANA has them; all that are known if there are none.
    pub cipher_suites: Vec<String>,
    /// Curves as Go names them; all that are known if there are none.
    pub curves: Vec<String>,
}

/// Which certificates clients must show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    #[default]
    NotAsked,
    /// One of these authorities, if they show one; `None` for the system's.
    CheckedIfGiven(Option<Pem>),
    /// One of these authorities; `None` for the system's.
    Required(Option<Pem>),
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

/// Takes connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<TlsServerOptions>);

impl TlsServer {
    /// Fails if the options cannot be used.
    pub fn new(options: TlsServerOptions) -> Result<Self, TlsError> {
        server_config(&options)?;
        Ok(Self(Arc::new(options)))
    }

    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let options = Arc::clone(&self.0);
        let config = off_the_async_threads(move || server_config(&options)).await?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(acceptor.accept(stream).await?.into())
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
    let verifier = |ca: &Option<Pem>| {
        let roots = Arc::new(roots(ca.as_ref())?);
        Ok::<_, TlsError>(WebPkiClientVerifier::builder_with_provider(
            roots,
            Arc::clone(&provider),
        ))
    };
    let verifier = match &options.clients {
        ClientCertificates::NotAsked => None,
        ClientCertificates::CheckedIfGiven(ca) => Some(verifier(ca)?.allow_unauthenticated()),
        ClientCertificates::Required(ca) => Some(verifier(ca)?),
    };
    let verifier: Option<Arc<dyn ClientCertVerifier>> = match verifier {
        Some(verifier) => {
            let built = verifier.build();
            Some(built.map_err(|error| invalid("authorities of clients", &error))?)
        }
        None => None,
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&options.versions.supported())
        .map_err(|error| invalid("protocol versions", &error))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let chain = chain("server certificate", &options.cert)?;
    let key = private_key("server key", &options.key)?;
    builder
        .with_single_cert(chain, key)
        .map_err(|error| invalid("server certificate and key", &error))
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
