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

/// A duration as the peers' tools take it in flags: Go's notation, and `d` and `w` too.
pub(crate) fn flag_duration(text: &str) -> Result<config::GoDuration, String> {
    let quoted = || format!("\"{text}\"");
    let invalid = || format!("time: invalid duration {}", quoted());
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits == "0" {
        return Ok(config::GoDuration(0));
    }
    if digits.is_empty() {
        return Err(invalid());
    }
    let is_of_number = |c: char| c == '.' || c.is_ascii_digit();
    let (mut rest, mut nanoseconds) = (digits, 0_i64);
    while !rest.is_empty() {
        let (whole, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_where(after, |c| !c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (unit, after) = split_where(after, is_of_number);
        let scale = match unit {
            "" => return Err(format!("time: missing unit in duration {}", quoted())),
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 604_800_000_000_000,
            _ => {
                let quoted = quoted();
                return Err(format!(
                    "time: unknown unit \"{unit}\" in duration {quoted}"
                ));
            }
        };
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        let part: f64 = format!("0.{fraction}0").parse().unwrap_or_default();
        let part = (part * scale as f64) as i64;
        let more = whole
            .checked_mul(scale)
            .and_then(|more| more.checked_add(part));
        let sum = more.and_then(|more| nanoseconds.checked_add(more));
        nanoseconds = sum.ok_or_else(invalid)?;
        rest = after;
    }
    Ok(config::GoDuration(sign * nanoseconds))
}

/// The text up to the first such character, and from it on.
fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
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

    #[test]
    fn durations_of_flags() {
        for (text, seconds) in [
            ("0", 0.0),
            ("2d", 172_800.0),
            ("1w1.5h", 610_200.0),
            ("-90s", -90.0),
            ("+.5s", 0.5),
            ("1m0.25s100ms", 60.35),
        ] {
            let parsed = flag_duration(text).unwrap();
            assert_eq!(parsed.0, (seconds * 1e9) as i64, "{text}");
        }
        for (text, problem) in [
            ("", "time: invalid duration \"\""),
            ("x", "time: invalid duration \"x\""),
            ("5", "time: missing unit in duration \"5\""),
            ("100y", "time: unknown unit \"y\" in duration \"100y\""),
            (
                "99999999999999999999s",
                "time: invalid duration \"99999999999999999999s\"",
            ),
            ("9999999w", "time: invalid duration \"9999999w\""),
        ] {
            assert_eq!(flag_duration(text).unwrap_err(), problem);
        }
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
