//! `alertmanager/amtool`: recorded runs of the program against one server, in order; before the first of them, the
//! requests of the suite `alertmanager/api` put the server into the state that they expect.

use std::cell::RefCell;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use regex::Regex;
use serde_json::Value;

use super::api::World;
use crate::role;
use crate::suite::{Case, json_lines};

/// Stands for an address where nobody listens.
const UNREACHABLE: &str = "UNREACHABLE";
const PLACEHOLDER: &str = r"<(?:uuid-\d+|now(?:[+-]\d+s)?|user)>";

pub(in crate::suites) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("alertmanager/amtool");
    let lines = json_lines(&folder.join("commands.jsonl"))?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let terminal = Rc::new(RefCell::new(Terminal {
        world: World::new(dir)?,
        is_prepared: false,
        files: folder.join("files"),
        refusing: free_address()?,
        placeholder: Regex::new(PLACEHOLDER)?,
    }));
    Ok(lines
        .into_iter()
        .map(|(line, case)| {
            let id = case["id"]
                .as_str()
                .map_or_else(|| format!("commands:{line}"), str::to_owned);
            let terminal = Rc::clone(&terminal);
            Case::new(id, move || terminal.borrow_mut().run(&case))
        })
        .collect())
}

/// Nobody listens there any more.
fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

/// Where the commands are given.
struct Terminal {
    world: World,
    is_prepared: bool,
    files: PathBuf,
    refusing: String,
    placeholder: Regex,
}

impl Terminal {
    fn run(&mut self, case: &Value) -> Result<(), String> {
        if !self.is_prepared {
            self.world.prepare();
            self.is_prepared = true;
        }
        let with_values =
            |world: &World, text: &str| world.with_ids(text).replace(UNREACHABLE, &self.refusing);
        let mut command = role::command("amtool")?;
        command.current_dir(&self.files).env("HOME", &self.files);
        for argument in case["args"].as_array().into_iter().flatten() {
            let argument = argument.as_str().unwrap_or_default();
            command.arg(with_values(&self.world, argument));
        }
        if case["server"] == true {
            let address = self.world.address()?;
            command.arg(format!("--alertmanager.url=http://{address}/alertmanager"));
        }
        let input = case["stdin"].as_str();
        let input = input.map(|text| with_values(&self.world, text));
        let output =
            output_of(&mut command, input.as_deref()).map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.same("standard output", &case["stdout"], &text(&output.stdout))?;
        self.same("standard error", &case["stderr"], &text(&output.stderr))?;
        let (code, wanted) = (output.status.code(), case["exit"].as_i64());
        if code.map(i64::from) != wanted {
            return Err(format!("exit code {code:?}, wanted {wanted:?}"));
        }
        Ok(())
    }

    /// Compares with what the peer printed. Columns are as wide as the values that the placeholders stand for.
    fn same(&mut self, what: &str, wanted: &Value, got: &str) -> Result<(), String> {
        let wanted = wanted.as_str().unwrap_or_default();
        let wanted = wanted.replace(UNREACHABLE, &self.refusing);
        let (wanted, got) = (collapsed(&wanted), collapsed(got));
        let mut rest = got.as_str();
        let mut from = 0;
        let differs = || {
            format!(
                "{what}: {}",
                crate::suites::config::difference(&wanted, &got)
            )
        };
        let places: Vec<_> = self
            .placeholder
            .find_iter(&wanted)
            .map(|found| found.range())
            .collect();
        for place in places {
            let literal = &wanted[from..place.start];
            rest = rest.strip_prefix(literal).ok_or_else(differs)?;
            let length = value_length(&wanted[place.clone()], rest);
            let (value, after) = rest.split_at(length);
            let value = value.replace(" UTC", "Z").replacen(' ', "T", 1);
            self.world
                .same_text(&wanted[place.clone()], &value, what)
                .map_err(|problem| format!("{problem}\n{}", differs()))?;
            rest = after;
            from = place.end;
        }
        if rest != &wanted[from..] {
            return Err(differs());
        }
        Ok(())
    }
}

/// How much of the text the placeholder stands for.
fn value_length(placeholder: &str, text: &str) -> usize {
    if placeholder.starts_with("<now") {
        // `2026-01-01 10:00:00 UTC`, or as JSON has it.
        let end = text.find("UTC").map(|end| end + 3);
        let json_end = text.find('Z').map(|end| end + 1);
        let ends = end.into_iter().chain(json_end);
        return ends.min().unwrap_or(text.len());
    }
    let is_value = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.find(|c| !is_value(c)).unwrap_or(text.len())
}

/// Each run of spaces as one.
fn collapsed(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !collapsed.ends_with(' ') {
            collapsed.push(c);
        }
    }
    collapsed
}

fn output_of(command: &mut Command, input: Option<&str>) -> std::io::Result<std::process::Output> {
    let Some(input) = input else {
        return command.stdin(Stdio::null()).output();
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that needs no input may have ended already.
        let _ = pipe.write_all(input.as_bytes());
    }
    child.wait_with_output()
}
