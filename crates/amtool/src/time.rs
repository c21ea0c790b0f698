//! Times of arguments and answers.

use gotemplate::Time;
use model::Timestamp;

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
const MILLISECONDS: &str = "2006-01-02T15:04:05.000Z07:00";

/// A time that a user gave.
pub(crate) fn read(text: &str) -> Result<Time, String> {
    Time::parse(RFC3339, text).map_err(|error| error.to_string())
}

/// As the API takes and gives times.
pub(crate) fn to_api_text(time: &Time) -> String {
    time.format(MILLISECONDS)
}

/// A time of an answer; what cannot be read is as long ago as can be.
pub(crate) fn of_answer(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap_or(Time::ZERO)
}

pub(crate) fn later(time: &Time, duration: model::Duration) -> Time {
    let nanoseconds = time.unix_nanoseconds() + i128::from(duration.millis()) * 1_000_000;
    Time::from_unix_ns(nanoseconds)
}

pub(crate) fn at(now: Timestamp) -> Time {
    Time::from_unix_ms(now.millis())
}
