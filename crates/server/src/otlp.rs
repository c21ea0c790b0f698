//! How OpenTelemetry metrics become series: from the configuration's `otlp` section and the features.

use config::prometheus::{Otlp, TranslationStrategy};
use model::Duration;
use remote::otlp::{Naming, Promotion, Settings};

use crate::features::Features;

pub(crate) fn settings(otlp: &Otlp, features: Features, lookback: Duration) -> Settings {
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
