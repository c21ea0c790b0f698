//! Assertions of the JWT bearer grant (RFC 7523): a signed text that says who asks for a token.
//!
//! Claims and header are those of the peers' clients; the signature is RSA's (RFC 7518, section 3.3).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring;
use serde_json::{Map, Value, json};

use crate::client::{Secret, SendError, read_secret};
use crate::tls::{Pem, private_key};

/// So long an assertion may be used; it is used at once.
const LIFETIME_SECONDS: i64 = 600;

/// By which hash an assertion is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    #[default]
    Rs256,
    Rs384,
    Rs512,
}

impl Algorithm {
    /// By the name of RFC 7518; "" is the default.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    fn scheme(self) -> SignatureScheme {
        match self {
            Self::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
            Self::Rs384 => SignatureScheme::RSA_PKCS1_SHA384,
            Self::Rs512 => SignatureScheme::RSA_PKCS1_SHA512,
        }
    }
}

/// What assertions are made of.
#[derive(Clone)]
pub struct Assertion {
    /// An RSA key in PEM.
    pub key: Secret,
    /// Says which key it is; may be empty.
    pub key_id: String,
    pub algorithm: Algorithm,
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// `aud`
    pub audience: String,
    /// Added to the claims, and wins over them.
    pub claims: Map<String, Value>,
    /// Seconds since 1970.
    pub clock: fn() -> i64,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assertion({} of {})", self.algorithm.name(), self.issuer)
    }
}

impl Assertion {
    /// Signed, as it is sent. `scope` may be empty.
    pub(super) fn sign(&self, scope: &str) -> Result<String, SendError> {
        let fail = |problem: String| SendError::Secret {
            what: "client_certificate_key".to_owned(),
            problem,
        };
        let pem = Pem::Text(read_secret("client_certificate_key", &self.key)?);
        let key = private_key("key", &pem).map_err(|error| fail(error.to_string()))?;
        let key = ring::sign::any_supported_type(&key).map_err(|error| fail(error.to_string()))?;
        let signer = key
            .choose_scheme(&[self.algorithm.scheme()])
            .ok_or_else(|| fail("it is no RSA key".to_owned()))?;
        let text = self.unsigned(scope, &unique().map_err(fail)?);
        let signature = signer.sign(text.as_bytes());
        let signature = signature.map_err(|error| fail(error.to_string()))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn unsigned(&self, scope: &str, id: &str) -> String {
        let mut header = json!({ "alg": self.algorithm.name(), "typ": "JWT" });
        if !self.key_id.is_empty() {
            header["kid"] = self.key_id.as_str().into();
        }
        let now = (self.clock)();
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("sub", json!(self.subject)),
            ("jti", json!(id)),
            ("aud", json!(self.audience)),
            ("iat", json!(now)),
            ("exp", json!(now.saturating_add(LIFETIME_SECONDS))),
        ] {
            claims.insert(name.to_owned(), value);
        }
        if !scope.is_empty() {
            claims.insert("scope".to_owned(), scope.into());
        }
        claims.extend(self.claims.clone());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&header), part(&Value::Object(claims)))
    }
}

/// So that a server can refuse an assertion that it has seen.
fn unique() -> Result<String, String> {
    let mut bytes = [0; 16];
    let random = ring::default_provider().secure_random;
    random
        .fill(&mut bytes)
        .map_err(|_| "the system has no random numbers".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
