//! Problems of the command line, in the words of the peer's parser (kingpin), which scripts may match on; and the
//! kinds of values that it knows.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// What is wrong, without the program's name before it.
pub(crate) fn problem(error: &Error) -> String {
    let context = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => match argument.as_str() {
            long if long.starts_with("--") => format!("unknown long flag '{long}'"),
            short if short.starts_with('-') => format!("unknown short flag '{short}'"),
            other => format!("unexpected {other}"),
        },
        ErrorKind::MissingRequiredArgument => match plain(&argument) {
            flag if flag.starts_with("--") => format!("required flag {flag} not provided"),
            name => format!("required argument '{name}' not provided"),
        },
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand);
            format!("expected command but got \"{name}\"")
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let command = context(ContextKind::InvalidSubcommand);
            let command = command.split_whitespace().last().unwrap_or_default();
            format!("must select a subcommand of '{command}'")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("expected argument for flag '{}'", plain(&argument))
        }
        ErrorKind::InvalidValue => {
            let known = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(texts)) => texts.join(","),
                _ => String::new(),
            };
            format!("enum value must be one of {known}, got '{value}'")
        }
        ErrorKind::ValueValidation => {
            use std::error::Error as _;
            error.source().map_or(value, ToString::to_string)
        }
        ErrorKind::ArgumentConflict => {
            let name = plain(&argument);
            format!("flag '{}' cannot be repeated", name.trim_start_matches('-'))
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}

/// `--match <MATCH>` and `<config-files>...` without the decoration.
fn plain(argument: &str) -> &str {
    if argument.starts_with('-') {
        return argument.split([' ', '=']).next().unwrap_or_default();
    }
    let inner = argument.trim_end_matches("...");
    let inner = inner.trim_start_matches(['<', '[']);
    inner.trim_end_matches(['>', ']'])
}

/// A file that is there.
pub(crate) fn existing_file(text: &str) -> Result<String, String> {
    let path = Path::new(text);
    if path.is_dir() {
        return Err(format!("'{text}' is a directory"));
    }
    if !path.exists() {
        return Err(format!("path '{text}' does not exist"));
    }
    Ok(text.to_owned())
}

/// `name=value` or `name:value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once([':', '=']) {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("expected KEY=VALUE got '{text}'")),
    }
}

/// A duration in Go's notation.
pub(crate) fn go_duration(text: &str) -> Result<config::GoDuration, String> {
    config::GoDuration::parse(text).ok_or_else(|| {
        let text = model::format::go_quote(text);
        format!("time: invalid duration {text}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(arguments: &str) -> String {
        let all = std::iter::once("promtool").chain(arguments.split_whitespace());
        let error = super::super::command()
            .try_get_matches_from(all)
            .unwrap_err();
        problem(&error)
    }

    /// What promtool 2.42 says of the same lines.
    #[test]
    fn problems_are_the_peers() {
        for (arguments, expected) in [
            ("check rules nofile.yml", "path 'nofile.yml' does not exist"),
            ("check rules --foo", "unknown long flag '--foo'"),
            ("check", "must select a subcommand of 'check'"),
            (
                "check config",
                "required argument 'config-files' not provided",
            ),
            ("foo", "expected command but got \"foo\""),
            ("query instant", "required argument 'server' not provided"),
            (
                "query instant -o xml http://localhost up",
                "enum value must be one of promql,json, got 'xml'",
            ),
            (
                "query series http://localhost",
                "required flag --match not provided",
            ),
        ] {
            assert_eq!(problem_of(arguments), expected, "{arguments}");
        }
    }
}
