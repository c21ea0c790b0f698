//! Whom a TLS server lets in by the certificates that they show. Go's kinds of asking for them.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certificate_names::certificate_names;
use crate::tls::{Pem, TlsError, invalid, roots};
use crate::tls_authorities::{Authorities, client_verifier};

/// Which certificates clients must show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    #[default]
    NotAsked,
    /// They may show one, or none; whatever it is will do.
    Asked,
    /// They must show one; whatever it is will do.
    AnyRequired,
    /// One of these authorities, if they show one; `None` for the system's.
    CheckedIfGiven(Option<Pem>),
    /// One of these authorities; `None` for the system's.
    Required(Option<Pem>),
}

impl ClientCertificates {
    /// With the text of files instead of their names.
    pub(crate) fn read(&self) -> Result<Self, TlsError> {
        let text = |ca: &Option<Pem>| ca.as_ref().map(Pem::read).transpose();
        Ok(match self {
            Self::CheckedIfGiven(ca) => Self::CheckedIfGiven(text(ca)?),
            Self::Required(ca) => Self::Required(text(ca)?),
            other => other.clone(),
        })
    }
}

/// `None` if clients are not asked. With `names` a certificate is a must, and must be for one of them.
pub(crate) fn verifier(
    clients: &ClientCertificates,
    names: Option<&[String]>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let checking = |ca: &Option<Pem>| {
        let roots = Arc::new(roots(ca.as_ref())?);
        Ok::<_, TlsError>(WebPkiClientVerifier::builder_with_provider(
            roots,
            Arc::clone(provider),
        ))
    };
    let any = |need| {
        let provider = Arc::clone(provider);
        Arc::new(AnyClient { need, provider }) as Arc<dyn ClientCertVerifier>
    };
    let (builder, ca) = match clients {
        ClientCertificates::NotAsked => return Ok(None),
        ClientCertificates::Asked => return Ok(Some(named(any(Need::May), names))),
        ClientCertificates::AnyRequired => return Ok(Some(named(any(Need::Must), names))),
        ClientCertificates::CheckedIfGiven(ca) => (checking(ca)?.allow_unauthenticated(), ca),
        ClientCertificates::Required(ca) => (checking(ca)?, ca),
    };
    let built = builder
        .build()
        .map_err(|error| invalid("authorities of clients", &error))?;
    let built = client_verifier(built, Authorities::of(ca.as_ref())?);
    Ok(Some(named(built, names)))
}

fn named(
    inner: Arc<dyn ClientCertVerifier>,
    names: Option<&[String]>,
) -> Arc<dyn ClientCertVerifier> {
    match names {
        None => inner,
        Some(names) => Arc::new(NamedClient {
            inner,
            names: names.to_vec(),
        }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    May,
    Must,
}

/// Takes every certificate but still checks that the handshake was signed with its key.
#[derive(Debug)]
struct AnyClient {
    need: Need,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.need == Need::Must
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// As another one, and the certificate must be for one of the names.
#[derive(Debug)]
struct NamedClient {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

/// A certificate that is good but for none of the names.
#[derive(thiserror::Error)]
#[error("the certificate is for {found:?}, of which client_allowed_sans has none")]
struct OtherNames {
    found: Vec<String>,
}

impl std::fmt::Debug for OtherNames {
    /// A sentence, because rustls puts this form into its own errors.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl ClientCertVerifier for NamedClient {
    /// Who shows none has none of the names.
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        let Some(found) = certificate_names(end_entity) else {
            return Err(CertificateError::BadEncoding.into());
        };
        if found.iter().any(|name| self.names.contains(name)) {
            return Ok(verified);
        }
        let other = OtherError(Arc::new(OtherNames { found }));
        Err(CertificateError::Other(other).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
