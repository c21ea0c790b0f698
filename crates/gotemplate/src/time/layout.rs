//! Go's reference-time layouts (`2006-01-02 15:04:05`), written and read.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::{Time, Zone};
use crate::quote::go_quote;

/// Why a text is not a time of a layout, in Go's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TimeParseError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// With digits for hours, minutes, seconds; whether `:` separates; whether `Z` stands for UTC.
    Offset {
        parts: usize,
        colon: bool,
        iso: bool,
    },
    /// A point or comma and as many digits; `trim` drops trailing zeros (or the whole).
    Fraction {
        digits: usize,
        trim: bool,
    },
}

const fn offset(parts: usize, colon: bool, iso: bool) -> Element {
    Element::Offset { parts, colon, iso }
}

/// Longer texts stand before their prefixes.
const ELEMENTS: &[(&str, Element)] = &[
    ("January", Element::LongMonth),
    ("Jan", Element::Month),
    ("Monday", Element::LongWeekday),
    ("Mon", Element::Weekday),
    ("MST", Element::ZoneName),
    ("002", Element::ZeroYearDay),
    ("01", Element::ZeroMonth),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::NumMonth),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::UnderYearDay),
    ("_2", Element::UnderDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::UpperPm),
    ("pm", Element::LowerPm),
    ("-070000", offset(3, false, false)),
    ("-07:00:00", offset(3, true, false)),
    ("-0700", offset(2, false, false)),
    ("-07:00", offset(2, true, false)),
    ("-07", offset(1, false, false)),
    ("Z070000", offset(3, false, true)),
    ("Z07:00:00", offset(3, true, true)),
    ("Z0700", offset(2, false, true)),
    ("Z07:00", offset(2, true, true)),
    ("Z07", offset(1, false, true)),
];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The element at the start of the layout, with its length.
fn element_at(layout: &str) -> Option<(Element, usize)> {
    if layout.starts_with("_2006") {
        return None;
    }
    for (text, element) in ELEMENTS {
        let Some(rest) = layout.strip_prefix(text) else {
            continue;
        };
        let short_name = matches!(element, Element::Month | Element::Weekday);
        if short_name && rest.starts_with(|c: char| c.is_ascii_lowercase()) {
            continue;
        }
        return Some((*element, text.len()));
    }
    let digits = layout.strip_prefix(['.', ','])?;
    let digit = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let rest = digits.trim_start_matches(digit);
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let count = digits.len() - rest.len();
    Some((
        Element::Fraction {
            digits: count,
            trim: digit == '9',
        },
        1 + count,
    ))
}

/// Literal text, then an element with its text, then the rest.
fn next_chunk(layout: &str) -> (&str, Option<(Element, &str)>, &str) {
    for (at, _) in layout.char_indices() {
        let tail = layout.get(at..).unwrap_or("");
        if let Some((element, length)) = element_at(tail) {
            let (prefix, _) = layout.split_at(at);
            let (text, rest) = tail.split_at(length);
            return (prefix, Some((element, text)), rest);
        }
    }
    (layout, None, "")
}

impl Time {
    /// Formats by a Go layout.
    pub fn format(&self, layout: &str) -> String {
        let civil = self.civil();
        let mut out = String::new();
        let mut rest = layout;
        loop {
            let (prefix, chunk, suffix) = next_chunk(rest);
            out.push_str(prefix);
            let Some((element, text)) = chunk else {
                return out;
            };
            self.format_element(element, text, civil, &mut out);
            rest = suffix;
        }
    }

