//! Signatures of AWS, version 4: a request is signed with a key that never travels.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. Checked with
//! the vectors that AWS publishes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, and for what.
#[derive(Clone, PartialEq, Eq)]
pub struct SigV4 {
    pub region: String,
    /// As AWS names it: `sns`, `aps`.
    pub service: String,
    pub access_key: String,
    pub secret_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            service,
            access_key,
            ..
        } = self;
        write!(f, "SigV4({access_key} for {service} in {region}, <secret>)")
    }
}

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// Seconds since 1970.
    pub at: i64,
}

impl SigV4 {
    /// The headers that sign a request, as names and values.
    pub fn headers(&self, request: Signed<'_>) -> Vec<(&'static str, String)> {
        let at = jiff::Timestamp::from_second(request.at).unwrap_or_default();
        let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = at.strftime("%Y%m%d").to_string();
        let mut signed = vec![("host", host(request.uri)), ("x-amz-date", time.clone())];
        if let Some(kind) = request.headers.get(CONTENT_TYPE) {
            let kind = String::from_utf8_lossy(kind.as_bytes());
            signed.push(("content-type", kind.trim().to_owned()));
        }
        if let Some(token) = &self.session_token {
            signed.push(("x-amz-security-token", token.clone()));
        }
        signed.sort();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = signed
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{}",
            request.method,
            canonical_path(request.uri.path()),
            canonical_query(request.uri.query().unwrap_or("")),
            hex(&Sha256::digest(request.body)),
        );
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!(
            "{ALGORITHM}\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let signature = hex(&self.signature(&day, &to_sign));
        let mut headers = vec![
            ("x-amz-date", time),
            (
                "authorization",
                format!(
                    "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
                    self.access_key
                ),
            ),
        ];
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", token.clone()));
        }
        headers
    }

    fn signature(&self, day: &str, to_sign: &str) -> Vec<u8> {
        let mut key = format!("AWS4{}", self.secret_key).into_bytes();
        for part in [day, &self.region, &self.service, "aws4_request", to_sign] {
            key = mac(&key, part);
        }
        key
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the client sends it: without the port that belongs to the scheme.
fn host(uri: &Uri) -> String {
    let host = uri.host().unwrap_or("");
    match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host.to_owned(),
        (Some(port), _) => format!("{host}:{port}"),
    }
}

/// The path of the request, escaped once more.
fn canonical_path(path: &str) -> String {
    let escape = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    match path {
        "" => "/".to_owned(),
        path => path.bytes().map(escape).collect(),
    }
}

/// Sorted by name and value.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-08-30T12:36:00Z, as all of the vectors.
    const AT: i64 = 1_440_938_160;

    fn signature(service: &str, request: (Method, &str), kind: Option<&str>, body: &str) -> String {
        let signer = SigV4 {
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        let (method, url) = request;
        let uri: Uri = url.parse().unwrap();
        let headers = signer.headers(Signed {
            method: &method,
            uri: &uri,
            headers: &headers,
            body: body.as_bytes(),
            at: AT,
        });
        let (_, value) = headers
            .iter()
            .find(|(name, _)| *name == "authorization")
            .unwrap();
        value.split("Signature=").nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_published_vectors() {
        let base = "https://example.amazonaws.com/";
        let vector = |request, kind, body| signature("service", request, kind, body);
        assert_eq!(
            vector((Method::GET, base), None, ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            vector((Method::POST, base), None, ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let sorted = format!("{base}?Param2=value2&Param1=value1");
        assert_eq!(
            vector((Method::GET, &sorted), None, ""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(
            vector((Method::POST, base), form, "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
        assert_eq!(
            signature(
                "iam",
                (
                    Method::GET,
                    "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
                ),
                Some("application/x-www-form-urlencoded; charset=utf-8"),
                ""
            ),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let signer = SigV4 {
            region: "r".to_owned(),
            service: "s".to_owned(),
            access_key: "key".to_owned(),
            secret_key: "hidden".to_owned(),
            session_token: Some("hidden".to_owned()),
        };
        assert!(!format!("{signer:?}").contains("hidden"));
    }
}
