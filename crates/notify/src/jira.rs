//! Jira issues: one for each group, found again by a label, updated, and moved by transitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::alertmanager::receivers::Jira as Options;
use model::format::go_quote;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Failure, check_status};
use crate::clients::{self, Clients};
use crate::go_json;
use crate::http::{BoxFuture, HttpSend};
use crate::integration::{Integration, Sent};
use crate::notification::{Notification, group_key_hash};
use crate::payload::render_payload;
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::url;

/// Jira's limits, in characters.
const SUMMARY_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 32767;
/// Also tried again: the rate limit.
const RETRIED: [u16; 1] = [429];

/// Opens an issue, keeps it up to date, and moves it when the alerts are over or back.
#[derive(Debug)]
pub(crate) struct Jira {
    options: Options,
    http: Arc<dyn HttpSend>,
}

type Fields = BTreeMap<String, Value>;

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    issues: Vec<Issue>,
}

/// What the search tells of an issue.
#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    key: String,
    #[serde(default)]
    fields: Option<IssueFields>,
}

#[derive(Deserialize)]
struct IssueFields {
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status_category: StatusCategory,
}

#[derive(Deserialize)]
struct StatusCategory {
    key: String,
}

#[derive(Deserialize)]
struct Transitions {
    #[serde(default)]
    transitions: Vec<Transition>,
}

#[derive(Deserialize)]
struct Transition {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

impl Jira {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    async fn tell(&self, rendering: &Rendering<'_>) -> Result<(), Failure> {
        let alias = group_key_hash(&rendering.notification.delivery.group_key);
        let label = format!("ALERT{{{alias}}}");
        let existing = self
            .search(rendering, &label)
            .await
            .map_err(|failure| failure.while_doing("looking for an issue"))?;
        let Some(issue) = existing else {
            if !rendering.is_firing() {
                // Nobody wants an issue about what is over.
                return Ok(());
            }
            let fields = self.fields(rendering, label)?;
            let call = Call::new("POST", self.url("issue"), Some(json!({ "fields": fields })));
            self.call(rendering, call).await?;
            return Ok(());
        };
        let mut fields = self.fields(rendering, label)?;
        if self.options.summary.enable_update == Some(false) {
            fields.remove("summary");
        }
        if self.options.description.enable_update == Some(false) {
            fields.remove("description");
        }
        let url = self.url(&format!("issue/{}", issue.key));
        let call = Call::new("PUT", url, Some(json!({ "fields": fields })));
        self.call(rendering, call).await?;
        self.transition(rendering, &issue).await
    }

    /// The open issue of the group, or one that was closed so lately that it is opened again.
    async fn search(
        &self,
        rendering: &Rendering<'_>,
        label: &str,
    ) -> Result<Option<Issue>, Failure> {
        let body = json!({
            "fields": ["status"],
            "jql": self.query(rendering, label)?,
            "maxResults": 2,
        });
        let call = Call::new("POST", self.search_url(), Some(body));
        let found: Found = read(&self.call(rendering, call).await?)?;
        Ok(found.issues.into_iter().next())
    }

    fn query(&self, rendering: &Rendering<'_>, label: &str) -> Result<String, Failure> {
        let options = &self.options;
        let mut query = String::new();
        if !options.wont_fix_resolution.is_empty() {
            // A comparison alone would leave out issues without a resolution, which are the open ones.
            let resolution = go_quote(&options.wont_fix_resolution);
            query.push_str(&format!(
                "(resolution is EMPTY or resolution != {resolution}) and "
            ));
        }
        let reopen_minutes = options
            .reopen_duration
            .map_or(0, |duration| duration.0 / 60_000);
        if rendering.is_firing() && !options.reopen_transition.is_empty() && reopen_minutes > 0 {
            query.push_str(&format!(
                "(resolutiondate is EMPTY OR resolutiondate >= -{reopen_minutes}m) and "
            ));
        } else {
            query.push_str("statusCategory != Done and ");
        }
        let project = go_quote(&rendering.text("project", &options.project)?);
        let label = go_quote(label);
        query.push_str(&format!(
            "project={project} and labels={label} order by status ASC,resolutiondate DESC"
        ));
        Ok(query)
    }

    /// Jira's cloud and its servers have different paths, and neither knows the other's.
    fn search_url(&self) -> String {
        let options = &self.options;
        let is_cloud = match options.api_type.as_str() {
            "cloud" => true,
            "datacenter" => false,
            _ => options.api_url.0.host().ends_with("atlassian.net"),
        };
        if is_cloud {
            self.url("search/jql")
                .replacen("/rest/api/2/", "/rest/api/3/", 1)
        } else {
            self.url("search")
        }
    }