    fn format_element(&self, element: Element, text: &str, civil: DateTime, out: &mut String) {
        let hour12 = match civil.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let afternoon = civil.hour() >= 12;
        let month = month_name(civil.month());
        let weekday = weekday_name(civil.date());
        let short = |name: &str| name.get(..3).unwrap_or("").to_owned();
        out.push_str(&match element {
            Element::LongMonth => month.to_owned(),
            Element::Month => short(month),
            Element::NumMonth => civil.month().to_string(),
            Element::ZeroMonth => format!("{:02}", civil.month()),
            Element::LongWeekday => weekday.to_owned(),
            Element::Weekday => short(weekday),
            Element::Day => civil.day().to_string(),
            Element::UnderDay => format!("{:2}", civil.day()),
            Element::ZeroDay => format!("{:02}", civil.day()),
            Element::UnderYearDay => format!("{:3}", civil.date().day_of_year()),
            Element::ZeroYearDay => format!("{:03}", civil.date().day_of_year()),
            Element::Hour => format!("{:02}", civil.hour()),
            Element::Hour12 => hour12.to_string(),
            Element::ZeroHour12 => format!("{hour12:02}"),
            Element::Minute => civil.minute().to_string(),
            Element::ZeroMinute => format!("{:02}", civil.minute()),
            Element::Second => civil.second().to_string(),
            Element::ZeroSecond => format!("{:02}", civil.second()),
            Element::LongYear if civil.year() < 0 => format!("-{:04}", civil.year().unsigned_abs()),
            Element::LongYear => format!("{:04}", civil.year()),
            Element::Year => format!("{:02}", civil.year().unsigned_abs() % 100),
            Element::UpperPm => (if afternoon { "PM" } else { "AM" }).to_owned(),
            Element::LowerPm => (if afternoon { "pm" } else { "am" }).to_owned(),
            Element::ZoneName => self.zone_name(),
            Element::Offset { parts, colon, iso } => {
                format_offset(self.offset(), parts, colon, iso)
            }
            Element::Fraction { digits, trim } => {
                let separator = text.get(..1).unwrap_or(".");
                let nanos = format!("{:09}", civil.subsec_nanosecond());
                let padded = format!("{nanos:0<digits$}");
                let mut shown = padded.get(..digits).unwrap_or(&nanos);
                if trim {
                    shown = shown.trim_end_matches('0');
                }
                if shown.is_empty() {
                    String::new()
                } else {
                    format!("{separator}{shown}")
                }
            }
        });
    }

    /// Reads a text by a Go layout; without a zone it is UTC.
    pub fn parse(layout: &str, text: &str) -> Result<Self, TimeParseError> {
        let mut reader = Reader {
            value: text,
            ..Reader::default()
        };
        let fail = |element: &str, value: &str, detail: &str| {
            let (layout, text, element, value) = (
                go_quote(layout),
                go_quote(text),
                go_quote(element),
                go_quote(value),
            );
            TimeParseError(if detail.is_empty() {
                format!("parsing time {text} as {layout}: cannot parse {value} as {element}")
            } else {
                format!("parsing time {text}{detail}")
            })
        };
        let mut rest = layout;
        loop {
            let (prefix, chunk, suffix) = next_chunk(rest);
            reader
                .skip(prefix)
                .map_err(|()| fail(prefix, reader.value, ""))?;
            let Some((element, element_text)) = chunk else {
                if !reader.value.is_empty() {
                    let detail = format!(": extra text: {}", go_quote(reader.value));
                    return Err(fail("", reader.value, &detail));
                }
                break;
            };
            let hold = reader.value;
            let fraction_follows =
                matches!(next_chunk(suffix).1, Some((Element::Fraction { .. }, _)));
            match reader.element(element, fraction_follows) {
                Ok(()) => {}
                Err(Problem::Bad) => return Err(fail(element_text, hold, "")),
                Err(Problem::Range(what)) => {
                    return Err(fail("", "", &format!(": {what} out of range")));
                }
            }
            rest = suffix;
        }
        reader
            .finish()
            .map_err(|what| fail("", "", &format!(": {what}")))
    }
}

fn format_offset(offset: Offset, parts: usize, colon: bool, iso: bool) -> String {
    let seconds = offset.seconds();
    if iso && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let numbers = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let texts: Vec<String> = numbers
        .iter()
        .take(parts)
        .map(|n| format!("{n:02}"))
        .collect();
    format!("{sign}{}", texts.join(if colon { ":" } else { "" }))
}

pub(super) fn month_name(month: i8) -> &'static str {
    let index = usize::try_from(month - 1).unwrap_or(0);
    MONTHS.get(index).copied().unwrap_or("January")
}

pub(super) fn weekday_name(date: Date) -> &'static str {
    let index = usize::try_from(date.weekday().to_sunday_zero_offset()).unwrap_or(0);
    WEEKDAYS.get(index).copied().unwrap_or("Sunday")
}

enum Problem {
    Bad,
    Range(&'static str),
}

/// Reading in progress. Absent parts have the values of year 0, January 1, midnight.
#[derive(Default)]
struct Reader<'a> {
    value: &'a str,
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    /// `Some(true)` after PM, `Some(false)` after AM.
    is_pm: Option<bool>,
    is_utc: bool,
    offset_seconds: Option<i32>,
    zone_name: String,
}

