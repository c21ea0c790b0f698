//! TLS configurations of clients, and their parts, from certificates and keys given as text or files.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::small_file::small_file;
use crate::tls_authorities::{Authorities, server_verifier};

/// PEM text, given directly or by the file that holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    Text(String),
    File(String),
}

impl Pem {
    /// With the text of the file instead of its name.
    pub(crate) fn read(&self) -> Result<Self, TlsError> {
        read(self).map(Self::Text)
    }
}

impl std::fmt::Display for Pem {
    /// Where it comes from; the text can be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("given as text"),
            Self::File(file) => f.write_str(file),
        }
    }
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pem({self})")
    }
}

/// `tls_config` of the peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificate authorities to trust; the system's if absent.
    pub ca: Option<Pem>,
    pub cert: Option<Pem>,
    pub key: Option<Pem>,
    /// Name to expect in the server's certificate, instead of the one in the URL.
    pub server_name: Option<String>,
    pub verification: Verification,
    pub versions: Versions,
}

/// Versions of TLS that are spoken; rustls has no older ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    #[default]
    All,
    Only12,
    Only13,
}

impl Versions {
    pub(crate) fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::All => rustls::ALL_VERSIONS.to_vec(),
            Self::Only12 => vec![&rustls::version::TLS12],
            Self::Only13 => vec![&rustls::version::TLS13],
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    #[default]
    Full,
    /// `insecure_skip_verify`: any certificate is taken.
    Skipped,
}

/// Why a TLS configuration cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("reading {file}: {problem}")]
    Unreadable { file: String, problem: String },
    #[error("{what}: {problem}")]
    Invalid { what: &'static str, problem: String },
}

pub(crate) fn client_config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&options.versions.supported())
        .map_err(|error| invalid("protocol versions", &error))?;
    let builder = match options.verification {
        Verification::Skipped => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
        Verification::Full => {
            let ca = options.ca.as_ref();
            let verifier = server_verifier(roots(ca)?, Authorities::of(ca)?, provider)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        }
    };
    match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let chain = chain("client certificate", cert)?;
            let key = private_key("client key", key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| invalid("client certificate and key", &error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

/// The certificates of a file, the one's own first.
pub(crate) fn chain(
    what: &'static str,
    pem: &Pem,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(read(pem)?.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(what, &error))
}

pub(crate) fn private_key(
    what: &'static str,
    pem: &Pem,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(read(pem)?.as_bytes()).map_err(|error| invalid(what, &error))
}

/// Whether a server can show this certificate: it and its key can be read, and belong together.
pub fn check_identity(cert: &Pem, key: &Pem) -> Result<(), TlsError> {
    let chain = chain("certificate", cert)?;
    let key = private_key("key", key)?;
    let checked = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    checked.map_err(|error| invalid("certificate and key", &error))?;
    Ok(())
}

pub(crate) fn invalid(what: &'static str, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::Invalid {
        what,
        problem: error.to_string(),
    }
}

pub(crate) fn read(pem: &Pem) -> Result<String, TlsError> {
    match pem {
        Pem::Text(text) => Ok(text.clone()),
        Pem::File(file) => small_file(Path::new(file)).map_err(|error| TlsError::Unreadable {
            file: file.clone(),
            problem: error.to_string(),
        }),
    }
}

pub(crate) fn roots(ca: Option<&Pem>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match ca {
        Some(ca) => {
            for certificate in CertificateDer::pem_slice_iter(read(ca)?.as_bytes()) {
                let certificate =
                    certificate.map_err(|error| invalid("certificate authorities", &error))?;
                store
                    .add(certificate)
                    .map_err(|error| invalid("certificate authorities", &error))?;
            }
            if store.is_empty() {
                return Err(invalid(
                    "certificate authorities",
                    &"no certificate in the text",
                ));
            }
        }
        None => {
            // Certificates of the system that cannot be used are left out, as every browser does.
            for certificate in rustls_native_certs::load_native_certs().certs {
                let _ = store.add(certificate);
            }
        }
    }
    Ok(store)
}

/// Takes every certificate but still checks that the handshake was signed with its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
