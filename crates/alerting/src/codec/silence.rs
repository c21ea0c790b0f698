//! `MeshSilence`: silence 1, expires_at 2. `Silence`: id 1, matchers 2 (a copy of the first set, for old
//! readers), starts_at 3, ends_at 4, updated_at 5, comments 7 (of old writers), created_by 8, comment 9,
//! annotations 10, matcher_sets 11, receiver_matcher_sets 12. `Matcher`: type 1, name 2, pattern 3.

use std::sync::Arc;

use model::MatchOp;

use super::CodecError;
use super::proto::{Field, Reader, Writer};
use crate::silence::{MatcherSet, Silence, SilenceMatcher};
use crate::silences::StoredSilence;
use crate::time::Time;

/// Reads a snapshot or a gossip message.
pub fn decode(bytes: &[u8]) -> Result<Vec<StoredSilence>, CodecError> {
    super::whole(decode_prefix(bytes))
}

/// Reads a snapshot as far as it can be read, and says why no further.
pub fn decode_prefix(bytes: &[u8]) -> (Vec<StoredSilence>, Option<CodecError>) {
    super::messages(bytes, mesh_silence)
}

/// One snapshot, or with one silence a gossip message.
pub fn encode<'a>(silences: impl IntoIterator<Item = &'a StoredSilence>) -> Vec<u8> {
    let mut writer = Writer::default();
    for stored in silences {
        writer.delimited(&message(stored, LegacyCopy::Written));
    }
    writer.into_bytes()
}

/// The size that the limit on silences is about: without the copy for old readers.
pub(crate) fn size(stored: &StoredSilence) -> usize {
    message(stored, LegacyCopy::LeftOut).len()
}

/// Whether the first matcher set is written once more as `matchers`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LegacyCopy {
    Written,
    LeftOut,
}

fn mesh_silence(mut reader: Reader<'_>) -> Result<StoredSilence, CodecError> {
    let mut silence = None;
    let mut expires_at = Time::new(0, 0);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => silence = Some(read_silence(field.message()?)?),
            2 => expires_at = field.time()?,
            _ => {}
        }
    }
    Ok(StoredSilence {
        silence: Arc::new(silence.ok_or(CodecError::Missing("silence"))?),
        expires_at,
    })
}

fn read_silence(mut reader: Reader<'_>) -> Result<Silence, CodecError> {
    let mut silence = Silence::default();
    let mut legacy_matchers = MatcherSet::new();
    let mut legacy_comment = None;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => silence.id = field.text()?.to_owned(),
            2 => legacy_matchers.push(matcher(field)?),
            3 => silence.starts_at = field.time()?,
            4 => silence.ends_at = field.time()?,
            5 => silence.updated_at = field.time()?,
            7 if legacy_comment.is_none() => legacy_comment = Some(comment(field)?),
            8 => silence.created_by = field.text()?.to_owned(),
            9 => silence.comment = field.text()?.to_owned(),
            10 => {
                let (name, value) = annotation(field)?;
                silence.annotations.insert(name, value);
            }
            11 => silence.matcher_sets.push(matcher_set(field)?),
            12 => silence.receiver_matcher_sets.push(matcher_set(field)?),
            _ => {}
        }
    }
    if silence.matcher_sets.is_empty() && !legacy_matchers.is_empty() {
        silence.matcher_sets.push(legacy_matchers);
    }
    if let Some((author, text)) = legacy_comment {
        silence.created_by = author;
        silence.comment = text;
    }
    Ok(silence)
}

fn matcher_set(field: Field<'_>) -> Result<MatcherSet, CodecError> {
    let mut set = MatcherSet::new();
    let mut reader = field.message()?;
    while let Some(field) = reader.field()? {
        if field.number == 1 {
            set.push(matcher(field)?);
        }
    }
    Ok(set)
}

fn matcher(field: Field<'_>) -> Result<SilenceMatcher, CodecError> {
    let mut matcher = SilenceMatcher {
        op: MatchOp::Equal,
        name: String::new(),
        pattern: String::new(),
    };
    let mut reader = field.message()?;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => {
                matcher.op = match field.number()? {
                    0 => MatchOp::Equal,
                    1 => MatchOp::Regex,
                    2 => MatchOp::NotEqual,
                    3 => MatchOp::NotRegex,
                    other => return Err(CodecError::MatcherKind(other)),
                }
            }
            2 => matcher.name = field.text()?.to_owned(),
            3 => matcher.pattern = field.text()?.to_owned(),
            _ => {}
        }
    }
    Ok(matcher)
}

