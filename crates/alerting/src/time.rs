//! Points in time as alerts and silences carry them: nanoseconds, and the zone offset they were posted with.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Sub};

use model::{Duration, Timestamp};

const NANOS_PER_SECOND: u32 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// `2026-01-31T15:04:05.000+02:00` and some more digits.
const API_TEXT_BYTES: usize = 40;

/// Seconds of the proleptic Gregorian year 1, which Go prints for "no time".
const YEAR_ONE_SECONDS: i64 = -62_135_596_800;

/// An instant with nanoseconds. Equality and order look at the instant only; the offset is kept because
/// the peers print a time in the zone it was posted in. Nanoseconds are kept because cluster members
/// compare update times exactly.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    seconds: i64,
    nanos: u32,
    offset_minutes: i16,
}

/// The text is none of the accepted forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date and time such as 2026-01-31T15:04:05Z")]
pub struct TimeError(pub String);

impl Time {
    /// `0001-01-01T00:00:00Z`: what JSON shows for a time that is not set.
    pub const UNSET: Self = Self {
        seconds: YEAR_ONE_SECONDS,
        nanos: 0,
        offset_minutes: 0,
    };

    /// From seconds since the Unix epoch; nanoseconds beyond a second are carried over.
    pub fn new(seconds: i64, nanos: u32) -> Self {
        Self {
            seconds: seconds.saturating_add(i64::from(nanos / NANOS_PER_SECOND)),
            nanos: nanos % NANOS_PER_SECOND,
            offset_minutes: 0,
        }
    }

    /// Seconds since the Unix epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// Minutes east of UTC of the zone that the time is printed in.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    pub fn is_unset(self) -> bool {
        self == Self::UNSET
    }

    /// The next representable instant.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            offset_minutes: self.offset_minutes,
            ..Self::new(self.seconds, self.nanos + 1)
        }
    }

    /// Rounded down to milliseconds; saturates.
    pub fn timestamp(self) -> Timestamp {
        Timestamp(
            self.seconds
                .saturating_mul(1000)
                .saturating_add(i64::from(self.nanos / 1_000_000)),
        )
    }

    /// Reads what the peer's API accepts, no more and no less: RFC 3339, with an hour of one digit too; an
    /// offset without a colon behind three or six digits of a fraction; no offset (then UTC); no seconds (then
    /// no offset, or `Z`); a space instead of `T` (then no offset); a bare date.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        parse(text).ok_or_else(|| TimeError(text.to_owned()))
    }

    /// `2006-01-02T15:04:05.000Z`: always three digits, as the HTTP API prints times.
    pub fn to_api_text(self) -> String {
        let mut text = String::with_capacity(API_TEXT_BYTES);
        self.push_api_text(&mut text);
        text
    }

    /// Appends what [`to_api_text`](Self::to_api_text) returns; answers have hundreds of thousands of them.
    pub fn push_api_text(self, out: &mut String) {
        self.push_date_and_seconds(out);
        out.push('.');
        push_digits(out, self.nanos / 1_000_000, 3);
        self.push_zone(out);
    }

    /// Go's `RFC3339Nano`: as many fraction digits as needed. Also what `Display` prints.
    pub fn to_rfc3339(self) -> String {
        let mut text = String::with_capacity(API_TEXT_BYTES);
        self.push_date_and_seconds(&mut text);
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        self.push_zone(&mut text);
        text
    }

    /// The same instant, printed in UTC.
    #[must_use]
    pub fn in_utc(self) -> Self {
        Self {
            offset_minutes: 0,
            ..self
        }
    }

    /// Year, month (1–12), day (1–31) in the time's own zone.
    pub fn date(self) -> (i64, u32, u32) {
        civil_from_days(self.local_seconds().div_euclid(DAY_SECONDS))
    }

    /// Seconds since midnight in the time's own zone.
    pub fn second_of_day(self) -> i64 {
        self.local_seconds().rem_euclid(DAY_SECONDS)
    }

    fn local_seconds(self) -> i64 {
        self.seconds
            .saturating_add(i64::from(self.offset_minutes) * 60)
    }

    fn push_date_and_seconds(self, out: &mut String) {
        let (year, month, day) = self.date();
        match u32::try_from(year) {
            Ok(year) if year < 10_000 => push_digits(out, year, 4),
            _ => out.push_str(&format!("{year:04}")),
        }
        let second = u32::try_from(self.second_of_day()).unwrap_or_default();
        let parts = [
            ('-', month),
            ('-', day),
            ('T', second / 3600),
            (':', second / 60 % 60),
            (':', second % 60),
        ];
        for (separator, number) in parts {
            out.push(separator);
            push_digits(out, number, 2);
        }
    }

    fn push_zone(self, out: &mut String) {
        if self.offset_minutes == 0 {
            out.push('Z');
            return;
        }
        out.push(if self.offset_minutes < 0 { '-' } else { '+' });
        let minutes = u32::from(self.offset_minutes.unsigned_abs());
        push_digits(out, minutes / 60, 2);
        out.push(':');
        push_digits(out, minutes % 60, 2);
    }
}

