//! Queries for rules and templates: the local engine as a [`rules::QuerySource`].

use std::sync::Arc;

use model::Timestamp;
use model::storage::SeriesReader;
use promql::{Engine, EngineOptions, Expression, ParserOptions, QueryValue};
use rules::environment::ResultSample;

/// Evaluates on the caller's thread, which is the rule group's own.
#[derive(Clone)]
pub(crate) struct LocalQueries {
    pub(crate) reader: Arc<dyn SeriesReader>,
    pub(crate) options: EngineOptions,
    pub(crate) parser: ParserOptions,
}

impl rules::QuerySource for LocalQueries {
    fn instant(&self, expr: &str, time: Timestamp) -> Result<Vec<ResultSample>, String> {
        let parsed = promql::parse(expr, &self.parser).map_err(|errors| errors.to_string())?;
        let query = Expression {
            text: expr,
            expr: &parsed,
        };
        let result = Engine::new(self.options.clone())
            .instant(&*self.reader, query, time)
            .map_err(|error| error.to_string())?;
        match result.value {
            QueryValue::Vector(samples) => Ok(samples
                .into_iter()
                .map(|sample| ResultSample {
                    labels: sample.labels,
                    value: match sample.histogram {
                        Some(histogram) => model::Value::Histogram(histogram),
                        None => model::Value::Float(sample.value),
                    },
                })
                .collect()),
            QueryValue::Scalar { value, .. } => Ok(vec![ResultSample {
                labels: model::Labels::empty(),
                value: model::Value::Float(value),
            }]),
            QueryValue::String { .. } | QueryValue::Matrix(_) => {
                Err("rule result is not a vector or scalar".to_owned())
            }
        }
    }
}
