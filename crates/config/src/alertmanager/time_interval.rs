//! Time intervals: when routes are muted or active.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use yaml::{Mapping, Node, Reading, Value};

use crate::place::Place;
use crate::section::Field;

section! {
    /// An entry of `time_intervals`.
    pub struct NamedTimeInterval: "config.plain" as "config.TimeInterval" {
        [place] pub place: Place,
        ["name"] pub name: String,
        ["time_intervals"] pub time_intervals: Vec<TimeInterval>,
    }
}

impl NamedTimeInterval {
    /// Whether any of the intervals contains the instant.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.time_intervals
            .iter()
            .any(|interval| interval.contains(at))
    }

    /// As it prints in a configuration.
    pub fn to_text(&self) -> String {
        yaml::to_text(&self.to_value())
    }
}

section! {
    /// All given parts must hold; within a part, any range. A part that is absent always holds.
    pub struct TimeInterval: "timeinterval.TimeInterval" {
        ["times", some_items] pub times: Option<Vec<TimeRange>>,
        ["weekdays", some_items] pub weekdays: Option<Ranges<WeekdayUnit>>,
        ["days_of_month", some_items] pub days_of_month: Option<Ranges<DayUnit>>,
        ["months", some_items] pub months: Option<Ranges<MonthUnit>>,
        ["years", some_items] pub years: Option<Ranges<YearUnit>>,
        ["location", some] pub location: Option<Location>,
    }
}

impl TimeInterval {
    /// Whether the interval contains the instant, in its own time zone (UTC if it names none).
    pub fn contains(&self, at: Timestamp) -> bool {
        let zone = self
            .location
            .as_ref()
            .map_or(TimeZone::UTC, |location| location.zone.clone());
        let local = at.to_zoned(zone);
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let weekday = weekday_number(local.weekday());
        let day = i32::from(local.day());
        let month_days = i32::from(local.days_in_month());
        let times = |ranges: &Vec<TimeRange>| {
            ranges
                .iter()
                .any(|range| (range.start_minute..range.end_minute).contains(&minute))
        };
        let days = |ranges: &Ranges<DayUnit>| {
            ranges
                .0
                .iter()
                .any(|range| is_day_in(day, month_days, *range))
        };
        self.times.as_ref().is_none_or(times)
            && self.days_of_month.as_ref().is_none_or(days)
            && self
                .months
                .as_ref()
                .is_none_or(|ranges| ranges.holds(i32::from(local.month())))
            && self
                .weekdays
                .as_ref()
                .is_none_or(|ranges| ranges.holds(weekday))
            && self
                .years
                .as_ref()
                .is_none_or(|ranges| ranges.holds(i32::from(local.year())))
    }
}

/// Negative days count from the end of the month; ranges are cut to the month, and do not begin behind
/// its end.
fn is_day_in(day: i32, month_days: i32, range: Range) -> bool {
    let from_start = |day: i32| if day < 0 { month_days + day + 1 } else { day };
    let begin = from_start(range.begin);
    if begin > month_days {
        return false;
    }
    let begin = begin.max(-month_days);
    let end = from_start(range.end).clamp(-month_days, month_days);
    (begin..=end).contains(&day)
}

fn weekday_number(weekday: Weekday) -> i32 {
    i32::from(weekday.to_sunday_zero_offset())
}

/// Both ends are included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub begin: i32,
    pub end: i32,
}

/// Ranges of one unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges<U>(pub Vec<Range>, std::marker::PhantomData<U>);

impl<U> Ranges<U> {
    fn holds(&self, value: i32) -> bool {
        self.0
            .iter()
            .any(|range| (range.begin..=range.end).contains(&value))
    }
}

/// How a unit's ranges are read and printed.
pub trait Unit: Default {
    /// The peer's name of a range of it.
    const GO_RANGE: &'static str;

    fn parse(text: &str) -> Result<i32, String>;

    fn print(value: i32) -> String;

