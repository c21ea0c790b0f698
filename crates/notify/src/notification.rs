//! What an integration gets to work with.

use std::fmt::Write as _;
use std::time::Duration;

use alerting::{Delivery, NotifiedAlert};
use gotemplate::data::alertmanager::Data;
use model::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::answer::Failure;
use crate::data::{DataInput, assemble};
use crate::go_json;
use crate::http::{HttpRequest, Wanted};
use crate::templates::Templates;

/// One attempt of one delivery.
#[derive(Clone, Copy, Debug)]
pub struct Notification<'a> {
    pub delivery: &'a Delivery,
    pub templates: &'a Templates,
    /// When the attempt started.
    pub now: Timestamp,
    /// `Alertmanager/<version>`.
    pub user_agent: &'a str,
}

impl Notification<'_> {
    /// The data of the whole notification.
    pub fn data(&self) -> Data {
        self.data_of(&self.delivery.alerts)
    }

    /// The data as if the notification were about these alerts only.
    pub fn data_of(&self, alerts: &[NotifiedAlert]) -> Data {
        let reason = self.delivery.reason.as_str();
        let mut data = assemble(&self.input(alerts, reason));
        data.route_labels = self.rendered_route_labels();
        data.route_labels_rendered = true;
        data
    }

    fn input<'b>(&'b self, alerts: &'b [NotifiedAlert], reason: &'b str) -> DataInput<'b> {
        DataInput {
            receiver: &self.delivery.receiver,
            group_labels: &self.delivery.group_labels,
            route_labels: &self.delivery.route_labels,
            reason,
            external_url: &self.templates.external_url,
            alerts,
        }
    }

    /// Route labels see all alerts of the group, and no reason.
    fn rendered_route_labels(&self) -> gotemplate::data::alertmanager::Kv {
        if self.delivery.route_labels.is_empty() {
            return gotemplate::data::alertmanager::Kv::new(Default::default());
        }
        let reason = alerting::dedup::NotifyReason::Unknown.as_str();
        let data = assemble(&self.input(&self.delivery.group_alerts, reason));
        self.templates.route_labels(&data, self.now)
    }

    /// Renders `template` as text; `what` names it in the message of a failure.
    pub fn text(&self, what: &str, template: &str, data: &Data) -> Result<String, Failure> {
        self.templates
            .text(template, data, self.now)
            .map_err(|error| Failure::permanent(format!("failed to template {what}: {error}")))
    }

    /// Renders `template` as HTML.
    pub fn html(&self, what: &str, template: &str, data: &Data) -> Result<String, Failure> {
        self.templates
            .html(template, data, self.now)
            .map_err(|error| Failure::permanent(format!("failed to template {what}: {error}")))
    }

    /// A request of this notification, with all of the time that is left.
    pub(crate) fn request(&self, method: &'static str, url: String) -> HttpRequest {
        HttpRequest {
            method,
            url,
            headers: vec![("User-Agent", self.user_agent.to_owned())],
            body: Vec::new(),
            timeout: self.timeout(None),
            wanted: Wanted::Body,
        }
    }

    /// A POST of `body` as Go writes it.
    pub(crate) fn post_json(
        &self,
        url: String,
        body: &impl Serialize,
    ) -> Result<HttpRequest, Failure> {
        Ok(self.request("POST", url).with_json(go_json::body(body)?))
    }

    /// What is left until the delivery's deadline, at most `own_limit` if the integration has one.
    pub fn timeout(&self, own_limit: Option<Duration>) -> Duration {
        let left = self.delivery.deadline.since(self.now).to_std();
        own_limit.map_or(left, |limit| limit.min(left))
    }
}

/// SHA-256 of a group key in hexadecimal digits: for receivers that limit the length of keys.
pub fn group_key_hash(group_key: &str) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(group_key.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