/// Author 1 and text 2.
fn comment(field: Field<'_>) -> Result<(String, String), CodecError> {
    annotation(field)
}

/// A map entry: key 1, value 2.
fn annotation(field: Field<'_>) -> Result<(String, String), CodecError> {
    let (mut key, mut value) = (String::new(), String::new());
    let mut reader = field.message()?;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => key = field.text()?.to_owned(),
            2 => value = field.text()?.to_owned(),
            _ => {}
        }
    }
    Ok((key, value))
}

fn message(stored: &StoredSilence, copy: LegacyCopy) -> Vec<u8> {
    let silence = &stored.silence;
    let mut inner = Writer::default();
    inner.text(1, &silence.id);
    if let Some(first) = silence
        .matcher_sets
        .first()
        .filter(|_| copy == LegacyCopy::Written)
    {
        write_matchers(&mut inner, 2, first);
    }
    inner.time(3, silence.starts_at);
    inner.time(4, silence.ends_at);
    inner.time(5, silence.updated_at);
    inner.text(8, &silence.created_by);
    inner.text(9, &silence.comment);
    for (name, value) in &silence.annotations {
        let mut entry = Writer::default();
        entry.message(1, name.as_bytes());
        entry.message(2, value.as_bytes());
        inner.message(10, &entry.into_bytes());
    }
    for (field, sets) in [
        (11, &silence.matcher_sets),
        (12, &silence.receiver_matcher_sets),
    ] {
        for set in sets {
            let mut matchers = Writer::default();
            write_matchers(&mut matchers, 1, set);
            inner.message(field, &matchers.into_bytes());
        }
    }
    let mut outer = Writer::default();
    outer.message(1, &inner.into_bytes());
    outer.time(2, stored.expires_at);
    outer.into_bytes()
}

fn write_matchers(writer: &mut Writer, field: u64, set: &MatcherSet) {
    for matcher in set {
        let mut inner = Writer::default();
        let kind = match matcher.op {
            MatchOp::Equal => 0,
            MatchOp::Regex => 1,
            MatchOp::NotEqual => 2,
            MatchOp::NotRegex => 3,
        };
        inner.number(1, kind);
        inner.text(2, &matcher.name);
        inner.text(3, &matcher.pattern);
        writer.message(field, &inner.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> StoredSilence {
        let matcher = |op, name: &str, pattern: &str| SilenceMatcher {
            op,
            name: name.to_owned(),
            pattern: pattern.to_owned(),
        };
        StoredSilence {
            silence: Arc::new(Silence {
                id: "id-1".to_owned(),
                matcher_sets: vec![vec![
                    matcher(MatchOp::Equal, "a", ""),
                    matcher(MatchOp::NotRegex, "b", "x|y"),
                ]],
                starts_at: Time::new(-5, 7),
                ends_at: Time::new(4_070_908_800, 0),
                updated_at: Time::new(1_700_000_000, 123_456_789),
                created_by: "me".to_owned(),
                comment: "why".to_owned(),
                annotations: [("ticket".to_owned(), String::new())].into(),
                ..Silence::default()
            }),
            expires_at: Time::new(4_071_340_800, 0),
        }
    }

    #[test]
    fn round_trip() {
        let all = [stored(), stored()];
        assert_eq!(decode(&encode(&all)).unwrap(), all);
        assert!(size(&stored()) < encode(&[stored()]).len());
    }

    #[test]
    fn old_writers_have_matchers_and_comments_at_the_top() {
        let mut comment = Writer::default();
        comment.text(1, "anna");
        comment.text(2, "old");
        let mut silence = Writer::default();
        silence.text(1, "x");
        write_matchers(&mut silence, 2, &stored().silence.matcher_sets[0]);
        silence.message(7, &comment.into_bytes());
        let mut mesh = Writer::default();
        mesh.message(1, &silence.into_bytes());
        let mut snapshot = Writer::default();
        snapshot.delimited(&mesh.into_bytes());
        let read = decode(&snapshot.into_bytes()).unwrap();
        assert_eq!(read[0].silence.matcher_sets, stored().silence.matcher_sets);
        assert_eq!(read[0].silence.created_by, "anna");
        assert_eq!(read[0].silence.comment, "old");
    }

    #[test]
    fn broken_bytes_are_an_error_not_a_panic() {
        let good = encode(&[stored()]);
        for end in 1..good.len() {
            assert!(decode(&good[..end]).is_err(), "cut at {end}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = decode(&bad);
        }
        assert_eq!(decode(&[2, 0x12, 0]), Err(CodecError::Missing("silence")));
    }
}
