//! How answers are printed: as tables, as wide tables, as JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;

use alerting::text::condition;
use model::MatchOp;
use notify::go_json;
use promtool::table::{Columns, Last, layout};
use serde::Serialize;

use crate::answer::{Alert, Cluster, Matcher, Silence, Status};
use crate::time;

/// `--output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    #[default]
    Simple,
    Extended,
    Json,
}

impl Output {
    pub const NAMES: [&'static str; 3] = ["simple", "extended", "json"];

    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "simple" => Some(Self::Simple),
            "extended" => Some(Self::Extended),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Go's layout of times, unless another is asked for.
pub const DATE_FORMAT: &str = "2006-01-02 15:04:05 MST";

/// What the user wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Formatter<'a> {
    pub output: Output,
    /// Go's layout of times.
    pub date_format: &'a str,
}

const COLUMNS: Columns = Columns {
    width_min: 0,
    padding: 2,
};

impl Formatter<'_> {
    /// Alerts, those that began first at the top.
    pub fn alerts(&self, mut alerts: Vec<Alert>) -> String {
        if self.output == Output::Json {
            return json(&alerts);
        }
        alerts.sort_by_key(|alert| time::of_answer(&alert.starts_at).unix_nanoseconds());
        let row = |alert: &Alert| match self.output {
            Output::Extended => vec![
                pairs(&alert.labels),
                pairs(&alert.annotations),
                self.date(&alert.starts_at),
                self.date(&alert.ends_at),
                alert.generator_url.clone(),
                alert.status.state.clone(),
            ],
            _ => vec![
                alert.labels.get("alertname").cloned().unwrap_or_default(),
                self.date(&alert.starts_at),
                alert
                    .annotations
                    .get("summary")
                    .cloned()
                    .unwrap_or_default(),
                alert.status.state.clone(),
            ],
        };
        let header: &[&str] = match self.output {
            Output::Extended => &[
                "Labels",
                "Annotations",
                "Starts At",
                "Ends At",
                "Generator URL",
                "State",
            ],
            _ => &["Alertname", "Starts At", "Summary", "State"],
        };
        table(header, alerts.iter().map(row))
    }

    /// Silences, those that end first at the top.
    pub fn silences(&self, mut silences: Vec<Silence>) -> String {
        if self.output == Output::Json {
            return json(&silences);
        }
        silences.sort_by_key(|silence| ends_at(silence).unix_nanoseconds());
        let row = |silence: &Silence| {
            let content = &silence.content;
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let date = |time: &Option<String>| self.date(time.as_deref().unwrap_or_default());
            let matchers: Vec<String> = content.matchers.iter().flatten().map(matcher).collect();
            let (by, comment) = (text(&content.created_by), text(&content.comment));
            match self.output {
                Output::Extended => vec![
                    silence.id.clone(),
                    format!("{{{}}}", matchers.join(",")),
                    date(&content.starts_at),
                    date(&content.ends_at),
                    self.date(&silence.updated_at),
                    by,
                    comment,
                ],
                _ => vec![
                    silence.id.clone(),
                    matchers.join(" "),
                    date(&content.ends_at),
                    by,
                    comment,
                ],
            }
        };
        let header: &[&str] = match self.output {
            Output::Extended => &[
                "ID",
                "Matchers",
                "Starts At",
                "Ends At",
                "Updated At",
                "Created By",
                "Comment",
            ],
            _ => &["ID", "Matchers", "Ends At", "Created By", "Comment"],
        };
        table(header, silences.iter().map(row))
    }

    /// The configuration in force; wide, what the server says of itself too.
    pub fn config(&self, status: &Status) -> String {
        let original = &status.config.original;
        let version = &status.version_info;
        match self.output {
            Output::Json => json(status),
            Output::Simple => format!("{original}\n"),
            Output::Extended => format!(
                "{original}\nbuildUser {}\ngoVersion {}\nrevision {}\nversion {}\nbranch {}\nbuildDate {}\nuptime {}\n",
                version.build_user,
                version.go_version,
                version.revision,
                version.version,
                version.branch,
                version.build_date,
                status.uptime
            ),
        }
    }

