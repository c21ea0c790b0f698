//! What code holds and changes: each is an `Arc` around atomics, so changing one never waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::summary::Summary;

/// Only grows. Counts may be fractional (seconds), so it is a float.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn increment(&self) {
        self.add(1.0);
    }

    /// Negative amounts are left out: a counter never falls.
    pub fn add(&self, amount: f64) {
        if amount > 0.0 {
            add_float(&self.0, amount);
        }
    }

    /// For counts of things.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts beyond 2^53 may lose the last digit"
    )]
    pub fn add_count(&self, count: usize) {
        self.add(count as f64);
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub fn add(&self, amount: f64) {
        add_float(&self.0, amount);
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

fn add_float(cell: &AtomicU64, amount: f64) {
    let mut current = cell.load(Ordering::Relaxed);
    loop {
        let next = (f64::from_bits(current) + amount).to_bits();
        match cell.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(actual) => current = actual,
        }
    }
}

/// A classic histogram: cumulative counts per upper bound, sum and count.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<HistogramCells>);

#[derive(Debug)]
struct HistogramCells {
    bounds: Vec<f64>,
    /// One more than bounds: the last is for values above all of them.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    /// `bounds` are upper bounds in ascending order, without infinity.
    pub fn new(bounds: &[f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(HistogramCells {
            bounds: bounds.to_vec(),
            counts,
            sum: AtomicU64::new(0),
        }))
    }

    pub fn observe(&self, value: f64) {
        let at = self.0.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.0.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        add_float(&self.0.sum, value);
    }

    /// Upper bounds with cumulative counts (without infinity), then the total count and the sum.
    pub(crate) fn snapshot(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut total = 0;
        let mut buckets = Vec::with_capacity(self.0.bounds.len());
        for (index, count) in self.0.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            if let Some(bound) = self.0.bounds.get(index) {
                buckets.push((*bound, total));
            }
        }
        (
            buckets,
            total,
            f64::from_bits(self.0.sum.load(Ordering::Relaxed)),
        )
    }
}

/// Instruments of one name, told apart by the values of fixed labels.
#[derive(Clone, Debug)]
pub struct Vector<T> {
    pub(crate) labels: Arc<[&'static str]>,
    members: Arc<Mutex<BTreeMap<Vec<String>, T>>>,
    template: T,
}

impl<T: Clone> Vector<T> {
    pub(crate) fn new(labels: &[&'static str], template: T) -> Self {
        Self {
            labels: labels.into(),
            members: Arc::default(),
            template,
        }
    }

    /// Drops the member with these label values, for things that are gone.
    pub fn remove(&self, values: &[&str]) {
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        self.members.lock().remove(&key);
    }

    /// Keeps only the members whose label values are wanted.
    pub fn retain(&self, mut is_wanted: impl FnMut(&[String]) -> bool) {
        self.members.lock().retain(|values, _| is_wanted(values));
    }

    pub(crate) fn each(&self, mut visit: impl FnMut(&[String], &T)) {
        for (values, member) in self.members.lock().iter() {
            visit(values, member);
        }
    }
}

/// A copy of an instrument that starts at zero.
pub(crate) trait Fresh {
    fn fresh(&self) -> Self;
}

impl Fresh for Counter {
    fn fresh(&self) -> Self {
        Self::default()
    }
}

impl Fresh for Gauge {
    fn fresh(&self) -> Self {
        Self::default()
    }
}

impl Fresh for Histogram {
    fn fresh(&self) -> Self {
        Self::new(&self.0.bounds)
    }
}

impl Fresh for Summary {
    fn fresh(&self) -> Self {
        Self::default()
    }
}

#[expect(
    private_bounds,
    reason = "only the instruments of this module are members of vectors"
)]
impl<T: Clone + Fresh> Vector<T> {
    /// The instrument for these label values (in the order of the label names), made on first use.
    pub fn with(&self, values: &[&str]) -> T {
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        self.members
            .lock()
            .entry(key)
            .or_insert_with(|| self.template.fresh())
            .clone()
    }
}
