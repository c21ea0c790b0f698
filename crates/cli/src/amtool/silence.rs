//! `silence query`, `add`, `update`, `expire` and `import`.

use ::amtool::Failure;
use ::amtool::import::{self, Ids};
use ::amtool::matchers::Reader;
use ::amtool::silence::{self, Detail, NewSilence, SilenceQuery, SilenceUpdate, Times};
use ::amtool::user::username;
use ::promtool::Console;
use ::promtool::console::read_text;
use clap::{Arg, Command};

use super::given::Given;
use super::{api, formatter, now, output_beyond_peer, switch, value, values, words};
use crate::promtool::standard_input;

const QUERY_ABOUT: &str = "Query Alertmanager silences.

Matchers such as alertname=foo, node!=bar or 'alertname=~foo.*' say which; a first one without an operator is the
name of the alert. --within=8h shows those that end within the next 8 hours, and with --expired those that ended
within the last 8.";

const IMPORT_ABOUT: &str = "Import alertmanager silences from JSON file or stdin

  amtool silence query -o json foo > foo.json
  amtool silence import foo.json";

pub(super) fn command() -> Command {
    Command::new("silence")
        .about("Add, expire or view silences. For more information and additional flags see query help")
        .subcommand_required(true)
        .subcommand(
            Command::new("query")
                .about("Query Alertmanager silences.")
                .long_about(QUERY_ABOUT)
                .arg(switch("expired", "Show expired silences instead of active"))
                .arg(switch("quiet", "Only show silence ids").short('q'))
                .arg(value("created-by", "Show silences that belong to this creator"))
                .arg(value("id", "Get a single silence by its ID"))
                .arg(value(
                    "within",
                    "Show silences that will expire or have expired within a duration",
                ))
                .arg(words("matcher-groups", "Query filter")),
        )
        .subcommand(
            Command::new("add")
                .about("Add a new alertmanager silence")
                .arg(
                    value("author", "Username for CreatedBy field, by default the user's")
                        .short('a'),
                )
                .arg(
                    switch("require-comment", "Require comment to be set")
                        .hide(true)
                        .overrides_with("no-require-comment"),
                )
                .arg(
                    switch("no-require-comment", "Do not require a comment")
                        .hide(true)
                        .overrides_with("require-comment"),
                )
                .arg(duration().default_value("1h"))
                .args(times())
                .arg(comment())
                .arg(values(
                    "annotation",
                    "Set an annotation to be included with the silence",
                ))
                .arg(words("matcher-groups", "Query filter")),
        )
        .subcommand(
            Command::new("update")
                .about("Update silences")
                .arg(switch("quiet", "Only show silence ids").short('q'))
                .arg(duration())
                .args(times())
                .arg(comment())
                .arg(words("update-ids", "Silence IDs to update")),
        )
        .subcommand(
            Command::new("expire")
                .about("expire an alertmanager silence")
                .arg(words("silence-ids", "Ids of silences to expire")),
        )
        .subcommand(
            Command::new("import")
                .about("Import alertmanager silences from JSON file or stdin")
                .long_about(IMPORT_ABOUT)
                .arg(
                    switch("force", "Force adding new silences even if it already exists")
                        .short('f'),
                )
                .arg(
                    value("worker", "Number of concurrent workers to use for import")
                        .short('w')
                        .default_value("8"),
                )
                .arg(
                    Arg::new("input-file")
                        .value_name("input-file")
                        .help("JSON file with silences"),
                ),
        )
}

fn duration() -> Arg {
    value("duration", "Duration of silence").short('d')
}

fn comment() -> Arg {
    value("comment", "A comment to help describe the silence").short('c')
}

fn times() -> [Arg; 2] {
    [
        value(
            "start",
            "Set when the silence should start. RFC3339 format 2006-01-02T15:04:05-07:00",
        ),
        value(
            "end",
            "Set when the silence should end (overwrites duration). RFC3339 format 2006-01-02T15:04:05-07:00",
        ),
    ]
}

fn times_of(given: Given<'_>) -> Times {
    Times {
        start: given.text("start").to_owned(),
        end: given.text("end").to_owned(),
        duration: given.text("duration").to_owned(),
    }
}

fn detail(given: Given<'_>) -> Detail {
    match given.is_on("quiet") {
        true => Detail::Ids,
        false => Detail::All,
    }
}

pub(super) fn run(
    kind: &str,
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let api = api(given)?;
    let formatter = formatter(given);
    match kind {
        "query" => {
            let query = SilenceQuery {
                expired: given.is_on("expired"),
                created_by: given.text("created-by").to_owned(),
                id: given.text("id").to_owned(),
                within: given.duration("within").0,
                matchers: given.texts("matcher-groups"),
            };
            silence::query(
                console,
                &api,
                reader,
                (&formatter, detail(given)),
                &query,
                now(),
            )
        }
        "add" => {
            let author = match given.text("author") {
                "" => username(),
                author => author.to_owned(),
            };
            let new = NewSilence {
                matchers: given.texts("matcher-groups"),
                author,
                comment: given.text("comment").to_owned(),
                comment_required: given.is_not_off("require-comment"),
                annotations: given.texts("annotation"),
                times: times_of(given),
            };
            silence::add(
                console,
                &api,
                reader,
                output_beyond_peer(given),
                &new,
                now(),
            )
        }
        "update" => {
            let update = SilenceUpdate {
                ids: given.texts("update-ids"),
                times: times_of(given),
                comment: given.text("comment").to_owned(),
            };
            silence::update(console, &api, (&formatter, detail(given)), &update)
        }
        "expire" => silence::expire(&api, &given.texts("silence-ids")),
        _ => {
            let text = match given.text("input-file") {
                "" => standard_input(),
                file => read_text(file),
            }?;
            let ids = match given.is_on("force") {
                true => Ids::Dropped,
                false => Ids::Kept,
            };
            let silences = import::read(&text, ids)?;
            let workers = given.text("worker").parse().unwrap_or(1);
            import::import(console, &api, output_beyond_peer(given), silences, workers)
        }
    }
}
