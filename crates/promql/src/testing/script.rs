//! The script language of PromQL test cases: `clear`, `load`, `eval`, as Prometheus' promqltest has it.

use model::Duration;

use crate::syntax::{SequenceValue, SeriesDescription, parse_series_description};

/// One command with the line (from 1) that it begins on.
#[derive(Clone, Debug)]
pub struct Command {
    pub line: usize,
    pub kind: CommandKind,
}

#[derive(Clone, Debug)]
pub enum CommandKind {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

#[derive(Clone, Debug)]
pub struct Load {
    pub step: Duration,
    /// Also store classic histograms as native ones with custom buckets.
    pub with_nhcb: bool,
    pub lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTimes {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// How a text is to look.
#[derive(Clone, Debug, PartialEq)]
pub enum TextMatch {
    Any,
    Exact(String),
    Regex(String),
}

#[derive(Clone, Debug)]
pub struct Eval {
    pub query: String,
    pub times: EvalTimes,
    pub fail: Option<TextMatch>,
    pub warnings: Vec<TextMatch>,
    pub infos: Vec<TextMatch>,
    pub no_warnings: bool,
    pub no_infos: bool,
    pub is_ordered: bool,
    pub string: Option<String>,
    /// A range vector is expected, with values at these times.
    pub range_vector: Option<EvalTimes>,
    pub scalar: Option<f64>,
    pub series: Vec<SeriesDescription>,
}

/// Reads a script. Errors name the line.
pub fn parse_script(text: &str) -> Result<Vec<Command>, String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let number = at + 1;
        at += 1;
        let word = line.split_whitespace().next().unwrap_or("").to_lowercase();
        let kind = if word.is_empty() {
            continue;
        } else if word == "clear" {
            CommandKind::Clear
        } else if word.starts_with("load") {
            let body: Vec<String> = lines
                .iter()
                .skip(at)
                .take_while(|line| !line.is_empty())
                .map(|line| (*line).to_owned())
                .collect();
            at += body.len();
            let step = line.split_whitespace().nth(1).unwrap_or("");
            CommandKind::Load(Load {
                step: duration(step).map_err(|error| format!("line {number}: {error}"))?,
                with_nhcb: word == "load_with_nhcb",
                lines: body,
            })
        } else if word.starts_with("eval") {
            let (eval, used) = parse_eval(line, lines.get(at..).unwrap_or(&[]))
                .map_err(|error| format!("line {number}: {error}"))?;
            at += used;
            CommandKind::Eval(Box::new(eval))
        } else {
            return Err(format!("line {number}: unknown command {word:?}"));
        };
        commands.push(Command { line: number, kind });
    }
    Ok(commands)
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).map_err(|error| error.to_string())
}

/// Takes the next word off.
fn word<'a>(rest: &mut &'a str) -> &'a str {
    let trimmed = rest.trim_start();
    let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
    let (word, tail) = trimmed.split_at(end);
    *rest = tail;
    word
}

fn expected_word(rest: &mut &str, expected: &str) -> Result<(), String> {
    let found = word(rest);
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, found {found:?}"))
    }
}

/// The command and how many lines of the body belong to it.
fn parse_eval(line: &str, body: &[&str]) -> Result<(Eval, usize), String> {
    let mut rest = line;
    let command = word(&mut rest).to_lowercase();
    let times = match word(&mut rest) {
        "instant" => {
            // `at <time>` may be left out.
            let mut ahead = rest;
            let mut time = Duration::ZERO;
            if word(&mut ahead) == "at" {
                time = duration(word(&mut ahead))?;
                rest = ahead;
            }
            EvalTimes::Instant(time.millis())
        }
        "range" => {
            let times = parse_range(&mut rest)?;
            EvalTimes::Range {
                start: times.0,
                end: times.1,
                step: times.2,
            }
        }
        other => return Err(format!("expected instant or range, found {other:?}")),
    };
    let mut eval = Eval {
        query: rest.trim().to_owned(),
        times,
        fail: (command == "eval_fail").then_some(TextMatch::Any),
        warnings: Vec::new(),
        infos: Vec::new(),
        no_warnings: false,
        no_infos: false,
        is_ordered: command == "eval_ordered",
        string: None,
        range_vector: None,
        scalar: None,
        series: Vec::new(),
    };
    match command.as_str() {
        "eval_warn" => eval.warnings.push(TextMatch::Any),
        "eval_info" => eval.infos.push(TextMatch::Any),
        _ => {}
    }
    let mut used = 0;
    for line in body {
        if line.is_empty() {
            break;
        }
        used += 1;
        if parse_body_line(line, &mut eval)? {
            break;
        }
    }
    Ok((eval, used))
}

