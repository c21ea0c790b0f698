//! `/api/v1/features`: what this server can do, under the peer's names, so that a user interface shows what
//! works. Made of the tables that the parts themselves use, wherever there is one.

use api::FeatureList;
use gotemplate::functions::prometheus::function_names;
use promql::ast::{AggregateOp, BinaryOp};
use promql::syntax::FUNCTIONS;

use crate::options::Options;

pub(crate) fn feature_list(options: &Options) -> FeatureList {
    let mut list = FeatureList::new();
    let mut put = |category: &str, features: &[(&str, bool)]| {
        let own = list.entry(category.to_owned()).or_default();
        own.extend(
            features
                .iter()
                .map(|(name, is_on)| ((*name).to_owned(), *is_on)),
        );
    };
    let features = options.features;
    let search = features.search_api.is_on();
    put(
        "api",
        &[
            ("admin", options.admin_api.is_on()),
            ("exclude_alerts", true),
            ("label_values_match", true),
            ("lifecycle", options.lifecycle.is_on()),
            ("openapi_3.1", true),
            ("openapi_3.2", true),
            ("otlp_write_receiver", options.otlp_receiver.is_on()),
            ("query_stats", true),
            ("query_warnings", true),
            (
                "remote_write_receiver",
                options.remote_write.receiver.is_on(),
            ),
            ("search", search),
            ("search_fuzz_alg_jarowinkler", search),
            ("search_fuzz_alg_subsequence", search),
            ("time_range_labels", true),
            ("time_range_series", true),
        ],
    );
    put(
        "otlp_receiver",
        &[
            ("delta_conversion", false),
            ("native_delta_ingestion", features.otlp_native_delta.is_on()),
        ],
    );
    put(
        "prometheus",
        &[
            ("agent_mode", options.agent.is_some()),
            ("auto_reload_config", false),
            ("server_mode", options.agent.is_none()),
            ("stringlabels", true),
        ],
    );
    let extended = features.extended_range_selectors.is_on();
    let fill = features.fill_modifiers.is_on();
    put(
        "promql",
        &[
            ("anchored", extended),
            ("at_modifier", true),
            ("bool", true),
            ("by", true),
            (
                "delayed_name_removal",
                features.delayed_name_removal.is_on(),
            ),
            ("duration_expr", true),
            ("fill", fill),
            ("fill_left", fill),
            ("fill_right", fill),
            ("group_left", true),
            ("group_right", true),
            ("ignoring", true),
            ("negative_offset", true),
            ("offset", true),
            ("on", true),
            ("per_query_lookback_delta", true),
            ("per_step_stats", true),
            ("smoothed", extended),
            ("subqueries", true),
            (
                "type_and_unit_labels",
                features.type_and_unit_labels.is_on(),
            ),
            ("without", true),
        ],
    );
    let experimental = features.experimental_functions.is_on();
    let known: Vec<(&str, bool)> = FUNCTIONS
        .iter()
        .map(|function| (function.name, experimental || !function.is_experimental))
        .collect();
    put("promql_functions", &known);
    let binary = BinaryOp::ALL.iter().map(|op| (op.as_str(), true));
    let aggregating = AggregateOp::ALL
        .iter()
        .map(|op| (op.as_str(), experimental || !op.is_experimental()));
    // Of selectors.
    let others = [("=~", true), ("!~", true), ("@", true)];
    let operators: Vec<(&str, bool)> = binary.chain(aggregating).chain(others).collect();
    put("promql_operators", &operators);
    put(
        "rules",
        &[
            // Groups run side by side in any case; the rules of one group run in their order.
            ("concurrent_rule_eval", false),
            ("keep_firing_for", true),
            ("query_offset", true),
        ],
    );
    put(
        "scrape",
        &[
            ("extra_scrape_metrics", true),
            (
                "start_timestamp_zero_ingestion",
                features.zeros_at_start.is_on(),
            ),
            (
                "type_and_unit_labels",
                features.type_and_unit_labels.is_on(),
            ),
        ],
    );
    // Kubernetes objects are those of manifests, which is not what the peer means.
    let providers = [("file", true), ("http", true), ("static", true)];
    put("service_discovery_providers", &providers);
    let functions = function_names();
    let functions: Vec<(&str, bool)> = functions.iter().map(|name| (name.as_str(), true)).collect();
    put("templating_functions", &functions);
    put(
        "tsdb",
        &[
            ("delayed_compaction", false),
            ("exemplar_storage", true),
            (
                "histograms_st_encoding",
                features.histogram_start_times.is_on(),
            ),
            ("isolation", true),
            ("native_histograms", true),
            ("st_storage", features.start_time_storage.is_on()),
            ("use_uncached_io", false),
            ("xor2_encoding", true),
        ],
    );
    put("ui", &[("ui_v2", false), ("ui_v3", true)]);
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Switch;

    #[test]
    fn what_is_off_is_told_as_off() {
        let is_on = |options: &Options, category: &str, name: &str| {
            let list = feature_list(options);
            let category = list.get(category);
            category.and_then(|category| category.get(name).copied())
        };
        let mut options = Options::default();
        for (category, name, by_default) in [
            ("promql_functions", "rate", true),
            ("promql_functions", "info", false),
            ("promql_operators", "limitk", false),
            ("promql_operators", "</", true),
            ("api", "search", false),
        ] {
            let found = is_on(&options, category, name);
            assert_eq!(found, Some(by_default), "{category} {name}");
        }
        options.features.experimental_functions = Switch::On;
        options.features.search_api = Switch::On;
        for (category, name) in [
            ("promql_functions", "info"),
            ("promql_operators", "limitk"),
            ("api", "search"),
        ] {
            assert_eq!(is_on(&options, category, name), Some(true), "{name}");
        }
        assert_eq!(
            is_on(&options, "templating_functions", "humanize"),
            Some(true)
        );
    }
}
