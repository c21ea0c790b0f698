//! `otlp`: how OpenTelemetry metrics become series.

use yaml::MapReader;

use crate::place::Place;
use crate::quote::quote;

section! {
    pub struct Otlp: "config.plain", checked {
        [place] pub place: Place,
        ["promote_all_resource_attributes", omit] pub promote_all_resource_attributes: bool,
        ["promote_resource_attributes", omit] pub promote_resource_attributes: Vec<String>,
        ["ignore_resource_attributes", omit] pub ignore_resource_attributes: Vec<String>,
        ["translation_strategy", omit]
        pub translation_strategy: String = TranslationStrategy::default().as_str().to_owned(),
        ["keep_identifying_resource_attributes", omit]
        pub keep_identifying_resource_attributes: bool,
        ["convert_histograms_to_nhcb", omit] pub convert_histograms_to_nhcb: bool,
        ["promote_scope_metadata", omit] pub promote_scope_metadata: bool,
        ["label_name_underscore_sanitization", omit]
        pub label_name_underscore_sanitization: bool = true,
        ["label_name_preserve_multiple_underscores", omit]
        pub label_name_preserve_multiple_underscores: bool = true,
    }
}

/// What happens to characters that old names do not allow, and whether suffixes are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TranslationStrategy {
    #[default]
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    NoUtf8EscapingWithSuffixes,
    NoTranslation,
}

impl TranslationStrategy {
    pub const ALL: [Self; 4] = [
        Self::UnderscoreEscapingWithSuffixes,
        Self::UnderscoreEscapingWithoutSuffixes,
        Self::NoUtf8EscapingWithSuffixes,
        Self::NoTranslation,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }

    /// Whether names may come out that only the UTF-8 scheme allows.
    pub fn makes_utf8_names(self) -> bool {
        matches!(self, Self::NoUtf8EscapingWithSuffixes | Self::NoTranslation)
    }
}

impl Otlp {
    /// What `otlp:` with nothing behind it means to the peers: everything off.
    pub(super) fn zero() -> Self {
        Self {
            translation_strategy: String::new(),
            label_name_underscore_sanitization: false,
            label_name_preserve_multiple_underscores: false,
            ..Self::default()
        }
    }

    /// The strategy in force; an empty one is the default.
    pub fn strategy(&self) -> Option<TranslationStrategy> {
        if self.translation_strategy.is_empty() {
            return Some(TranslationStrategy::default());
        }
        TranslationStrategy::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == self.translation_strategy)
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let code = "bad-otlp";
        if self.promote_all_resource_attributes {
            if !self.promote_resource_attributes.is_empty() {
                let message = "'promote_all_resource_attributes' and 'promote_resource_attributes' \
                               cannot be configured simultaneously";
                map.refuse_with_hint(
                    "promote_resource_attributes",
                    code,
                    message,
                    "keep one of them",
                );
            }
        } else if !self.ignore_resource_attributes.is_empty() {
            let message = "'ignore_resource_attributes' cannot be configured unless \
                           'promote_all_resource_attributes' is true";
            let hint = "set `promote_all_resource_attributes: true`";
            map.refuse_with_hint("ignore_resource_attributes", code, message, hint);
        }
        let lists = [
            (
                "ignore_resource_attributes",
                "ignored",
                &mut self.ignore_resource_attributes,
            ),
            (
                "promote_resource_attributes",
                "promoted",
                &mut self.promote_resource_attributes,
            ),
        ];
        for (key, adjective, attributes) in lists {
            let problems = sanitize(attributes, adjective);
            if !problems.is_empty() {
                let message = format!("invalid '{key}': {}", problems.join("\n"));
                map.refuse_with_hint(key, code, message, "remove the entry");
            }
        }
    }
}

/// Trims the names; returns what is wrong with the list.
fn sanitize(attributes: &mut [String], adjective: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for attribute in attributes {
        *attribute = attribute.trim().to_owned();
        if attribute.is_empty() {
            problems.push(format!("empty {adjective} OTel resource attribute"));
        } else if !seen.insert(attribute.clone()) {
            problems.push(format!(
                "duplicated {adjective} OTel resource attribute {}",
                quote(attribute)
            ));
        }
    }
    problems
}
