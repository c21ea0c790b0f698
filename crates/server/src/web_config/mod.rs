//! The file of `--web.config.file`: TLS, users, headers and the rate of requests.
//!
//! As with the peers it is looked at for each connection and each request, so that no change needs a restart. Unlike with
//! them a file that cannot be used changes nothing: what was before stays in force, and the log says why, once.

mod gate;
mod rate;
mod settings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::Source;
use net::axum::Router;
use net::passwords::Passwords;
use net::server::TlsSource;
use net::small_file::small_file;
use net::tls_stream::TlsServer;
use parking_lot::Mutex;

use self::settings::Settings;
use crate::StartError;

/// The file, and what it says.
#[derive(Debug)]
pub(crate) struct WebConfigFile {
    path: PathBuf,
    /// All connections are of TLS, or none is, for as long as the server runs.
    has_tls: bool,
    passwords: Passwords,
    current: Mutex<Current>,
}

struct Current {
    /// The text of the file as it was last.
    seen: String,
    settings: Arc<Settings>,
    /// Why the file cannot be used, if it cannot; the settings are older ones then.
    problem: Option<String>,
}

impl std::fmt::Debug for Current {
    /// Without the text, which may have a key in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current")
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

impl WebConfigFile {
    /// Reads it, and the files that it names. Problems have their place in it.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, StartError> {
        let seen = small_file(path).map_err(|error| {
            StartError::Input(format!("--web.config.file {}: {error}", path.display()))
        })?;
        let source = Source::new(path.display().to_string(), seen.clone());
        let settings = Settings::read(&source, path, None).map_err(StartError::Configuration)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            has_tls: settings.tls.is_some(),
            passwords: Passwords::default(),
            current: Mutex::new(Current {
                seen,
                settings: Arc::new(settings),
                problem: None,
            }),
        }))
    }

    /// What connections begin with, if they do.
    pub(crate) fn tls(self: &Arc<Self>) -> Option<Arc<dyn TlsSource>> {
        let first = self.current.lock().settings.tls.clone()?;
        let file = Arc::clone(self);
        Some(Arc::new(TlsOfFile { file, first }))
    }

    /// The router with the gate before all of it.
    pub(crate) fn guard(self: &Arc<Self>, router: Router) -> Router {
        gate::guard(Arc::clone(self), router)
    }

    /// What is in force. To be called off the async threads.
    fn settings(&self) -> Arc<Settings> {
        // The file is read under the lock, so that nobody puts what was there before in place again.
        let mut current = self.current.lock();
        let problem = match small_file(&self.path) {
            Ok(seen) if seen == current.seen => match current.problem {
                // What was unreadable in between is there again.
                Some(_) if current.settings.is_of(&seen) => None,
                _ => return Arc::clone(&current.settings),
            },
            Ok(seen) => {
                let source = Source::new(self.path.display().to_string(), seen.clone());
                let made = Settings::read(&source, &self.path, Some(&current.settings));
                current.seen = seen;
                match made.map_err(|problems| StartError::Configuration(problems).to_lines()) {
                    Ok(made) if made.tls.is_some() != self.has_tls => {
                        Some("TLS is switched on or off by a restart only".to_owned())
                    }
                    Ok(made) => {
                        current.settings = Arc::new(made);
                        tracing::info!(file = %self.path.display(), "the new web configuration is in force");
                        None
                    }
                    Err(problem) => Some(problem),
                }
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem.as_ref().filter(|_| problem != current.problem) {
            tracing::error!(
                file = %self.path.display(), problem,
                "the web configuration cannot be used; what it said before stays in force until it is repaired"
            );
        }
        current.problem = problem;
        Arc::clone(&current.settings)
    }
}

/// The TLS of the file as it is.
#[derive(Debug)]
struct TlsOfFile {
    file: Arc<WebConfigFile>,
    /// At the start.
    first: TlsServer,
}

impl TlsSource for TlsOfFile {
    fn now(&self) -> TlsServer {
        // Settings without TLS are refused where the first ones had it.
        let settings = self.file.settings();
        settings.tls.clone().unwrap_or_else(|| self.first.clone())
    }
}
