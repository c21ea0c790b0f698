//! `silence query`, `add`, `update` and `expire`.

use std::collections::BTreeMap;

use model::{Duration, MatchOp, Timestamp};
use promtool::Console;

use crate::answer::{Matcher, PostedSilence, Silence, SilenceContent};
use crate::api::Api;
use crate::failure::Failure;
use crate::format::{Formatter, Output, ends_at, json};
use crate::matchers::Reader;
use crate::time;

/// Which silences are shown.
#[derive(Clone, Debug, Default)]
pub struct SilenceQuery {
    /// Those that are over instead of the others.
    pub expired: bool,
    /// Empty for all.
    pub created_by: String,
    /// Empty for all.
    pub id: String,
    /// Those that end, or have ended, within so long; zero for all. In nanoseconds.
    pub within: i64,
    pub matchers: Vec<String>,
}

/// How much is printed of silences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Ids,
    All,
}

/// Shows silences.
pub fn query(
    console: &mut Console<'_>,
    api: &Api,
    reader: Reader,
    shown: (&Formatter<'_>, Detail),
    query: &SilenceQuery,
    now: Timestamp,
) -> Result<(), Failure> {
    let filter = reader.with_alertname(console, &query.matchers);
    let mut silences = api.silences(&filter)?;
    silences.retain(|silence| query.takes(silence, now));
    print(console, silences, shown);
    Ok(())
}

impl SilenceQuery {
    fn takes(&self, silence: &Silence, now: Timestamp) -> bool {
        let end = ends_at(silence).unix_nanoseconds();
        let now = i128::from(now.millis()) * 1_000_000;
        let within = i128::from(self.within);
        let is_in_time = if self.expired {
            end <= now && (within <= 0 || end >= now - within)
        } else {
            end >= now && (within <= 0 || end <= now + within)
        };
        let by = silence.content.created_by.as_deref().unwrap_or_default();
        is_in_time
            && (self.created_by.is_empty() || self.created_by == by)
            && (self.id.is_empty() || self.id == silence.id)
    }
}

fn print(
    console: &mut Console<'_>,
    silences: Vec<Silence>,
    (formatter, detail): (&Formatter<'_>, Detail),
) {
    match detail {
        Detail::All => console.print(formatter.silences(silences)),
        Detail::Ids => {
            for silence in silences {
                console.line(silence.id);
            }
        }
    }
}

/// A silence to be made.
#[derive(Clone, Debug, Default)]
pub struct NewSilence {
    /// The first may be the name of an alert alone.
    pub matchers: Vec<String>,
    pub author: String,
    pub comment: String,
    pub comment_required: bool,
    /// `name=value`
    pub annotations: Vec<String>,
    pub times: Times,
}

/// When a silence holds, as users say it; empty for what is not said.
#[derive(Clone, Debug, Default)]
pub struct Times {
    pub start: String,
    /// Wins over the duration.
    pub end: String,
    pub duration: String,
}

impl Times {
    fn end(&self, start: &gotemplate::Time) -> Result<Option<gotemplate::Time>, String> {
        if !self.end.is_empty() {
            return time::read(&self.end).map(Some);
        }
        if self.duration.is_empty() {
            return Ok(None);
        }
        let duration = Duration::parse(&self.duration).map_err(|error| error.to_string())?;
        if duration == Duration::ZERO {
            return Err("silence duration must be greater than 0".to_owned());
        }
        Ok(Some(time::later(start, duration)))
    }
}

/// Posts a silence and prints its id.
pub fn add(
    console: &mut Console<'_>,
    api: &Api,
    reader: Reader,
    output: Output,
    silence: &NewSilence,
    now: Timestamp,
) -> Result<(), Failure> {
    let texts = reader.with_alertname(console, &silence.matchers);
    let mut matchers = Vec::with_capacity(texts.len());
    for text in &texts {
        let matcher = reader.one(console, text)?;
        matchers.push(Matcher {
            is_equal: Some(matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex)),
            is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
        });
    }
    if matchers.is_empty() {
        return Err("no matchers specified".into());
    }
    let start = match silence.times.start.as_str() {
        "" => time::at(now),
        text => time::read(text)?,
    };
    let end = silence.times.end(&start)?;
    let end = end.ok_or_else(|| "not a valid duration string: \"\"".to_owned())?;
    check_order(&start, &end)?;
    if silence.comment_required && silence.comment.is_empty() {
        return Err("comment required by config".into());
    }
    let annotations = reader.pairs(console, &silence.annotations, "annotations")?;
    let annotations: BTreeMap<String, String> = annotations.into_iter().collect();
    let id = api.post_silence(&PostedSilence {
        id: String::new(),
        content: SilenceContent {
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            comment: Some(silence.comment.clone()),
            created_by: Some(silence.author.clone()),
            ends_at: Some(time::to_api_text(&end)),
            matchers: Some(matchers),
            starts_at: Some(time::to_api_text(&start)),
        },
    })?;
    print_id(console, output, &id);
    Ok(())
}

/// The id of a silence that was posted. The peer prints it bare, whatever the output.
pub(crate) fn print_id(console: &mut Console<'_>, output: Output, id: &str) {
    match output {
        Output::Json => console.print(json(&BTreeMap::from([("silenceID", id)]))),
        Output::Simple | Output::Extended => console.line(id),
    }
}

fn check_order(start: &gotemplate::Time, end: &gotemplate::Time) -> Result<(), String> {
    if start.unix_nanoseconds() > end.unix_nanoseconds() {
        return Err("silence cannot start after it ends".to_owned());
    }
    Ok(())
}

/// What is changed of silences.
#[derive(Clone, Debug, Default)]
pub struct SilenceUpdate {
    pub ids: Vec<String>,
    pub times: Times,
    /// Empty to keep it.
    pub comment: String,
}

/// Changes silences, one after the other, and shows what became of them.
pub fn update(
    console: &mut Console<'_>,
    api: &Api,
    shown: (&Formatter<'_>, Detail),
    update: &SilenceUpdate,
) -> Result<(), Failure> {
    if update.ids.is_empty() {
        return Err("no silence IDs specified".into());
    }
    let mut updated = Vec::with_capacity(update.ids.len());
    for id in &update.ids {
        let mut silence = api.silence(id)?;
        update.apply(&mut silence.content)?;
        let posted = PostedSilence {
            id: silence.id,
            content: silence.content.clone(),
        };
        silence.id = api.post_silence(&posted)?;
        updated.push(silence);
    }
    print(console, updated, shown);
    Ok(())
}

impl SilenceUpdate {
    fn apply(&self, content: &mut SilenceContent) -> Result<(), String> {
        if !self.times.start.is_empty() {
            let start = time::read(&self.times.start)?;
            content.starts_at = Some(time::to_api_text(&start));
        }
        let start = time::of_answer(content.starts_at.as_deref().unwrap_or_default());
        if let Some(end) = self.times.end(&start)? {
            content.ends_at = Some(time::to_api_text(&end));
        }
        let end = time::of_answer(content.ends_at.as_deref().unwrap_or_default());
        check_order(&start, &end)?;
        if !self.comment.is_empty() {
            content.comment = Some(self.comment.clone());
        }
        Ok(())
    }
}

/// Ends silences.
pub fn expire(api: &Api, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Err("no silence IDs specified".into());
    }
    for id in ids {
        api.delete_silence(id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: i64 = 3_600_000_000_000;

    fn silence(ends_at: &str) -> Silence {
        Silence {
            id: "1".to_owned(),
            status: crate::answer::SilenceStatus {
                state: "active".to_owned(),
            },
            updated_at: String::new(),
            content: SilenceContent {
                ends_at: Some(ends_at.to_owned()),
                starts_at: Some("2026-01-01T00:00:00.000Z".to_owned()),
                created_by: Some("me".to_owned()),
                ..SilenceContent::default()
            },
        }
    }

    #[test]
    fn queries_take_by_state_end_author_and_id() {
        // 2026-01-01T12:00:00Z
        let now = Timestamp(1_767_268_800_000);
        let (past, soon) = (
            silence("2026-01-01T11:30:00Z"),
            silence("2026-01-01T14:00:00Z"),
        );
        let takes = |query: SilenceQuery| [query.takes(&past, now), query.takes(&soon, now)];
        assert_eq!(takes(SilenceQuery::default()), [false, true]);
        let query = |expired, within| SilenceQuery {
            expired,
            within,
            ..SilenceQuery::default()
        };
        assert_eq!(takes(query(true, 0)), [true, false]);
        assert_eq!(takes(query(true, HOUR_NS / 4)), [false, false]);
        assert_eq!(takes(query(false, HOUR_NS)), [false, false]);
        assert_eq!(takes(query(false, 3 * HOUR_NS)), [false, true]);
        let by = SilenceQuery {
            created_by: "you".to_owned(),
            ..SilenceQuery::default()
        };
        assert_eq!(takes(by), [false, false]);
    }

    #[test]
    fn updates_keep_what_is_not_said() {
        let mut content = silence("2026-01-01T14:00:00.000Z").content;
        let update = SilenceUpdate {
            times: Times {
                duration: "1d".to_owned(),
                ..Times::default()
            },
            ..SilenceUpdate::default()
        };
        update.apply(&mut content).unwrap();
        assert_eq!(content.ends_at.as_deref(), Some("2026-01-02T00:00:00.000Z"));
        assert_eq!(content.created_by.as_deref(), Some("me"));
        let late = SilenceUpdate {
            times: Times {
                start: "2027-01-01T00:00:00Z".to_owned(),
                ..Times::default()
            },
            ..SilenceUpdate::default()
        };
        let problem = late.apply(&mut content);
        assert_eq!(
            problem,
            Err("silence cannot start after it ends".to_owned())
        );
    }
}
