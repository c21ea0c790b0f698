//! `silence import`: silences of a JSON list, as `silence query -o json` prints it.

use std::collections::VecDeque;

use net::axum::http::StatusCode;
use parking_lot::Mutex;
use promtool::Console;

use crate::answer::PostedSilence;
use crate::api::{Api, CallError};
use crate::failure::Failure;
use crate::format::Output;
use crate::silence::print_id;

/// More requests at once than this help nobody.
const WORKERS_MAX: usize = 64;

/// What becomes of ids in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Silences that the server knows are changed.
    Kept,
    /// Every silence becomes a new one.
    Dropped,
}

/// Reads a list. A list that is broken anywhere imports nothing.
pub fn read(text: &str, ids: Ids) -> Result<Vec<PostedSilence>, Failure> {
    let mut silences: Vec<PostedSilence> = serde_json::from_str(text).map_err(|error| {
        let problem = match text.trim_start().chars().next() {
            None => "EOF".to_owned(),
            Some('[') => error.to_string(),
            Some(first) => format!("invalid character '{first}' looking for beginning of value"),
        };
        format!("couldn't unmarshal input data, is it JSON?: {problem}")
    })?;
    if ids == Ids::Dropped {
        for silence in &mut silences {
            silence.id.clear();
        }
    }
    Ok(silences)
}

/// Posts silences, some at once, and prints their ids as they come.
pub fn import(
    console: &mut Console<'_>,
    api: &Api,
    output: Output,
    silences: Vec<PostedSilence>,
    workers: usize,
) -> Result<(), Failure> {
    let count = silences.len();
    let rest = Mutex::new(VecDeque::from(silences));
    let (told, told_by) = std::sync::mpsc::sync_channel(WORKERS_MAX);
    let mut failed = 0;
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, WORKERS_MAX) {
            let (rest, told) = (&rest, told.clone());
            scope.spawn(move || {
                loop {
                    let next = rest.lock().pop_front();
                    let Some(silence) = next else { return };
                    let result = post(api, &silence);
                    if told.send((silence.id, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(told);
        for (id, result) in told_by {
            match result {
                Ok(new) => print_id(console, output, &new),
                Err(error) => {
                    failed += 1;
                    let text = error.text;
                    console.problem(format_args!("Error adding silence id='{id}': {text}"));
                }
            }
        }
    });
    if failed > 0 {
        return Err(format!("couldn't import {failed} out of {count} silences").into());
    }
    Ok(())
}

/// A silence that the server does not know any more becomes a new one.
fn post(api: &Api, silence: &PostedSilence) -> Result<String, CallError> {
    match api.post_silence(silence) {
        Err(error) if error.status == Some(StatusCode::NOT_FOUND) && !silence.id.is_empty() => api
            .post_silence(&PostedSilence {
                id: String::new(),
                content: silence.content.clone(),
            }),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        let list = r#"[{"id":"a","status":{"state":"active"},"comment":"c"},{"id":"b"}]"#;
        let ids = |ids| {
            let silences = read(list, ids).unwrap();
            let ids = silences.into_iter().map(|silence| silence.id);
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(Ids::Kept), ["a", "b"]);
        assert_eq!(ids(Ids::Dropped), ["", ""]);
        let problem = |text: &str| match read(text, Ids::Kept).unwrap_err() {
            Failure::Problem(text) => text,
            other => panic!("{other:?}"),
        };
        let start = "couldn't unmarshal input data, is it JSON?: ";
        assert_eq!(problem(""), format!("{start}EOF"));
        let character = "invalid character 'x' looking for beginning of value";
        assert_eq!(problem("x"), format!("{start}{character}"));
        assert!(problem("[{}, 1]").starts_with(start));
    }
}
