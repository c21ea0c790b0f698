//! What one alert was, and when: spans of states, and marks for what was said about it.

use model::Timestamp;

use super::page::Id;
use super::record::{Record, detail};

/// What an alert is for some time. Being suppressed is beside firing: it holds for one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanState {
    Pending,
    Firing,
    Suppressed,
}

impl SpanState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Suppressed => "suppressed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub state: SpanState,
    pub from: Timestamp,
    /// `None` while it lasts.
    pub to: Option<Timestamp>,
    /// Who is not told, with the code of the reason and the reason in words.
    pub suppression: Option<Suppression>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    pub receiver: String,
    pub group_key: String,
    pub code: String,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MarkKind {
    /// A receiver took a notification.
    Notified,
    /// An attempt failed, and there was another one.
    Retried,
    /// A notification was given up.
    Failed,
    /// Nobody was told, for a reason that concerns a whole group or integration.
    NotNotified,
}

impl MarkKind {
    pub const ALL: [Self; 4] = [
        Self::Notified,
        Self::Retried,
        Self::Failed,
        Self::NotNotified,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notified => "notified",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::NotNotified => "not-notified",
        }
    }

    fn of(code: &str) -> Option<Self> {
        match code {
            "delivery-succeeded" => Some(Self::Notified),
            "delivery-retried" => Some(Self::Retried),
            "alert-delivery-failed" => Some(Self::Failed),
            "alert-without-route"
            | "alert-over-limit"
            | "alert-receiver-without-integration"
            | "alert-default-without-integration"
            | "alert-resolved-before-notified"
            | "alert-resolved-not-sent"
            | "rule-alert-relabelled-away" => Some(Self::NotNotified),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    pub id: Id,
    pub record: Record,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    pub spans: Vec<Span>,
    pub marks: Vec<Mark>,
}

/// Codes of records that are about no alert, and yet end states.
pub const BREAKS: [&str; 3] = [
    "alerting-started",
    "alerting-stopped",
    "alerting-config-replaced",
];

impl Timeline {
    /// Of the records of one alert and of [`BREAKS`], oldest first.
    pub fn of(records: impl IntoIterator<Item = (Id, Record)>) -> Self {
        let mut timeline = Self::default();
        for (id, record) in records {
            timeline.take(&record);
            if let Some(kind) = MarkKind::of(&record.code) {
                timeline.marks.push(Mark { kind, id, record });
            }
        }
        timeline
    }

    /// What of it lies between two times. What began earlier begins at `from` then.
    pub fn cut(&mut self, from: Timestamp, to: Timestamp) {
        self.spans
            .retain(|span| span.from <= to && span.to.is_none_or(|end| end >= from));
        for span in &mut self.spans {
            span.from = span.from.max(from);
            span.to = span.to.filter(|end| *end <= to);
        }
        self.marks
            .retain(|mark| (from..=to).contains(&mark.record.at));
    }

    fn take(&mut self, record: &Record) {
        let at = record.at;
        match record.code.as_str() {
            "rule-alert-pending" => self.begin(SpanState::Pending, at),
            "rule-alert-gone" => self.end(at, |span| span.state == SpanState::Pending),
            "rule-alert-firing" | "alert-fired" => {
                self.end(at, |span| span.state == SpanState::Pending);
                self.begin(SpanState::Firing, at);
            }
            "rule-alert-resolved" | "alert-resolved" | "alert-timed-out" | "alert-forgotten" => {
                self.end(at, |_| true);
            }
            // Alerts live in memory: what was not sent again since has no state.
            "alerting-stopped" | "alerting-started" => self.end(at, |_| true),
            // Groups start anew, and judge again.
            "alerting-config-replaced" => {
                self.end(at, |span| span.state == SpanState::Suppressed);
            }
            "alert-silenced"
            | "alert-inhibited"
            | "alert-muted-by-interval"
            | "alert-outside-active-interval" => {
                self.end(at, is_in_group_of(record));
                if let Some(group) = &record.group {
                    self.spans.push(Span {
                        state: SpanState::Suppressed,
                        from: at,
                        to: None,
                        suppression: Some(Suppression {
                            receiver: group.receiver.to_string(),
                            group_key: group.key.to_string(),
                            code: record.code.clone(),
                            reason: record.detail(detail::REASON).to_owned(),
                        }),
                    });
                }
            }
            "alert-unsuppressed" => self.end(at, is_in_group_of(record)),
            _ => {}
        }
    }

    fn begin(&mut self, state: SpanState, at: Timestamp) {
        let is_open = |span: &Span| span.state == state && span.to.is_none();
        if !self.spans.iter().any(is_open) {
            self.spans.push(Span {
                state,
                from: at,
                to: None,
                suppression: None,
            });
        }
    }

    fn end(&mut self, at: Timestamp, which: impl Fn(&Span) -> bool) {
        let open = self.spans.iter_mut().filter(|span| span.to.is_none());
        for span in open.filter(|span| which(span)) {
            span.to = Some(at);
        }
    }
}

fn is_in_group_of(record: &Record) -> impl Fn(&Span) -> bool {
    let group = record.group.clone();
    move |span| {
        let suppression = span.suppression.as_ref().zip(group.as_ref());
        suppression.is_some_and(|(suppression, group)| {
            suppression.receiver == *group.receiver && suppression.group_key == *group.key
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;

    use super::*;
    use crate::event::GroupRef;
    use crate::journal::Kind;

    /// Lines of `SECONDS CODE [RECEIVER]`.
    fn timeline(lines: &str) -> Timeline {
        let records = lines.lines().zip(1..).map(|(line, offset)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let group = words.get(2).map(|receiver| {
                Arc::new(GroupRef {
                    key: "{}:{}".into(),
                    receiver: (*receiver).into(),
                    route_id: "{}".into(),
                })
            });
            let record = Record {
                at: Timestamp(words[0].parse().unwrap()),
                kind: Kind::Alert,
                code: words[1].to_owned(),
                subject: None,
                group,
                integration: None,
                delivery: None,
                attempt: None,
                alerts: Vec::new(),
                alert_count: 0,
                details: Vec::new(),
            };
            let id = Id { segment: 1, offset };
            (id, record)
        });
        Timeline::of(records)
    }

    fn text(timeline: &Timeline) -> String {
        let mut text = String::new();
        for span in &timeline.spans {
            let end = span.to.map_or("…".to_owned(), |end| end.0.to_string());
            let why = span.suppression.as_ref();
            let why = why.map_or(String::new(), |why| {
                format!(" {} {}", why.receiver, why.code)
            });
            writeln!(text, "{}-{end} {}{why}", span.from.0, span.state.as_str()).unwrap();
        }
        for mark in &timeline.marks {
            writeln!(text, "{} {}", mark.record.at.0, mark.kind.as_str()).unwrap();
        }
        text
    }

    #[test]
    fn from_pending_to_resolved() {
        let mut timeline = timeline(
            "10 rule-alert-pending
             20 rule-alert-firing
             20 alert-fired
             21 alert-routed shop
             30 alert-silenced shop
             31 alert-inhibited audit
             40 alert-unsuppressed shop
             40 delivery-retried shop
             45 delivery-succeeded shop
             50 alert-muted-by-interval shop
             60 alert-resolved
             70 alert-fired",
        );
        let whole = "10-20 pending\n20-60 firing\n30-40 suppressed shop alert-silenced\n\
                     31-60 suppressed audit alert-inhibited\n50-60 suppressed shop alert-muted-by-interval\n\
                     70-… firing\n40 retried\n45 notified\n";
        assert_eq!(text(&timeline), whole);
        timeline.cut(Timestamp(35), Timestamp(44));
        let part = "35-… firing\n35-40 suppressed shop alert-silenced\n35-… suppressed audit alert-inhibited\n40 retried\n";
        assert_eq!(text(&timeline), part);
    }

    #[test]
    fn restarts_and_reloads_end_what_is_not_known_any_more() {
        let timeline = timeline(
            "10 alert-fired
             20 alert-silenced shop
             30 alerting-config-replaced
             40 alert-silenced shop
             50 alerting-started
             60 alert-fired",
        );
        let expected = "10-50 firing\n20-30 suppressed shop alert-silenced\n\
                        40-50 suppressed shop alert-silenced\n60-… firing\n";
        assert_eq!(text(&timeline), expected);
    }
}
