//! The methods of `time.Time` and `time.Duration` that templates call.

use std::cmp::Ordering;

use super::layout::{MONTHS, WEEKDAYS, month_name, weekday_name};
use super::{Duration, Time};
use crate::function::Function;
use crate::object::Object;
use crate::value::{IntKind, Type, Value};

/// A method of a time, bound to it.
pub(crate) fn time_method(time: &Time, name: &str) -> Option<Function> {
    let t = time.clone();
    let civil = time.civil();
    let int = |value: i64| constant(Value::int(value));
    let int64 = |value: i128| constant(Value::Int(super::clamp(value), IntKind::Int64));
    let nanoseconds = time.unix_nanoseconds();
    Some(match name {
        "Format" => Function::new(&[Type::String], move |_, args| {
            let layout = text(args, 0);
            Ok(Value::from(t.format(&layout)))
        }),
        "String" => constant(Value::from(time.to_go_string())),
        "GoString" => constant(Value::from(go_syntax(time))),
        "Unix" => int64(nanoseconds.div_euclid(1_000_000_000)),
        "UnixMilli" => int64(nanoseconds.div_euclid(1_000_000)),
        "UnixMicro" => int64(nanoseconds.div_euclid(1_000)),
        "UnixNano" => int64(nanoseconds),
        "Year" => int(i64::from(civil.year())),
        "Month" => constant(Value::object(Named::month(civil.month()))),
        "Day" => int(i64::from(civil.day())),
        "Hour" => int(i64::from(civil.hour())),
        "Minute" => int(i64::from(civil.minute())),
        "Second" => int(i64::from(civil.second())),
        "Nanosecond" => int(i64::from(civil.subsec_nanosecond())),
        "YearDay" => int(i64::from(civil.date().day_of_year())),
        "Weekday" => constant(Value::object(Named {
            type_name: "time.Weekday",
            value: i64::from(civil.date().weekday().to_sunday_zero_offset()),
            text: weekday_name(civil.date()),
        })),
        "IsZero" => constant(Value::Bool(time.is_zero())),
        "UTC" | "Local" => constant(Value::Time(time.to_utc())),
        "Add" => Function::new(&[Type::Duration], move |_, args| {
            Ok(Value::Time(t.plus(duration(args, 0))))
        }),
        "Sub" => Function::new(&[Type::Time], move |_, args| {
            Ok(Value::Duration(t.since(&instant(args, 0))))
        }),
        "AddDate" => {
            let int = Type::Int(IntKind::Int);
            Function::new(&[int.clone(), int.clone(), int], move |_, args| {
                add_date(&t, args)
            })
        }
        "After" => comparison(t, |order| order == Ordering::Greater),
        "Before" => comparison(t, |order| order == Ordering::Less),
        "Equal" => comparison(t, |order| order == Ordering::Equal),
        "Compare" => Function::new(&[Type::Time], move |_, args| {
            Ok(Value::int(t.compare(&instant(args, 0)) as i64))
        }),
        "Truncate" | "Round" => {
            let is_round = name == "Round";
            Function::new(&[Type::Duration], move |_, args| {
                // Go counts from year 1 here, not from 1970.
                let since_start = t.unix_nanoseconds() - Time::ZERO.unix_nanoseconds();
                let step = i128::from(duration(args, 0).nanoseconds());
                if step <= 0 {
                    return Ok(Value::Time(t.clone()));
                }
                let rest = since_start.rem_euclid(step);
                let up = is_round && rest * 2 >= step;
                let change = if up { step - rest } else { -rest };
                Ok(Value::Time(
                    t.plus(Duration::from_nanoseconds(super::clamp(change))),
                ))
            })
        }
        _ => return None,
    })
}