    /// What is wrong with the order of the ends; the texts are as written.
    fn order_problem(range: Range, begin: &str, end: &str) -> Option<String>;
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeekdayUnit;
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DayUnit;
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonthUnit;
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YearUnit;

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

fn position(names: &[&str], name: &str) -> Option<i32> {
    let at = names.iter().position(|known| *known == name)?;
    i32::try_from(at).ok()
}

fn number(text: &str) -> Result<i32, String> {
    let is_number = !text.is_empty()
        && text
            .strip_prefix(['-', '+'])
            .unwrap_or(text)
            .bytes()
            .all(|byte| byte.is_ascii_digit());
    let quoted = crate::quote::quote(text);
    if !is_number {
        return Err(format!("strconv.Atoi: parsing {quoted}: invalid syntax"));
    }
    text.parse()
        .map_err(|_| format!("strconv.Atoi: parsing {quoted}: value out of range"))
}

impl Unit for WeekdayUnit {
    const GO_RANGE: &'static str = "WeekdayRange";

    fn parse(text: &str) -> Result<i32, String> {
        position(&WEEKDAYS, text).ok_or_else(|| format!("{text} is not a valid weekday"))
    }

    fn print(value: i32) -> String {
        usize::try_from(value)
            .ok()
            .and_then(|at| WEEKDAYS.get(at))
            .map_or(value.to_string(), |name| (*name).to_owned())
    }

    fn order_problem(range: Range, _: &str, _: &str) -> Option<String> {
        (range.begin > range.end).then(|| "start day cannot be before end day".to_owned())
    }
}

impl Unit for DayUnit {
    const GO_RANGE: &'static str = "DayOfMonthRange";

    fn parse(text: &str) -> Result<i32, String> {
        let day = number(text)?;
        if day == 0 || !(-31..=31).contains(&day) {
            return Err(format!(
                "{day} is not a valid day of the month: out of range"
            ));
        }
        Ok(day)
    }

    fn print(value: i32) -> String {
        value.to_string()
    }

    fn order_problem(range: Range, _: &str, _: &str) -> Option<String> {
        if range.begin < 0 && range.end > 0 {
            return Some("end day must be negative if start day is negative".to_owned());
        }
        // The shortest month decides what is always in the wrong order.
        let in_february = |day: i32| if day < 0 { 28 + day } else { day };
        let is_wrong = in_february(range.begin) > in_february(range.end);
        let (begin, end) = (range.begin, range.end);
        is_wrong.then(|| format!("end day {end} is always before start day {begin}"))
    }
}

impl Unit for MonthUnit {
    const GO_RANGE: &'static str = "MonthRange";

    fn parse(text: &str) -> Result<i32, String> {
        match position(&MONTHS, text) {
            Some(at) => Ok(at + 1),
            None => number(text).map_err(|_| format!("{text} is not a valid month")),
        }
    }

    fn print(value: i32) -> String {
        value.to_string()
    }

    fn order_problem(range: Range, _: &str, _: &str) -> Option<String> {
        let name = |month: i32| {
            let index = usize::try_from(month - 1).ok();
            index.and_then(|index| MONTHS.get(index)).unwrap_or(&"")
        };
        let (begin, end) = (name(range.begin), name(range.end));
        (range.begin > range.end).then(|| format!("end month {end} is before start month {begin}"))
    }
}

impl Unit for YearUnit {
    const GO_RANGE: &'static str = "YearRange";

    fn parse(text: &str) -> Result<i32, String> {
        number(text)
    }

    fn print(value: i32) -> String {
        value.to_string()
    }

    fn order_problem(range: Range, _: &str, _: &str) -> Option<String> {
        let (begin, end) = (range.begin, range.end);
        (begin > end).then(|| format!("end year {end} is before start year {begin}"))
    }
}

fn parse_range<U: Unit>(text: &str) -> Result<Range, String> {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split(':').collect();
    match parts[..] {
        [one] => {
            let value = U::parse(one)?;
            Ok(Range {
                begin: value,
                end: value,
            })
        }
        [begin, end] => {
            let range = Range {
                begin: U::parse(begin)?,
                end: U::parse(end)?,
            };
            U::order_problem(range, begin, end).map_or(Ok(range), Err)
        }
        _ => Err(format!("couldn't parse range {text}, invalid format")),
    }
}

impl<U: Unit> Field for Ranges<U> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let ranges = yaml::read_list(node, &Self::go_type(), reading, |node, reading| {
            let text = <String as Field>::read_or_null(node, reading)?;
            match parse_range::<U>(&text) {
                Ok(range) => Some(range),
                Err(problem) => {
                    let hint = "a value or a range `first:last`";
                    reading.refuse_with_hint(node.span, "bad-time-range", problem, hint);
                    None
                }
            }
        })?;
        Some(Self(ranges, std::marker::PhantomData))
    }

    fn go_type() -> String {
        format!("[]timeinterval.{}", U::GO_RANGE)
    }

    fn to_value(&self) -> Value {
        let print = |range: &Range| {
            let begin = U::print(range.begin);
            let text = if range.begin == range.end {
                begin
            } else {
                format!("{begin}:{}", U::print(range.end))
            };
            Value::from(text)
        };
        Value::FlowSequence(self.0.iter().map(print).collect())
    }
}

