//! Aggregations that pick elements: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::collections::BTreeMap;

use model::Labels;
use promql::ast::{Aggregate, AggregateOp};

use super::aggregate::groups;
use super::eval::Reference;
use super::instant::{go_max, go_min};
use super::steps::Steps;
use super::value::{Element, Failure, Outcome, Series, at};

impl Reference<'_> {
    pub(crate) fn choose(
        &self,
        aggregate: &Aggregate,
        params: &BTreeMap<i64, f64>,
        input: &[Series],
        steps: Steps,
    ) -> Outcome<Vec<Series>> {
        let largest = params.values().copied().fold(-f64::MAX, go_max);
        let smallest = params.values().copied().fold(f64::MAX, go_min);
        let has_nan = params.values().any(|param| param.is_nan());
        if aggregate.op == AggregateOp::LimitRatio {
            if largest == 0.0 && smallest == 0.0 {
                return Ok(Vec::new());
            }
        } else {
            if largest < 1.0 {
                return Ok(Vec::new());
            }
            const LIMIT: f64 = 9_223_372_036_854_775_807.0;
            if smallest <= -LIMIT || largest >= LIMIT {
                return Err(Failure::new("the parameter is no 64-bit integer"));
            }
        }
        if has_nan {
            return Err(Failure::new("the parameter is NaN"));
        }
        let groups = groups(input, aggregate);
        self.per_step(steps, |time| {
            let param = params[&time];
            let mut result = Vec::new();
            for (_, members) in &groups {
                let members = at(members, time);
                result.extend(match aggregate.op {
                    AggregateOp::LimitRatio => sampled(members, param),
                    AggregateOp::Limitk => {
                        members.into_iter().take(param.max(0.0) as usize).collect()
                    }
                    _ => {
                        let is_top = aggregate.op == AggregateOp::Topk;
                        let k = (param.max(0.0) as usize).min(input.len());
                        strongest(members, k, is_top)
                    }
                });
            }
            Ok(result)
        })
    }
}

/// A share of the series that depends on their labels only; a negative one is what `1 + ratio` leaves.
fn sampled(members: Vec<Element>, ratio: f64) -> Vec<Element> {
    let ratio = ratio.clamp(-1.0, 1.0);
    let is_picked = |(labels, _): &Element| {
        let offset = offset(labels);
        if ratio >= 0.0 {
            ratio != 0.0 && offset < ratio
        } else {
            offset >= 1.0 + ratio
        }
    };
    members.into_iter().filter(is_picked).collect()
}

/// The label hash of Prometheus' default build, as a part of the largest one: xxhash over every name and
/// value with its length before it: one byte, or 255 and three bytes.
fn offset(labels: &Labels) -> f64 {
    let mut bytes = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        if text.len() < 255 {
            bytes.push(text.len() as u8);
        } else {
            bytes.push(255);
            bytes.extend_from_slice(&text.len().to_le_bytes()[..3]);
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    twox_hash::XxHash64::oneshot(0, &bytes) as f64 / u64::MAX as f64
}

/// The `k` largest (or smallest) floats, the strongest first. Which of equal ones are kept follows from a
/// heap with the weakest one on top, as Prometheus has it.
fn strongest(members: Vec<Element>, k: usize, is_top: bool) -> Vec<Element> {
    if k == 0 {
        return Vec::new();
    }
    let value = |element: &Element| element.1.float().unwrap_or(f64::NAN);
    let is_weaker = |a: &Element, b: &Element| {
        let (a, b) = (value(a), value(b));
        a.is_nan() || if is_top { a < b } else { a > b }
    };
    let mut heap: Vec<Element> = Vec::new();
    for member in members.into_iter().filter(|(_, p)| p.float().is_some()) {
        if heap.len() < k {
            heap.push(member);
            sift_up(&mut heap, is_weaker);
            continue;
        }
        let (weakest, candidate) = (value(&heap[0]), value(&member));
        let is_stronger = if is_top {
            weakest < candidate
        } else {
            weakest > candidate
        };
        if is_stronger || weakest.is_nan() && !candidate.is_nan() {
            heap[0] = member;
            sift_down(&mut heap, is_weaker);
        }
    }
    heap.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        let by_value = a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal);
        let by_value = if is_top { by_value.reverse() } else { by_value };
        a.is_nan().cmp(&b.is_nan()).then(by_value)
    });
    heap
}

fn sift_up<T>(heap: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    let mut child = heap.len() - 1;
    while child > 0 {
        let parent = (child - 1) / 2;
        if !is_less(&heap[child], &heap[parent]) {
            break;
        }
        heap.swap(child, parent);
        child = parent;
    }
}

fn sift_down<T>(heap: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    let mut parent = 0;
    loop {
        let left = 2 * parent + 1;
        if left >= heap.len() {
            return;
        }
        let right = left + 1;
        let is_right = right < heap.len() && is_less(&heap[right], &heap[left]);
        let child = if is_right { right } else { left };
        if !is_less(&heap[child], &heap[parent]) {
            return;
        }
        heap.swap(child, parent);
        parent = child;
    }
}
