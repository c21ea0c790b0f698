//! `check web-config`: web configurations, and the certificates that they name.

use std::path::Path;

use config::web::load;
use diag::Source;
use net::tls::{Pem, check_identity};
use server::pieces::folder_of;

use crate::console::{Console, Outcome, read_text};

/// Checks web configurations. As in the peer, all is told on standard error.
pub fn check_web_configs(console: &mut Console<'_>, files: &[String]) -> Outcome {
    let mut outcome = Outcome::Success;
    for file in files {
        match check(file) {
            Ok(()) => console.problem(format_args!("{file} SUCCESS")),
            Err(problem) => {
                outcome = Outcome::Failed;
                console.problem(format_args!("{file} FAILED: {problem}"));
            }
        }
    }
    outcome
}

fn check(file: &str) -> Result<(), String> {
    let text = read_text(file)?;
    let config = load(&Source::new(file, text), &folder_of(Path::new(file)))
        .map_err(|error| error.peer_text())?;
    let tls = &config.tls;
    if !tls.is_enabled() {
        return Ok(());
    }
    let pem = |text: &str, file: &str| match file {
        "" => Pem::Text(text.to_owned()),
        file => Pem::File(file.to_owned()),
    };
    let cert = pem(&tls.cert, &tls.cert_file);
    let key = pem(tls.key.expose(), &tls.key_file);
    check_identity(&cert, &key).map_err(|error| error.to_string())?;
    if !tls.client_ca_file.is_empty() {
        read_text(&tls.client_ca_file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("web.yml");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let files = [file.display().to_string()];
        std::fs::write(&file, "http_server_config: {http2: false}\n").unwrap();
        assert_eq!(check_web_configs(&mut console, &files), Outcome::Success);
        std::fs::write(&file, "tls_server_config: {cert_file: no.pem, key: x}\n").unwrap();
        assert_eq!(check_web_configs(&mut console, &files), Outcome::Failed);
        let told = String::from_utf8(err).unwrap();
        assert!(told.contains("web.yml SUCCESS\n"), "{told}");
        assert!(told.contains("no.pem: No such file"), "{told}");
    }
}