    fn url(&self, path: &str) -> String {
        url::joined(self.options.api_url.as_str(), path)
    }

    fn fields(&self, rendering: &Rendering<'_>, label: String) -> Result<Fields, Failure> {
        let options = &self.options;
        let summary = rendering.text("summary", &options.summary.template)?;
        let project = rendering.text("project", &options.project)?;
        let issue_type = rendering.text("issue_type", &options.issue_type)?;
        let priority = rendering.text("priority", &options.priority)?;
        let mut labels = vec![label];
        for template in &options.labels {
            labels.push(rendering.text("labels", template)?);
        }
        labels.sort();
        let mut fields = Fields::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("project", json!({ "key": project }));
        set("issuetype", json!({ "name": issue_type }));
        set("summary", json!(in_runes(&summary, SUMMARY_MAX)));
        set("labels", json!(labels));
        if let Some(description) = self.description(rendering)? {
            set("description", description);
        }
        if !priority.is_empty() {
            set("priority", json!({ "name": priority }));
        }
        let mut render = |template: &str| rendering.text("fields", template);
        for (name, value) in &options.fields {
            set(name, render_payload(&value.0, &mut render)?);
        }
        Ok(fields)
    }

    /// A text, or for version 3 of the interface a document that the template writes as JSON.
    fn description(&self, rendering: &Rendering<'_>) -> Result<Option<Value>, Failure> {
        let text = rendering.text("description", &self.options.description.template)?;
        let text = in_runes(&text, DESCRIPTION_MAX);
        let base = self.options.api_url.as_str();
        let path = &base[..base.find(['?', '#']).unwrap_or(base.len())];
        if !path.trim_end_matches('/').ends_with("/3") {
            return Ok(Some(json!(text)).filter(|_| !text.is_empty()));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(text.trim())
            .map(Some)
            .map_err(|error| {
                Failure::permanent(format!(
                    "jira description: version 3 of the interface takes a document as JSON: {error}"
                ))
            })
    }

    async fn transition(&self, rendering: &Rendering<'_>, issue: &Issue) -> Result<(), Failure> {
        let status = issue.fields.as_ref().and_then(|it| it.status.as_ref());
        let Some(status) = status.filter(|_| !issue.key.is_empty()) else {
            return Ok(());
        };
        let is_done = status.status_category.key == "done";
        let wanted = match (rendering.is_firing(), is_done) {
            (true, true) => &self.options.reopen_transition,
            (false, false) => &self.options.resolve_transition,
            _ => return Ok(()),
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let url = self.url(&format!("issue/{}/transitions", issue.key));
        let answer = self
            .call(rendering, Call::new("GET", url.clone(), None))
            .await?;
        let known: Transitions = read(&answer)?;
        let Some(transition) = known.transitions.iter().find(|one| one.name == *wanted) else {
            return Err(Failure::permanent(format!(
                "can't find transition {wanted} for issue {}",
                issue.key
            )));
        };
        let body = json!({ "transition": { "id": transition.id } });
        self.call(rendering, Call::new("POST", url, Some(body)))
            .await?;
        Ok(())
    }

    /// The body of a good answer.
    async fn call(&self, rendering: &Rendering<'_>, call: Call) -> Result<Vec<u8>, Failure> {
        let what = call.what();
        let mut request = rendering.notification.request(call.method, call.url);
        request = match &call.body {
            Some(body) => request.with_json(go_json::body(body)?),
            None => request.with_header("Content-Type", "application/json"),
        };
        let request = request.with_header("Accept-Language", "en");
        let response = self.http.send(request).await?;
        check_status(&response, &RETRIED).map_err(|failure| failure.while_doing(&what))?;
        Ok(response.body)
    }
}

struct Call {
    method: &'static str,
    url: String,
    body: Option<Value>,
}

impl Call {
    fn new(method: &'static str, url: String, body: Option<Value>) -> Self {
        Self { method, url, body }
    }

    /// For messages: where in Jira, without the host.
    fn what(&self) -> String {
        let path = self.url.split_once("/rest/").map_or("", |(_, path)| path);
        format!("{} {path}", self.method)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::permanent(format!("unreadable answer from Jira: {error}")))
}

impl Integration for Jira {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            self.tell(&Rendering::new(notification)).await?;
            Ok(Sent::default())
        })
    }
}
