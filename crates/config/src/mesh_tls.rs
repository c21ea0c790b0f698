//! The file of `--cluster.tls-config`: how members of a mesh of Alertmanagers know each other.

use diag::{Diagnostic, Diagnostics, Source};
use yaml::{MapReader, Reading};

use crate::files::{LoadError, join_path};
use crate::http::{Tls, TlsVersion};
use crate::quote::quote;
use crate::section::{Section, read_section};
use crate::text::FilePath;

const CODE: &str = "mesh-tls";

section! {
    /// The whole file.
    pub struct MeshTls: "cluster.TLSTransportConfig" {
        ["tls_server_config", some] pub server: Option<ServerTls>,
        ["tls_client_config"] pub client: Tls,
    }
}

section! {
    /// What this side shows, and asks of others.
    pub struct ServerTls: "web.TLSConfig", checked {
        ["cert", omit] pub cert: String,
        ["key", omit] pub key: crate::Secret,
        ["client_ca", omit] pub client_ca: String,
        ["cert_file", omit] pub cert_file: FilePath,
        ["key_file", omit] pub key_file: FilePath,
        ["client_auth_type", omit] pub client_auth_type: String,
        ["client_ca_file", omit] pub client_ca_file: FilePath,
        ["cipher_suites", omit] pub cipher_suites: Vec<String>,
        ["curve_preferences", omit] pub curve_preferences: Vec<String>,
        ["min_version", some] pub min_version: Option<TlsVersion>,
        ["max_version", some] pub max_version: Option<TlsVersion>,
        /// Go has not looked at it for long, and neither do we.
        ["prefer_server_cipher_suites"] pub prefer_server_cipher_suites: bool,
        ["client_allowed_sans", omit] pub client_allowed_sans: Vec<String>,
    }
}

/// Go's names for what is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl ClientAuth {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "" | "NoClientCert" => Some(Self::None),
            "RequestClientCert" => Some(Self::Request),
            "RequireAnyClientCert" | "RequireClientCert" => Some(Self::RequireAny),
            "VerifyClientCertIfGiven" => Some(Self::VerifyIfGiven),
            "RequireAndVerifyClientCert" => Some(Self::RequireAndVerify),
            _ => None,
        }
    }
}

impl ServerTls {
    /// `None` if the word is not known, which loading refuses.
    pub fn client_auth(&self) -> Option<ClientAuth> {
        ClientAuth::parse(&self.client_auth_type)
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.cert.is_empty() && self.cert_file.is_empty() {
            map.refuse_with_hint(
                "cert_file",
                CODE,
                "missing one of cert or cert_file",
                "add the certificate that this node shows",
            );
        }
        if self.key.expose().is_empty() && self.key_file.is_empty() {
            map.refuse_with_hint(
                "key_file",
                CODE,
                "missing one of key or key_file",
                "add the key of the certificate",
            );
        }
        let has_ca = !self.client_ca.is_empty() || !self.client_ca_file.is_empty();
        match self.client_auth() {
            None => map.refuse_with_hint(
                "client_auth_type",
                CODE,
                format!("invalid ClientAuth: {}", quote(&self.client_auth_type)),
                "write NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
            ),
            Some(ClientAuth::None) if has_ca => map.refuse_with_hint(
                "client_ca_file",
                CODE,
                "client CA's have been configured without a Client Auth Policy",
                "add `client_auth_type: RequireAndVerifyClientCert`",
            ),
            Some(_) => {}
        }
    }
}

/// Reads the file. Relative paths in it start from `base_dir`.
pub fn load(source: &Source, base_dir: &str) -> Result<MeshTls, LoadError> {
    let mut diagnostics = Diagnostics::new();
    let found = yaml::parse(source, &mut diagnostics).and_then(|node| {
        let mut reading = Reading::new(source);
        let found: Option<MeshTls> = if node.is_null() {
            Some(MeshTls::default())
        } else {
            read_section(&node, &mut reading)
        };
        diagnostics.extend(reading.finish());
        let mut found = found?;
        if found.server.is_none() && !diagnostics.has_errors() {
            let problem = "missing 'tls_server_config' entry in the TLS configuration";
            let problem = Diagnostic::error(CODE, problem).at(source, node.span);
            diagnostics.push(problem.hint("add it with `cert_file` and `key_file`"));
        }
        found.visit_section_paths(&mut |path| *path = join_path(base_dir, path));
        Some(found)
    });
    match found {
        Some(found) if !diagnostics.has_errors() => Ok(found),
        _ => Err(LoadError { diagnostics }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MeshTls, String> {
        let source = Source::new("tls.yml", text);
        load(&source, "/etc/mesh").map_err(|error| error.to_string())
    }

    #[test]
    fn files_start_from_the_folder() {
        let found = read(
            "tls_server_config:\n  cert_file: a.crt\n  key_file: /keys/a.key\n  \
             client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ../ca.crt\n\
             tls_client_config:\n  ca_file: ca.crt\n  insecure_skip_verify: false\n",
        );
        let found = found.unwrap();
        let server = found.server.unwrap();
        assert_eq!(server.cert_file.to_string(), "/etc/mesh/a.crt");
        assert_eq!(server.key_file.to_string(), "/keys/a.key");
        assert_eq!(server.client_ca_file.to_string(), "/etc/ca.crt");
        assert_eq!(server.client_auth(), Some(ClientAuth::RequireAndVerify));
        assert_eq!(found.client.ca_file.to_string(), "/etc/mesh/ca.crt");
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_with_its_place() {
        let server = "tls_server_config: {cert_file: a, key_file: b}\n";
        read(server).unwrap();
        for (text, problem) in [
            (
                "",
                "tls.yml:1:1: missing 'tls_server_config' entry in the TLS configuration",
            ),
            (
                "tls_server_config: {cert_file: a}\n",
                "missing one of key or key_file",
            ),
            (
                "tls_server_config: {key: b}\n",
                "missing one of cert or cert_file",
            ),
            (
                "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n",
                "tls.yml:1:64: client CA's have been configured without a Client Auth Policy",
            ),
            (
                "tls_server_config:\n  {cert_file: a, key_file: b, client_auth_type: Maybe}\n",
                "tls.yml:2:49: invalid ClientAuth: \"Maybe\"",
            ),
            (
                "tls_server_config: {cert_file: a, key_file: b, colour: red}\n",
                "field colour not found",
            ),
            (
                &format!("{server}tls_client_config: {{cert_file: a}}\n"),
                "exactly one of key or key_file",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
