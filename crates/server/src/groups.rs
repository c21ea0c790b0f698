//! From rule files to groups that can be scheduled.

use std::collections::BTreeMap;

use config::prometheus::Global;
use config::rules::{Group, RuleChecks, RuleFile, Text, UnknownFields};
use diag::{Diagnostics, ReasonBook, Source};
use model::{Clock, Pairs};
use promql::{Expr, ParserOptions};
use rules::{AlertingSpec, GroupSpec, GroupView, RecordingSpec, RuleSpec};

use crate::checks;
use crate::rule_stages::stages;

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
            groups(&file, source.name(), global, parser)
        }
        Err(error) => {
            diagnostics.extend(error.diagnostics);
            Vec::new()
        }
    }
}

/// The groups of a rule file of this name, with what they leave open from `global`.
pub fn groups(
    file: &RuleFile,
    name: &str,
    global: &Global,
    parser: &ParserOptions,
) -> Vec<GroupSpec> {
    file.groups
        .iter()
        .map(|group| group_spec(group, name, global, parser))
        .collect()
}

fn group_spec(group: &Group, file: &str, global: &Global, parser: &ParserOptions) -> GroupSpec {
    let interval = group
        .interval
        .filter(|interval| !interval.is_zero())
        .unwrap_or(global.evaluation_interval);
    let exprs: Vec<Option<Expr>> = group
        .rules
        .iter()
        .map(|rule| promql::parse(&rule.expr.text, parser).ok())
        .collect();
    let rules = group.rules.iter().zip(&exprs).map(|(rule, expr)| {
        // As the peer shows and compares it: what is only written in another way is the same rule.
        let written = || rule.expr.text.clone();
        let expr = expr.as_ref().map_or_else(written, ToString::to_string);
        let labels = merged(&[&group.labels, &rule.labels]);
        if rule.is_recording() {
            RuleSpec::Recording(RecordingSpec {
                record: rule.record.text.clone(),
                expr,
                labels,
            })
        } else {
            RuleSpec::Alerting(AlertingSpec {
                alert: rule.alert.text.clone(),
                expr,
                hold: rule.for_duration,
                keep_firing_for: rule.keep_firing_for,
                labels,
                annotations: merged(&[&rule.annotations]),
            })
        }
    });
    let rules: Vec<RuleSpec> = rules.collect();
    GroupSpec {
        name: group.name.text.clone(),
        file: file.to_owned(),
        interval,
        query_offset: group.query_offset.unwrap_or(global.rule_query_offset),
        limit: usize::try_from(group.limit).unwrap_or(0),
        stages: stages(&rules, &exprs),
        rules,
    }
}

/// In order of names; later maps win. Empty values stay: they take labels away.
fn merged(maps: &[&BTreeMap<String, Text>]) -> Pairs {
    let pairs = maps.iter().flat_map(|map| map.iter());
    let merged: BTreeMap<&str, &str> = pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    merged.into_iter().collect()
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
