//! `alert drill`: asks a server for a fire drill and shows its hops.

use std::time::Duration;

use ::amtool::Failure;
use ::amtool::format::Output;
use ::amtool::matchers::Reader;
use ::promtool::Console;
use ::promtool::http::success;
use model::format::terminal_line;
use serde_json::{Value, json};

use super::event::clock;
use super::source::server;
use crate::amtool::given::Given;
use crate::amtool::output;

const PATH: &str = "/api/keepwatch/v1/alerts/drill";
/// A receiver that hangs is tried a few times, firing and resolved.
const OVERTIME: Duration = Duration::from_secs(300);

pub(super) fn run(
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let (receiver, labels) = (given.text("receiver"), given.texts("labels"));
    let mut question = match (receiver, labels.is_empty()) {
        ("", false) => {
            let labels = reader.with_alertname(console, &labels);
            let pairs = reader.pairs(console, &labels, "labels")?;
            let pairs: serde_json::Map<String, Value> = pairs
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect();
            json!({ "labels": pairs })
        }
        (receiver, true) if !receiver.is_empty() => json!({ "receiver": receiver }),
        _ => {
            let problem = "whom to tell? give either --receiver NAME, or --labels NAME=VALUE … for the routes to choose";
            return Err(problem.into());
        }
    };
    let wait = given.text("wait");
    let longest =
        model::Duration::parse(wait).map_err(|error| format!("--wait {wait}: {error}"))?;
    question["wait"] = Value::String(wait.to_owned());
    let server = server(given)?.with_timeout(longest.to_std() + OVERTIME);
    let headers = [("content-type", "application/json")];
    let answer = server
        .post(PATH, &headers, question.to_string())
        .map_err(Failure::Problem)?;
    let else_told = format!(
        "{} and no JSON from {}{PATH}: {}; does --url name a Keepwatch, and may it be changed?",
        answer.status,
        server.url(),
        String::from_utf8_lossy(&answer.body).trim()
    );
    let answer = success(&answer.body, &else_told)
        .map_err(|error| Failure::Problem(format!("no fire drill: {error}")))?;
    let drill = &answer["data"];
    match output(given) {
        Output::Json => console.line(drill),
        kind => console.print(told(drill, kind)),
    }
    match text(drill, "outcome") {
        "proven" => Ok(()),
        _ => Err(Failure::Told),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn told(drill: &Value, output: Output) -> String {
    let mut lines = format!("Fire drill {}\n\n", text(drill, "id"));
    for hop in drill["hops"].as_array().into_iter().flatten() {
        // That a group is looked at says nothing about this alert.
        let is_noise = matches!(text(hop, "code"), "group-flushed" | "group-created");
        if is_noise && output != Output::Extended {
            continue;
        }
        let after = hop["afterMs"].as_f64().unwrap_or_default() / 1000.0;
        let at = clock(text(hop, "at"));
        let what = terminal_line(text(hop, "text"));
        lines.push_str(&format!("  {at}  {after:>8.3}s  {what}\n"));
    }
    lines.push_str(&format!("\n{}\n", terminal_line(text(drill, "text"))));
    for end in drill["ends"].as_array().into_iter().flatten() {
        let whom = [text(end, "receiver"), text(end, "integration")];
        let whom = whom.into_iter().filter(|name| !name.is_empty());
        let whom = whom.collect::<Vec<_>>().join(", ");
        let what = match end["isResolved"].as_bool() {
            Some(true) => "its end: ",
            _ => "",
        };
        lines.push_str(&format!(
            "  {}: {what}{}. {}\n",
            if whom.is_empty() { "nobody" } else { &whom },
            text(end, "outcome"),
            terminal_line(text(end, "text"))
        ));
    }
    lines
}
