//! Go's `time.Time` and `time.Duration`: printing, layouts and methods.

mod duration;
mod layout;
mod methods;

use std::cmp::Ordering;

use jiff::civil;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

pub use duration::Duration;
pub use layout::TimeParseError;
pub(crate) use methods::{duration_method, time_method};

/// An instant with the zone it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    at: Timestamp,
    zone: Zone,
}

#[derive(Clone, Debug)]
enum Zone {
    Utc,
    Named(TimeZone),
    /// Offset and abbreviation as parsed; the abbreviation may be empty.
    Fixed(Offset, String),
}

/// Seconds from 0001-01-01 to 1970-01-01, negative.
const YEAR_ONE_SECONDS: i64 = -62_135_596_800;

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Time {
    /// The first instant of year 1, which Go takes for "no time". `Timestamp::constant` checks the range at
    /// compile time.
    pub const ZERO: Self = Self {
        at: Timestamp::constant(YEAR_ONE_SECONDS, 0),
        zone: Zone::Utc,
    };

    /// Milliseconds since the Unix epoch, in UTC. Clipped to the years -9999 to 9999.
    pub fn from_unix_ms(ms: i64) -> Self {
        let limit = if ms < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self::utc(Timestamp::from_millisecond(ms).unwrap_or(limit))
    }

    /// Nanoseconds since the Unix epoch, in UTC. Clipped to the years -9999 to 9999.
    pub fn from_unix_ns(ns: i128) -> Self {
        let limit = if ns < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self::utc(Timestamp::from_nanosecond(ns).unwrap_or(limit))
    }

    /// Reads RFC 3339; the offset is kept for printing.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeParseError> {
        Self::parse("2006-01-02T15:04:05Z07:00", text)
    }

    fn utc(at: Timestamp) -> Self {
        Self {
            at,
            zone: Zone::Utc,
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.at == Self::ZERO.at
    }

    /// Nanoseconds since the Unix epoch.
    pub fn unix_nanoseconds(&self) -> i128 {
        self.at.as_nanosecond()
    }

    pub(crate) fn to_utc(&self) -> Self {
        Self::utc(self.at)
    }

    /// The same instant shown in another zone of the bundled database.
    pub(crate) fn in_zone(&self, name: &str) -> Result<Self, String> {
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(self.to_utc());
        }
        if name.contains("..") || name.starts_with(['/', '\\']) {
            return Err("time: invalid location name".to_owned());
        }
        let unknown = || format!("unknown time zone {name}");
        let zone = TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| unknown())?;
        // The database ignores case, Go's file names do not.
        if zone.iana_name() != Some(name) {
            return Err(unknown());
        }
        Ok(Self {
            at: self.at,
            zone: Zone::Named(zone),
        })
    }

    /// `self - other`, limited to what a duration can hold.
    pub(crate) fn since(&self, other: &Self) -> Duration {
        let span = self.unix_nanoseconds() - other.unix_nanoseconds();
        Duration::from_nanoseconds(clamp(span))
    }

    pub(crate) fn plus(&self, duration: Duration) -> Self {
        let span = SignedDuration::from_nanos(duration.nanoseconds());
        let limit = if duration.nanoseconds() < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self {
            at: self.at.checked_add(span).unwrap_or(limit),
            zone: self.zone.clone(),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }

    pub(crate) fn offset(&self) -> Offset {
        match &self.zone {
            Zone::Utc => Offset::UTC,
            Zone::Named(zone) => zone.to_offset(self.at),
            Zone::Fixed(offset, _) => *offset,
        }
    }

    /// Abbreviation, or the offset where the zone has none.
    pub(crate) fn zone_name(&self) -> String {
        let name = match &self.zone {
            Zone::Utc => "UTC".to_owned(),
            Zone::Named(zone) => zone.to_offset_info(self.at).abbreviation().to_owned(),
            Zone::Fixed(_, name) => name.clone(),
        };
        if !name.is_empty() {
            return name;
        }
        let seconds = self.offset().seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }

    /// Date and time of day in the zone.
    pub(crate) fn civil(&self) -> civil::DateTime {
        self.offset().to_datetime(self.at)
    }

    /// Go's default form, `2006-01-02 15:04:05.999999999 -0700 MST`.
    pub(crate) fn to_go_string(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }
}

fn clamp(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}
