//! The values of arguments: from the command line, from the role's file, or by default; and which of them is wrong,
//! found in the order of the command line, as the peer does.

use std::ffi::OsString;
use std::path::Path;

use ::amtool::Failure;
use ::amtool::format::Output;
use ::promtool::console::go_file_error;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use config::GoDuration;
use model::format::go_quote;

use super::settings::Settings;
use crate::promtool::{existing_file, flag_duration};

/// The arguments of one command, those of the commands around it included.
#[derive(Clone, Copy)]
pub(crate) struct Given<'m> {
    pub(super) names: Names,
    /// Tells which arguments there can be: in a release build the matches do not.
    pub(super) command: &'m Command,
    pub(super) matches: &'m ArgMatches,
    pub(super) settings: &'m Settings,
}

/// Under which names the commands are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// As amtool, whose output scripts read.
    Peer,
    Own,
}

/// What is wrong with a value, and at which argument.
pub(super) struct Wrong {
    place: usize,
    pub(super) problem: String,
}

type Check = fn(&str) -> Result<(), String>;

/// Values that are not just texts.
const CHECKS: [(&str, Option<char>, Check); 10] = [
    ("output", Some('o'), |text| one_of(&Output::NAMES, text)),
    ("template.type", None, |text| {
        one_of(&["html", "text"], text)
    }),
    ("timeout", None, |text| flag_duration(text).map(drop)),
    ("within", None, |text| flag_duration(text).map(drop)),
    ("worker", Some('w'), whole),
    ("http.config.file", None, |text| {
        existing_file(text).map(drop)
    }),
    ("config.file", None, |text| existing_file(text).map(drop)),
    ("check-files", None, |text| existing_file(text).map(drop)),
    ("input-file", None, |text| existing_file(text).map(drop)),
    ("template.data", None, readable),
];

/// Flags that `template render` cannot do without.
const REQUIRED: [&str; 2] = ["template.glob", "template.text"];

impl<'m> Given<'m> {
    pub(crate) fn text(self, name: &str) -> &'m str {
        if let Some(text) = self.of_file(name) {
            return text;
        }
        let value = self.matches.try_get_one::<String>(name);
        value.ok().flatten().map_or("", String::as_str)
    }

    pub(crate) fn texts(self, name: &str) -> Vec<String> {
        if let Some(text) = self.of_file(name) {
            return vec![text.to_owned()];
        }
        let values = self.matches.try_get_many::<String>(name);
        values
            .ok()
            .flatten()
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    pub(crate) fn duration(self, name: &str) -> GoDuration {
        flag_duration(self.text(name)).unwrap_or_default()
    }

    /// A switch, which may have a twin `no-…`.
    pub(super) fn is_on(self, name: &str) -> bool {
        let has = |name: &str| {
            let value = self.matches.try_get_one::<bool>(name);
            value.ok().flatten().copied() == Some(true)
        };
        if has(name) {
            return true;
        }
        !has(&format!("no-{name}")) && self.settings.get(name) == Some("true")
    }

    /// Like [`is_on`](Self::is_on), for what is on by default.
    pub(super) fn is_not_off(self, name: &str) -> bool {
        let value = self.matches.try_get_one::<bool>(&format!("no-{name}"));
        if value.ok().flatten().copied() == Some(true) {
            return false;
        }
        self.is_on(name) || self.settings.get(name) != Some("false")
    }

    /// Whether nobody said anything of it.
    pub(crate) fn is_default(self, name: &str) -> bool {
        self.of_file(name).is_none()
            && self.matches.value_source(name) != Some(ValueSource::CommandLine)
    }

    fn of_file(self, name: &str) -> Option<&'m str> {
        if !self.knows(name) || self.matches.value_source(name) == Some(ValueSource::CommandLine) {
            return None;
        }
        self.settings.get(name)
    }

    /// The value that the peer stops at, if any is wrong.
    pub(super) fn first_wrong(self, arguments: &[OsString]) -> Option<Wrong> {
        let wrong = CHECKS.iter().filter_map(|(name, short, check)| {
            let values = self.texts(name);
            let (text, problem) = values
                .iter()
                .filter(|text| !text.is_empty())
                .find_map(|text| Some((text, check(text).err()?)))?;
            let place = place(arguments, name, *short, text);
            Some(Wrong { place, problem })
        });
        wrong.min_by_key(|wrong| wrong.place)
    }

    /// Whether there is a value, and it stands before the one that is wrong.
    pub(super) fn is_set(self, name: &str, arguments: &[OsString], wrong: Option<&Wrong>) -> bool {
        let text = self.text(name);
        let is_before = |wrong: &Wrong| {
            self.of_file(name).is_some() || place(arguments, name, None, text) < wrong.place
        };
        !text.is_empty() && wrong.is_none_or(is_before)
    }

    /// Whether the command has such an argument; other names in the file are those of other commands.
    fn knows(self, name: &str) -> bool {
        let mut arguments = self.command.get_arguments();
        arguments.any(|argument| argument.get_id() == name)
    }

    pub(super) fn check_required(self) -> Result<(), Failure> {
        let is_missing = |name: &&str| self.knows(name) && self.texts(name).is_empty();
        let missing = REQUIRED.iter().copied().filter(|name| is_missing(name));
        let missing: Vec<String> = missing.map(|name| format!("'--{name}'")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("required flag(s) {} not provided", missing.join(", ")).into())
    }
}

/// The position of a flag, or of a word that is the value; values of the file come first.
fn place(arguments: &[OsString], name: &str, short: Option<char>, value: &str) -> usize {
    let is_here = |argument: &OsString| {
        let text = argument.to_string_lossy();
        match text.strip_prefix("--") {
            Some(long) => long.split('=').next() == Some(name),
            None if text.starts_with('-') => short.is_some() && text.chars().nth(1) == short,
            None => text == value,
        }
    };
    arguments
        .iter()
        .position(is_here)
        .map_or(0, |position| position + 1)
}

fn one_of(known: &[&str], text: &str) -> Result<(), String> {
    if known.contains(&text) {
        return Ok(());
    }
    let known = known.join(",");
    Err(format!("enum value must be one of {known}, got '{text}'"))
}

fn whole(text: &str) -> Result<(), String> {
    let parsed: Result<i32, _> = text.parse();
    parsed.map(drop).map_err(|_| {
        let text = go_quote(text);
        format!("strconv.ParseFloat: parsing {text}: invalid syntax")
    })
}

fn readable(text: &str) -> Result<(), String> {
    let opened = std::fs::File::open(Path::new(text));
    opened
        .map(drop)
        .map_err(|error| go_file_error("open", text, &error))
}