impl<'a> Reader<'a> {
    /// Literal text; runs of spaces match runs of spaces.
    fn skip(&mut self, prefix: &str) -> Result<(), ()> {
        let mut prefix = prefix;
        while let Some(c) = prefix.chars().next() {
            if c == ' ' {
                if !self.value.is_empty() && !self.value.starts_with(' ') {
                    return Err(());
                }
                prefix = prefix.trim_start_matches(' ');
                self.value = self.value.trim_start_matches(' ');
                continue;
            }
            self.value = self.value.strip_prefix(c).ok_or(())?;
            prefix = prefix.get(c.len_utf8()..).unwrap_or("");
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a str, Problem> {
        let head = self.value.get(..length).ok_or(Problem::Bad)?;
        self.value = self.value.get(length..).unwrap_or("");
        Ok(head)
    }

    fn digits(&mut self, length: usize) -> Result<i64, Problem> {
        let head = self.take(length)?;
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Problem::Bad);
        }
        head.parse().map_err(|_| Problem::Bad)
    }

    /// One or two digits; exactly two if `fixed` is two.
    fn number(&mut self, fixed: usize) -> Result<i64, Problem> {
        let digits = self
            .value
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits == 0 || digits < fixed {
            return Err(Problem::Bad);
        }
        self.digits(digits)
    }

    fn name(&mut self, names: &[&str], length: Option<usize>) -> Result<i64, Problem> {
        for (index, name) in names.iter().enumerate() {
            let name = length.and_then(|length| name.get(..length)).unwrap_or(name);
            if self
                .value
                .get(..name.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(name))
            {
                self.take(name.len())?;
                return i64::try_from(index).map_err(|_| Problem::Bad);
            }
        }
        Err(Problem::Bad)
    }

