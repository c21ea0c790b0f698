//! `alert query` and `alert add`.

use ::amtool::Failure;
use ::amtool::alert::{self, AlertQuery, AlertStates, NewAlert};
use ::amtool::matchers::Reader;
use ::promtool::Console;
use clap::Command;

use super::given::Given;
use super::{api, formatter, switch, value, values, words};

const QUERY_ABOUT: &str = "View and search through current alerts.

Matchers such as alertname=foo, node!=bar or 'alertname=~foo.*' say which; a first one without an operator is
the name of the alert. Without flags for states, active alerts are shown.";

const ADD_ABOUT: &str = "Add a new alert.

Labels are given as name=value; a first one without = is the name of the alert:

  amtool alert add foo node=bar --annotation=summary='summary of the alert'";

pub(super) fn command() -> Command {
    Command::new("alert")
        .about("Add or query alerts.")
        .subcommand_required(true)
        .subcommand(
            Command::new("query")
                .about("View and search through current alerts.")
                .long_about(QUERY_ABOUT)
                .arg(switch("inhibited", "Show inhibited alerts").short('i'))
                .arg(switch("silenced", "Show silenced alerts").short('s'))
                .arg(switch("active", "Show active alerts").short('a'))
                .arg(switch("unprocessed", "Show unprocessed alerts").short('u'))
                .arg(
                    value(
                        "receiver",
                        "Show alerts matching receiver (Supports regex syntax)",
                    )
                    .short('r'),
                )
                .arg(words("matcher-groups", "Query filter")),
        )
        .subcommand(
            Command::new("add")
                .about("Add a new alert.")
                .long_about(ADD_ABOUT)
                .arg(value(
                    "generator-url",
                    "Set the URL of the source that generated the alert",
                ))
                .arg(value(
                    "start",
                    "Set when the alert should start. RFC3339 format 2006-01-02T15:04:05-07:00",
                ))
                .arg(value(
                    "end",
                    "Set when the alert should end. RFC3339 format 2006-01-02T15:04:05-07:00",
                ))
                .arg(values(
                    "annotation",
                    "Set an annotation to be included with the alert",
                ))
                .arg(words(
                    "labels",
                    "List of labels to be included with the alert",
                )),
        )
}

pub(super) fn run(
    kind: &str,
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let api = api(given)?;
    if kind == "add" {
        let new = NewAlert {
            labels: given.texts("labels"),
            annotations: given.texts("annotation"),
            generator_url: given.text("generator-url").to_owned(),
            start: given.text("start").to_owned(),
            end: given.text("end").to_owned(),
        };
        return alert::add(console, &api, reader, &new);
    }
    let query = AlertQuery {
        states: AlertStates {
            active: given.is_on("active"),
            inhibited: given.is_on("inhibited"),
            silenced: given.is_on("silenced"),
            unprocessed: given.is_on("unprocessed"),
        },
        receiver: given.text("receiver").to_owned(),
        matchers: given.texts("matcher-groups"),
    };
    alert::query(console, &api, reader, &formatter(given), &query)
}
