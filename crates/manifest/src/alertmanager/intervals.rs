//! Time intervals: as AlertmanagerConfigs write them and as `alertmanager.yaml` does, both to the form in
//! which they are printed.

use yaml::{Mapping, Value};

use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A range, both ends included.
type Range = (i64, i64);

/// The list inside a named interval of `alertmanager.yaml`.
pub(super) fn read_list(list: Tree<'_>) -> Checked<Value> {
    let mut out: Vec<Value> = Vec::new();
    for (at, interval) in list.items().enumerate() {
        let mut written = Mapping::new();
        put_times(
            &mut written,
            at,
            interval.at("times"),
            ["start_time", "end_time"],
        )?;
        put_ranges(
            &mut written,
            ("weekdays", at),
            interval.at("weekdays"),
            weekday_range,
        )?;
        put_ranges(
            &mut written,
            ("days_of_month", at),
            interval.at("days_of_month"),
            |tree| {
                let (start, end) = split(tree.str())?;
                let (start, end) = (number(start)?, number(end)?);
                check_days(start, end)?;
                Ok(print_range((start, end)))
            },
        )?;
        put_ranges(
            &mut written,
            ("months", at),
            interval.at("months"),
            month_range,
        )?;
        put_ranges(
            &mut written,
            ("years", at),
            interval.at("years"),
            year_range,
        )?;
        if let Some(location) = interval.at("location").filled() {
            written.put("location", location);
        }
        out.push(written.into());
    }
    Ok(Value::Sequence(out))
}

/// A named interval of an AlertmanagerConfig. `name` is the one it gets in the configuration.
pub(super) fn convert(interval: Tree<'_>, name: String) -> Checked<Mapping> {
    let mut periods: Vec<Value> = Vec::new();
    for (at, period) in interval.at("timeIntervals").items().enumerate() {
        let mut written = Mapping::new();
        put_times(
            &mut written,
            at,
            period.at("times"),
            ["startTime", "endTime"],
        )?;
        put_ranges(
            &mut written,
            ("weekdays", at),
            period.at("weekdays"),
            weekday_range,
        )?;
        put_ranges(
            &mut written,
            ("days_of_month", at),
            period.at("daysOfMonth"),
            |tree| {
                let end = |key: &str| tree.at(key).int().unwrap_or(0);
                check_days(end("start"), end("end"))?;
                Ok(print_range((end("start"), end("end"))))
            },
        )?;
        put_ranges(
            &mut written,
            ("months", at),
            period.at("months"),
            month_range,
        )?;
        put_ranges(&mut written, ("years", at), period.at("years"), year_range)?;
        periods.push(written.into());
    }
    let mut out = Mapping::new();
    out.put("name", name);
    out.put("time_intervals", periods);
    Ok(out)
}

