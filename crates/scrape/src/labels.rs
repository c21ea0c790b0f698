//! From the labels of a page to the labels of a stored series.

use model::labels::METRIC_NAME;
use model::relabel;
use model::{Labels, LabelsBuilder};

use crate::config::{Limits, PoolConfig};
use crate::refusal::ScrapeRefusal;

/// Adds the labels of the target and applies metric relabelling; `None` if that drops the series.
pub(crate) fn series_labels(
    exposed: &Labels,
    target: &Labels,
    config: &PoolConfig,
) -> Option<Labels> {
    let mut labels = exposed.to_builder();
    if config.honor_labels {
        for (name, value) in target {
            if !exposed.contains(name) {
                labels.set(name, value);
            }
        }
    } else {
        set_target_labels(&mut labels, exposed, target);
    }
    relabel::apply_to_builder(&config.metric_relabel, &mut labels).ok()?;
    // Relabelling that removes all labels drops the series too.
    (!labels.is_empty()).then(|| labels.build())
}

/// The target's labels win; what they replace is kept under `exported_` names, repeated until free.
fn set_target_labels(labels: &mut LabelsBuilder, exposed: &Labels, target: &Labels) {
    let mut conflicts: Vec<(&str, &str)> = Vec::new();
    for (name, value) in target {
        if let Some(existing) = exposed.get(name) {
            conflicts.push((name, existing));
        }
        labels.set(name, value);
    }
    conflicts.sort_by_key(|(name, _)| name.len());
    for (name, value) in conflicts {
        let mut exported = format!("exported_{name}");
        while labels.contains(&exported) {
            exported.insert_str(0, "exported_");
        }
        labels.set(exported, value);
    }
}

/// Checks what a new series must fulfil. An error fails the scrape.
pub(crate) fn check(labels: &Labels, config: &PoolConfig) -> Result<(), ScrapeRefusal> {
    let Some(metric) = labels.get(METRIC_NAME) else {
        return Err(ScrapeRefusal::NoMetricName);
    };
    let names_are_valid = config.name_scheme.allows_metric(metric)
        && labels
            .iter()
            .all(|(name, _)| name == METRIC_NAME || config.name_scheme.allows_label(name));
    if !names_are_valid {
        return Err(ScrapeRefusal::InvalidName(labels.to_string()));
    }
    check_limits(labels, metric, &config.limits).map_err(ScrapeRefusal::LabelLimit)
}

/// The first fifty characters.
fn short(text: &str) -> &str {
    text.char_indices()
        .nth(50)
        .map_or(text, |(end, _)| &text[..end])
}

fn check_limits(labels: &Labels, metric: &str, limits: &Limits) -> Result<(), String> {
    let metric = short(metric);
    if limits.labels > 0 && labels.len() > limits.labels {
        return Err(format!(
            "label_limit exceeded (metric: {metric}, number of labels: {}, limit: {})",
            labels.len(),
            limits.labels
        ));
    }
    if limits.label_name_length == 0 && limits.label_value_length == 0 {
        return Ok(());
    }
    for (name, value) in labels {
        let limit = limits.label_name_length;
        if limit > 0 && name.len() > limit {
            return Err(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {}, length: {}, limit: {limit})",
                short(name),
                name.len()
            ));
        }
        let limit = limits.label_value_length;
        if limit > 0 && value.len() > limit {
            return Err(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {}, value: {}, length: {}, limit: {limit})",
                short(name),
                model::format::go_quote(short(value)),
                value.len()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn conflicts_are_exported_or_honoured() {
        let exposed = labels(&[
            ("__name__", "m"),
            ("job", "own"),
            ("exported_job", "x"),
            ("exported_exported_job", "y"),
        ]);
        let target = labels(&[("job", "node"), ("instance", "i")]);
        let mut config = PoolConfig::new("node");
        assert_eq!(
            series_labels(&exposed, &target, &config)
                .unwrap()
                .to_string(),
            r#"{__name__="m", exported_exported_exported_job="own", exported_exported_job="y", exported_job="x", instance="i", job="node"}"#
        );
        config.honor_labels = true;
        assert_eq!(
            series_labels(&exposed, &target, &config)
                .unwrap()
                .to_string(),
            r#"{__name__="m", exported_exported_job="y", exported_job="x", instance="i", job="own"}"#
        );
    }

    #[test]
    fn limits_and_names() {
        let mut config = PoolConfig::new("node");
        let series = labels(&[("__name__", "m"), ("a.b", "long value")]);
        assert_eq!(check(&series, &config), Ok(()));
        config.limits.label_value_length = 4;
        assert_eq!(
            check(&series, &config).unwrap_err().to_string(),
            r#"label_value_length_limit exceeded (metric: m, label name: a.b, value: "long value", length: 10, limit: 4)"#
        );
        config.limits.labels = 1;
        assert_eq!(
            check(&series, &config).unwrap_err().to_string(),
            "label_limit exceeded (metric: m, number of labels: 2, limit: 1)"
        );
        config.name_scheme = model::name::NameScheme::Legacy;
        assert!(matches!(
            check(&series, &config),
            Err(ScrapeRefusal::InvalidName(_))
        ));
        assert_eq!(
            check(&labels(&[("a", "b")]), &config),
            Err(ScrapeRefusal::NoMetricName)
        );
    }
}
