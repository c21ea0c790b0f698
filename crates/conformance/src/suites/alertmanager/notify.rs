//! `alertmanager/notify`: deduplication, truncation, status codes, and requests; and `templates/data-assembly`.

use std::path::Path;
use std::sync::Arc;

use alerting::dedup::{GroupNow, decide};
use alerting::nflog::{LogEntry, LogReceiver, ReceiverData};
use alerting::{Alert, NotifiedAlert, PostedAlert, Retry, Time};
use model::name::NameScheme;
use model::{Duration, Timestamp};
use notify::answer::check_status;
use notify::data::{DataInput, assemble};
use notify::{HttpResponse, truncate};
use serde_json::Value;

use super::alerts::{labels, pairs, same};
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

/// A line of `templates/data-assembly.jsonl`.
pub(crate) fn data_assembly(case: &Value) -> Result<(), String> {
    let now = Time::parse("2026-01-01T00:00:00Z").map_err(|error| error.to_string())?;
    let mut alerts = Vec::new();
    for value in case["alerts"].as_array().into_iter().flatten() {
        let time = |key: &str| {
            let text = value[key].as_str().unwrap_or_default();
            let time = Time::parse(text).map_err(|error| error.to_string())?;
            Ok::<_, String>(Some(time).filter(|time| !time.is_unset()))
        };
        let annotations = pairs(&value["annotations"])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let ends_at = time("endsAt")?;
        let posted = PostedAlert {
            labels: labels(&value["labels"]),
            annotations: Arc::new(annotations),
            starts_at: time("startsAt")?,
            ends_at: None,
            generator_url: value["generatorURL"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        let timeout = Duration::from_secs(3600);
        let mut alert = Alert::from_posted(&posted, now, timeout, NameScheme::Utf8);
        if let (Ok(alert), Some(ends_at)) = (&mut alert, ends_at) {
            // Some of the cases end before they start, which a post could not.
            alert.ends_at = ends_at;
        }
        let alert = alert.unwrap_or_else(|_| Alert {
            fingerprint: alerting::Fingerprint(posted.labels.fingerprint()),
            labels: posted.labels.clone(),
            annotations: posted.annotations.clone(),
            starts_at: posted.starts_at.unwrap_or(now),
            ends_at: ends_at.unwrap_or(now + timeout),
            end_kind: alerting::alert::EndKind::Explicit,
            updated_at: now,
            generator_url: posted.generator_url.clone(),
        });
        alerts.push(NotifiedAlert {
            is_resolved: alert.is_resolved_at(now),
            alert: Arc::new(alert),
        });
    }
    let route_labels = pairs(&case["route_labels"])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let data = assemble(&DataInput {
        receiver: case["receiver"].as_str().unwrap_or_default(),
        group_labels: &labels(&case["group_labels"]),
        route_labels: &route_labels,
        reason: case["reason"].as_str().unwrap_or_default(),
        external_url: case["external_url"].as_str().unwrap_or_default(),
        alerts: &alerts,
    });
    let text = gotemplate::to_json(&data.to_value(), 1 << 20)?;
    let actual: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if actual == case["expect"] {
        return Ok(());
    }
    Err(format!("expected {}, got {actual}", case["expect"]))
}
