//! What is checked of a native histogram before it is stored, as the peer does.

use std::sync::Arc;

use model::histogram::CUSTOM_BUCKETS_SCHEMA;
use model::storage::HistogramSample;
use model::{FloatHistogram, Histogram};

/// The finest resolution that is stored.
const SCHEMA_MAX: i32 = 8;
/// Finer ones, up to here, are taken and made coarser.
const SCHEMA_RESERVED_MAX: i32 = 52;

/// The histogram as it can be stored, or what is wrong with it.
pub(crate) fn checked(sample: HistogramSample) -> Result<HistogramSample, String> {
    match sample {
        HistogramSample::Integer(histogram) => {
            let float = histogram.to_float();
            if is_too_fine(histogram.schema) {
                // Checked before, as spans must be good to be merged.
                let stored = FloatHistogram {
                    schema: SCHEMA_MAX,
                    ..float.clone()
                };
                validate_integer(&histogram, &stored)?;
                return Ok(HistogramSample::Integer(Arc::new(coarser(
                    &histogram, float,
                ))));
            }
            validate_integer(&histogram, &float)?;
            Ok(HistogramSample::Integer(histogram))
        }
        HistogramSample::Float(mut histogram) => {
            if is_too_fine(histogram.schema) {
                let inner = Arc::make_mut(&mut histogram);
                let schema = std::mem::replace(&mut inner.schema, SCHEMA_MAX);
                inner.validate().map_err(|error| error.to_string())?;
                inner.schema = schema;
                inner.reduce_resolution(SCHEMA_MAX);
            }
            histogram.validate().map_err(|error| error.to_string())?;
            Ok(HistogramSample::Float(histogram))
        }
    }
}

fn is_too_fine(schema: i32) -> bool {
    (SCHEMA_MAX + 1..=SCHEMA_RESERVED_MAX).contains(&schema)
}

/// What floats have to fulfil, and that the counts add up.
fn validate_integer(histogram: &Histogram, float: &FloatHistogram) -> Result<(), String> {
    float.validate().map_err(|error| error.to_string())?;
    let side = |deltas: &[i64]| {
        let counts = deltas.iter().scan(0i64, |count, delta| {
            *count = count.wrapping_add(*delta);
            Some(count.cast_unsigned())
        });
        counts.fold(0u64, u64::wrapping_add)
    };
    let negative = if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        0
    } else {
        side(&histogram.negative_deltas)
    };
    let found = side(&histogram.positive_deltas)
        .wrapping_add(negative)
        .wrapping_add(histogram.zero_count);
    let count = histogram.count;
    let rule = if histogram.sum.is_nan() && found > count {
        "histogram's observation count should be at least the number of observations found in the buckets"
    } else if !histogram.sum.is_nan() && found != count {
        "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    } else {
        return Ok(());
    };
    Err(format!(
        "{found} observations found in buckets, but the Count field is {count}: {rule}"
    ))
}

/// Made coarser as floats, which hold counts up to 2^53 exactly.
fn coarser(histogram: &Histogram, mut float: FloatHistogram) -> Histogram {
    float.reduce_resolution(SCHEMA_MAX);
    let deltas = |counts: &[f64]| {
        let mut before = 0i64;
        let delta = |count: &f64| {
            #[expect(clippy::cast_possible_truncation, reason = "a sum of whole counts")]
            let count = *count as i64;
            let delta = count.wrapping_sub(before);
            before = count;
            delta
        };
        counts.iter().map(delta).collect()
    };
    Histogram {
        schema: SCHEMA_MAX,
        positive_deltas: deltas(&float.positive_buckets),
        negative_deltas: deltas(&float.negative_buckets),
        positive_spans: float.positive_spans,
        negative_spans: float.negative_spans,
        ..histogram.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::histogram::BucketSpan;

    use super::*;

    fn integer(schema: i32) -> Histogram {
        Histogram {
            schema,
            count: 6,
            sum: 1.0,
            positive_spans: vec![BucketSpan {
                offset: 1,
                length: 3,
            }],
            positive_deltas: vec![1, 1, 1],
            ..Histogram::default()
        }
    }

    fn check(histogram: Histogram) -> Result<HistogramSample, String> {
        checked(HistogramSample::Integer(Arc::new(histogram)))
    }

    #[test]
    fn what_the_peer_refuses() {
        assert!(check(integer(3)).is_ok());
        assert_eq!(
            check(Histogram {
                count: 7,
                ..integer(3)
            }),
            Err("6 observations found in buckets, but the Count field is 7: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)".to_owned())
        );
        assert!(
            check(Histogram {
                count: 7,
                sum: f64::NAN,
                ..integer(3)
            })
            .is_ok()
        );
        let short = Histogram {
            positive_deltas: vec![6],
            ..integer(3)
        };
        assert!(check(short).unwrap_err().starts_with("positive side: "));
        assert!(check(integer(-5)).is_err() && check(integer(53)).is_err());
        let wide = Histogram {
            positive_spans: vec![BucketSpan {
                offset: i32::MAX,
                length: u32::MAX,
            }],
            ..integer(40)
        };
        assert!(check(wide).is_err());
    }

    #[test]
    fn too_fine_ones_are_made_coarser() {
        let Ok(HistogramSample::Integer(stored)) = check(integer(9)) else {
            panic!("refused");
        };
        // Buckets 1, 2 and 3 of schema 9 are 1, 1 and 2 of schema 8.
        assert_eq!((stored.schema, &*stored.positive_deltas), (8, &[3, 0][..]));
        let float = HistogramSample::Float(Arc::new(integer(9).to_float()));
        let Ok(HistogramSample::Float(stored)) = checked(float) else {
            panic!("refused");
        };
        assert_eq!(
            (stored.schema, &*stored.positive_buckets),
            (8, &[3.0, 3.0][..])
        );
    }
}
