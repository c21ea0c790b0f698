//! Commands that need not be named: `amtool alert` means `amtool alert query`.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// The command that is meant where none of these is named.
fn default_of(command: &str) -> Option<&'static str> {
    match command {
        "alert" | "silence" => Some("query"),
        "cluster" | "config" | "routes" | "route" => Some("show"),
        _ => None,
    }
}

/// The arguments with the commands that they leave out.
pub(super) fn filled_in(root: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut filled = Vec::with_capacity(arguments.len() + 1);
    let mut path = vec![root];
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let Some(command) = path.last().copied() else {
            break;
        };
        let text = argument.to_string_lossy().into_owned();
        let known = text.starts_with('-').then(|| flag(&path, &text));
        match known {
            Some(Some(flag)) => {
                let has_value = flag.get_action().takes_values() && !has_own_value(&text);
                filled.push(argument);
                filled.extend(has_value.then(|| rest.next()).flatten());
                continue;
            }
            Some(None) if is_help(&text) => {
                filled.push(argument);
                filled.extend(rest);
                return filled;
            }
            None => {
                if let Some(inner) = command.find_subcommand(&text) {
                    path.push(inner);
                    filled.push(argument);
                    continue;
                }
            }
            Some(None) => {}
        }
        // What comes here belongs to the command that was left out, if there is one.
        if let Some(name) = default_of(command.get_name()) {
            filled.push(name.into());
        }
        filled.push(argument);
        filled.extend(rest);
        return filled;
    }
    let name = path
        .last()
        .and_then(|command| default_of(command.get_name()));
    filled.extend(name.map(OsString::from));
    filled
}

fn is_help(text: &str) -> bool {
    matches!(text, "-h" | "--help" | "-V" | "--version")
}

/// `--name=value` and `-ovalue`
fn has_own_value(text: &str) -> bool {
    text.contains('=') || (!text.starts_with("--") && text.chars().count() > 2)
}

fn flag<'c>(path: &[&'c Command], text: &str) -> Option<&'c Arg> {
    let mut arguments = path.iter().flat_map(|command| command.get_arguments());
    match text.strip_prefix("--") {
        Some(long) => {
            let name = long.split('=').next()?;
            arguments.find(|argument| argument.get_long() == Some(name))
        }
        None => {
            let short = text.chars().nth(1);
            let found = arguments.find(|argument| short.is_some() && argument.get_short() == short);
            // `-ai` are two flags; only the first can be told here.
            found.filter(|found| {
                matches!(found.get_action(), ArgAction::Set | ArgAction::Append)
                    || text.chars().count() == 2
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> String {
        let arguments = line.split_whitespace().map(OsString::from).collect();
        let filled = filled_in(&super::super::command(), arguments);
        let texts = filled
            .iter()
            .map(|text| text.to_string_lossy().into_owned());
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn commands_that_are_left_out_are_filled_in() {
        for (line, expected) in [
            ("alert", "alert query"),
            ("-o json alert", "-o json alert query"),
            ("alert -o json", "alert -o json query"),
            ("alert -i a=b", "alert query -i a=b"),
            ("alert -ai", "alert query -ai"),
            ("alert add a=b", "alert add a=b"),
            ("alert a=b add", "alert query a=b add"),
            (
                "silence --alertmanager.url=http://a x",
                "silence --alertmanager.url=http://a query x",
            ),
            (
                "silence --alertmanager.url add",
                "silence --alertmanager.url add query",
            ),
            ("config", "config show"),
            ("config routes", "config routes show"),
            (
                "config routes --config.file f test a=b",
                "config routes --config.file f test a=b",
            ),
            ("config routes --tree", "config routes show --tree"),
            ("alert --help", "alert --help"),
            ("check-config a.yml", "check-config a.yml"),
            ("nosuch", "nosuch"),
        ] {
            assert_eq!(filled(line), expected, "{line}");
        }
    }
}
