//! When time intervals begin or end next. `server` tells the alerting machine, which tells how long a route is muted.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::time_interval::TimeInterval;

/// So far ahead is looked; a year and a day, for intervals of once a year.
const DAYS_MAX: u32 = 367;
/// So many times are tried, which takes some milliseconds.
const TRIES_MAX: usize = 20_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The first time after `at` at which `state` is something else than at `at`, where it depends on nothing but whether
/// these intervals contain the time. `None` if that is more than a year ahead, or if the intervals are cut so finely
/// that it is not found within a bounded time.
pub fn next_change<'a>(
    intervals: impl IntoIterator<Item = &'a TimeInterval>,
    at: Timestamp,
    state: impl Fn(Timestamp) -> bool,
) -> Option<Timestamp> {
    let clocks: Vec<Clock> = intervals.into_iter().map(Clock::of).collect();
    let is_now = state(at);
    let mut tries = 0;
    let mut begin = at;
    for _ in 0..DAYS_MAX {
        let end = begin.checked_add(DAY).ok()?;
        let mut times = BTreeSet::new();
        for clock in &clocks {
            clock.put_times(begin, end, &mut times);
        }
        tries += times.len();
        if let Some(found) = times.into_iter().find(|time| state(*time) != is_now) {
            return Some(found);
        }
        if tries > TRIES_MAX {
            return None;
        }
        begin = end;
    }
    None
}

/// The times of a day at which an interval can begin or end.
struct Clock {
    zone: TimeZone,
    /// Since local midnight; midnight is one of them.
    minutes: BTreeSet<i32>,
}

impl Clock {
    fn of(interval: &TimeInterval) -> Self {
        let zone = interval.location.as_ref();
        let times = interval.times.iter().flatten();
        let ends = times.flat_map(|range| [range.start_minute, range.end_minute]);
        Self {
            zone: zone.map_or(TimeZone::UTC, |location| location.zone.clone()),
            minutes: ends.filter(|minute| *minute < 24 * 60).chain([0]).collect(),
        }
    }

    /// Those after `begin` and not after `end`, a day or less later. Local clocks that are put forward or back are
    /// among them: an interval may begin or end by that.
    fn put_times(&self, begin: Timestamp, end: Timestamp, times: &mut BTreeSet<Timestamp>) {
        let is_within = |time: &Timestamp| begin < *time && *time <= end;
        let transitions = self.zone.following(begin).map(|found| found.timestamp());
        times.extend(transitions.take_while(|time| *time <= end));
        let last = end.to_zoned(self.zone.clone()).date();
        let mut date = begin.to_zoned(self.zone.clone()).date();
        while date <= last {
            for minute in &self.minutes {
                let Ok(local) = date
                    .to_datetime(jiff::civil::Time::midnight())
                    .checked_add(minute.minutes())
                else {
                    continue;
                };
                // A local time may come twice, or never.
                let zoned = || self.zone.clone().into_ambiguous_zoned(local);
                let both = [zoned().earlier(), zoned().later()];
                let both = both.into_iter().flatten().map(|zoned| zoned.timestamp());
                times.extend(both.filter(is_within));
            }
            let Ok(next) = date.tomorrow() else { return };
            date = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alertmanager::matchers::MatcherMode;
    use crate::alertmanager::{LoadOptions, load};
    use diag::Source;

    /// The next changes of an interval after a time, each of the one before.
    #[track_caller]
    fn check(interval: &str, at: &str, expected: &[&str]) {
        let text = format!(
            "route: {{receiver: a}}\nreceivers: [{{name: a}}]\n\
             time_intervals: [{{name: i, time_intervals: [{interval}]}}]\n"
        );
        let options = LoadOptions {
            base_dir: ".",
            matchers: MatcherMode::default(),
            template: &|_| None,
        };
        let (config, _) = load(&Source::new("f", text.as_str()), &options).unwrap();
        let named = &config.time_intervals[0];
        let mut at: Timestamp = at.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..expected.len() {
            let next = next_change(&named.time_intervals, at, |at| named.contains(at));
            found.push(next.map_or("none".to_owned(), |next| next.to_string()));
            at = next.unwrap_or(at);
        }
        assert_eq!(found, expected, "{interval}");
    }

    #[test]
    fn hours_of_weekdays() {
        // Friday, in UTC.
        check(
            "{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]}",
            "2026-11-27T10:00:30Z",
            &[
                "2026-11-27T17:00:00Z",
                "2026-11-30T09:00:00Z",
                "2026-11-30T17:00:00Z",
            ],
        );
        // Two ranges that touch are one.
        check(
            "{times: [{start_time: '09:00', end_time: '12:00'}, {start_time: '12:00', end_time: '24:00'}]}",
            "2026-11-27T10:00:00Z",
            &["2026-11-28T00:00:00Z", "2026-11-28T09:00:00Z"],
        );
        check("{}", "2026-11-27T10:00:00Z", &["none"]);
        check("{years: ['2020']}", "2026-11-27T10:00:00Z", &["none"]);
        check(
            "{months: [november], days_of_month: ['26']}",
            "2026-11-27T10:00:00Z",
            &["2027-11-26T00:00:00Z", "2027-11-27T00:00:00Z"],
        );
    }

    #[test]
    fn local_clocks_are_put_forward_and_back() {
        let night =
            "{location: 'Europe/Berlin', times: [{start_time: '01:30', end_time: '02:30'}]}";
        // 02:00 comes after 01:59 and after 02:59; 02:30 comes twice.
        check(
            night,
            "2026-10-24T22:00:00Z",
            &[
                "2026-10-24T23:30:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
            ],
        );
        // 02:00 to 02:59 is missing.
        check(
            night,
            "2026-03-28T23:00:00Z",
            &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"],
        );
        check(
            "{location: 'Asia/Kolkata', days_of_month: ['-1']}",
            "2026-11-27T10:00:00Z",
            &["2026-11-29T18:30:00Z", "2026-11-30T18:30:00Z"],
        );
    }
}
