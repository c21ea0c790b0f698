//! From rule files to groups that can be scheduled.

use config::prometheus::Global;
use config::rules::{Group, RuleChecks, RuleFile, Text, UnknownFields};
use diag::{Diagnostics, ReasonBook, Source};
use model::{Clock, Labels, LabelsBuilder};
use promql::ParserOptions;
use rules::{AlertingSpec, GroupSpec, GroupView, RecordingSpec, RuleSpec};

use crate::checks;

/// Reads one rule file. Problems go to `diagnostics`; a file with errors gives no groups.
pub(crate) fn read(
    source: &Source,
    global: &Global,
    parser: &ParserOptions,
    diagnostics: &mut Diagnostics,
) -> Vec<GroupSpec> {
    let checks = RuleChecks {
        names: global.name_scheme(),
        unknown_fields: UnknownFields::Refused,
        expression: &|text| checks::expression(text, parser),
        template: &checks::template,
    };
    match config::rules::load(source, &checks) {
        Ok((file, warnings)) => {
            diagnostics.extend(warnings);
            groups(&file, source.name(), global)
        }
        Err(error) => {
            diagnostics.extend(error.diagnostics);
            Vec::new()
        }
    }
}

/// The groups of a rule file of this name, with what they leave open from `global`.
pub fn groups(file: &RuleFile, name: &str, global: &Global) -> Vec<GroupSpec> {
    file.groups
        .iter()
        .map(|group| group_spec(group, name, global))
        .collect()
}

fn group_spec(group: &Group, file: &str, global: &Global) -> GroupSpec {
    let interval = group
        .interval
        .filter(|interval| !interval.is_zero())
        .unwrap_or(global.evaluation_interval);
    let rules = group.rules.iter().map(|rule| {
        let labels = merged(&[&group.labels, &rule.labels]);
        if rule.is_recording() {
            RuleSpec::Recording(RecordingSpec {
                record: rule.record.text.clone(),
                expr: rule.expr.text.clone(),
                labels,
            })
        } else {
            RuleSpec::Alerting(AlertingSpec {
                alert: rule.alert.text.clone(),
                expr: rule.expr.text.clone(),
                hold: rule.for_duration,
                keep_firing_for: rule.keep_firing_for,
                labels,
                annotations: merged(&[&rule.annotations]),
            })
        }
    });
    GroupSpec {
        name: group.name.text.clone(),
        file: file.to_owned(),
        interval,
        query_offset: group.query_offset.unwrap_or(global.rule_query_offset),
        limit: usize::try_from(group.limit).unwrap_or(0),
        rules: rules.collect(),
    }
}

/// Later maps win.
fn merged(maps: &[&std::collections::BTreeMap<String, Text>]) -> Labels {
    let mut labels = LabelsBuilder::new();
    for (name, value) in maps.iter().flat_map(|map| map.iter()) {
        labels.set(name, &value.text);
    }
    labels.build()
}

/// Failed rules, with the reasons of everything else.
pub(crate) fn record_refusals(view: &GroupView, reasons: &ReasonBook, clock: &dyn Clock) {
    for rule in &view.rules {
        if let Some(refusal) = &rule.refusal {
            let group = &view.spec;
            let subject = format!(
                "rule {} of group {} in {}",
                rule.spec.name(),
                group.name,
                group.file
            );
            reasons.record(clock.now().millis(), &subject, refusal);
        }
    }
}
