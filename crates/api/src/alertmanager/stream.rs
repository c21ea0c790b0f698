//! Alerts as JSON, written while they are sent: there may be hundreds of thousands.

use std::collections::BTreeMap;

use alerting::view::AlertView;
use net::axum::response::Response;
use net::parts::body_in_parts;
use tokio::runtime::Handle;

use crate::json::{write_labels, write_pairs, write_string};
use crate::respond::{json_response, json_text};

/// What fits into this goes as a whole, with its length.
const PART_BYTES: usize = 64 << 10;
/// Parts that wait to be sent.
const WAITING_MAX: usize = 4;

/// An answer of pieces, which `write` puts one behind another. Only a few parts of it are in memory at a time.
pub(super) fn streamed<P: Send + 'static>(
    pieces: impl Iterator<Item = P> + Send + 'static,
    mut write: impl FnMut(&mut String, P) + Send + 'static,
) -> Response {
    let mut pieces = pieces.fuse();
    // A part, and whether it is the last one.
    let mut next_part = move || {
        let mut part = String::with_capacity(PART_BYTES / 4);
        while part.len() < PART_BYTES {
            let Some(piece) = pieces.next() else {
                part.push('\n');
                return (part, true);
            };
            write(&mut part, piece);
        }
        (part, false)
    };
    let (mut part, mut is_last) = next_part();
    if is_last {
        return json_text(part);
    }
    let (parts, body) = body_in_parts(WAITING_MAX);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        // A reader that is gone needs no more.
        while parts.send_blocking(&runtime, part).is_ok() {
            if is_last {
                return parts.finish_blocking(&runtime);
            }
            (part, is_last) = next_part();
        }
    });
    json_response(body)
}

/// The alert in the form of [`AlertTwin`](super::alerts::AlertTwin).
pub(super) fn write_alert(out: &mut String, view: &AlertView) {
    let alert = &view.alert;
    out.push_str("{\"annotations\":");
    write_pairs(out, alert.about.annotations());
    out.push_str(",\"endsAt\":\"");
    alert.ends_at.push_api_text(out);
    out.push_str("\",\"fingerprint\":\"");
    out.push_str(&alert.fingerprint.to_string());
    out.push_str("\",\"receivers\":[");
    for (index, name) in view.receivers.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_receiver(out, name);
    }
    out.push_str("],\"startsAt\":\"");
    alert.starts_at.push_api_text(out);
    out.push_str("\",\"status\":{\"inhibitedBy\":");
    write_list(out, view.inhibited_by.iter().map(ToString::to_string));
    out.push_str(",\"mutedBy\":");
    write_list(out, view.muted_by.iter());
    out.push_str(",\"silencedBy\":");
    write_list(out, view.silenced_by.iter());
    out.push_str(",\"state\":");
    write_string(out, view.state.as_str());
    out.push_str("},\"updatedAt\":\"");
    alert.updated_at.push_api_text(out);
    out.push('"');
    let generator_url = alert.about.generator_url();
    if !generator_url.is_empty() {
        out.push_str(",\"generatorURL\":");
        write_string(out, generator_url);
    }
    out.push_str(",\"labels\":");
    write_labels(out, &alert.labels);
    out.push('}');
}

pub(super) fn write_receiver(out: &mut String, name: &str) {
    out.push_str("{\"name\":");
    write_string(out, name);
    out.push('}');
}

pub(super) fn write_map(out: &mut String, map: &BTreeMap<String, String>) {
    write_pairs(out, map.iter().map(|(name, value)| (&**name, &**value)));
}

fn write_list(out: &mut String, texts: impl Iterator<Item = impl AsRef<str>>) {
    out.push('[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, text.as_ref());
    }
    out.push(']');
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use alerting::view::AlertView;
    use alerting::{About, Alert, Fingerprint, Time};
    use model::Labels;
    use net::axum::body::to_bytes;

    use super::*;
    use crate::alertmanager::alerts::AlertTwin;
    use crate::respond::to_json;

    pub(in crate::alertmanager) fn view(number: i64) -> AlertView {
        let labels = Labels::from_pairs([("alertname", "A<b>&\"c\""), ("pod", "\u{2028}é\n")]);
        let text = "a\\b\u{1}".repeat(3);
        let annotations = [("empty", ""), ("text", &text)].into_iter().collect();
        let generator_url = match number % 2 {
            0 => "",
            _ => "http://prom/graph?a=<&b",
        };
        AlertView {
            alert: Arc::new(Alert {
                fingerprint: Fingerprint(number as u64),
                labels,
                about: About::new(annotations, generator_url),
                starts_at: Time::new(number, 5_000_000),
                ends_at: Time::new(number + 60, 0),
                updated_at: Time::new(number, 1),
                end_kind: alerting::alert::EndKind::Explicit,
            }),
            state: alerting::view::AlertState::Suppressed,
            receivers: Arc::from(["a".into(), "b\"".into()]),
            silenced_by: vec!["s-1".to_owned()],
            inhibited_by: vec![Fingerprint(7), Fingerprint(8)],
            muted_by: Vec::new(),
        }
    }

    #[test]
    fn alerts_are_written_as_the_document_says() {
        for number in 0..4 {
            let mut out = String::new();
            write_alert(&mut out, &view(number));
            assert_eq!(out, to_json(&AlertTwin::of(view(number))));
        }
    }

    #[tokio::test]
    async fn what_is_long_comes_in_parts_and_whole() {
        for count in [0, 1, 5, 10_000] {
            let pieces = (0..count).map(|number| format!("{number},"));
            let expected: String = pieces.clone().collect();
            let response = streamed(pieces, |out, piece| {
                out.push_str(&piece.repeat(10));
            });
            assert_eq!(response.headers()["content-type"], "application/json");
            let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
            assert_eq!(body.len(), expected.len() * 10 + 1, "{count}");
        }
    }
}
