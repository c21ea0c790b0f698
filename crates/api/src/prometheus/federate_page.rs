//! The page of federation, part by part, as text or as protobuf.

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint};
use model::{FloatHistogram, Labels, MetricType, Timestamp};
use wire::encode::{FamilyHead, PageWriter, SampleLine};
use wire::encode_proto::{FamilyWriter, MetricHead};
use wire::negotiate::{Escaping, FederationAnswer};

use super::federate::{Newest, NewestValue, printed_labels};

/// Parts are about this long.
const PART_BYTES: usize = 64 << 10;

/// Writes samples in the order of their names.
pub(super) struct Page<'a> {
    external: &'a Labels,
    form: Form,
    /// Of the family that is being written.
    family: Option<(String, MetricType)>,
}

enum Form {
    Text(PageWriter),
    Protobuf {
        escaping: Escaping,
        family: Option<FamilyWriter>,
        done: Vec<u8>,
    },
}

impl<'a> Page<'a> {
    pub(super) fn new(format: FederationAnswer, external: &'a Labels) -> Self {
        Self {
            external,
            form: match format {
                FederationAnswer::Text(answer) => Form::Text(PageWriter::new(answer)),
                FederationAnswer::Protobuf(escaping) => Form::Protobuf {
                    escaping,
                    family: None,
                    done: Vec::new(),
                },
            },
            family: None,
        }
    }

    /// Adds a sample; gives a part of the page once there is enough for one.
    pub(super) fn add(&mut self, newest: &Newest) -> Option<Vec<u8>> {
        let metric_type = match &newest.value {
            NewestValue::Float(_) => MetricType::Unknown,
            NewestValue::Histogram(histogram) => {
                let is_told = !matches!(self.form, Form::Text(_)) || is_custom(histogram);
                if !is_told {
                    return None;
                }
                match histogram.counter_reset_hint {
                    CounterResetHint::Gauge => MetricType::GaugeHistogram,
                    _ => MetricType::Histogram,
                }
            }
        };
        let name = newest.labels.metric_name();
        let is_same = self
            .family
            .as_ref()
            .is_some_and(|(last, last_type)| last == name && *last_type == metric_type);
        // One name can come as several families, which is no valid page, but one that Prometheus reads.
        if !is_same {
            self.start_family(name, metric_type);
        }
        let labels = printed_labels(&newest.labels, self.external);
        match &mut self.form {
            Form::Text(writer) => {
                let lines = Lines {
                    name,
                    labels,
                    time: newest.time,
                };
                match &newest.value {
                    NewestValue::Float(value) => lines.one(writer, name, *value),
                    NewestValue::Histogram(histogram) => lines.histogram(writer, histogram),
                }
                (writer.waiting() >= PART_BYTES).then(|| writer.take().into_bytes())
            }
            Form::Protobuf { family, done, .. } => {
                let head = MetricHead {
                    labels: &labels,
                    time: newest.time,
                };
                if let Some(family) = family {
                    match &newest.value {
                        NewestValue::Float(value) => family.untyped(&head, *value),
                        NewestValue::Histogram(histogram) if is_custom(histogram) => {
                            family.classic(&head, histogram, &classic_buckets(histogram));
                        }
                        NewestValue::Histogram(histogram) => family.native(&head, histogram),
                    }
                }
                (done.len() >= PART_BYTES).then(|| std::mem::take(done))
            }
        }
    }

    fn start_family(&mut self, name: &str, metric_type: MetricType) {
        self.family = Some((name.to_owned(), metric_type));
        match &mut self.form {
            Form::Text(writer) => writer.family(&FamilyHead {
                name,
                metric_type,
                help: "",
                unit: "",
            }),
            Form::Protobuf {
                escaping,
                family,
                done,
            } => {
                let next = FamilyWriter::new(name, metric_type, *escaping);
                if let Some(last) = family.replace(next) {
                    done.append(&mut last.finish());
                }
            }
        }
    }

    /// The rest of the page.
    pub(super) fn finish(self) -> Vec<u8> {
        match self.form {
            Form::Text(writer) => writer.finish().into_bytes(),
            Form::Protobuf {
                family, mut done, ..
            } => {
                if let Some(last) = family {
                    done.append(&mut last.finish());
                }
                done
            }
        }
    }
}

fn is_custom(histogram: &FloatHistogram) -> bool {
    histogram.schema == CUSTOM_BUCKETS_SCHEMA
}

