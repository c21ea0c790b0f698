//! What other servers send to this one and read from it: remote write, OpenTelemetry metrics, remote read.

use std::sync::Arc;

use config::prometheus::{Otlp, TranslationStrategy};
use diag::ReasonBook;
use metrics::Registry;
use model::storage::{SampleWriter, SeriesReader};
use model::{Clock, Duration};
use queries::Room;
use remote::otlp::{Naming, OtlpReceiver, Promotion, Settings};
use remote::read::Handler;
use remote::write::Receiver;
use tsdb::Db;

use crate::features::Features;
use crate::options::Options;
use crate::plan::Plan;

/// What it works with.
pub(crate) struct Collaborators<'a> {
    pub(crate) db: &'a Db,
    pub(crate) writer: Arc<dyn SampleWriter>,
    pub(crate) reader: Arc<dyn SeriesReader>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) registry: &'a Registry,
    pub(crate) room: Arc<dyn Room>,
}

/// The parts that stay when the configuration changes.
pub(crate) struct Exchange {
    /// Of remote write, and of what is translated to it.
    pub(crate) receiver: Option<Arc<Receiver>>,
    otlp: Option<Arc<OtlpReceiver>>,
    read: Arc<Handler>,
}

/// What requests are handed to.
pub(crate) struct Services {
    pub(crate) read: api::ReadService,
    pub(crate) write: Option<api::WriteService>,
    pub(crate) otlp: Option<api::OtlpService>,
}

impl Exchange {
    pub(crate) fn new(options: &Options, with: Collaborators<'_>) -> (Self, Services) {
        let takes_writes = options.remote_write.receiver.is_on();
        let takes_otlp = options.otlp_receiver.is_on();
        let receiver = (takes_writes || takes_otlp).then(|| {
            let collaborators = remote::write::Collaborators {
                writer: Arc::clone(&with.writer),
                reader: Arc::clone(&with.reader),
                clock: Arc::clone(&with.clock),
                reasons: Arc::clone(&with.reasons),
            };
            let accepted = options.remote_write.accepted.clone();
            Arc::new(Receiver::new(collaborators, accepted, with.registry))
        });
        let otlp = receiver.clone().filter(|_| takes_otlp).map(|receiver| {
            let (reasons, clock) = (Arc::clone(&with.reasons), Arc::clone(&with.clock));
            Arc::new(OtlpReceiver::new(receiver, reasons, clock, with.registry))
        });
        let limits = remote::read::Limits {
            samples_max: options.remote_read.samples_max,
            frame_bytes_max: options.remote_read.frame_bytes_max,
        };
        let read = Handler::new(with.db.clone(), limits, with.reasons, with.clock);
        let read = Arc::new(read);
        let concurrent_max = options.remote_read.concurrent_max;
        let services = Services {
            read: api::ReadService::new(
                Arc::clone(&read),
                concurrent_max,
                with.room,
                with.registry,
            ),
            write: receiver
                .clone()
                .filter(|_| takes_writes)
                .map(api::WriteService::new),
            otlp: otlp.clone().map(api::OtlpService::new),
        };
        let exchange = Self {
            receiver,
            otlp,
            read,
        };
        (exchange, services)
    }

    /// Of the configuration in use.
    pub(crate) fn put_in_place(&self, plan: &Plan, options: &Options) {
        self.read.set_external_labels(plan.external_labels.clone());
        if let Some(otlp) = &self.otlp {
            let lookback = options.query.lookback_delta;
            otlp.set_settings(settings(&plan.config.otlp, options.features, lookback));
        }
    }
}

/// How OpenTelemetry metrics become series.
fn settings(otlp: &Otlp, features: Features, lookback: Duration) -> Settings {
    // The configuration was checked: a strategy that is none was refused.
    let strategy = otlp.strategy().unwrap_or_default();
    Settings {
        naming: Naming {
            adds_suffixes: matches!(
                strategy,
                TranslationStrategy::UnderscoreEscapingWithSuffixes
                    | TranslationStrategy::NoUtf8EscapingWithSuffixes
            ),
            allows_utf8: strategy.makes_utf8_names(),
            prefixes_underscores: otlp.label_name_underscore_sanitization,
            keeps_underscores: otlp.label_name_preserve_multiple_underscores,
        },
        promotion: if otlp.promote_all_resource_attributes {
            Promotion::AllBut(otlp.ignore_resource_attributes.iter().cloned().collect())
        } else {
            Promotion::Only(otlp.promote_resource_attributes.iter().cloned().collect())
        },
        keeps_identity: otlp.keep_identifying_resource_attributes,
        converts_to_custom_buckets: otlp.convert_histograms_to_nhcb,
        promotes_scope: otlp.promote_scope_metadata,
        takes_delta: features.otlp_native_delta.is_on(),
        adds_type_and_unit: features.type_and_unit_labels.is_on(),
        lookback,
    }
}

/// The warnings of the peer's storage do not exist here; dashboards ask for their number all the same.
pub(crate) fn federation_errors(registry: &Registry) -> metrics::Counter {
    registry.counter(
        "prometheus_web_federation_warnings_total",
        "Total number of warnings that occurred while sending federation responses.",
    );
    registry.counter(
        "prometheus_web_federation_errors_total",
        "Total number of errors that occurred while sending federation responses.",
    )
}
