//! Parts of dates in UTC, counted out year by year and month by month.

const DAY: i128 = 86_400;
/// The calendar repeats after 400 years.
const CYCLE_YEARS: i64 = 400;
const CYCLE_DAYS: i64 = 146_097;

/// None if the function is none of dates. What is no 64-bit integer is the smallest one, as the peers'
/// processor converts it.
pub(crate) fn date_part(name: &str, seconds: f64) -> Option<f64> {
    let is_in_range =
        (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&seconds);
    let seconds = if is_in_range {
        seconds as i64
    } else {
        i64::MIN
    };
    // Go's clock has 64 bits without sign from this second on; before it time wraps around.
    let is_before = seconds < -9_223_371_966_579_724_800;
    let seconds = i128::from(seconds) + if is_before { 1 << 64 } else { 0 };
    let days = (seconds.div_euclid(DAY)) as i64;
    let within = (seconds.rem_euclid(DAY)) as i64;

    let cycles = days.div_euclid(CYCLE_DAYS);
    let mut rest = days.rem_euclid(CYCLE_DAYS);
    let mut year = 1970 + cycles * CYCLE_YEARS;
    while rest >= days_of_year(year) {
        rest -= days_of_year(year);
        year += 1;
    }
    let day_of_year = rest + 1;
    let mut month = 1;
    while rest >= days_of_month(year, month) {
        rest -= days_of_month(year, month);
        month += 1;
    }
    let part = match name {
        "year" => year,
        "month" => month,
        "day_of_month" => rest + 1,
        "day_of_year" => day_of_year,
        // The epoch was a Thursday.
        "day_of_week" => (days + 4).rem_euclid(7),
        "days_in_month" => days_of_month(year, month),
        "hour" => within / 3600,
        "minute" => within % 3600 / 60,
        _ => return None,
    };
    Some(part as f64)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && year % 100 != 0 || year % 400 == 0
}

fn days_of_year(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