/// The upper bounds of custom buckets with cumulative counts, without the infinite one.
fn classic_buckets(histogram: &FloatHistogram) -> Vec<(f64, f64)> {
    let mut counts = vec![0.0; histogram.custom_values.len()];
    for bucket in histogram.positive_iter() {
        let place = usize::try_from(bucket.index).ok();
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += bucket.count;
        }
    }
    let mut cumulative = 0.0;
    let bounds = histogram.custom_values.iter().zip(counts);
    bounds
        .map(|(bound, count)| {
            cumulative += count;
            (*bound, cumulative)
        })
        .collect()
}

/// The lines of one series in a text page.
struct Lines<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    time: Timestamp,
}

impl Lines<'_> {
    fn one(&self, writer: &mut PageWriter, name: &str, value: f64) {
        self.labelled(writer, name, &self.labels, value);
    }

    fn labelled(&self, writer: &mut PageWriter, name: &str, labels: &[(&str, &str)], value: f64) {
        writer.sample(&SampleLine {
            name,
            labels,
            value,
            time: Some(self.time),
            exemplar: None,
        });
    }

    fn histogram(&self, writer: &mut PageWriter, histogram: &FloatHistogram) {
        let mut buckets = classic_buckets(histogram);
        if histogram.custom_values.last() != Some(&f64::INFINITY) {
            buckets.push((f64::INFINITY, histogram.count));
        }
        let name = format!("{}_bucket", self.name);
        for (bound, count) in buckets {
            let bound = model::format::float_general(bound);
            let mut labels = self.labels.clone();
            labels.push(("le", &bound));
            self.labelled(writer, &name, &labels, count);
        }
        self.one(writer, &format!("{}_sum", self.name), histogram.sum);
        self.one(writer, &format!("{}_count", self.name), histogram.count);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::histogram::BucketSpan;
    use wire::negotiate::negotiate_federation;

    use super::*;

    fn newest(name: &str, value: NewestValue) -> Newest {
        Newest {
            labels: Labels::from_pairs([("__name__", name), ("job", "a")]),
            time: Timestamp(1500),
            value,
        }
    }

    fn histogram(schema: i32) -> NewestValue {
        NewestValue::Histogram(Arc::new(FloatHistogram {
            schema,
            count: 9.0,
            sum: 2.5,
            positive_spans: vec![BucketSpan {
                offset: 1,
                length: 2,
            }],
            positive_buckets: vec![4.0, 5.0],
            custom_values: if schema == CUSTOM_BUCKETS_SCHEMA {
                vec![0.5, 1.0]
            } else {
                Vec::new()
            },
            ..FloatHistogram::default()
        }))
    }

    #[test]
    fn text_has_what_text_can_tell() {
        let external = Labels::from_pairs([("cluster", "c")]);
        let mut page = Page::new(negotiate_federation(""), &external);
        for newest in [
            newest("a.b", NewestValue::Float(1.0)),
            newest("seconds", histogram(3)),
            newest("seconds", histogram(CUSTOM_BUCKETS_SCHEMA)),
            newest("up", NewestValue::Float(f64::NAN)),
            newest("up", NewestValue::Float(0.0)),
        ] {
            assert_eq!(page.add(&newest), None, "too short for a part");
        }
        assert_eq!(
            String::from_utf8(page.finish()).unwrap(),
            "# TYPE a_b untyped\n\
             a_b{job=\"a\",cluster=\"c\",instance=\"\"} 1 1500\n\
             # TYPE seconds histogram\n\
             seconds_bucket{job=\"a\",cluster=\"c\",instance=\"\",le=\"0.5\"} 0 1500\n\
             seconds_bucket{job=\"a\",cluster=\"c\",instance=\"\",le=\"1\"} 4 1500\n\
             seconds_bucket{job=\"a\",cluster=\"c\",instance=\"\",le=\"+Inf\"} 9 1500\n\
             seconds_sum{job=\"a\",cluster=\"c\",instance=\"\"} 2.5 1500\n\
             seconds_count{job=\"a\",cluster=\"c\",instance=\"\"} 9 1500\n\
             # TYPE up untyped\n\
             up{job=\"a\",cluster=\"c\",instance=\"\"} NaN 1500\n\
             up{job=\"a\",cluster=\"c\",instance=\"\"} 0 1500\n"
        );
    }
}
