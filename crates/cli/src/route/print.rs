//! A comparison for people: which alerts change, and sums.

use ::promtool::table::{Columns, Last, layout};
use serde_json::{Value, json};

const COLUMNS: Columns = Columns {
    width_min: 0,
    padding: 2,
};

/// A line for each alert that changes.
pub(super) fn simple(comparison: &Value) -> String {
    let mut rows = Vec::new();
    for alert in list(comparison, "alerts").filter(|alert| alert["changed"] == true) {
        rows.push(vec![
            pairs(&alert["labels"]),
            whom(&alert["old"]),
            whom(&alert["new"]),
            texts(alert, "reasons").join(", "),
        ]);
    }
    let mut text = table(["Alert", "Old", "New", "Differs in"], rows);
    text.push_str(&sums(comparison));
    text
}

/// All alerts that there are, with everything of their ends.
pub(super) fn extended(comparison: &Value) -> String {
    let mut text = String::new();
    for alert in list(comparison, "alerts") {
        text.push_str(&pairs(&alert["labels"]));
        if alert["changed"] != true {
            text.push_str("\n    the same\n");
            ends(&mut text, ' ', &alert["new"]);
            continue;
        }
        let reasons = texts(alert, "reasons").join(", ");
        text.push_str(&format!("\n    differs in {reasons}\n"));
        ends(&mut text, '-', &alert["old"]);
        ends(&mut text, '+', &alert["new"]);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&sums(comparison));
    text
}

fn ends(text: &mut String, mark: char, outcome: &Value) {
    for end in list(outcome, "ends") {
        text.push_str(&format!(
            "  {mark} {} by {}: group {}, after {}, every {}, again after {}{}\n",
            receiver(end),
            word(end, "routeId"),
            word(end, "groupKey"),
            word(end, "groupWait"),
            word(end, "groupInterval"),
            word(end, "repeatInterval"),
            because(&end["muted"]),
        ));
    }
    let inhibited = because(&outcome["inhibited"]);
    if !inhibited.is_empty() {
        text.push_str(&format!("  {mark} kept quiet{inhibited}\n"));
    }
}

fn sums(comparison: &Value) -> String {
    let count = |name: &str| comparison[name].as_u64().unwrap_or_default();
    let mut text = format!(
        "{} alerts are compared, {} fare differently.\n",
        count("compared"),
        count("changed")
    );
    let left_out = &comparison["leftOut"]["changed"];
    if left_out.as_u64().is_some_and(|count| count > 0) {
        text.push_str(&format!("{left_out} of these are not shown.\n"));
    }
    let nobody = &comparison["nobody"];
    if nobody["old"] != 0 || nobody["new"] != 0 {
        text.push_str(&format!(
            "{} alerts reach nobody with the old configuration, {} with the new one.\n",
            nobody["old"], nobody["new"]
        ));
    }
    let is_concerned = |receiver: &&Value| {
        let has_changed = receiver["state"] != "stays" || receiver["settings"] != json!([]);
        has_changed || receiver["gained"] != 0 || receiver["lost"] != 0
    };
    let rows = list(comparison, "receivers").filter(is_concerned);
    let rows = rows.map(|receiver| {
        let number = |name: &str| receiver[name].to_string();
        let note = match word(receiver, "state") {
            "goes" => " (is not there any more)",
            "comes" => " (is new)",
            _ => "",
        };
        let settings = match texts(receiver, "settings").as_slice() {
            [] => String::new(),
            kinds => format!(" (other settings: {})", kinds.join(", ")),
        };
        let name = format!("{}{note}{settings}", word(receiver, "name"));
        let numbers = ["old", "new", "gained", "lost"].map(number);
        std::iter::once(name).chain(numbers).collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(["Receiver", "Old", "New", "Gained", "Lost"], rows));
    }
    text
}

fn table<const N: usize>(head: [&str; N], mut rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    rows.insert(0, head.map(str::to_owned).to_vec());
    let mut text = layout(&rows, COLUMNS, Last::AsIs);
    text.push('\n');
    text
}

/// The receivers of an outcome.
fn whom(outcome: &Value) -> String {
    let mut names: Vec<String> = list(outcome, "ends").map(receiver).collect();
    if names.is_empty() {
        names.push("nobody".to_owned());
    }
    let mut text = names.join(", ");
    if outcome["inhibited"].is_object() {
        text.push_str(" (inhibited)");
    }
    text
}

fn receiver(end: &Value) -> String {
    let mut text = word(end, "receiver").to_owned();
    if list(end, "integrations").next().is_none() {
        text.push_str(" (tells nobody)");
    }
    if end["muted"].is_object() {
        text.push_str(" (muted)");
    }
    text
}

fn because(reason: &Value) -> String {
    match word(reason, "message") {
        "" => String::new(),
        message => format!(", {message}"),
    }
}

pub(super) fn pairs(labels: &Value) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let pairs = labels.map(|(name, value)| format!("{name}={value}"));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

pub(super) fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

pub(super) fn texts<'v>(value: &'v Value, name: &str) -> Vec<&'v str> {
    list(value, name).filter_map(Value::as_str).collect()
}

pub(super) fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
