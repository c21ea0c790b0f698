//! Series that ended up with equal labels.

use std::collections::HashMap;

use model::Labels;

use super::column::Series;
use super::error::QueryError;

/// Joins series with equal labels into one, at the place of the first; two points at one step are an
/// error.
pub(crate) fn merge_same_labels(series: Vec<Series>) -> Result<Vec<Series>, QueryError> {
    if series.len() < 2 {
        return Ok(series);
    }
    let mut merged: Vec<Series> = Vec::with_capacity(series.len());
    let mut by_labels: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    for series in series {
        match by_labels.get(&series.labels) {
            Some(at) => {
                if let Some(known) = merged.get_mut(*at) {
                    // Whether the name goes is decided by the series that comes first in time.
                    let first = |series: &Series| series.column.points().next().map(|p| p.0);
                    if first(&series) < first(known) {
                        known.drop_name = series.drop_name;
                    }
                    if !known.column.fill_from(&series.column) {
                        return Err(QueryError::same_labelset());
                    }
                }
            }
            None => {
                by_labels.insert(series.labels.clone(), merged.len());
                merged.push(series);
            }
        }
    }
    Ok(merged)
}
