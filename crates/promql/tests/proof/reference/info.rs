//! `info`: adds the labels of info series to the series that they describe, those with the same `instance`
//! and `job`.

use std::collections::BTreeSet;

use model::{Labels, MatchOp, Matcher};
use promql::ast::{Call, Expr};

use super::eval::{Buckets, Reference};
use super::steps::Steps;
use super::value::{Element, Failure, Outcome, Series, Stored, at};

const IDENTIFYING: [&str; 2] = ["instance", "job"];
const NAME: &str = "__name__";

impl Reference<'_> {
    pub(crate) fn info(&self, call: &Call, steps: Steps, buckets: Buckets) -> Outcome<Vec<Series>> {
        let base = self.vector(&call.args[0], steps, buckets)?;
        let matchers: &[Matcher] = match call.args.get(1) {
            Some(Expr::Vector(selector)) => &selector.matchers,
            _ => &[],
        };
        let names = name_matchers(matchers);
        let data: Vec<&Matcher> = matchers.iter().filter(|m| m.name() != NAME).collect();
        let is_info = |labels: &Labels| names.iter().all(|m| m.matches_labels(labels));

        // Info series are looked for only among those that share an identity with a series.
        let described = || base.iter().filter(|series| !is_info(&series.labels));
        let mut has_identity = false;
        let mut infos: Vec<&Stored> = self.data.iter().filter(|s| is_info(&s.labels)).collect();
        infos.retain(|stored| data.iter().all(|m| m.matches_labels(&stored.labels)));
        for label in IDENTIFYING {
            let values: BTreeSet<&str> = described()
                .filter_map(|series| series.labels.get(label))
                .collect();
            if !values.is_empty() {
                has_identity = true;
                infos.retain(|stored| values.contains(stored.labels.value(label)));
            }
        }
        if !has_identity {
            infos.clear();
        }
        let (fixed, offset) = self.first_selector(&call.args[0]).unwrap_or((None, 0));
        for stored in &infos {
            for time in steps.times() {
                let sample = self.newest(stored, fixed.unwrap_or(time) - offset);
                if sample.is_some_and(|sample| sample.point.float().is_none()) {
                    return Err(Failure::new("an info metric with a histogram"));
                }
            }
        }

        let mut series = self.per_step(steps, |time| {
            let looked_at = fixed.unwrap_or(time) - offset;
            let elements = at(&base, time);
            if elements.is_empty() {
                return Ok(Vec::new());
            }
            let newest = self.newest_infos(&infos, looked_at)?;
            let mut result = Vec::new();
            for (labels, point) in elements {
                if is_info(&labels) {
                    result.push((labels, point));
                    continue;
                }
                if let Some(labels) = enriched(&labels, &newest, &data)? {
                    result.push((labels, point));
                }
            }
            Ok::<Vec<Element>, Failure>(result)
        })?;
        self.order(&mut series);
        Ok(series)
    }

    /// Of each name and identity the info series with the newest sample.
    fn newest_infos<'s>(&self, infos: &[&'s Stored], time: i64) -> Outcome<Vec<&'s Labels>> {
        let mut newest: Vec<(&Labels, i64)> = Vec::new();
        for stored in infos {
            let Some(sample) = self.newest(stored, time) else {
                continue;
            };
            let key = |labels: &Labels| labels.keep(&[NAME, IDENTIFYING[0], IDENTIFYING[1]]);
            let known = newest
                .iter_mut()
                .find(|(labels, _)| key(labels) == key(&stored.labels));
            match known {
                None => newest.push((&stored.labels, sample.time)),
                Some((_, known)) if *known == sample.time => {
                    return Err(Failure::new("found duplicate series for info metric"));
                }
                Some(known) if known.1 < sample.time => *known = (&stored.labels, sample.time),
                Some(_) => {}
            }
        }
        Ok(newest.into_iter().map(|(labels, _)| labels).collect())
    }

    /// Info series are taken at the time that the first selector looks at: its `@`, else that of the
    /// subqueries around it, with the offsets up to there.
    fn first_selector(&self, expr: &Expr) -> Option<(Option<i64>, i64)> {
        match expr {
            Expr::Vector(selector) => {
                Some((self.fixed_time(selector.at), self.offset(&selector.offset)))
            }
            Expr::Matrix(matrix) => {
                let selector = &matrix.selector;
                Some((self.fixed_time(selector.at), self.offset(&selector.offset)))
            }
            Expr::Subquery(subquery) => {
                let (fixed, offset) = self.first_selector(&subquery.expr)?;
                if fixed.is_some() {
                    return Some((fixed, offset));
                }
                let offset = offset + self.offset(&subquery.offset);
                Some((self.fixed_time(subquery.at), offset))
            }
            // The aggregated expression comes before the parameter.
            Expr::Aggregate(aggregate) => self
                .first_selector(&aggregate.expr)
                .or_else(|| self.first_selector(aggregate.param.as_ref()?)),
            _ => expr.children().find_map(|child| self.first_selector(child)),
        }
    }
}

/// Which series are info series: by default `target_info`; with exclusions only, what ends in `_info`.
fn name_matchers(matchers: &[Matcher]) -> Vec<Matcher> {
    let mut names: Vec<Matcher> = matchers
        .iter()
        .filter(|matcher| matcher.name() == NAME)
        .cloned()
        .collect();
    if names.is_empty() {
        return vec![Matcher::equal(NAME, "target_info")];
    }
    let includes = |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex);
    if !names.iter().any(includes) {
        let by_convention = Matcher::new(MatchOp::Regex, NAME, ".+_info");
        names.push(by_convention.expect("a valid pattern"));
    }
    names
}

/// The labels with those of the info series added; none if the matchers want an info series and there is
/// none.
fn enriched(labels: &Labels, newest: &[&Labels], data: &[&Matcher]) -> Outcome<Option<Labels>> {
    let describing = newest
        .iter()
        .filter(|info| info.keep(&IDENTIFYING) == labels.keep(&IDENTIFYING));
    let mut added = Labels::empty().to_builder();
    let mut is_described = false;
    for info in describing {
        is_described = true;
        for (name, value) in info.iter() {
            let is_wanted = data.is_empty() || data.iter().any(|m| m.name() == name);
            if name == NAME || !is_wanted {
                continue;
            }
            if !added.get(name).is_empty() && added.get(name) != value {
                return Err(Failure::new(format!("conflicting label: {name}")));
            }
            if !labels.contains(name) {
                added.set(name, value);
            }
        }
    }
    if !is_described && !data.iter().all(|matcher| matcher.matches_empty()) {
        return Ok(None);
    }
    let mut builder = labels.to_builder();
    for (name, value) in added.iter() {
        builder.set(name, value);
    }
    Ok(Some(builder.build()))
}
