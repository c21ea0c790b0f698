//! `alertmanager/notify`: deduplication, truncation, status codes, and requests.

use std::path::Path;

use alerting::dedup::{GroupNow, decide};
use alerting::nflog::{LogEntry, LogReceiver, ReceiverData};
use alerting::{Retry, Time};
use model::{Duration, Timestamp};
use notify::answer::check_status;
use notify::{HttpResponse, truncate};
use serde_json::Value;

use super::alerts::same;
use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("alertmanager/notify");
    let mut cases = json_line_cases(&dir.join("dedup.jsonl"), dedup)?;
    cases.extend(json_line_cases(&dir.join("truncate.jsonl"), cut)?);
    cases.extend(json_line_cases(
        &dir.join("http-status-reason.jsonl"),
        status,
    )?);
    cases.extend(super::goldens::load(&dir)?);
    Ok(cases)
}

fn hashes(value: &Value) -> Vec<u64> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_u64).collect()
}

fn dedup(case: &Value) -> Result<(), String> {
    let now = Timestamp(1_700_000_000_000);
    let seconds = |value: &Value| {
        let millis = value.as_f64().unwrap_or_default() * 1000.0;
        Duration(millis as i64)
    };
    let entry = case["entry"].as_object().map(|entry| LogEntry {
        group_key: "key".into(),
        receiver: LogReceiver {
            group_name: "r".into(),
            integration: "webhook".into(),
            index: 0,
        },
        timestamp: Time::from(now - seconds(&entry["age_s"])),
        firing: hashes(&entry["firing"]),
        resolved: hashes(&entry["resolved"]),
        receiver_data: ReceiverData::default(),
    });
    let decision = decide(
        entry.as_ref(),
        GroupNow {
            firing: &hashes(&case["firing"]),
            resolved: &hashes(&case["resolved"]),
            sends_resolved: case["send_resolved"].as_bool().unwrap_or_default(),
            repeat_interval: seconds(&case["repeat_interval_s"]),
            now,
        },
    );
    let reason = decision.map_or("none", |reason| reason.as_str());
    same(
        "reason",
        &reason,
        &case["reason"].as_str().unwrap_or_default(),
    )?;
    let notify = case["notify"].as_bool().unwrap_or_default();
    same("notify", &decision.is_ok(), &notify)
}

fn cut(case: &Value) -> Result<(), String> {
    let input = case["input"].as_str().unwrap_or_default();
    let max = case["n"].as_u64().unwrap_or_default() as usize;
    for (key, cut) in [
        ("runes", truncate::in_runes(input, max)),
        ("bytes", truncate::in_bytes(input, max)),
    ] {
        same(key, &&*cut, &case[key].as_str().unwrap_or_default())?;
        let was_cut = case[format!("{key}_truncated")].as_bool();
        same(key, &(cut != input), &was_cut.unwrap_or_default())?;
    }
    Ok(())
}

fn status(case: &Value) -> Result<(), String> {
    let response = HttpResponse {
        status: u16::try_from(case["status"].as_u64().unwrap_or_default()).unwrap_or_default(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let reason = notify::answer::reason_of(response.status).as_str();
    same(
        "reason",
        &reason,
        &case["reason"].as_str().unwrap_or_default(),
    )?;
    for (key, also_retried) in [
        ("retry_default", &[][..]),
        ("retry_when_429_listed", &[429][..]),
    ] {
        let failure = check_status(&response, also_retried).err();
        let retried = failure
            .as_ref()
            .is_some_and(|failure| failure.retry == Retry::Later);
        same(key, &retried, &case[key].as_bool().unwrap_or_default())?;
        let message = failure.map(|failure| failure.message);
        same("error", &message.as_deref(), &case["error"].as_str())?;
    }
    Ok(())
}
