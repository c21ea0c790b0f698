//! The `otlp` and `tracing` sections.

use yaml::{Mapping, Value};

use super::Generator;
use super::global::quantity;
use super::http::Tls;
use crate::check::check_tls_files;
use crate::problem::{Checked, Problem};

impl Generator<'_> {
    pub(super) fn put_otlp(&self, out: &mut Mapping) -> Checked {
        let otlp = self.spec.at("otlp");
        if !otlp.is_set() {
            return Ok(());
        }
        self.check_otlp()?;
        let mut section = Mapping::new();
        let lists = [
            (
                "promoteResourceAttributes",
                "promote_resource_attributes",
                (2, 55, 0),
            ),
            (
                "ignoreResourceAttributes",
                "ignore_resource_attributes",
                (3, 5, 0),
            ),
        ];
        for (field, key, since) in lists {
            let texts = otlp.at(field).texts();
            if !texts.is_empty() {
                self.put_since(&mut section, since, key, texts);
            }
        }
        let fields = [
            ("translationStrategy", "translation_strategy", (3, 0, 0)),
            (
                "keepIdentifyingResourceAttributes",
                "keep_identifying_resource_attributes",
                (3, 1, 0),
            ),
            (
                "convertHistogramsToNHCB",
                "convert_histograms_to_nhcb",
                (3, 4, 0),
            ),
            (
                "promoteAllResourceAttributes",
                "promote_all_resource_attributes",
                (3, 5, 0),
            ),
            ("promoteScopeMetadata", "promote_scope_metadata", (3, 6, 0)),
            (
                "labelNameUnderscoreSanitization",
                "label_name_underscore_sanitization",
                (3, 8, 0),
            ),
            (
                "labelNamePreserveMultipleUnderscores",
                "label_name_preserve_multiple_underscores",
                (3, 8, 0),
            ),
        ];
        for (field, key, since) in fields {
            self.copy_since(&mut section, since, key, otlp.at(field));
        }
        if !section.0.is_empty() {
            out.put("otlp", section);
        }
        Ok(())
    }

    fn check_otlp(&self) -> Checked {
        let otlp = self.spec.at("otlp");
        let refuse = |message: String| Err(Problem::at(otlp, message));
        if !self.version.is_at_least((2, 55, 0)) {
            return refuse("OTLP configuration needs Prometheus 2.55.0 at least".to_owned());
        }
        let strategy = otlp.at("translationStrategy").str();
        let is_legacy = self.spec.at("nameValidationScheme").str() == "Legacy";
        if strategy == "NoUTF8EscapingWithSuffixes" && is_legacy {
            return refuse(format!(
                "nameValidationScheme Legacy does not go with {strategy}"
            ));
        }
        let since = match strategy {
            "NoTranslation" => (3, 4, 0),
            "UnderscoreEscapingWithoutSuffixes" => (3, 6, 0),
            _ => (0, 0, 0),
        };
        if !self.version.is_at_least(since) {
            let (major, minor, _) = since;
            return refuse(format!(
                "{strategy} needs Prometheus {major}.{minor}.0 at least"
            ));
        }
        if self.version.is_at_least((3, 5, 0)) {
            let promotes_all = otlp.at("promoteAllResourceAttributes").flag() == Some(true);
            let has = |field: &str| otlp.at(field).items().len() > 0;
            if promotes_all && has("promoteResourceAttributes") {
                return refuse(
                    "promoteAllResourceAttributes and promoteResourceAttributes exclude each other"
                        .to_owned(),
                );
            }
            if !promotes_all && has("ignoreResourceAttributes") {
                return refuse(
                    "ignoreResourceAttributes needs promoteAllResourceAttributes: true".to_owned(),
                );
            }
        }
        Ok(())
    }

    pub(super) fn put_tracing(&self, out: &mut Mapping) -> Checked {
        let tracing = self.spec.at("tracingConfig");
        if !tracing.is_set() {
            return Ok(());
        }
        check_tls_files(tracing.at("tlsConfig"))?;
        let fraction = tracing.at("samplingFraction");
        if quantity(fraction).is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(Problem::at(
                fraction,
                "`samplingFraction` must be between 0 and 1",
            ));
        }
        let mut section = Mapping::new();
        section.put("endpoint", tracing.at("endpoint").str());
        for (field, key) in [
            ("clientType", "client_type"),
            ("compression", "compression"),
        ] {
            if let Some(text) = tracing.at(field).text() {
                section.put(key, text.to_lowercase());
            }
        }
        if let Some(fraction) = quantity(fraction) {
            section.put("sampling_fraction", fraction);
        }
        if let Some(flag) = tracing.at("insecure").flag() {
            section.put("insecure", flag);
        }
        let headers = tracing.at("headers").entries();
        if !headers.is_empty() {
            let headers = headers.into_iter().map(|(name, value)| (name, value.str()));
            section.put("headers", Value::sorted_map(headers));
        }
        if let Some(timeout) = tracing.at("timeout").text() {
            section.put("timeout", timeout);
        }
        self.put_tls(
            &mut section,
            self.workload.namespace(),
            Tls::of(tracing.at("tlsConfig")),
        );
        out.put("tracing", section);
        Ok(())
    }
}