fn parse_range(rest: &mut &str) -> Result<(i64, i64, i64), String> {
    expected_word(rest, "from")?;
    let start = duration(word(rest))?.millis();
    expected_word(rest, "to")?;
    let end = duration(word(rest))?.millis();
    expected_word(rest, "step")?;
    let step = duration(word(rest))?.millis();
    Ok((start, end, step))
}

/// Whether the line ends the block.
fn parse_body_line(line: &str, eval: &mut Eval) -> Result<bool, String> {
    if let Some(text) = line.strip_prefix("expected_fail_message") {
        eval.fail = Some(TextMatch::Exact(text.trim().to_owned()));
        return Ok(true);
    }
    if let Some(text) = line.strip_prefix("expected_fail_regexp") {
        eval.fail = Some(TextMatch::Regex(text.trim().to_owned()));
        return Ok(true);
    }
    if let Some(rest) = line.strip_prefix("expect range vector") {
        let mut rest = rest;
        let (start, end, step) = parse_range(&mut rest)?;
        eval.range_vector = Some(EvalTimes::Range { start, end, step });
        eval.times = EvalTimes::Instant(end);
        return Ok(false);
    }
    if let Some(rest) = line.strip_prefix("expect string") {
        let quoted = rest.trim();
        let inner = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .or_else(|| quoted.strip_prefix('`').and_then(|t| t.strip_suffix('`')));
        let inner = inner.ok_or_else(|| format!("not a quoted string: {quoted}"))?;
        eval.string = Some(inner.replace("\\\"", "\"").replace("\\\\", "\\"));
        return Ok(false);
    }
    let mut rest = line;
    if word(&mut rest) == "expect" {
        let kind = word(&mut rest);
        let rest = rest.trim();
        let text = if let Some(text) = rest.strip_prefix("msg:") {
            TextMatch::Exact(text.trim().to_owned())
        } else if let Some(text) = rest.strip_prefix("regex:") {
            TextMatch::Regex(text.trim().to_owned())
        } else {
            TextMatch::Any
        };
        match kind {
            "fail" => eval.fail = Some(text),
            "warn" => eval.warnings.push(text),
            "info" => eval.infos.push(text),
            "no_warn" => eval.no_warnings = true,
            "no_info" => eval.no_infos = true,
            "ordered" => eval.is_ordered = true,
            other => return Err(format!("unknown expectation {other:?}")),
        }
        return Ok(false);
    }
    if let Some(number) = number(line) {
        eval.scalar = Some(number);
        return Ok(true);
    }
    let series = parse_series_description(line).map_err(|error| error.to_string())?;
    eval.series.push(series);
    Ok(false)
}

fn number(text: &str) -> Option<f64> {
    if let Some(hex) = text.strip_prefix("0x") {
        #[expect(clippy::cast_precision_loss, reason = "a number of a test script")]
        return i64::from_str_radix(hex, 16).ok().map(|value| value as f64);
    }
    text.parse().ok()
}

impl Eval {
    /// The one value of a series of an instant result.
    pub(super) fn only_value(series: &SeriesDescription) -> Option<&SequenceValue> {
        series.values.first()
    }
}
