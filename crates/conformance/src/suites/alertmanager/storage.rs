//! `alertmanager/storage`: snapshot files of silences and the notification log. One case per decoded entry,
//! and each file must survive being written again.

use std::fs;
use std::path::Path;

use alerting::Time;
use alerting::codec;
use alerting::nflog::{ReceiverValue, StoredEntry};
use alerting::silence::SilenceMatcher;
use alerting::silences::StoredSilence;
use model::MatchOp;
use serde_json::{Map, Value, json};

use crate::suite::{Case, json_lines};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("alertmanager/storage");
    let mut cases = Vec::new();
    for (stem, decode) in [
        ("nflog", entries as fn(&[u8]) -> Result<Vec<Value>, String>),
        ("silences", silences),
    ] {
        let lines = json_lines(&dir.join(format!("{stem}.decoded.jsonl")))?;
        if lines.is_empty() {
            continue;
        }
        let bytes = fs::read(dir.join(format!("{stem}.snapshot")))?;
        let decoded = decode(&bytes);
        for (line, expected) in lines {
            let actual = match &decoded {
                Ok(values) => Ok(values.get(line - 1).cloned()),
                Err(error) => Err(error.clone()),
            };
            cases.push(Case::new(format!("{stem}:{line}"), move || {
                let actual = actual?.ok_or("missing")?;
                if actual == expected {
                    return Ok(());
                }
                Err(format!("expected {expected}, got {actual}"))
            }));
        }
    }
    Ok(cases)
}

fn entries(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let decoded = codec::nflog::decode(bytes).map_err(|error| error.to_string())?;
    let again = codec::nflog::decode(&codec::nflog::encode(&decoded));
    if again.as_ref() != Ok(&decoded) {
        return Err("not the same after writing it again".to_owned());
    }
    Ok(decoded.iter().map(entry).collect())
}

fn silences(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let decoded = codec::silence::decode(bytes).map_err(|error| error.to_string())?;
    if codec::silence::encode(&decoded) != bytes {
        return Err("other bytes after writing it again".to_owned());
    }
    Ok(decoded.iter().map(silence).collect())
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    };
    if !is_empty {
        map.insert(key.to_owned(), value);
    }
}

/// Protobuf's JSON has fractions of three, six or nine digits.
fn time(time: Time) -> Value {
    let nanos = time.nanos();
    let whole = Time::new(time.seconds(), 0).to_rfc3339();
    let whole = whole.trim_end_matches('Z');
    Value::from(if nanos == 0 {
        format!("{whole}Z")
    } else if nanos.is_multiple_of(1_000_000) {
        format!("{whole}.{:03}Z", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1000) {
        format!("{whole}.{:06}Z", nanos / 1000)
    } else {
        format!("{whole}.{nanos:09}Z")
    })
}

fn entry(stored: &StoredEntry) -> Value {
    let entry = &stored.entry;
    let mut receiver = Map::new();
    put(
        &mut receiver,
        "group_name",
        json!(&*entry.receiver.group_name),
    );
    put(
        &mut receiver,
        "integration",
        json!(&*entry.receiver.integration),
    );
    put(&mut receiver, "idx", json!(entry.receiver.index));
    let hashes = |hashes: &[u64]| -> Value { hashes.iter().map(u64::to_string).collect() };
    let data: Map<String, Value> = entry
        .receiver_data
        .iter()
        .map(|(key, value)| {
            let value = match value {
                ReceiverValue::Text(text) => json!({ "str_val": text }),
                ReceiverValue::Int(number) => json!({ "int_val": number.to_string() }),
                ReceiverValue::Float(number) => json!({ "double_val": number }),
            };
            (key.clone(), value)
        })
        .collect();
    let mut inner = Map::new();
    put(
        &mut inner,
        "group_key",
        json!(base64(entry.group_key.as_bytes())),
    );
    put(&mut inner, "receiver", Value::Object(receiver));
    put(&mut inner, "timestamp", time(entry.timestamp));
    put(&mut inner, "firing_alerts", hashes(&entry.firing));
    put(&mut inner, "resolved_alerts", hashes(&entry.resolved));
    put(&mut inner, "receiver_data", Value::Object(data));
    json!({ "entry": inner, "expires_at": time(stored.expires_at) })
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0u32, |number, at| {
            number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let index = (number >> (18 - 6 * at) & 63) as usize;
            text.push(if at > chunk.len() {
                '='
            } else {
                char::from(ALPHABET[index])
            });
        }
    }
    text
}

fn silence(stored: &StoredSilence) -> Value {
    let silence = &stored.silence;
    let set = |set: &Vec<SilenceMatcher>| -> Value { set.iter().map(matcher).collect() };
    let sets = |sets: &[Vec<SilenceMatcher>]| -> Value {
        sets.iter()
            .map(|one| json!({ "matchers": set(one) }))
            .collect()
    };
    let mut inner = Map::new();
    put(&mut inner, "id", json!(silence.id));
    if let Some(first) = silence.matcher_sets.first() {
        put(&mut inner, "matchers", set(first));
    }
    put(&mut inner, "starts_at", time(silence.starts_at));
    put(&mut inner, "ends_at", time(silence.ends_at));
    put(&mut inner, "updated_at", time(silence.updated_at));
    put(&mut inner, "created_by", json!(silence.created_by));
    put(&mut inner, "comment", json!(silence.comment));
    put(&mut inner, "annotations", json!(silence.annotations));
    put(&mut inner, "matcher_sets", sets(&silence.matcher_sets));
    put(
        &mut inner,
        "receiver_matcher_sets",
        sets(&silence.receiver_matcher_sets),
    );
    json!({ "silence": inner, "expires_at": time(stored.expires_at) })
}

fn matcher(matcher: &SilenceMatcher) -> Value {
    let mut map = Map::new();
    match matcher.op {
        MatchOp::Equal => {}
        MatchOp::NotEqual => put(&mut map, "type", json!("NOT_EQUAL")),
        MatchOp::Regex => put(&mut map, "type", json!("REGEXP")),
        MatchOp::NotRegex => put(&mut map, "type", json!("NOT_REGEXP")),
    }
    put(&mut map, "name", json!(matcher.name));
    put(&mut map, "pattern", json!(matcher.pattern));
    Value::Object(map)
}
