//! `route explain`: reads the labels, asks a server or answers without one, and shows the answer.

use ::amtool::Failure;
use ::amtool::format::Output;
use ::promtool::Console;
use ::promtool::console::read_text;
use ::promtool::http::success;
use ::promtool::table::{Columns, Last, layout};
use serde_json::{Map, Value, json};
use server::OfflineTrials;

use super::ask;
use super::print::{list, pairs, texts, word};
use crate::alert::event::clock;
use crate::amtool::given::Given;
use crate::amtool::{output, reader};
use crate::{query, serve, times};

const PATH: &str = "/api/keepwatch/v1/route/explain";
const FACTS: Columns = Columns {
    width_min: 0,
    padding: 2,
};

pub(super) fn run(given: Given<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    let reader = reader(given, console)?;
    let words = given.texts("labels");
    if words.is_empty() {
        let problem =
            "which alert? give its labels, as in: keepwatch route explain HighErrorRate team=shop";
        return Err(problem.into());
    }
    let words = reader.with_alertname(console, &words);
    let labels: Map<String, Value> = reader
        .pairs(console, &words, "labels")
        .map_err(|problem| format!("labels: {problem}"))?
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let mut question = json!({ "labels": labels });
    let at = given.text("at");
    if !at.is_empty() {
        question["at"] = query::seconds(times::time("--at", at)?).into();
    }
    let answer = match given.text("config.file") {
        "" => ask(given, PATH, question.to_string())?,
        file => {
            if !given.is_default("alertmanager.url") {
                let problem =
                    "give either --config.file, which needs no server, or --url, not both";
                return Err(problem.into());
            }
            let offline = OfflineTrials::open(None, reader.mode)
                .map_err(|error| Failure::Problem(error.to_string()))?;
            let text = read_text(file)?;
            offline.check(file, &text)?;
            question["config"] = text.into();
            let runtime = serve::runtime().map_err(|error| Failure::Problem(error.to_string()))?;
            let answer = runtime.block_on(offline.explain(question.to_string()))?;
            success(&answer, "no JSON")?
        }
    };
    let explained = &answer["data"];
    for warning in texts(explained, "warnings") {
        console.problem(format_args!("warning: {warning}"));
    }
    match output(given) {
        Output::Json => console.line(explained),
        kind => console.print(told(&Value::Object(labels), explained, kind)),
    }
    Ok(())
}

/// For people: the routes that were asked, and all of where the alert ends.
fn told(labels: &Value, explained: &Value, output: Output) -> String {
    let mut text = format!(
        "{} at {}\n\nRoutes:\n",
        pairs(labels),
        clock(word(explained, "at"))
    );
    let mut visits: Vec<(&String, &Value)> = explained["visits"]
        .as_object()
        .into_iter()
        .flatten()
        .collect();
    visits.sort_by_key(|(_, visit)| visit["position"].as_u64());
    let mut hidden = 0;
    for (_, visit) in visits {
        if word(visit, "outcome") == "not-reached" && output != Output::Extended {
            hidden += 1;
            continue;
        }
        text.push_str(&visited(visit));
    }
    if hidden > 0 {
        text.push_str(&format!(
            "  {hidden} more were not asked, see -o extended.\n"
        ));
    }
    let ends: Vec<&Value> = list(explained, "ends").collect();
    if ends.is_empty() {
        text.push_str("\nNobody is told: no route takes such an alert.\n");
    }
    for end in ends {
        text.push_str(&format!(
            "\n{} by {}:\n",
            word(end, "receiver"),
            word(end, "routeId")
        ));
        text.push_str(&layout(&facts(end), FACTS, Last::AsIs));
        text.push('\n');
    }
    text.push_str(&held_back(explained));
    text
}

/// The line of a route.
fn visited(visit: &Value) -> String {
    let depth = visit["depth"].as_u64().unwrap_or_default();
    let depth = usize::try_from(depth).unwrap_or_default();
    let matchers = texts(visit, "matchers").join(",");
    let continues = match visit["continues"] == true {
        true => ", continues",
        false => "",
    };
    let outcome = match word(visit, "outcome") {
        "end" => "ends here",
        "passed" => "goes on",
        "differs" => "does not match",
        _ => "not asked",
    };
    let failed = match word(visit, "failed") {
        "" => String::new(),
        failed => format!("{failed} fails, "),
    };
    format!(
        "  {}{{{matchers}}} to {}{continues}: {outcome}, {failed}{}\n",
        "  ".repeat(depth),
        word(visit, "receiver"),
        word(visit, "because")
    )
}

/// What there is to say of an end, in two columns.
fn facts(end: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| rows.push(vec![format!("  {name}"), text]);
    let integrations = list(end, "integrations").map(|integration| {
        let told = match word(integration, "told") {
            "nothing" => return word(integration, "name").to_owned(),
            told => told,
        };
        format!(
            "{} (told that it is {told}, {})",
            word(integration, "name"),
            clock(word(integration, "toldAt"))
        )
    });
    let integrations: Vec<String> = integrations.collect();
    row(
        "tells",
        match integrations.is_empty() {
            true => "nobody: the receiver has no integration".to_owned(),
            false => integrations.join(", "),
        },
    );
    row("group", pairs(&end["groupLabels"]));
    row("group key", word(end, "groupKey").to_owned());
    let set_by = |name: &str| match end["setBy"][name].as_str() {
        Some(route) if route == word(end, "routeId") => "set here".to_owned(),
        Some(route) => format!("set by {route}"),
        None => "the default".to_owned(),
    };
    let group_by = match texts(end, "groupBy").as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    row("group_by", format!("{group_by} ({})", set_by("groupBy")));
    for (name, key) in [
        ("group_wait", "groupWait"),
        ("group_interval", "groupInterval"),
        ("repeat_interval", "repeatInterval"),
    ] {
        row(name, format!("{} ({})", word(end, key), set_by(key)));
    }
    for (name, key) in [
        ("mute", "muteTimeIntervals"),
        ("active", "activeTimeIntervals"),
    ] {
        for interval in list(end, key) {
            let state = match interval["holds"] == true {
                true => "holds",
                false => "does not hold",
            };
            let until = until(interval);
            row(name, format!("{}: {state}{until}", word(interval, "name")));
        }
    }
    let group = match word(end, "membership") {
        "member" => "of its group",
        "joins" => "of the group that it would join",
        _ => "of a new group",
    };
    let flush = clock(word(end, "nextFlush"));
    row("next flush", format!("{flush}, {group}"));
    for reason in list(end, "suppressedBy") {
        row(
            "held back",
            format!("{}{}", word(reason, "message"), until(reason)),
        );
    }
    rows
}

fn until(value: &Value) -> String {
    match word(value, "until") {
        "" => String::new(),
        until => format!(", until {}", clock(until)),
    }
}

/// Who hides it, with what else is known of them.
fn held_back(explained: &Value) -> String {
    let mut text = String::new();
    for silence in list(explained, "silences") {
        text.push_str(&format!(
            "\nSilence {} by {}, until {}: {}\n",
            word(silence, "id"),
            word(silence, "createdBy"),
            clock(word(silence, "endsAt")),
            word(silence, "comment")
        ));
    }
    for inhibition in list(explained, "inhibitions") {
        let name = match word(inhibition, "name") {
            "" => String::new(),
            name => format!(" {name:?}"),
        };
        text.push_str(&format!(
            "\nInhibition rule {}{name}, while this fires: {}\n",
            inhibition["rule"],
            pairs(&inhibition["source"])
        ));
    }
    text
}
