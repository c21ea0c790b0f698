//! Small float functions.

/// -1, 0 or 1; zero and NaN stay as they are.
pub(crate) fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// The nearest multiple, halves up.
pub(crate) fn round_to(value: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// The seconds of a time in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "seconds as the peers' float")]
pub(crate) fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// A count or a difference of times as a float.
#[expect(clippy::cast_precision_loss, reason = "as the peers do")]
pub(crate) fn float(value: i64) -> f64 {
    value as f64
}

/// A number of elements as a float.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(crate) fn count(value: usize) -> f64 {
    value as f64
}
