//! Operators between two instant vectors at one time.

use std::collections::HashSet;

use model::Labels;
use promql::ast::{Binary, BinaryOp, Cardinality, VectorMatching};

use super::binary::{changes_meaning, combine, truth};
use super::value::{Element, Failure, Outcome, Point, without_metadata};

/// What must be equal for two elements to meet.
fn signature(labels: &Labels, matching: &VectorMatching) -> Labels {
    if matching.is_on {
        labels.keep(&matching.labels)
    } else {
        labels.drop(&matching.labels)
    }
}

pub(crate) fn matched(
    binary: &Binary,
    lhs: Vec<Element>,
    rhs: Vec<Element>,
) -> Outcome<Vec<Element>> {
    let Some(matching) = &binary.matching else {
        return Err(Failure::new("no matching between vectors"));
    };
    if binary.op.is_set() {
        return Ok(set_operation(binary.op, matching, lhs, rhs));
    }
    let has_fill = matching.fill.lhs.is_some() || matching.fill.rhs.is_some();
    if lhs.is_empty() && rhs.is_empty() || (lhs.is_empty() || rhs.is_empty()) && !has_fill {
        return Ok(Vec::new());
    }
    Match::new(binary, matching).evaluate(lhs, rhs)
}

fn set_operation(
    op: BinaryOp,
    matching: &VectorMatching,
    lhs: Vec<Element>,
    rhs: Vec<Element>,
) -> Vec<Element> {
    let signatures = |side: &[Element]| -> HashSet<Labels> {
        let signature = |(labels, _): &Element| signature(labels, matching);
        side.iter().map(signature).collect()
    };
    let (in_lhs, in_rhs) = (signatures(&lhs), signatures(&rhs));
    let in_rhs = |(labels, _): &Element| in_rhs.contains(&signature(labels, matching));
    let in_lhs = |(labels, _): &Element| in_lhs.contains(&signature(labels, matching));
    match op {
        BinaryOp::And => lhs.into_iter().filter(in_rhs).collect(),
        BinaryOp::Unless => lhs.into_iter().filter(|one| !in_rhs(one)).collect(),
        _ => {
            let more = rhs.into_iter().filter(|one| !in_lhs(one));
            let more: Vec<Element> = more.collect();
            lhs.into_iter().chain(more).collect()
        }
    }
}

struct Match<'a> {
    binary: &'a Binary,
    matching: &'a VectorMatching,
    result: Vec<Element>,
    /// The signatures that had a pair, and with grouping the labels of each result.
    paired: HashSet<Labels>,
    results_of: HashSet<(Labels, Labels)>,
}

impl<'a> Match<'a> {
    fn new(binary: &'a Binary, matching: &'a VectorMatching) -> Self {
        Self {
            binary,
            matching,
            result: Vec::new(),
            paired: HashSet::new(),
            results_of: HashSet::new(),
        }
    }

    fn is_swapped(&self) -> bool {
        self.matching.cardinality == Cardinality::OneToMany
    }

    fn evaluate(mut self, lhs: Vec<Element>, rhs: Vec<Element>) -> Outcome<Vec<Element>> {
        // From here on the right side is the one with one element per signature.
        let (many, one) = if self.is_swapped() {
            (rhs, lhs)
        } else {
            (lhs, rhs)
        };
        let matching = self.matching;
        let mut seen = HashSet::new();
        for (labels, _) in &one {
            if !seen.insert(signature(labels, matching)) {
                return Err(Failure::new("found duplicate series for the match group"));
            }
        }
        // Fill values belong to the sides as written, Prometheus takes them after the exchange.
        let (fill_many, fill_one) = (matching.fill.lhs, matching.fill.rhs);
        for (labels, point) in &many {
            let shared = signature(labels, matching);
            let other = one
                .iter()
                .find(|(other, _)| signature(other, matching) == shared);
            match (other, fill_one) {
                (Some(other), _) => self.pair(&shared, (labels, point), (&other.0, &other.1))?,
                (None, Some(fill)) => {
                    self.pair(&shared, (labels, point), (&shared, &Point::Float(fill)))?;
                }
                (None, None) => {}
            }
        }
        if let Some(fill) = fill_many {
            for (labels, point) in &one {
                let shared = signature(labels, matching);
                if !self.paired.contains(&shared) {
                    self.pair(&shared, (&shared, &Point::Float(fill)), (labels, point))?;
                }
            }
        }
        Ok(self.result)
    }

    fn pair(
        &mut self,
        shared: &Labels,
        many: (&Labels, &Point),
        one: (&Labels, &Point),
    ) -> Outcome<()> {
        let combined = if self.is_swapped() {
            combine(self.binary.op, one.1, many.1)
        } else {
            combine(self.binary.op, many.1, one.1)
        };
        let Some(combined) = combined else {
            return Ok(());
        };
        let labels = self.labels(many.0, one.0);
        let is_first = self.paired.insert(shared.clone());
        if self.matching.cardinality == Cardinality::OneToOne {
            if !is_first {
                return Err(Failure::new("many-to-one matching must be explicit"));
            }
        } else if !self.results_of.insert((shared.clone(), labels.clone())) {
            return Err(Failure::new("grouping labels must ensure unique matches"));
        }
        if self.binary.returns_bool {
            self.result.push((labels, truth(combined.passes)));
        } else if combined.passes {
            self.result.push((labels, combined.point));
        }
        Ok(())
    }

    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let drops_name = changes_meaning(self.binary.op) || self.binary.returns_bool;
        let mut labels = if drops_name {
            without_metadata(many)
        } else {
            many.clone()
        };
        let named = &self.matching.labels;
        if self.matching.cardinality == Cardinality::OneToOne {
            labels = labels
                .filtered(|name| named.iter().any(|label| label == name) == self.matching.is_on);
        }
        let mut builder = labels.to_builder();
        for name in &self.matching.include {
            builder.set(name.as_str(), one.value(name));
        }
        builder.build()
    }
}
