//! Configurations that are read to be tried, and not loaded: what they would make is compared with what runs.

use std::path::Path;
use std::sync::Arc;

use alerting::ReceiverSpec;
use alerting::view::Explanation;
use api::{JournalSource, TrialApi, TrialConfig, TrialSource};
use config::SigV4;
use config::alertmanager::matchers::MatcherMode;
use config::alertmanager::receivers::Email;
use config::alertmanager::{LoadOptions, Receiver, load};
use diag::{Severity, Source};
use model::{Labels, Timestamp};
use net::Bytes;
use notify::{AwsClient, Clients, HttpSend, MailSend};
use tsdb::ReadOnlyDisk;

use super::{machine_config, template_problem};
use crate::StartError;
use crate::alertmanager::AlertmanagerApi;
use crate::clock::SystemClock;
use crate::journal::read::Reader;
use crate::options::Tempo;

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) matchers: MatcherMode,
    pub(crate) tempo: Tempo,
}

impl Reading {
    /// Relative paths in it start from `base_dir`.
    fn read(self, name: &str, text: &str, base_dir: &str) -> Result<TrialConfig, String> {
        let options = LoadOptions {
            base_dir,
            matchers: self.matchers,
            template: &template_problem,
        };
        let (config, warnings) = load(&Source::new(name, text), &options).map_err(|error| {
            let problems = error.diagnostics.errors().map(diag::render_line);
            problems.collect::<Vec<_>>().join("\n")
        })?;
        let receivers = config.receivers.iter().map(receiver).collect();
        let warnings = warnings.iter();
        let warnings = warnings.filter(|one| one.severity == Severity::Warning);
        Ok(TrialConfig {
            warnings: warnings.map(diag::render_line).collect(),
            config: Arc::new(machine_config(&config, receivers, self.tempo)),
        })
    }
}

/// The receiver as the machine knows it, with nothing behind it.
fn receiver(receiver: &Receiver) -> ReceiverSpec {
    let integrations = notify::integration::build(receiver, &NoClients).into_iter();
    let integrations = integrations.map(|built| alerting::Integration {
        name: built.name.into(),
        index: built.index,
        sends_resolved: built.sends_resolved,
        settings: built.settings,
    });
    ReceiverSpec {
        name: receiver.name.as_str().into(),
        labels: receiver.labels.clone(),
        integrations: integrations.collect(),
    }
}

/// Makes none, so that no file of certificates or secrets is read.
struct NoClients;

impl NoClients {
    fn none<T>() -> Result<T, String> {
        Err("nothing is sent".to_owned())
    }
}

impl Clients for NoClients {
    fn http(&self, _: &config::http::HttpClient) -> Result<Arc<dyn HttpSend>, String> {
        Self::none()
    }

    fn aws(
        &self,
        _: &'static str,
        _: &SigV4,
        _: &config::http::HttpClient,
    ) -> Result<AwsClient, String> {
        Self::none()
    }

    fn mail(&self, _: &Email) -> Result<Arc<dyn MailSend>, String> {
        Self::none()
    }
}

/// Of a running server: its configuration, its alerts, and its way to read.
pub(crate) struct Running {
    pub(crate) api: AlertmanagerApi,
    pub(crate) reading: Reading,
    /// That of the configuration in use.
    pub(crate) base_dir: String,
}

impl TrialSource for Running {
    fn in_use(&self) -> Option<Arc<alerting::Config>> {
        Some(self.api.alertmanager.config())
    }

    fn read(&self, name: &str, text: &str) -> Result<TrialConfig, String> {
        self.reading.read(name, text, &self.base_dir)
    }

    fn alerts(&self) -> Vec<Arc<alerting::Alert>> {
        self.api.alertmanager.firing_alerts()
    }

    fn explain(&self, labels: &Labels, at: Timestamp) -> Option<Explanation> {
        Some(self.api.alertmanager.explain(labels, at))
    }
}

/// Where nothing runs.
struct Nothing(Reading);

impl TrialSource for Nothing {
    fn in_use(&self) -> Option<Arc<alerting::Config>> {
        None
    }

    fn read(&self, name: &str, text: &str) -> Result<TrialConfig, String> {
        self.0.read(name, text, ".")
    }

    fn alerts(&self) -> Vec<Arc<alerting::Alert>> {
        Vec::new()
    }

    fn explain(&self, _: &Labels, _: Timestamp) -> Option<Explanation> {
        None
    }
}

/// Compares and tries configurations without a server, with the alerts of a journal if there is one.
#[derive(Debug)]
pub struct OfflineTrials(TrialApi);

impl OfflineTrials {
    /// `storage` is a folder as [`OfflineJournal`](crate::OfflineJournal) takes it; nothing in it is changed.
    pub fn open(storage: Option<&Path>, matchers: MatcherMode) -> Result<Self, StartError> {
        let open = |storage: &Path| {
            let reader = Reader::of_folder(Arc::new(ReadOnlyDisk::default()), storage);
            reader.map_err(|error| StartError::Storage {
                dir: storage.display().to_string(),
                problem: error.to_string(),
            })
        };
        let journal = storage.map(open).transpose()?;
        let reading = Reading {
            matchers,
            ..Reading::default()
        };
        Ok(Self(TrialApi {
            clock: Arc::new(SystemClock),
            trials: Arc::new(Nothing(reading)),
            journal: journal.map(|reader| Arc::new(reader) as Arc<dyn JournalSource>),
        }))
    }

    /// What is wrong with a configuration, if anything, a line each. `name` is that of its file.
    pub fn check(&self, name: &str, text: &str) -> Result<(), String> {
        self.0.trials.read(name, text).map(drop)
    }

    /// What a server would answer to a POST to `/api/keepwatch/v1/route/compare`.
    pub async fn compare(&self, body: String) -> Result<Bytes, String> {
        ::api::compare_routes(self.0.clone(), body).await
    }

    /// What a server would answer to a POST to `/api/keepwatch/v1/route/explain`.
    pub async fn explain(&self, body: String) -> Result<Bytes, String> {
        ::api::explain_route(self.0.clone(), body).await
    }
}

#[cfg(test)]
mod tests;
