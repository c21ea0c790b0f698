//! `keepwatch alert history` and `alert why`: what the journal says of alerts, asked of a server or of a folder; and
//! `alert drill`.

mod drill;
pub(crate) mod event;
mod fold;
mod history;
pub(crate) mod source;
mod why;

use ::amtool::Failure;
use ::amtool::matchers::Reader;
use ::promtool::Console;
use clap::{Arg, ArgAction, Command};

use crate::amtool::given::Given;
use crate::amtool::{value, words};
use crate::{query, times};

const HISTORY_ABOUT: &str = "Tells what happened to alerts, the oldest event first.

Matchers such as alertname=foo, node!=bar or 'alertname=~foo.*' say which alerts; a first one without an operator is
the name of the alert. Without any, all events are told.

  keepwatch alert history HighErrorRate --from=-6h
  keepwatch alert history --storage.path=data -o json service=cart";

const WHY_ABOUT: &str = "Tells why somebody was, or was not, told about an alert: the newest one that the matchers match.

It shows the chain from the sample of the rule to the answer of the receiver, and how it stands with each receiver.

  keepwatch alert why HighErrorRate service=cart";

const DRILL_ABOUT: &str = "Sends an alert that is marked as a drill on the real way to its receivers, ends it, and shows each hop.

With --receiver all integrations of that receiver are told, that the alert fires and then that it is over. With --labels
the routes choose whom to tell, and the alert waits in its group like any other, so that this may take some minutes.
The alert has the label keepwatch_drill. The exit code is 0 only if everybody who had to be told was.

  keepwatch alert drill --receiver pager
  keepwatch alert drill --labels HighErrorRate severity=critical team=shop";

/// The commands, to be put below `alert`.
pub(crate) fn commands() -> [Command; 3] {
    let with_times = |command: Command| {
        command
            .arg(value(
                "from",
                "Events from here on: RFC 3339, seconds since 1970, or time before now as in -2h",
            ).allow_hyphen_values(true))
            .arg(value("to", "Events up to here, in the same forms").allow_hyphen_values(true))
            .arg(storage())
            .arg(words("matcher-groups", "Which alerts"))
    };
    let history = Command::new("history")
        .about("Tells what happened to alerts")
        .long_about(HISTORY_ABOUT)
        .arg(value("receiver", "Only events about telling this receiver").short('r'))
        .arg(value("limit", "The newest so many events").default_value("200"));
    let why = Command::new("why")
        .about("Tells why somebody was, or was not, told about an alert")
        .long_about(WHY_ABOUT);
    let drill = Command::new("drill")
        .about("Tries whether alerts reach their receivers")
        .long_about(DRILL_ABOUT)
        .arg(value("receiver", "Tells this receiver, whatever the routes say").short('r'))
        .arg(
            value(
                "labels",
                "Tells whom the routes choose for name=value …; a first one without = is the name of the alert",
            )
            .num_args(1..)
            .action(ArgAction::Append),
        )
        .arg(value("wait", "How long the alert fires at most, up to 1h").default_value("6m"));
    [with_times(history), with_times(why), drill]
}

pub(crate) fn storage() -> Arg {
    value(
        "storage.path",
        "Asks the journal in this data folder, of serve or of an Alertmanager, instead of a server; nothing in it is changed",
    )
}

/// Runs one of the commands.
pub(crate) fn run(
    kind: &str,
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    match kind {
        "drill" => drill::run(given, reader, console),
        "history" => history::run(given, reader, console),
        _ => why::run(given, reader, console),
    }
}

/// The parameters that both commands have.
fn parameters(
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<::promtool::http::Parameters, Failure> {
    let mut parameters = Vec::new();
    for name in ["from", "to"] {
        let text = given.text(name);
        if !text.is_empty() {
            let at = times::time(&format!("--{name}"), text)?;
            parameters.push((name, query::seconds(at)));
        }
    }
    let matchers = reader.with_alertname(console, &given.texts("matcher-groups"));
    parameters.extend(matchers.into_iter().map(|text| ("filter", text)));
    Ok(parameters)
}