/// A method of a duration, bound to it.
pub(crate) fn duration_method(duration_value: Duration, name: &str) -> Option<Function> {
    let d = duration_value;
    let int64 = |value: i64| constant(Value::Int(value, IntKind::Int64));
    Some(match name {
        "String" => constant(Value::from(d.to_go_string())),
        "Hours" => constant(Value::Float(d.units(3_600_000_000_000))),
        "Minutes" => constant(Value::Float(d.units(60_000_000_000))),
        "Seconds" => constant(Value::Float(d.seconds())),
        "Milliseconds" => int64(d.nanoseconds() / 1_000_000),
        "Microseconds" => int64(d.nanoseconds() / 1_000),
        "Nanoseconds" => int64(d.nanoseconds()),
        "Abs" => constant(Value::Duration(Duration::from_nanoseconds(
            d.nanoseconds().saturating_abs(),
        ))),
        "Round" => Function::new(&[Type::Duration], move |_, args| {
            Ok(Value::Duration(d.round(duration(args, 0))))
        }),
        "Truncate" => Function::new(&[Type::Duration], move |_, args| {
            Ok(Value::Duration(d.truncate(duration(args, 0))))
        }),
        _ => return None,
    })
}

fn constant(value: Value) -> Function {
    Function::new(&[], move |_, _| Ok(value.clone()))
}

fn comparison(time: Time, holds: fn(Ordering) -> bool) -> Function {
    Function::new(&[Type::Time], move |_, args| {
        Ok(Value::Bool(holds(time.compare(&instant(args, 0)))))
    })
}

fn text(args: &[Value], at: usize) -> String {
    args.get(at)
        .and_then(Value::as_str)
        .map_or_else(String::new, |text| text.to_string())
}

/// The evaluator has checked the type.
fn duration(args: &[Value], at: usize) -> Duration {
    match args.get(at) {
        Some(Value::Duration(duration)) => *duration,
        _ => Duration::from_nanoseconds(0),
    }
}

fn instant(args: &[Value], at: usize) -> Time {
    match args.get(at) {
        Some(Value::Time(time)) => time.clone(),
        _ => Time::ZERO,
    }
}

/// Years, months and days are added to the date and days that overflow a month run into the next one.
fn add_date(time: &Time, args: &[Value]) -> Result<Value, String> {
    const RANGE: &str = "date out of range";
    let part = |at: usize| match args.get(at) {
        Some(Value::Int(value, _)) => i128::from(*value),
        _ => 0,
    };
    let civil = time.civil();
    let months =
        i128::from(civil.year()) * 12 + i128::from(civil.month()) - 1 + part(0) * 12 + part(1);
    let year = i16::try_from(months.div_euclid(12)).map_err(|_| RANGE)?;
    let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| RANGE)?;
    let first = jiff::civil::Date::new(year, month, 1).map_err(|_| RANGE)?;
    let days = i64::try_from(part(2) + i128::from(civil.day()) - 1).map_err(|_| RANGE)?;
    let span = jiff::Span::new().try_days(days).map_err(|_| RANGE)?;
    let date = first.checked_add(span).map_err(|_| RANGE)?;
    let local = date.to_datetime(civil.time());
    let at = match &time.zone {
        super::Zone::Named(zone) => zone.to_timestamp(local),
        _ => time.offset().to_timestamp(local),
    };
    Ok(Value::Time(Time {
        at: at.map_err(|_| RANGE)?,
        zone: time.zone.clone(),
    }))
}

fn go_syntax(time: &Time) -> String {
    let civil = time.civil();
    format!(
        "time.Date({}, time.{}, {}, {}, {}, {}, {}, time.UTC)",
        civil.year(),
        month_name(civil.month()),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.subsec_nanosecond()
    )
}

/// `time.Month` and `time.Weekday`: numbers that print as names.
#[derive(Debug)]
struct Named {
    type_name: &'static str,
    value: i64,
    text: &'static str,
}

impl Named {
    fn month(month: i8) -> Self {
        Self {
            type_name: "time.Month",
            value: i64::from(month),
            text: month_name(month),
        }
    }
}

impl Object for Named {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::int(self.value))
    }

    fn method(&self, name: &str) -> Option<Function> {
        (name == "String").then(|| constant(Value::str(self.text)))
    }

    fn display(&self) -> Option<String> {
        Some(self.text.to_owned())
    }
}

// Both tables are part of the layout module's contract: twelve months and seven days.
const _: () = assert!(MONTHS.len() == 12 && WEEKDAYS.len() == 7);