    /// A point or comma and digits, as nanoseconds; digits past the ninth are dropped.
    fn fraction(&mut self, digits: usize) -> Result<(), Problem> {
        if !self.value.starts_with(['.', ',']) {
            return Err(Problem::Bad);
        }
        self.take(1)?;
        let text = self.take(digits)?;
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Problem::Bad);
        }
        let padded = format!("{text:0<9}");
        self.nanos = padded
            .get(..9)
            .and_then(|head| head.parse().ok())
            .ok_or(Problem::Bad)?;
        Ok(())
    }

    fn fraction_length(&self) -> usize {
        let digits = self.value.strip_prefix(['.', ',']).unwrap_or("");
        digits.bytes().take_while(u8::is_ascii_digit).count()
    }

    fn element(&mut self, element: Element, fraction_follows: bool) -> Result<(), Problem> {
        match element {
            Element::Year => {
                let year = self.digits(2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Element::LongYear => self.year = self.digits(4)?,
            Element::Month => self.month = Some(self.name(&MONTHS, Some(3))? + 1),
            Element::LongMonth => self.month = Some(self.name(&MONTHS, None)? + 1),
            Element::NumMonth | Element::ZeroMonth => {
                let month = self.number(if element == Element::ZeroMonth { 2 } else { 1 })?;
                if !(1..=12).contains(&month) {
                    return Err(Problem::Range("month"));
                }
                self.month = Some(month);
            }
            Element::Weekday => {
                self.name(&WEEKDAYS, Some(3))?;
            }
            Element::LongWeekday => {
                self.name(&WEEKDAYS, None)?;
            }
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                if element == Element::UnderDay {
                    self.value = self.value.strip_prefix(' ').unwrap_or(self.value);
                }
                self.day = Some(self.number(if element == Element::ZeroDay { 2 } else { 1 })?);
            }
            Element::UnderYearDay | Element::ZeroYearDay => self.year_day(element)?,
            Element::Hour => self.hour = self.ranged(1, 23, "hour")?,
            Element::Hour12 => self.hour = self.ranged(1, 12, "hour")?,
            Element::ZeroHour12 => self.hour = self.ranged(2, 12, "hour")?,
            Element::Minute => self.minute = self.ranged(1, 59, "minute")?,
            Element::ZeroMinute => self.minute = self.ranged(2, 59, "minute")?,
            Element::Second | Element::ZeroSecond => {
                let fixed = if element == Element::ZeroSecond { 2 } else { 1 };
                self.second = self.ranged(fixed, 59, "second")?;
                let length = self.fraction_length();
                if length > 0 && !fraction_follows {
                    self.fraction(length)?;
                }
            }
            Element::UpperPm | Element::LowerPm => {
                let (pm, am) = if element == Element::UpperPm {
                    ("PM", "AM")
                } else {
                    ("pm", "am")
                };
                let head = self.take(2)?;
                if head != pm && head != am {
                    return Err(Problem::Bad);
                }
                self.is_pm = Some(head == pm);
            }
            Element::ZoneName => self.zone_abbreviation()?,
            Element::Offset { iso: true, .. } if self.value.starts_with('Z') => {
                self.take(1)?;
                self.is_utc = true;
            }
            Element::Offset { parts, colon, .. } => self.offset(parts, colon)?,
            Element::Fraction {
                digits,
                trim: false,
            } => self.fraction(digits)?,
            Element::Fraction { .. } => {
                let length = self.fraction_length();
                if length > 0 {
                    self.fraction(length)?;
                }
            }
        }
        Ok(())
    }

    fn ranged(&mut self, fixed: usize, max: i64, what: &'static str) -> Result<i64, Problem> {
        let value = self.number(fixed)?;
        if value > max {
            Err(Problem::Range(what))
        } else {
            Ok(value)
        }
    }

    fn year_day(&mut self, element: Element) -> Result<(), Problem> {
        let mut digits = 3;
        if element == Element::UnderYearDay {
            while digits > 1 && self.value.starts_with(' ') {
                self.take(1)?;
                digits -= 1;
            }
        }
        self.year_day = Some(self.digits(digits)?);
        Ok(())
    }

    fn offset(&mut self, parts: usize, colon: bool) -> Result<(), Problem> {
        let sign = match self.take(1)? {
            "+" => 1,
            "-" => -1,
            _ => return Err(Problem::Bad),
        };
        let mut seconds = 0;
        let limits = [
            (24, "time zone offset hour"),
            (60, "time zone offset minute"),
            (60, "time zone offset second"),
        ];
        for (index, (limit, what)) in limits.into_iter().enumerate() {
            seconds *= 60;
            if index >= parts {
                continue;
            }
            if colon && index > 0 && self.take(1)? != ":" {
                return Err(Problem::Bad);
            }
            let number = self.digits(2)?;
            if number > limit {
                return Err(Problem::Range(what));
            }
            seconds += number;
        }
        self.offset_seconds = Some(sign * i32::try_from(seconds).map_err(|_| Problem::Bad)?);
        Ok(())
    }

    /// `UTC`, `GMT+3`, three to five capitals, or a signed two-digit hour.
    fn zone_abbreviation(&mut self) -> Result<(), Problem> {
        if self.value.starts_with("UTC") {
            self.take(3)?;
            self.is_utc = true;
            return Ok(());
        }
        let capitals = self
            .value
            .bytes()
            .take(6)
            .take_while(u8::is_ascii_uppercase)
            .count();
        let signed = |text: &str| {
            let digits = text.strip_prefix(['+', '-']).unwrap_or("");
            let count = digits
                .bytes()
                .take(2)
                .take_while(u8::is_ascii_digit)
                .count();
            if count == 0 { 0 } else { count + 1 }
        };
        let length = if self.value.starts_with("GMT") {
            3 + signed(self.value.get(3..).unwrap_or(""))
        } else if self.value.starts_with("ChST") || self.value.starts_with("MeST") {
            4
        } else if self.value.starts_with(['+', '-']) {
            signed(self.value)
        } else {
            let head = self.value.get(..capitals).unwrap_or("");
            match capitals {
                3 => 3,
                4 if head.ends_with('T') || head == "WITA" => 4,
                5 if head.ends_with('T') => 5,
                _ => 0,
            }
        };
        if length == 0 {
            return Err(Problem::Bad);
        }
        self.zone_name = self.take(length)?.to_owned();
        Ok(())
    }

    fn finish(self) -> Result<Time, &'static str> {
        let hour = match self.is_pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let small = |value: i64| i8::try_from(value).unwrap_or(i8::MAX);
        let year = i16::try_from(self.year).map_err(|_| "year out of range")?;
        let date = match self.year_day {
            None => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                Date::new(year, small(month), small(day)).map_err(|_| "day out of range")?
            }
            Some(year_day) => {
                let first = Date::new(year, 1, 1).map_err(|_| "day out of range")?;
                let days = if first.in_leap_year() { 366 } else { 365 };
                if !(1..=days).contains(&year_day) {
                    return Err("day-of-year out of range");
                }
                let span = jiff::Span::new()
                    .try_days(year_day - 1)
                    .map_err(|_| "day out of range")?;
                let date = first.checked_add(span).map_err(|_| "day out of range")?;
                if self.month.is_some_and(|month| small(month) != date.month()) {
                    return Err("day-of-year does not match month");
                }
                if self.day.is_some_and(|day| small(day) != date.day()) {
                    return Err("day-of-year does not match day");
                }
                date
            }
        };
        let nanos = i32::try_from(self.nanos).unwrap_or(0);
        let civil = date.at(small(hour), small(self.minute), small(self.second), nanos);
        let mut seconds = self.offset_seconds.unwrap_or(0);
        if self.offset_seconds.is_none()
            && let Some(hours) = self.zone_name.strip_prefix("GMT")
            && !self.is_utc
        {
            // The hours name the zone but, as in Go, only if there is no numeric offset.
            seconds = hours.parse::<i32>().unwrap_or(0) * 3600;
        }
        let at = Offset::UTC
            .to_timestamp(civil)
            .map_err(|_| "year out of range")?;
        let is_utc = self.is_utc || (seconds == 0 && matches!(self.zone_name.as_str(), "" | "UTC"));
        if is_utc {
            return Ok(Time {
                at,
                zone: Zone::Utc,
            });
        }
        let offset = Offset::from_seconds(seconds).map_err(|_| "time zone offset out of range")?;
        // Without a numeric offset an abbreviation only names the zone, it does not move the instant.
        let shift = self.offset_seconds.unwrap_or(0);
        let at = at
            .checked_sub(jiff::SignedDuration::from_secs(i64::from(shift)))
            .map_err(|_| "year out of range")?;
        Ok(Time {
            at,
            zone: Zone::Fixed(offset, self.zone_name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn formats_by_layout() {
        let time = at("2024-03-01T10:05:09.5Z");
        assert_eq!(time.to_go_string(), "2024-03-01 10:05:09.5 +0000 UTC");
        assert_eq!(
            time.format("Mon Jan _2 15:04:05 2006"),
            "Fri Mar  1 10:05:09 2024"
        );
        assert_eq!(
            time.format("Monday, 02-January-06 3:4:5.000pm Z07:00"),
            "Friday, 01-March-24 10:5:9.500am Z"
        );
        assert_eq!(time.format("002 __2 .999999"), "061  61 .5");
        let paris = time.in_zone("Europe/Paris").unwrap();
        assert_eq!(
            paris.format("15:04 MST -0700 -07:00 -07"),
            "11:05 CET +0100 +01:00 +01"
        );
        assert_eq!(
            time.in_zone("europe/paris").unwrap_err(),
            "unknown time zone europe/paris"
        );
        assert_eq!(Time::ZERO.to_go_string(), "0001-01-01 00:00:00 +0000 UTC");
    }

    #[test]
    fn reads_by_layout() {
        let go = |layout, text| match Time::parse(layout, text) {
            Ok(time) => time.to_go_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            go("2006-01-02", "2024-03-15"),
            "2024-03-15 00:00:00 +0000 UTC"
        );
        assert_eq!(
            go("2006-01-02T15:04:05Z07:00", "2024-03-15T01:02:03.25+02:00"),
            "2024-03-15 01:02:03.25 +0200 +0200"
        );
        assert_eq!(
            go("2006-01-02", "bad"),
            "parsing time \"bad\" as \"2006-01-02\": cannot parse \"bad\" as \"2006\""
        );
        assert_eq!(
            go("2006-01-02", "2024-02-30"),
            "parsing time \"2024-02-30\": day out of range"
        );
        assert_eq!(
            go("2006-01-02", "2024-13-01"),
            "parsing time \"2024-13-01\": month out of range"
        );
        assert_eq!(
            go("2006", "2024x"),
            "parsing time \"2024x\": extra text: \"x\""
        );
        assert_eq!(go("3:04PM", "3:05PM"), "0000-01-01 15:05:00 +0000 UTC");
    }
}