/// The last `count` digits of a number, with leading zeros.
fn push_digits(out: &mut String, number: u32, count: u32) {
    for place in (0..count).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        let nanos = timestamp.0.rem_euclid(1000) * 1_000_000;
        Self::new(
            timestamp.0.div_euclid(1000),
            u32::try_from(nanos).unwrap_or(0),
        )
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = duration.0.rem_euclid(1000);
        let nanos = self.nanos + u32::try_from(millis * 1_000_000).unwrap_or(0);
        Self {
            offset_minutes: self.offset_minutes,
            ..Self::new(
                self.seconds.saturating_add(duration.0.div_euclid(1000)),
                nanos,
            )
        }
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    #[expect(
        clippy::suspicious_arithmetic_impl,
        reason = "adds the negated duration"
    )]
    fn sub(self, duration: Duration) -> Self {
        self + Duration(duration.0.saturating_neg())
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Time {}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is left to read of a time.
struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    /// Exactly `count` digits.
    fn number(&mut self, count: usize) -> Option<u32> {
        let digits = self.rest.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.rest = &self.rest[count..];
        digits.parse().ok()
    }

    fn take(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, expected: char) -> Option<()> {
        self.take(expected).then_some(())
    }

    /// One or more digits after a point, as nanoseconds; digits beyond the ninth are dropped.
    fn fraction(&mut self) -> Option<u32> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        if count == 0 {
            return None;
        }
        self.rest = rest;
        let nine: String = digits
            .chars()
            .chain(std::iter::repeat('0'))
            .take(9)
            .collect();
        nine.parse().ok()
    }
}

fn parse(text: &str) -> Option<Time> {
    let mut cursor = Cursor { rest: text };
    let year = i64::from(cursor.number(4)?);
    cursor.expect('-')?;
    let month = cursor.number(2)?;
    cursor.expect('-')?;
    let day = cursor.number(2)?;
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY_SECONDS;
    if cursor.rest.is_empty() {
        return Some(Time::new(midnight, 0));
    }
    let is_sortable = cursor.take(' ');
    if !is_sortable {
        cursor.expect('T')?;
    }
    let hour = match cursor.number(2) {
        Some(hour) => hour,
        None => cursor.number(1)?,
    };
    cursor.expect(':')?;
    let minute = cursor.number(2)?;
    let has_seconds = cursor.take(':');
    let second = if has_seconds { cursor.number(2)? } else { 0 };
    let before = cursor.rest.len();
    let nanos = if has_seconds && (cursor.take('.') || cursor.take(',')) {
        cursor.fraction()?
    } else {
        0
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // With the point.
    let fraction_bytes = before - cursor.rest.len();
    let zones = match (is_sortable, has_seconds, fraction_bytes) {
        (true, true, _) => Zones::None,
        (true, false, _) => return None,
        (false, false, _) => Zones::Utc,
        (false, true, 4 | 7) => Zones::AnyColon,
        (false, true, _) => Zones::Colon,
    };
    let offset_minutes = offset(&mut cursor, zones)?;
    if !cursor.rest.is_empty() {
        return None;
    }
    let local = midnight + i64::from(hour * 3600 + minute * 60 + second);
    Some(Time {
        offset_minutes,
        ..Time::new(local - i64::from(offset_minutes) * 60, nanos)
    })
}

/// Which offsets may follow a time of day; nothing may always.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zones {
    None,
    /// `Z`
    Utc,
    /// `Z`, `+02:00`
    Colon,
    /// `Z`, `+02:00`, `+0200`
    AnyColon,
}

