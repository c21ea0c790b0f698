//! Opsgenie alerts: created, kept up to date and closed under the hash of the group's key.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::alertmanager::receivers::{OpsGenie as Options, Responder as ResponderOptions};
use serde::Serialize;
use serde_json::json;

use crate::answer::{Failure, check_status};
use crate::clients::{self, Clients};
use crate::http::{BoxFuture, HttpRequest, HttpSend, Wanted};
use crate::integration::{Integration, Sent};
use crate::notification::{Notification, group_key_hash};
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::{secret, url};

/// Opsgenie's limit, in characters.
const MESSAGE_MAX: usize = 130;
/// Also tried again: the rate limit.
const RETRIED: [u16; 1] = [429];

/// Creates an alert for a group, and closes it.
#[derive(Debug)]
pub(crate) struct OpsGenie {
    options: Options,
    http: Arc<dyn HttpSend>,
}

#[derive(Serialize)]
struct Create {
    alias: String,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    details: BTreeMap<String, String>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    responders: Vec<Responder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<String>,
}

#[derive(Default, PartialEq, Serialize)]
struct Responder {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(rename = "type")]
    kind: String,
}

impl OpsGenie {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    /// The requests of a notification, in order.
    fn requests(&self, notification: Notification<'_>) -> Result<Vec<HttpRequest>, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let key =
            secret::text_before_file("api_key", options.api_key.expose(), &options.api_key_file)?;
        let key = rendering.text("api_key", &key)?;
        let key = key.trim();
        let alias = group_key_hash(&notification.delivery.group_key);
        let base = options.api_url.as_str();
        // What exists is addressed by its alias.
        let existing = |what: &str| {
            let url = url::with_path(base, &format!("v2/alerts/{alias}/{what}"));
            url::with_query(&url, &[("identifierType", "alias")])
        };
        let authorized =
            |request: HttpRequest| request.with_header("Authorization", format!("GenieKey {key}"));
        if !rendering.is_firing() {
            let close = json!({ "source": rendering.text("source", &options.source)? });
            return Ok(vec![authorized(
                notification.post_json(existing("close"), &close)?,
            )]);
        }
        let create = self.create(&rendering, alias.clone())?;
        let url = url::with_path(base, "v2/alerts");
        let mut requests = vec![authorized(notification.post_json(url, &create)?)];
        if options.update_alerts {
            let updates = [
                ("message", &create.message),
                ("description", &create.description),
            ];
            for (name, text) in updates {
                let body = if text.is_empty() {
                    json!({})
                } else {
                    json!({ name: text })
                };
                let mut request = notification.post_json(existing(name), &body)?;
                request.method = "PUT";
                requests.push(authorized(request));
            }
        }
        Ok(requests)
    }

    fn create(&self, rendering: &Rendering<'_>, alias: String) -> Result<Create, Failure> {
        let options = &self.options;
        let mut details = rendering.data.common_labels.entries().clone();
        for (name, template) in &options.details {
            details.insert(name.clone(), rendering.text("details", template)?);
        }
        let mut responders = Vec::new();
        for responder in &options.responders {
            responders.extend(render_responder(rendering, responder)?);
        }
        let message = rendering.text("message", &options.message)?;
        Ok(Create {
            alias,
            message: in_runes(&message, MESSAGE_MAX).into_owned(),
            description: rendering.text("description", &options.description)?,
            details,
            source: rendering.text("source", &options.source)?,
            responders,
            tags: split(&rendering.text("tags", &options.tags)?),
            note: rendering.text("note", &options.note)?,
            priority: rendering.text("priority", &options.priority)?,
            entity: rendering.text("entity", &options.entity)?,
            actions: split(&rendering.text("actions", &options.actions)?),
        })
    }
}

/// Nobody, if all texts come out empty; one team for each name of a list of teams.
fn render_responder(
    rendering: &Rendering<'_>,
    options: &ResponderOptions,
) -> Result<Vec<Responder>, Failure> {
    let text = |template: &str| rendering.text("responders", template);
    let responder = Responder {
        id: text(&options.id)?,
        name: text(&options.name)?,
        username: text(&options.username)?,
        kind: text(&options.kind)?,
    };
    if responder == Responder::default() {
        return Ok(Vec::new());
    }
    if responder.kind != "teams" {
        return Ok(vec![responder]);
    }
    let teams = split(&responder.name).into_iter().map(|name| Responder {
        name,
        kind: "team".to_owned(),
        ..Responder::default()
    });
    Ok(teams.collect())
}

/// The parts between commas that are not empty, with the space around them.
fn split(list: &str) -> Vec<String> {
    let parts = list.trim().split(',').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

impl Integration for OpsGenie {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            for request in self.requests(notification)? {
                let request = request.wanting(Wanted::Status);
                check_status(&self.http.send(request).await?, &RETRIED)?;
            }
            Ok(Sent::default())
        })
    }
}
