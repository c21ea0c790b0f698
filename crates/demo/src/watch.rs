//! Whether an alert went all the way: rule, group, receiver, webhook. Asked over HTTP, as a user would.

use serde_json::Value;

use crate::control::Command;
use crate::webhook::WebhookReceiver;

/// The alert that a command must bring about, and the group in which it must stand.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    alert: &'static str,
    /// A label by which this alert is told from others of the name.
    label: (&'static str, String),
    receiver: String,
    group: (&'static str, String),
}

impl Expectation {
    pub(crate) fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Break(service) => {
                let is_service = service.ends_with("-svc");
                let alert = if is_service {
                    "kasten-service-down"
                } else {
                    "kasten-executor-down"
                };
                Some(Self {
                    alert,
                    label: if is_service {
                        ("service", service.clone())
                    } else {
                        ("alertname", alert.to_owned())
                    },
                    receiver: "kasten-io/kasten-alerting/kasten-operating-receiver".to_owned(),
                    group: ("alertname", alert.to_owned()),
                })
            }
            Command::FailBackup { namespace } => Some(Self {
                alert: "action-on-error",
                label: ("namespace", namespace.clone()),
                receiver: format!("{namespace}/kasten-alerting/kasten-action-on-error-receiver"),
                group: ("type", "backup".to_owned()),
            }),
            Command::Heal => None,
        }
    }

    fn is_alert(&self, labels: &Value) -> bool {
        labels["alertname"] == self.alert && labels[self.label.0] == self.label.1.as_str()
    }
}

/// How far it has come; `seen` holds a line per stage, in order.
#[derive(Debug)]
pub(crate) enum Progress {
    Done(Vec<String>),
    Missing { seen: Vec<String>, missing: String },
}

pub(crate) struct Watch<'a> {
    webhook: &'a WebhookReceiver,
    server_url: &'a str,
    client: Option<net::HttpClient>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(webhook: &'a WebhookReceiver, server_url: &'a str) -> Self {
        Self {
            webhook,
            server_url,
            client: net::HttpClient::new(net::ClientOptions::default()).ok(),
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let response = self
            .client
            .as_ref()?
            .send(net::Request::get(format!("{}{path}", self.server_url)))
            .await
            .ok()?;
        serde_json::from_slice(&response.body).ok()
    }

    /// What is still missing before things may be broken: every target up, and the count of failed
    /// backups seen before it rises, because `increase` needs an earlier sample.
    pub(crate) async fn missing_at_start(&self) -> Option<String> {
        let Some(answer) = self.get("/api/v1/targets?state=active").await else {
            return Some("the server does not answer".to_owned());
        };
        let targets = answer["data"]["activeTargets"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if let Some(down) = targets.iter().find(|target| target["health"] != "up") {
            return Some(format!("target {} is not up yet", down["scrapeUrl"]));
        }
        let pools: std::collections::BTreeSet<&str> = targets
            .iter()
            .filter_map(|target| target["scrapePool"].as_str())
            .collect();
        if pools.len() < 2 {
            return Some("both scrape pools must have targets".to_owned());
        }
        let query = "/api/v1/query?query=catalog_actions_count%7Bstatus%3D%22failed%22%7D";
        let answer = self.get(query).await;
        let is_seen = answer
            .as_ref()
            .and_then(|answer| answer["data"]["result"].as_array())
            .is_some_and(|result| !result.is_empty());
        (!is_seen).then(|| "catalog_actions_count has not been scraped yet".to_owned())
    }

    /// Looks once. `status` is `firing` or `resolved`; only notifications after `mark` count.
    pub(crate) async fn look(&self, wanted: &Expectation, status: &str, mark: usize) -> Progress {
        let mut seen = Vec::new();
        let missing = |seen: Vec<String>, missing: String| Progress::Missing { seen, missing };
        let alerts = self.get("/api/v1/alerts").await;
        let alerts = alerts
            .as_ref()
            .and_then(|answer| answer["data"]["alerts"].as_array());
        let is_firing = alerts
            .into_iter()
            .flatten()
            .any(|alert| alert["state"] == "firing" && wanted.is_alert(&alert["labels"]));
        if is_firing != (status == "firing") {
            return missing(seen, format!("the rule {} is not {status}", wanted.alert));
        }
        let (name, value) = &wanted.label;
        seen.push(format!(
            "rule: {} is {status} for {name}={value}",
            wanted.alert
        ));
        if status == "firing" {
            if !self.stands_in_group(wanted).await {
                let (name, value) = &wanted.group;
                return missing(
                    seen,
                    format!(
                        "no group {{{name}={value}}} of receiver {} holds the alert",
                        wanted.receiver
                    ),
                );
            }
            let (name, value) = &wanted.group;
            seen.push(format!("group: {} {{{name}=\"{value}\"}}; this receiver has no integration, so nothing is sent from it", wanted.receiver));
        }
        let is_told = self.webhook.since(mark).iter().any(|notification| {
            notification.alerts.iter().any(|alert| {
                alert.status == status
                    && alert.name() == wanted.alert
                    && alert
                        .labels
                        .get(*name)
                        .map(String::as_str)
                        .unwrap_or_default()
                        == value
            })
        });
        if !is_told {
            return missing(
                seen,
                format!("the webhook was not told that {} is {status}", wanted.alert),
            );
        }
        seen.push(format!("webhook: told that {} is {status}", wanted.alert));
        Progress::Done(seen)
    }

    async fn stands_in_group(&self, wanted: &Expectation) -> bool {
        let groups = self.get("/api/v2/alerts/groups").await;
        let groups = groups.as_ref().and_then(Value::as_array);
        let (name, value) = &wanted.group;
        groups.into_iter().flatten().any(|group| {
            group["receiver"]["name"] == wanted.receiver.as_str()
                && group["labels"][name] == value.as_str()
                && group["alerts"].as_array().is_some_and(|alerts| {
                    alerts.iter().any(|alert| wanted.is_alert(&alert["labels"]))
                })
        })
    }
}
