//! Expanding the templates of labels and annotations.

use std::sync::Arc;

use gotemplate::data::prometheus::{AlertData, Sample};
use gotemplate::functions::prometheus::{Context, Query, RULE_PREAMBLE, expand};
use model::pairs::Packed;
use model::{FloatHistogram, Labels, Pairs, Timestamp, Value};

use crate::environment::{Environment, QuerySource};

/// What the templates of one alert see.
pub(crate) struct Expander<'a> {
    alert_name: &'a str,
    environment: &'a Environment,
    time: Timestamp,
    data: gotemplate::Value,
}

impl<'a> Expander<'a> {
    pub(crate) fn new(
        alert_name: &'a str,
        environment: &'a Environment,
        time: Timestamp,
        sample: (&Labels, &Value),
    ) -> Self {
        let (labels, value) = sample;
        let settings = &environment.settings;
        let data = AlertData {
            labels: labels.to_map(),
            external_labels: settings.external_labels.to_map(),
            external_url: settings.external_url.clone(),
            value: template_value(value),
        };
        Self {
            alert_name,
            environment,
            time,
            data: data.into_value(),
        }
    }

    /// The text with its templates expanded. A template that fails leaves its error in the text, as the
    /// peer does: the alert is more important than its wording.
    pub(crate) fn text(&self, text: &str) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let settings = &self.environment.settings;
        let context = Context {
            name: format!("__alert_{}", self.alert_name),
            time_ms: self.time.millis(),
            external_url: settings.has_page.then(|| settings.external_url.clone()),
            query: Arc::new(TemplateQuery {
                queries: Arc::clone(&self.environment.queries),
                time: self.time,
            }),
            options: gotemplate::Options::default(),
        };
        match expand(&format!("{RULE_PREAMBLE}{text}"), &self.data, &context) {
            Ok(expanded) => expanded,
            Err(error) => {
                tracing::warn!(alert = self.alert_name, %error, "expanding a template failed");
                format!("<error expanding template: {error}>")
            }
        }
    }

    /// All values expanded. Those that become empty stay, as in the peer: receivers see that a text was meant.
    pub(crate) fn annotations(&self, templates: &Pairs) -> Pairs {
        let mut expanded = Packed::default();
        for (name, text) in templates {
            expanded.push(name, &self.text(text));
        }
        expanded.build()
    }
}

/// A float, or a native histogram, which is no number and prints as its text.
pub(crate) fn template_value(value: &Value) -> gotemplate::Value {
    match value {
        Value::Float(value) => gotemplate::Value::Float(*value),
        Value::Histogram(histogram) => {
            gotemplate::Value::object(HistogramObject(Arc::clone(histogram)))
        }
    }
}

#[derive(Debug)]
struct HistogramObject(Arc<FloatHistogram>);

impl gotemplate::Object for HistogramObject {
    fn type_name(&self) -> &str {
        "*histogram.FloatHistogram"
    }

    fn fields(&self) -> Vec<gotemplate::Field> {
        let histogram = &*self.0;
        let field = |name, value| gotemplate::Field {
            name,
            json: name,
            value: gotemplate::Value::Float(value),
        };
        vec![
            field("ZeroThreshold", histogram.zero_threshold),
            field("ZeroCount", histogram.zero_count),
            field("Count", histogram.count),
            field("Sum", histogram.sum),
        ]
    }

    fn display(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

struct TemplateQuery {
    queries: Arc<dyn QuerySource>,
    time: Timestamp,
}

impl std::fmt::Debug for TemplateQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TemplateQuery(at {})", self.time.millis())
    }
}

impl Query for TemplateQuery {
    fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        let samples = self.queries.instant(expression, self.time)?;
        let sample = |sample: crate::environment::ResultSample| Sample {
            labels: sample.labels.to_map(),
            value: template_value(&sample.value),
        };
        Ok(samples.into_iter().map(sample).collect())
    }
}
