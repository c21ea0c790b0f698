//! Parts of dates.

use super::go_math;
use super::math::float;
use crate::eval::calendar::Date;

/// `value` is in seconds since the epoch.
pub(crate) fn date_part(value: f64, part: fn(Date) -> i64) -> f64 {
    float(part(Date::from_seconds(go_math::to_i64(value))))
}