/// The named intervals of an AlertmanagerConfig, under either version's field name.
pub(super) fn of_spec(spec: Tree<'_>) -> Tree<'_> {
    let field = spec.at("muteTimeIntervals");
    if field.is_set() {
        field
    } else {
        spec.at("timeIntervals")
    }
}

/// What the version of the object calls its named intervals.
pub(super) fn word(spec: Tree<'_>) -> &'static str {
    if spec.at("muteTimeIntervals").is_set() {
        "mute time interval"
    } else {
        "time interval"
    }
}

/// `at` is the number of the period, for messages.
fn put_times(out: &mut Mapping, at: usize, times: Tree<'_>, [start, end]: [&str; 2]) -> Checked {
    let mut ranges: Vec<Value> = Vec::new();
    for time in times.items() {
        let (from, to) = (time.at(start), time.at(end));
        check_time(from, to).within(format!("time range at {at} is invalid"), time)?;
        let mut range = Mapping::new();
        range.put("start_time", from.str());
        range.put("end_time", to.str());
        ranges.push(range.into());
    }
    out.put_unless_empty("times", ranges);
    Ok(())
}

fn check_time(from: Tree<'_>, to: Tree<'_>) -> Checked {
    if from.str().is_empty() || to.str().is_empty() {
        return Err(Problem::new("start and end are required"));
    }
    let first = minutes(from).within("start time invalid", from)?;
    let last = minutes(to).within("end time invalid", to)?;
    if first >= last {
        let message = format!("start time {first} cannot be equal or greater than end time {last}");
        return Err(Problem::new(message));
    }
    Ok(())
}

/// `key` with the number of the period, for messages.
fn put_ranges(
    out: &mut Mapping,
    (key, at): (&str, usize),
    list: Tree<'_>,
    read: impl Fn(Tree<'_>) -> Checked<String>,
) -> Checked {
    let word = match key {
        "weekdays" => "weekday",
        "days_of_month" => "day of month",
        "months" => "month",
        _ => "year",
    };
    let mut texts: Vec<Value> = Vec::new();
    for item in list.items() {
        texts.push(
            read(item)
                .within(format!("{word} range at {at} is invalid"), item)?
                .into(),
        );
    }
    if !texts.is_empty() {
        out.put(key, Value::FlowSequence(texts));
    }
    Ok(())
}

/// `HH:MM` from 00:00 to 24:00, as minutes.
fn minutes(time: Tree<'_>) -> Checked<i64> {
    let text = time.str();
    let refuse = || {
        Problem::at(
            time,
            format!("couldn't parse timestamp {text}, invalid format"),
        )
    };
    let (hours, minutes) = text.split_once(':').ok_or_else(refuse)?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return Err(refuse());
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let is_valid = (hours < 24 && minutes < 60) || (hours == 24 && minutes == 0);
    if is_valid {
        Ok(hours * 60 + minutes)
    } else {
        Err(refuse())
    }
}

/// `a:b`, or `a` for both.
fn split(text: &str) -> Checked<(&str, &str)> {
    let mut parts = text.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(start), Some(end), None) => Ok((start, end)),
        (Some(_), None, None) => Ok((text, text)),
        _ => Err(Problem::new(format!("invalid range provided {text}"))),
    }
}

fn number(text: &str) -> Checked<i64> {
    text.parse()
        .map_err(|_| Problem::new(format!("{text:?} is no number")))
}

fn weekday_range(tree: Tree<'_>) -> Checked<String> {
    let day = |text: &str| {
        let name = text.to_lowercase();
        let named = WEEKDAYS.iter().position(|day| *day == name);
        let index = named.or_else(|| name.parse().ok().filter(|day| *day < WEEKDAYS.len()));
        index.ok_or_else(|| {
            Problem::new(format!(
                "failed to parse start day from weekday range: {text} is an invalid weekday"
            ))
        })
    };
    let (start, end) = split(tree.str())?;
    let (start, end) = (day(start)?, day(end)?);
    if start > end {
        return Err(Problem::new("start day cannot be before end day"));
    }
    let (first, last) = (WEEKDAYS[start], WEEKDAYS[end]);
    Ok(if start == end {
        first.to_owned()
    } else {
        format!("{first}:{last}")
    })
}

fn month_range(tree: Tree<'_>) -> Checked<String> {
    let month = |text: &str| {
        let name = text.to_lowercase();
        let named = MONTHS
            .iter()
            .position(|month| *month == name)
            .map(|at| at + 1);
        let index = named.or_else(|| name.parse().ok().filter(|month| (1..=12).contains(month)));
        let index = index.and_then(|index| i64::try_from(index).ok());
        index.ok_or_else(|| Problem::new(format!("{text} is an invalid month")))
    };
    let (start, end) = split(tree.str())?;
    let range = (month(start)?, month(end)?);
    if range.0 > range.1 {
        return Err(Problem::new(format!(
            "end month {end} is before start month {start}"
        )));
    }
    Ok(print_range(range))
}

fn year_range(tree: Tree<'_>) -> Checked<String> {
    let (start, end) = split(tree.str())?;
    let range = (number(start)?, number(end)?);
    if range.0 > range.1 {
        return Err(Problem::new(format!(
            "end year {end} is before start year {start}"
        )));
    }
    Ok(print_range(range))
}

/// Days count from 1, or back from the end with -1.
fn check_days(start: i64, end: i64) -> Checked {
    for day in [start, end] {
        if day == 0 || !(-31..=31).contains(&day) {
            let message = format!("{day} is not a valid day of the month: out of range");
            return Err(Problem::new(message));
        }
    }
    if start < 0 && end > 0 {
        return Err(Problem::new(
            "end day must be negative if start day is negative",
        ));
    }
    // The shortest month decides what can never match.
    let from_start = |day: i64| if day < 0 { 28 + day } else { day };
    if from_start(start) > from_start(end) {
        return Err(Problem::new(format!(
            "end day {end} is always before start day {start}"
        )));
    }
    Ok(())
}

fn print_range((start, end): Range) -> String {
    if start == end {
        start.to_string()
    } else {
        format!("{start}:{end}")
    }
}
