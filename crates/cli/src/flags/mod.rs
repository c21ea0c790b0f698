//! The flag table, and a clap command made from it.

mod alertmanager;
mod shown;
mod table;
mod without_effect;

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

pub(crate) use alertmanager::{ALERTMANAGER_WITHOUT_EFFECT, alertmanager};
pub(crate) use shown::shown;
pub(crate) use table::SERVE;
pub(crate) use without_effect::WITHOUT_EFFECT;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing; `--no-NAME` switches it off again. The default is off, or `true`.
    Nothing,
    /// One text.
    Text,
    /// One text, and the flag may be repeated.
    Texts,
    /// A duration such as `5m`.
    Duration,
    Number,
}

/// In which mode a flag may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Any,
    Server,
    Agent,
}

/// One flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// Without the dashes; Prometheus' and Alertmanager's flags keep their names.
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    /// As text; empty for none.
    pub(crate) default: &'static str,
    pub(crate) value_name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) role: Role,
}

/// Adds all flags of a table to a command.
pub(crate) fn add(command: Command, flags: impl IntoIterator<Item = &'static Flag>) -> Command {
    let mut command = command;
    for flag in flags {
        let mut arg = Arg::new(flag.name).long(flag.name).help(flag.help);
        if let Some(short) = flag.short {
            arg = arg.short(short);
        }
        arg = match flag.takes {
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Takes::Texts => arg.action(ArgAction::Append).value_name(flag.value_name),
            Takes::Text => arg.value_name(flag.value_name),
            Takes::Duration => arg.value_name(flag.value_name).value_parser(parse_duration),
            Takes::Number => arg.value_name(flag.value_name).value_parser(parse_number),
        };
        if !flag.default.is_empty() {
            arg = arg.default_value(flag.default);
        }
        command = command.arg(arg);
        if flag.takes == Takes::Nothing {
            // The negation that Prometheus' command line has for every switch.
            let negated: &'static str = Box::leak(format!("no-{}", flag.name).into_boxed_str());
            command = command.arg(
                Arg::new(negated)
                    .long(negated)
                    .action(ArgAction::SetTrue)
                    .hide(true)
                    .overrides_with(flag.name),
            );
        }
    }
    command
}

/// Also as Go writes durations, which Alertmanager's flags take.
fn parse_duration(text: &str) -> Result<model::Duration, String> {
    let problem = match model::Duration::parse(text) {
        Ok(duration) => return Ok(duration),
        Err(error) => format!("{error} (write it like 30s, 5m, 1h30m)"),
    };
    match config::GoDuration::parse(text) {
        Some(duration) if duration.0 >= 0 => Ok(model::Duration::from_std(duration.to_std())),
        _ => Err(problem),
    }
}

/// Also as `5e7`, which the peer's parser takes.
fn parse_number(text: &str) -> Result<usize, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    /// Every whole number up to here is a float of its own.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match text.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number, not negative, and not too large"
        )]
        Ok(number) if (0.0..=EXACT_MAX).contains(&number) && number.fract() == 0.0 => {
            Ok(number as usize)
        }
        _ => Err("not a whole number (write it like 500 or 5e7)".to_owned()),
    }
}

/// Reads what was given for the flags of a table.
pub(crate) struct Given<'m>(pub(crate) &'m ArgMatches);

impl Given<'_> {
    pub(crate) fn is_on(&self, name: &str) -> bool {
        let negated = self.0.try_get_one::<bool>(&format!("no-{name}"));
        let is_negated = negated.ok().flatten().copied().unwrap_or_default();
        self.0.get_flag(name) && !is_negated
    }

    /// Whether the command line has the flag or its negation.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        let source = |name: &str| match self.0.try_contains_id(name) {
            Ok(true) => self.0.value_source(name),
            _ => None,
        };
        [source(name), source(&format!("no-{name}"))]
            .into_iter()
            .any(|source| source == Some(ValueSource::CommandLine))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get_one::<String>(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.0
            .get_many::<String>(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    /// Every duration flag of the table has a default.
    pub(crate) fn duration(&self, name: &str) -> model::Duration {
        self.0
            .get_one::<model::Duration>(name)
            .copied()
            .unwrap_or_default()
    }

    /// Every number flag of the table has a default.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.0.get_one::<usize>(name).copied().unwrap_or_default()
    }

    /// Flags of one mode only that were given, with their dashes, in the order of the command line.
    pub(crate) fn of_role<'f>(
        &self,
        flags: impl IntoIterator<Item = &'f Flag>,
        role: Role,
    ) -> Vec<String> {
        let mut found = Vec::new();
        for flag in flags.into_iter().filter(|flag| flag.role == role) {
            let negated = format!("no-{}", flag.name);
            for name in [flag.name, negated.as_str()] {
                let is_known = self.0.ids().any(|id| id.as_str() == name);
                if is_known && self.0.value_source(name) == Some(ValueSource::CommandLine) {
                    let place = self.0.index_of(name).unwrap_or_default();
                    found.push((place, format!("--{}", flag.name)));
                }
            }
        }
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// All flags with their values as text.
    pub(crate) fn values<'f>(
        &self,
        flags: impl IntoIterator<Item = &'f Flag>,
    ) -> BTreeMap<String, String> {
        let value = |flag: &Flag| match flag.takes {
            Takes::Nothing => self.is_on(flag.name).to_string(),
            Takes::Text => self.text(flag.name).unwrap_or_default().to_owned(),
            Takes::Texts => self.texts(flag.name).join(","),
            Takes::Duration => self.duration(flag.name).to_string(),
            Takes::Number => self.number(flag.name).to_string(),
        };
        flags
            .into_iter()
            .map(|flag| (flag.name.to_owned(), value(flag)))
            .collect()
    }
}
