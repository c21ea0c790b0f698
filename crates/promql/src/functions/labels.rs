//! `label_replace` and `label_join`.

use model::labels::METRIC_NAME;
use model::pattern::Pattern;

use crate::eval::QueryError;
use crate::eval::column::Series;
use crate::plan::Text;

/// Nested calls could double a value again and again. Nobody has labels of this size.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// `bytes` is what the value cannot be longer than.
fn check_length(bytes: usize, function: &str) -> Result<(), QueryError> {
    if bytes <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(failed(format!(
        "label value is longer than {VALUE_BYTES_MAX} bytes in {function}()"
    )))
}

fn failed(text: String) -> QueryError {
    QueryError::Evaluation(text)
}

/// Sets `destination` to `replacement` (with `$1`, `${name}`) where `pattern` matches all of `source`.
pub(crate) fn label_replace(series: &mut [Series], args: &[&Text]) -> Result<(), QueryError> {
    let &[destination, replacement, source, pattern] = args else {
        return Err(failed("label_replace takes four strings".to_owned()));
    };
    let compiled = Pattern::new(&pattern.value).map_err(|_| {
        failed(format!(
            "invalid regular expression in label_replace(): {}",
            pattern.value
        ))
    })?;
    if !destination.is_label_name() {
        return Err(failed(format!(
            "invalid destination label name in label_replace(): {}",
            destination.value
        )));
    }
    for series in series {
        let value = series.labels.value(&source.value);
        if let Some(captures) = compiled.captures(value) {
            let groups = replacement.value.matches('$').count();
            let bytes = groups.saturating_mul(value.len());
            check_length(
                bytes.saturating_add(replacement.value.len()),
                "label_replace",
            )?;
            let mut replaced = String::new();
            captures.expand(&replacement.value, &mut replaced);
            set(series, &destination.value, replaced);
        }
    }
    Ok(())
}

/// Sets `destination` to the values of the source labels with a separator between.
pub(crate) fn label_join(series: &mut [Series], args: &[&Text]) -> Result<(), QueryError> {
    let [destination, separator, sources @ ..] = args else {
        return Err(failed("label_join takes at least two strings".to_owned()));
    };
    if let Some(source) = sources.iter().find(|source| !source.is_label_name()) {
        return Err(failed(format!(
            "invalid source label name in label_join(): {}",
            source.value
        )));
    }
    if !destination.is_label_name() {
        return Err(failed(format!(
            "invalid destination label name in label_join(): {}",
            destination.value
        )));
    }
    for series in series {
        let values: Vec<&str> = sources
            .iter()
            .map(|source| series.labels.value(&source.value))
            .collect();
        let bytes = values
            .iter()
            .map(|value| value.len() + separator.value.len());
        check_length(bytes.sum(), "label_join")?;
        let joined = values.join(&separator.value);
        set(series, &destination.value, joined);
    }
    Ok(())
}

fn set(series: &mut Series, name: &str, value: String) {
    let mut builder = series.labels.to_builder();
    builder.set(name, value);
    series.labels = builder.build();
    if name == METRIC_NAME {
        // The user gave the series a name: it stays.
        series.drop_name = false;
    }
}
