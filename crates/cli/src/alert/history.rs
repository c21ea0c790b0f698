//! `alert history`: events in their order.

use ::amtool::Failure;
use ::amtool::format::Output;
use ::amtool::matchers::Reader;
use ::promtool::Console;

use super::parameters;
use super::source::Source;
use crate::amtool::given::Given;
use crate::amtool::output;

pub(super) fn run(
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut parameters = parameters(given, reader, console)?;
    match given.text("receiver") {
        "" => {}
        receiver => parameters.push(("receiver", receiver.to_owned())),
    }
    let limit = given.text("limit");
    let limit: usize = match limit.parse() {
        Ok(limit) if limit > 0 => limit,
        _ => return Err(format!("--limit {limit}: no number above 0").into()),
    };
    let mut found = Source::of(given)?.newest(&parameters, limit)?;
    for damage in &found.damage {
        console.problem(format_args!("warning: {damage}"));
    }
    found.events.reverse();
    if output(given) == Output::Json {
        let json = serde_json::to_string(&found.events);
        console.line(json.map_err(|error| Failure::Problem(error.to_string()))?);
        return Ok(());
    }
    for event in &found.events {
        let clock = event.clock();
        match output(given) {
            Output::Extended => {
                console.line(format_args!(
                    "{clock}  {:<28}  {}",
                    event.code,
                    event.line()
                ));
            }
            _ => console.line(format_args!("{clock}  {}", event.line())),
        }
    }
    if found.events.is_empty() {
        let since = match &found.kept_since {
            Some(since) => format!("; it begins at {since}"),
            None => "; it is empty".to_owned(),
        };
        console.problem(format_args!("the journal has no such event{since}"));
    }
    Ok(())
}
