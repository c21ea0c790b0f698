//! Times and durations in parameters and answers.

use model::{Duration, Timestamp};

/// Float seconds since the epoch, or RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Timestamp::from_seconds(seconds));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(time.as_millisecond()));
    }
    match text {
        // What clients send for "from the beginning" and "to the end" (Go's minimum and maximum).
        "-292273086-05-16T16:47:06Z" => Ok(Timestamp(i64::MIN / 1000)),
        "292277025-08-18T07:12:54.999999999Z" => Ok(Timestamp(i64::MAX / 1000)),
        _ => Err(format!("cannot parse \"{text}\" to a valid timestamp")),
    }
}

/// Float seconds, or `5m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = seconds * 1000.0;
        #[expect(clippy::cast_precision_loss, reason = "only the magnitude matters")]
        let largest = i64::MAX as f64 / 1e6;
        if millis.is_nan() || millis.abs() > largest {
            return Err(format!(
                "cannot parse \"{text}\" to a valid duration. It overflows int64"
            ));
        }
        return Ok(Timestamp::from_seconds(seconds).since(Timestamp(0)));
    }
    Duration::parse(text).map_err(|_| format!("cannot parse \"{text}\" to a valid duration"))
}

/// Go's zero time, for "never".
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";

/// RFC 3339 in UTC with milliseconds where there are any.
pub fn rfc3339(time: Option<Timestamp>) -> String {
    time.and_then(|time| jiff::Timestamp::from_millisecond(time.millis()).ok())
        .map_or_else(|| NEVER.to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(
            parse_time("1704070800.123"),
            Ok(Timestamp(1_704_070_800_123))
        );
        assert_eq!(
            parse_time("2024-01-01T01:00:00Z"),
            Ok(Timestamp(1_704_070_800_000))
        );
        assert_eq!(
            parse_time("2024-01-01T02:00:00+01:00"),
            Ok(Timestamp(1_704_070_800_000))
        );
        assert!(parse_time("abc").is_err() && parse_time("NaN").is_err());
        assert_eq!(parse_duration("1.5"), Ok(Duration(1500)));
        assert_eq!(parse_duration("5m"), Ok(Duration(300_000)));
        assert!(parse_duration("x").is_err() && parse_duration("1e300").is_err());
        assert_eq!(
            rfc3339(Some(Timestamp(1_704_070_800_120))),
            "2024-01-01T01:00:00.12Z"
        );
        assert_eq!(rfc3339(None), NEVER);
    }
}
