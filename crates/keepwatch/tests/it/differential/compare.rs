//! Whether two answers say the same.

use serde_json::Value;

use super::queries::Order;

/// Sums are made in different orders, so the last digits may differ.
const RELATIVE_ERROR_MAX: f64 = 1e-9;

/// Compares status codes, kinds of errors and data. Texts of errors, warnings and infos are newer in one
/// than in the other and are left out.
pub(super) fn answers(
    theirs: &(u16, Value),
    ours: &(u16, Value),
    order: Order,
) -> Result<(), String> {
    if theirs.0 != ours.0 {
        return Err(format!(
            "status {} and {}: {} and {}",
            theirs.0, ours.0, theirs.1, ours.1
        ));
    }
    same(&theirs.1["errorType"], &ours.1["errorType"], "errorType")?;
    let mut data = [theirs.1["data"].clone(), ours.1["data"].clone()];
    data.iter_mut().for_each(write_bounds_as_today);
    if order == Order::ByLabels {
        for data in &mut data {
            let series = match data {
                Value::Array(series) => Some(series),
                Value::Object(_) => data["result"].as_array_mut(),
                _ => None,
            };
            // A scalar's pair is an array as well, of a number and a text: not series.
            if let Some(series) = series.filter(|series| series.iter().all(Value::is_object)) {
                series.sort_by_key(|series| series["metric"].to_string() + &series.to_string());
            }
        }
    }
    same(&data[0], &data[1], "data")
}

/// Since Prometheus 3.0 a bound or quantile that is a whole number is stored with `.0`, whatever the page
/// had. What comes by remote write is stored as it comes.
fn write_bounds_as_today(data: &mut Value) {
    let series = data.get_mut("result").and_then(Value::as_array_mut);
    for series in series.into_iter().flatten() {
        for name in ["le", "quantile"] {
            let Some(Value::String(bound)) = series
                .get_mut("metric")
                .and_then(|labels| labels.get_mut(name))
            else {
                continue;
            };
            if bound.parse::<u64>().is_ok() {
                bound.push_str(".0");
            }
        }
    }
}

fn same(theirs: &Value, ours: &Value, path: &str) -> Result<(), String> {
    let differ = || Err(format!("{path}: Prometheus {theirs}, we {ours}"));
    match (theirs, ours) {
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Err(format!(
                    "{path}: {} and {} items: {theirs}, we {ours}",
                    a.len(),
                    b.len()
                ));
            }
            let mut items = a.iter().zip(b).enumerate();
            items.try_for_each(|(at, (a, b))| same(a, b, &format!("{path}[{at}]")))
        }
        (Value::Object(a), Value::Object(b)) => {
            if !a.keys().eq(b.keys()) {
                return differ();
            }
            a.iter()
                .try_for_each(|(key, a)| same(a, &b[key], &format!("{path}.{key}")))
        }
        (Value::String(a), Value::String(b)) if a != b && path.ends_with("[1]") => {
            if is_close(a, b) { Ok(()) } else { differ() }
        }
        _ if theirs == ours => Ok(()),
        // `1700000000` and `1700000000.0` are the same time.
        _ if theirs.is_number() && theirs.as_f64() == ours.as_f64() => Ok(()),
        _ => differ(),
    }
}

/// Values are texts; `NaN` and infinities must be the same text.
fn is_close(theirs: &str, ours: &str) -> bool {
    let (Ok(theirs), Ok(ours)) = (theirs.parse::<f64>(), ours.parse::<f64>()) else {
        return false;
    };
    theirs.is_finite()
        && ours.is_finite()
        && (theirs - ours).abs() <= RELATIVE_ERROR_MAX * theirs.abs().max(ours.abs())
}

#[test]
fn differences_are_found() {
    let answer = |text: &str| (200, serde_json::from_str(text).unwrap());
    let vector = |name: &str, value: &str| {
        answer(&format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"a":"{name}"}},"value":[1.5,"{value}"]}}]}}}}"#
        ))
    };
    let compared = |a, b| answers(&a, &b, Order::ByLabels);
    assert_eq!(
        compared(vector("b", "1"), vector("b", "1.0000000000001")),
        Ok(())
    );
    assert!(compared(vector("b", "1"), vector("b", "1.00001")).is_err());
    assert!(compared(vector("b", "1"), vector("c", "1")).is_err());
    assert!(compared(vector("b", "NaN"), vector("b", "1")).is_err());
    assert!(compared(vector("b", "+Inf"), vector("b", "-Inf")).is_err());
    assert!(compared(answer(r#"{"data":{"result":[]}}"#), vector("b", "1")).is_err());
}
