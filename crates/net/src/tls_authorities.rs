//! Certificates that are among the authorities themselves, such as one that signed itself.
//!
//! Go takes them from servers and clients. webpki does not if they may sign others, which those that `openssl req -x509`
//! makes may. Here who shows a certificate of the list is known by it; it must be valid now and, as of a server, for the
//! name. All others are checked as ever.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::certificate_names::validity;
use crate::tls::{Pem, TlsError, invalid, read};

/// The certificates of a list of authorities.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Of the system's nobody shows one.
    pub(crate) fn of(ca: Option<&Pem>) -> Result<Self, TlsError> {
        let Some(ca) = ca else {
            return Ok(Self::default());
        };
        let text = read(ca)?;
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
        let certificates = certificates.collect::<Result<_, _>>();
        certificates
            .map(Self)
            .map_err(|error| invalid("certificate authorities", &error))
    }

    fn includes(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.iter().any(|own| own == certificate)
    }
}

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (begin, end) = validity(certificate).ok_or(CertificateError::BadEncoding)?;
    let at = |seconds: i64| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    };
    let (not_before, not_after) = (at(begin), at(end));
    let time = now;
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    Ok(())
}

/// For clients: whom to take for the server.
pub(crate) fn server_verifier(
    roots: RootCertStore,
    own: Authorities,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| invalid("certificate authorities", &error))?;
    if own.0.is_empty() {
        return Ok(inner);
    }
    Ok(Arc::new(Server { inner, own }))
}

#[derive(Debug)]
struct Server {
    inner: Arc<WebPkiServerVerifier>,
    own: Authorities,
}

impl ServerCertVerifier for Server {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.own.includes(end_entity) {
            return self.inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
        }
        check_time(end_entity, now)?;
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
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

/// For servers: as `inner`, and whoever shows one of the authorities.
pub(crate) fn client_verifier(
    inner: Arc<dyn ClientCertVerifier>,
    own: Authorities,
) -> Arc<dyn ClientCertVerifier> {
    if own.0.is_empty() {
        return inner;
    }
    Arc::new(Client { inner, own })
}

#[derive(Debug)]
struct Client {
    inner: Arc<dyn ClientCertVerifier>,
    own: Authorities,
}

impl ClientCertVerifier for Client {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
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
        if !self.own.includes(end_entity) {
            return self
                .inner
                .verify_client_cert(end_entity, intermediates, now);
        }
        check_time(end_entity, now)?;
        Ok(ClientCertVerified::assertion())
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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::crypto::ring;

    use super::*;

    const YEAR: u64 = 365 * 24 * 3600;

    /// A certificate for `server.example` that may sign others and signed itself, for 2026.
    fn own() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["server.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn verify(
        authority: &CertificateDer<'_>,
        shown: &CertificateDer<'_>,
        name: &str,
        at: u64,
    ) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned()).unwrap();
        let own = Authorities(vec![authority.clone().into_owned()]);
        let provider = Arc::new(ring::default_provider());
        let verifier = server_verifier(roots, own, provider).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
        match verifier.verify_server_cert(shown, &[], &name, &[], at) {
            Ok(_) => "taken".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn who_shows_an_authority_is_known_by_it() {
        let (mine, other) = (own(), own());
        // The middle of 2026.
        let summer = 56 * YEAR + YEAR / 2;
        assert_eq!(verify(&mine, &mine, "server.example", summer), "taken");
        let refused = |shown: &CertificateDer<'_>, name: &str, at: u64, problem: &str| {
            let found = verify(&mine, shown, name, at);
            assert!(found.contains(problem), "{found}");
        };
        refused(&other, "server.example", summer, "invalid peer certificate");
        refused(&mine, "other.example", summer, "not valid for name");
        refused(
            &mine,
            "server.example",
            summer + YEAR,
            "certificate expired",
        );
        refused(&mine, "server.example", summer - YEAR, "not valid yet");
    }
}
