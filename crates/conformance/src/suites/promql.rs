//! `promql/`: scripts of loads and queries. Each query is one case; the loads before it run with it.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use ::promql::testing::script::{Command, CommandKind, parse_script};
use ::promql::testing::session::Session;
use anyhow::{Context, anyhow};

use crate::suite::{Case, entries};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in entries(&dir.join("promql"))? {
        if path
            .extension()
            .is_some_and(|extension| extension == "test")
        {
            cases.extend(script(&path)?);
        }
    }
    Ok(cases)
}

fn script(path: &Path) -> anyhow::Result<Vec<Case>> {
    let reading = || format!("reading {}", path.display());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(path).with_context(reading)?;
    let commands = parse_script(&text)
        .map_err(|error| anyhow!(error))
        .with_context(reading)?;
    let session = Rc::new(RefCell::new(Session::default()));
    let mut cases = Vec::new();
    let mut before: Vec<Command> = Vec::new();
    for command in commands {
        if !matches!(command.kind, CommandKind::Eval(_)) {
            before.push(command);
            continue;
        }
        let id = format!("{name}:{}", command.line);
        let session = Rc::clone(&session);
        let before = std::mem::take(&mut before);
        cases.push(Case::new(id, move || {
            let mut session = session.borrow_mut();
            for command in &before {
                session.run(command)?;
            }
            session.run(&command)
        }));
    }
    Ok(cases)
}
