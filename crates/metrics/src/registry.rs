//! All instruments of the process.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::instrument::{Counter, Gauge, Histogram, Vector};
use crate::page::{Kind, Page};
use crate::summary::Summary;

type Writer = Box<dyn Fn(&mut Page) + Send + Sync>;

/// Hands out instruments and renders them. Cloning shares the registry.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Vec<Writer>>>);

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} writers)", self.0.lock().len())
    }
}

impl Registry {
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `write` add families whenever the page is rendered. It must be quick and take no lock that
    /// is held while a metric is changed.
    pub fn on_render(&self, write: impl Fn(&mut Page) + Send + Sync + 'static) {
        self.0.lock().push(Box::new(write));
    }

    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        let shown = counter.clone();
        self.on_render(move |page| page.sample(Kind::Counter, name, help, &[], shown.get()));
        counter
    }

    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        let gauge = Gauge::default();
        let shown = gauge.clone();
        self.on_render(move |page| page.sample(Kind::Gauge, name, help, &[], shown.get()));
        gauge
    }

    pub fn histogram(&self, name: &'static str, help: &'static str, bounds: &[f64]) -> Histogram {
        let histogram = Histogram::new(bounds);
        let shown = histogram.clone();
        self.on_render(move |page| page.histogram(name, help, &[], &shown));
        histogram
    }

    pub fn counters(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
    ) -> Vector<Counter> {
        let vector = Vector::new(labels, Counter::default());
        let shown = vector.clone();
        self.on_render(move |page| {
            page.family(Kind::Counter, name, help);
            shown.each(|values, counter| {
                page.sample(
                    Kind::Counter,
                    name,
                    help,
                    &pairs(&shown.labels, values),
                    counter.get(),
                )
            });
        });
        vector
    }

    pub fn gauges(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
    ) -> Vector<Gauge> {
        let vector = Vector::new(labels, Gauge::default());
        let shown = vector.clone();
        self.on_render(move |page| {
            page.family(Kind::Gauge, name, help);
            shown.each(|values, gauge| {
                page.sample(
                    Kind::Gauge,
                    name,
                    help,
                    &pairs(&shown.labels, values),
                    gauge.get(),
                )
            });
        });
        vector
    }

    pub fn histograms(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        bounds: &[f64],
    ) -> Vector<Histogram> {
        let vector = Vector::new(labels, Histogram::new(bounds));
        let shown = vector.clone();
        self.on_render(move |page| {
            page.family(Kind::Histogram, name, help);
            shown.each(|values, histogram| {
                page.histogram(name, help, &pairs(&shown.labels, values), histogram)
            });
        });
        vector
    }

    /// Summaries with the quantiles 0.5, 0.9 and 0.99, which are those of the peers.
    pub fn summaries(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
    ) -> Vector<Summary> {
        self.summaries_at(name, help, labels, &[0.5, 0.9, 0.99])
    }

    pub fn summaries_at(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        quantiles: &'static [f64],
    ) -> Vector<Summary> {
        let vector = Vector::new(labels, Summary::default());
        let shown = vector.clone();
        self.on_render(move |page| {
            page.family(Kind::Summary, name, help);
            shown.each(|values, summary| {
                let (quantiles, sum, count) = summary.snapshot(quantiles);
                #[expect(clippy::cast_precision_loss, reason = "a counter is a float")]
                let count = count as f64;
                let labels = pairs(&shown.labels, values);
                page.summary(name, help, &labels, &quantiles, sum, count);
            });
        });
        vector
    }

    /// The page in the text format 0.0.4.
    pub fn render(&self) -> String {
        let mut page = Page::default();
        for write in self.0.lock().iter() {
            write(&mut page);
        }
        page.into_text()
    }
}

fn pairs<'a>(labels: &'a [&'static str], values: &'a [String]) -> Vec<(&'a str, &'a str)> {
    labels
        .iter()
        .zip(values)
        .map(|(label, value)| (*label, value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_show_quantiles_sum_and_count() {
        let registry = Registry::new();
        let seconds = registry.summaries("queries_seconds", "Time.", &["slice"]);
        seconds.with(&["inner"]).observe(2.0);
        let text = registry.render();
        let head = "# HELP queries_seconds Time.\n# TYPE queries_seconds summary\n\
                    queries_seconds{slice=\"inner\",quantile=\"0.5\"} ";
        let tail =
            "queries_seconds_sum{slice=\"inner\"} 2\nqueries_seconds_count{slice=\"inner\"} 1\n";
        assert!(text.starts_with(head) && text.ends_with(tail), "{text}");
    }

    #[test]
    fn renders_the_text_format_in_name_order() {
        let registry = Registry::new();
        let requests = registry.counters("http_requests_total", "Requests.", &["code", "path"]);
        let seconds = registry.histogram("duration_seconds", "How long.", &[0.1, 1.0]);
        registry.gauge("a_gauge", "A\ngauge.").set(1.5e9);
        requests.with(&["200", "/a\"b"]).increment();
        requests.with(&["200", "/a\"b"]).add(2.0);
        for value in [0.05, 0.1, 0.5, 7.0] {
            seconds.observe(value);
        }
        assert_eq!(
            registry.render(),
            "# HELP a_gauge A\\ngauge.\n# TYPE a_gauge gauge\na_gauge 1500000000\n\
             # HELP duration_seconds How long.\n# TYPE duration_seconds histogram\n\
             duration_seconds_bucket{le=\"0.1\"} 2\nduration_seconds_bucket{le=\"1\"} 3\n\
             duration_seconds_bucket{le=\"+Inf\"} 4\nduration_seconds_sum 7.65\nduration_seconds_count 4\n\
             # HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n\
             http_requests_total{code=\"200\",path=\"/a\\\"b\"} 3\n"
        );
    }
}
