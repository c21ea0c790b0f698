//! VictorOps (Splunk On-Call).

use std::collections::BTreeMap;
use std::sync::Arc;

use config::alertmanager::receivers::VictorOps as Options;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::{Notification, group_key_hash};
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::{secret, url};

/// What VictorOps shows, in characters.
const STATE_MESSAGE_MAX: usize = 20480;

/// Opens an incident for a group, and closes it.
#[derive(Debug)]
pub(crate) struct VictorOps {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl VictorOps {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn message(
        &self,
        rendering: &Rendering<'_>,
        notification: Notification<'_>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let options = &self.options;
        let asked = rendering.text("message_type", &options.message_type)?;
        let kind = if !rendering.is_firing() {
            "RECOVERY"
        } else if ["INFO", "WARNING", "CRITICAL"].contains(&asked.as_str()) {
            &asked
        } else {
            "CRITICAL"
        };
        let state = rendering.text("state_message", &options.state_message)?;
        let entity = rendering.text("entity_display_name", &options.entity_display_name)?;
        let tool = rendering.text("monitoring_tool", &options.monitoring_tool)?;
        let fixed = [
            ("message_type", kind.to_owned()),
            (
                "entity_id",
                group_key_hash(&notification.delivery.group_key),
            ),
            ("entity_display_name", entity),
            (
                "state_message",
                in_runes(&state, STATE_MESSAGE_MAX).into_owned(),
            ),
            ("monitoring_tool", tool),
        ];
        let mut message: BTreeMap<String, String> = fixed
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        for (name, template) in &options.custom_fields {
            message.insert(name.clone(), rendering.text("custom_fields", template)?);
        }
        Ok(message)
    }
}

impl SingleRequest for VictorOps {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let key =
            secret::text_before_file("api_key", options.api_key.expose(), &options.api_key_file)?;
        let routing_key = rendering.text("routing_key", &options.routing_key)?;
        let url = url::with_path(options.api_url.as_str(), &format!("{key}/{routing_key}"));
        notification.post_json(url, &self.message(&rendering, notification)?)
    }
}