    /// The mesh; wide, with its members.
    pub fn cluster(&self, cluster: &Cluster) -> String {
        if self.output == Output::Json {
            return json(cluster);
        }
        let cells = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let head = [
            cells("Cluster Status:", &cluster.status),
            cells("Node Name:", &cluster.name),
        ];
        let mut text = layout(&head, COLUMNS, Last::AsIs);
        if self.output == Output::Extended {
            let mut peers: Vec<_> = cluster.peers.iter().collect();
            peers.sort_by_key(|peer| address(&peer.address));
            let mut rows = vec![cells("Address", "Name")];
            // In the peer, only the header's last cell has nothing after it.
            rows.extend(peers.iter().map(|peer| {
                let mut row = cells(&peer.address, &peer.name);
                row.push(String::new());
                row
            }));
            text.push('\n');
            text.push_str(&layout(&rows, COLUMNS, Last::AsIs));
        }
        text
    }

    fn date(&self, text: &str) -> String {
        time::of_answer(text).format(self.date_format)
    }
}

/// One line of JSON, as Go writes it.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Texts, lists and maps of texts can be written.
    go_json::body(value).unwrap_or_default()
}

pub(crate) fn ends_at(silence: &Silence) -> gotemplate::Time {
    time::of_answer(silence.content.ends_at.as_deref().unwrap_or_default())
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let header = header.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    layout(&rows, COLUMNS, Last::Padded)
}

/// `a="b" c="d"`
fn pairs(pairs: &BTreeMap<String, String>) -> String {
    let mut texts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    texts.sort();
    texts.join(" ")
}

fn matcher(matcher: &Matcher) -> String {
    let op = match (matcher.is_regex, matcher.is_equal.unwrap_or(true)) {
        (false, true) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (true, false) => MatchOp::NotRegex,
    };
    condition(&matcher.name, op, &matcher.value)
}

fn address(text: &str) -> (Option<IpAddr>, u16, String) {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (
        host.parse().ok(),
        port.parse().unwrap_or(0),
        host.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silences() -> Vec<Silence> {
        let text = r#"[
            {"id":"2","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.000Z","comment":"<c>","createdBy":"me",
             "endsAt":"2027-01-01T00:00:00.000+02:00","startsAt":"2026-01-01T00:00:00.000Z",
             "matchers":[{"isEqual":false,"isRegex":true,"name":"a b","value":"x|[y"},{"isRegex":false,"name":"c","value":"\"d"}]},
            {"id":"1","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.000Z","comment":"","createdBy":"me",
             "endsAt":"2026-06-01T00:00:00.000Z","startsAt":"2026-01-01T00:00:00.000Z","matchers":[]}]"#;
        serde_json::from_str(text).unwrap()
    }

    fn formatter(output: Output) -> Formatter<'static> {
        Formatter {
            output,
            date_format: DATE_FORMAT,
        }
    }

    #[test]
    fn silences_are_sorted_by_their_end_and_keep_zones() {
        let text = formatter(Output::Simple).silences(silences());
        assert_eq!(
            text,
            "ID  Matchers               Ends At                    Created By  Comment  \n\
             1                          2026-06-01 00:00:00 UTC    me                   \n\
             2   \"a b\"!~\"x|[y\" c=\"\\\"d\"  2027-01-01 00:00:00 +0200  me          <c>      \n"
        );
        let text = formatter(Output::Extended).silences(silences());
        assert!(text.contains("{\"a b\"!~\"x|[y\",c=\"\\\"d\"}"), "{text}");
    }

    #[test]
    fn json_has_the_order_and_the_escapes_of_the_peer() {
        let text = formatter(Output::Json).silences(silences());
        assert!(
            text.starts_with(
                r#"[{"id":"2","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.000Z","comment":"\u003cc\u003e","createdBy":"me","endsAt":"#
            ),
            "{text}"
        );
        assert_eq!(formatter(Output::Json).alerts(Vec::new()), "[]\n");
    }

    #[test]
    fn members_are_sorted_by_address() {
        let peer = |address: &str| crate::answer::Peer {
            address: address.to_owned(),
            name: "n".to_owned(),
        };
        let cluster = Cluster {
            name: String::new(),
            peers: vec![peer("10.0.0.10:1"), peer("10.0.0.9:2"), peer("10.0.0.9:1")],
            status: "ready".to_owned(),
        };
        assert_eq!(
            formatter(Output::Extended).cluster(&cluster),
            "Cluster Status:  ready\nNode Name:       \n\n\
             Address      Name\n10.0.0.9:1   n  \n10.0.0.9:2   n  \n10.0.0.10:1  n  \n"
        );
    }
}
