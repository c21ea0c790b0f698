//! Dates of the proleptic Gregorian calendar in UTC, from seconds since the epoch.

const SECONDS_PER_DAY: i128 = 86_400;
/// Go counts seconds from this one on in 64 bits without sign; what is before it wraps around to the year
/// 292277026596, such as the date of NaN.
const GO_FIRST_SECOND: i64 = -9_223_371_966_579_724_800;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    /// From 1.
    pub(crate) day_of_year: i64,
    /// 0 is Sunday.
    pub(crate) weekday: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Date {
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        let wrap = if seconds < GO_FIRST_SECOND {
            1 << 64
        } else {
            0
        };
        let seconds = i128::from(seconds) + wrap;
        // Days are far within 64 bits.
        let part = |value: i128| i64::try_from(value).unwrap_or(0);
        let days = part(seconds.div_euclid(SECONDS_PER_DAY));
        let within = part(seconds.rem_euclid(SECONDS_PER_DAY));
        // Years here begin on March 1st, so that the leap day is the last; eras have 400 years.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_march_year =
            day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_march_year + 2) / 153;
        let day = day_of_march_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let before_month: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
        Self {
            year,
            month,
            day,
            day_of_year: before_month + day,
            weekday: (days + 4).rem_euclid(7),
            hour: within / 3600,
            minute: within / 60 % 60,
            second: within % 60,
        }
    }

    pub(crate) fn days_in_month(self) -> i64 {
        days_in_month(self.year, self.month)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

pub(crate) fn rfc3339(seconds: i64) -> String {
    let date = Date::from_seconds(seconds);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year, date.month, date.day, date.hour, date.minute, date.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        let date = Date::from_seconds(1_136_239_445);
        assert_eq!((date.year, date.month, date.day), (2006, 1, 2));
        assert_eq!((date.weekday, date.day_of_year), (1, 2));
        assert_eq!(Date::from_seconds(951_782_400).days_in_month(), 29);
        // The ends of the range do not overflow; NaN becomes the smallest integer.
        let date = Date::from_seconds(i64::MIN);
        assert_eq!((date.month, date.day, date.day_of_year), (12, 4, 339));
        Date::from_seconds(i64::MAX);
    }
}