/// In minutes east.
fn offset(cursor: &mut Cursor<'_>, zones: Zones) -> Option<i16> {
    if cursor.rest.is_empty() || zones != Zones::None && cursor.take('Z') {
        return Some(0);
    }
    if matches!(zones, Zones::None | Zones::Utc) {
        return None;
    }
    let sign = if cursor.take('+') {
        1
    } else {
        cursor.expect('-')?;
        -1
    };
    let hours = i16::try_from(cursor.number(2)?).ok()?;
    if !cursor.take(':') && zones != Zones::AnyColon {
        return None;
    }
    let minutes = i16::try_from(cursor.number(2)?).ok()?;
    // Go takes both bounds.
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 60 + minutes))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day comes last.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_read() {
        let cases = [
            ("2024-02-29T12:30:45Z", "2024-02-29T12:30:45Z"),
            ("2024-01-01T00:00:00.5+02:00", "2024-01-01T00:00:00.5+02:00"),
            (
                "1969-12-31T23:59:59.000000001Z",
                "1969-12-31T23:59:59.000000001Z",
            ),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            (
                "2024-01-01T00:00:00.250-0130",
                "2024-01-01T00:00:00.25-01:30",
            ),
            ("2024-01-01", "2024-01-01T00:00:00Z"),
            ("2024-01-01 10:11:12", "2024-01-01T10:11:12Z"),
            ("2024-01-01T10:11", "2024-01-01T10:11:00Z"),
            ("2999-12-31T23:59:59+00:00", "2999-12-31T23:59:59Z"),
            ("2024-01-01T1:02:03,5Z", "2024-01-01T01:02:03.5Z"),
            ("2024-01-01T10:11Z", "2024-01-01T10:11:00Z"),
            ("2024-01-01 10:11:12.5", "2024-01-01T10:11:12.5Z"),
            ("2024-01-01T00:00:00+02:60", "2024-01-01T00:00:00+03:00"),
            (
                "2024-01-01T00:00:00.123456+0200",
                "2024-01-01T00:00:00.123456+02:00",
            ),
        ];
        for (text, printed) in cases {
            assert_eq!(Time::parse(text).unwrap().to_rfc3339(), printed, "{text}");
        }
        assert_eq!(
            Time::parse("2024-01-01T00:00:00.5+02:00")
                .unwrap()
                .to_api_text(),
            "2024-01-01T00:00:00.500+02:00"
        );
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "2023-02-29",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00Zx",
            "2024-01-01T00:00:00.Z",
            "2024-01-01t00:00:00z",
            "2024-01-01T00:00:00+0200",
            "2024-01-01T00:00:00.12+0200",
            "2024-01-01T00:00+02:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01 00:00",
            "2024-01-01T00:0:00Z",
            "2024-01-01T00:00:00+25:00",
            "２024-01-01",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_do_not_matter_for_order() {
        let utc = Time::parse("2024-01-01T10:00:00Z").unwrap();
        let east = Time::parse("2024-01-01T12:00:00+02:00").unwrap();
        assert_eq!(utc, east);
        assert!(utc.next() > east);
        assert_eq!(
            (utc + Duration(-1)).to_rfc3339(),
            "2024-01-01T09:59:59.999Z"
        );
        assert_eq!(Time::from(utc.timestamp()), utc);
    }

    #[test]
    fn every_day_of_eight_centuries_survives() {
        for day in (-150_000..150_000).step_by(7) {
            let (year, month, day_of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, day_of_month), day);
        }
    }
}
