//! `--enable-feature`: what is experimental, under the peer's names.

use promql::{EngineOptions, Feature, ParserOptions};

use crate::options::Switch;

/// What is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    pub experimental_functions: Switch,
    pub extended_range_selectors: Switch,
    pub fill_modifiers: Switch,
    pub delayed_name_removal: Switch,
    pub type_and_unit_labels: Switch,
    /// PromQL uses them.
    pub start_timestamps: Switch,
    pub start_time_storage: Switch,
    pub histogram_start_times: Switch,
    pub zeros_at_start: Switch,
    pub xor2_chunks: Switch,
    pub search_api: Switch,
    /// As older versions of the peer switch to agent mode.
    pub agent: Switch,
    pub otlp_native_delta: Switch,
    /// Of the other peer, Alertmanager.
    pub event_recorder: Switch,
}

/// On in any case, here or in the peer too: naming them changes nothing.
const ALWAYS_ON: [&str; 7] = [
    "concurrent-rule-eval",
    "exemplar-storage",
    "memory-snapshot-on-shutdown",
    "native-histograms",
    "ooo-native-histograms",
    "promql-duration-expr",
    "promql-per-step-stats",
];

/// The peer has them, and nothing here heeds them yet.
const NOT_BUILT: [&str; 11] = [
    "auto-reload-config",
    "delayed-compaction",
    "extra-scrape-metrics",
    "fast-startup",
    "metadata-wal-records",
    "old-ui",
    "otlp-deltatocumulative",
    "st-synthesis",
    "use-uncached-io",
    "auto-gomaxprocs",
    "auto-gomemlimit",
];

impl Features {
    /// Reads lists of names, separated by commas, with notices about those that change nothing. As in the peer,
    /// no name is an error.
    pub fn parse<'t>(lists: impl IntoIterator<Item = &'t str>) -> (Self, Vec<String>) {
        let mut features = Self::default();
        let mut notices = Vec::new();
        let names = lists.into_iter().flat_map(|list| list.split(','));
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            let switch = match name {
                "promql-experimental-functions" => &mut features.experimental_functions,
                "promql-extended-range-selectors" => &mut features.extended_range_selectors,
                "promql-binop-fill-modifiers" => &mut features.fill_modifiers,
                "promql-delayed-name-removal" => &mut features.delayed_name_removal,
                "type-and-unit-labels" => &mut features.type_and_unit_labels,
                "use-start-timestamps" => &mut features.start_timestamps,
                "st-storage" => &mut features.start_time_storage,
                "histograms-st-encoding" => &mut features.histogram_start_times,
                "created-timestamp-zero-ingestion" => &mut features.zeros_at_start,
                "xor2-encoding" => &mut features.xor2_chunks,
                "agent" => &mut features.agent,
                "search-api" => &mut features.search_api,
                "otlp-native-delta-ingestion" => &mut features.otlp_native_delta,
                "event-recorder" => &mut features.event_recorder,
                _ if ALWAYS_ON.contains(&name) => continue,
                _ if NOT_BUILT.contains(&name) => {
                    notices.push(format!("--enable-feature={name}: not built yet"));
                    continue;
                }
                _ => {
                    notices.push(format!("Unknown option for --enable-feature: {name}"));
                    continue;
                }
            };
            *switch = Switch::On;
        }
        (features, notices)
    }

    /// Whether scrapes read start timestamps.
    pub(crate) fn takes_start_times(self) -> bool {
        self.start_time_storage.is_on() || self.zeros_at_start.is_on()
    }

    /// Duration expressions are part of the language today.
    pub fn parser(self) -> ParserOptions {
        ParserOptions {
            experimental_functions: self.experimental_functions.is_on(),
            duration_expressions: true,
            extended_range_selectors: self.extended_range_selectors.is_on(),
            fill_modifiers: self.fill_modifiers.is_on(),
        }
    }

    pub(crate) fn apply(self, engine: &mut EngineOptions) {
        let feature = |switch: Switch| {
            if switch.is_on() {
                Feature::On
            } else {
                Feature::Off
            }
        };
        engine.delayed_name_removal = feature(self.delayed_name_removal);
        engine.type_and_unit_labels = feature(self.type_and_unit_labels);
        engine.start_timestamps = feature(self.start_timestamps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_switch_on_what_they_name() {
        let lists = [
            "promql-experimental-functions, native-histograms",
            "nonsense,old-ui",
        ];
        let (features, notices) = Features::parse(lists);
        let expected = Features {
            experimental_functions: Switch::On,
            ..Features::default()
        };
        assert_eq!(features, expected);
        assert_eq!(
            notices,
            [
                "Unknown option for --enable-feature: nonsense",
                "--enable-feature=old-ui: not built yet"
            ]
        );
        assert!(features.parser().experimental_functions);
        assert!(!features.parser().fill_modifiers);
    }
}