/// Minutes since midnight; the end is not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    pub start_minute: i32,
    pub end_minute: i32,
}

section! {
    struct WrittenTimeRange: "timeinterval.yamlTimeRange" {
        ["start_time"] start_time: String,
        ["end_time"] end_time: String,
    }
}

impl WrittenTimeRange {
    fn parse(&self) -> Result<TimeRange, String> {
        if self.start_time.is_empty() || self.end_time.is_empty() {
            return Err("both start and end times must be provided".to_owned());
        }
        let range = TimeRange {
            start_minute: minute(&self.start_time)?,
            end_minute: minute(&self.end_time)?,
        };
        if range.start_minute >= range.end_minute {
            return Err("start time cannot be equal or greater than end time".to_owned());
        }
        Ok(range)
    }
}

/// `HH:MM`, up to `24:00`.
fn minute(text: &str) -> Result<i32, String> {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let two_digits = |text: &str| {
            let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            if fits { text.parse::<i32>().ok() } else { None }
        };
        Some((two_digits(hours)?, two_digits(minutes)?))
    });
    match parsed {
        Some((hours, minutes)) if hours < 24 && minutes < 60 => Ok(hours * 60 + minutes),
        Some((24, 0)) => Ok(24 * 60),
        _ => Err(format!("couldn't parse timestamp {text}, invalid format")),
    }
}

impl Field for TimeRange {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let mark = reading.mark();
        let written = WrittenTimeRange::read(node, reading)?;
        if !reading.is_clean_since(mark) {
            return None;
        }
        match written.parse() {
            Ok(range) => Some(range),
            Err(problem) => {
                let hint =
                    "as in `{start_time: '09:00', end_time: '17:00'}`; split what crosses midnight";
                reading.refuse_with_hint(node.span, "bad-time-range", problem, hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "timeinterval.TimeRange".to_owned()
    }

    fn to_value(&self) -> Value {
        let text = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let mut out = Mapping::new();
        out.put("start_time", text(self.start_minute));
        out.put("end_time", text(self.end_minute));
        out.into()
    }
}

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub name: String,
    pub(super) zone: TimeZone,
}

impl Default for Location {
    fn default() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }
}

impl Field for Location {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let name = <String as Field>::read(node, reading)?;
        let zone = match name.as_str() {
            "" | "UTC" => return Some(Self::default()),
            "Local" => Some(TimeZone::system()),
            // The peer opens the file of that name, so case matters.
            name => TimeZone::get(name)
                .ok()
                .filter(|zone| zone.iana_name().is_none_or(|known| known == name)),
        };
        match zone {
            Some(zone) => Some(Self { name, zone }),
            None => {
                let message = format!("unknown time zone {name}");
                let hint = "a name of the IANA database, such as `Europe/Berlin`";
                reading.refuse_with_hint(node.span, "unknown-time-zone", message, hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "timeinterval.Location".to_owned()
    }

    fn to_value(&self) -> Value {
        (&self.name).into()
    }
}

/// Reads a list of intervals, as it stands under `time_intervals` of one name.
pub fn read_intervals(node: &Node, reading: &mut Reading) -> Option<Vec<TimeInterval>> {
    Vec::<TimeInterval>::read(node, reading)
}

/// The list as YAML.
pub fn intervals_to_value(intervals: &[TimeInterval]) -> Value {
    Value::list(intervals.iter().map(Field::to_value))
}
