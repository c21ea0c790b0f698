//! The file of `--cluster.tls-config`, as what `gossip` uses.

use std::path::Path;

use config::mesh_tls::{ClientAuth, ServerTls};
use diag::Source;
use gossip::driver::MeshTls;
use net::tls::Pem;
use net::tls_stream::{ClientCertificates, TlsClient, TlsServer, TlsServerOptions};

use crate::StartError;
use crate::files::folder_of;
use crate::http_client::{tls_options, tls_versions};

/// Reads it, and the certificates that it names, so that a start fails early.
pub(crate) fn load(path: &Path) -> Result<MeshTls, StartError> {
    let refused = |problem: String| {
        StartError::Input(format!(
            "--cluster.tls-config {}: {problem}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let source = Source::new(path.display().to_string(), text);
    let read = config::mesh_tls::load(&source, &folder_of(path))
        .map_err(|error| StartError::Configuration(error.diagnostics))?;
    let in_server = |problem: String| refused(format!("tls_server_config: {problem}"));
    let in_client = |problem: String| refused(format!("tls_client_config: {problem}"));
    // Reading refuses a file without it.
    let server = server_options(&read.server.unwrap_or_default()).map_err(in_server)?;
    let client = tls_options(&read.client).map_err(in_client)?;
    Ok(MeshTls {
        server: TlsServer::new(server).map_err(|error| in_server(error.to_string()))?,
        client: TlsClient::new(client).map_err(|error| in_client(error.to_string()))?,
    })
}

fn server_options(tls: &ServerTls) -> Result<TlsServerOptions, String> {
    // The file goes before the text, as with the peer.
    let pem = |text: &str, file: &str| match (text, file) {
        ("", "") => None,
        (text, "") => Some(Pem::Text(text.to_owned())),
        (_, file) => Some(Pem::File(file.to_owned())),
    };
    let missing = || "the certificate or its key is missing".to_owned();
    let ca = || pem(&tls.client_ca, &tls.client_ca_file);
    let clients = match tls.client_auth() {
        // Whatever is shown is not looked at.
        Some(ClientAuth::None | ClientAuth::Request) => ClientCertificates::NotAsked,
        Some(ClientAuth::VerifyIfGiven) => ClientCertificates::CheckedIfGiven(ca()),
        Some(ClientAuth::RequireAndVerify) => ClientCertificates::Required(ca()),
        Some(ClientAuth::RequireAny) | None => {
            return Err(format!(
                "`client_auth_type: {}` keeps nobody out, because any certificate will do; write RequireAndVerifyClientCert or NoClientCert",
                tls.client_auth_type
            ));
        }
    };
    Ok(TlsServerOptions {
        cert: pem(&tls.cert, &tls.cert_file).ok_or_else(missing)?,
        key: pem(tls.key.expose(), &tls.key_file).ok_or_else(missing)?,
        clients,
        client_names: Some(tls.client_allowed_sans.clone()).filter(|names| !names.is_empty()),
        versions: tls_versions(tls.min_version, tls.max_version)?,
        cipher_suites: tls.cipher_suites.clone(),
        curves: tls.curve_preferences.clone(),
        protocols: Vec::new(),
    })
}
