//! PagerDuty, by either version of its events interface.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::alertmanager::receivers::PagerDuty as Options;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Failure, check_status_with};
use crate::clients::{self, Clients};
use crate::go_json;
use crate::http::{HttpRequest, HttpResponse, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::{Notification, group_key_hash};
use crate::payload::render_payload;
use crate::rendering::Rendering;
use crate::secret;
use crate::truncate::in_runes;

const URL_V1: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
/// PagerDuty's limits: of an event in bytes, of its description in characters.
const EVENT_BYTES_MAX: usize = 512_000;
const DESCRIPTION_MAX: usize = 1024;
/// The rate limit, which each version tells in its own way.
const RETRIED_V1: [u16; 1] = [403];
const RETRIED_V2: [u16; 1] = [429];

/// Triggers an incident for a group, and resolves it.
#[derive(Debug)]
pub(crate) struct PagerDuty {
    options: Options,
    http: Arc<dyn HttpSend>,
}

/// An event of either version; what the other one has is empty.
#[derive(Default, Serialize)]
struct Event {
    #[serde(skip_serializing_if = "String::is_empty")]
    routing_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    service_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dedup_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    incident_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    event_action: &'static str,
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "String::is_empty")]
    client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    class: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    component: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_details: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct Image {
    src: String,
    alt: String,
    href: String,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: String,
}

impl PagerDuty {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn is_v1(&self) -> bool {
        !self.options.service_key.is_empty() || !self.options.service_key_file.is_empty()
    }

    fn event_v1(&self, rendering: &Rendering<'_>) -> Result<Event, Failure> {
        let options = &self.options;
        let file = &options.service_key_file;
        let key = secret::text_or_file("service_key", options.service_key.expose(), file)?;
        let description = rendering.text("description", &options.description)?;
        let mut event = Event {
            service_key: needed(rendering.text("service_key", &key)?, "service key")?,
            incident_key: group_key_hash(&rendering.notification.delivery.group_key),
            event_type: action(rendering),
            description: in_runes(&description, DESCRIPTION_MAX).into_owned(),
            details: self.details(rendering)?,
            ..Event::default()
        };
        if rendering.is_firing() {
            event.client = rendering.text("client", &options.client)?;
            event.client_url = rendering.text("client_url", &options.client_url)?;
        }
        Ok(event)
    }

    fn event_v2(&self, rendering: &Rendering<'_>) -> Result<Event, Failure> {
        let options = &self.options;
        let file = &options.routing_key_file;
        let key = secret::text_or_file("routing_key", options.routing_key.expose(), file)?;
        Ok(Event {
            routing_key: needed(rendering.text("routing_key", &key)?, "routing key")?,
            dedup_key: group_key_hash(&rendering.notification.delivery.group_key),
            event_action: action(rendering),
            payload: Some(self.payload(rendering)?),
            client: rendering.text("client", &options.client)?,
            client_url: rendering.text("client_url", &options.client_url)?,
            images: self.images(rendering)?,
            links: self.links(rendering)?,
            ..Event::default()
        })
    }

    fn payload(&self, rendering: &Rendering<'_>) -> Result<Payload, Failure> {
        let options = &self.options;
        let summary = rendering.text("description", &options.description)?;
        let severity = match options.severity.as_str() {
            "" => "error",
            template => template,
        };
        Ok(Payload {
            summary: in_runes(&summary, DESCRIPTION_MAX).into_owned(),
            source: rendering.text("source", &options.source)?,
            severity: rendering.text("severity", severity)?,
            class: rendering.text("class", &options.class)?,
            component: rendering.text("component", &options.component)?,
            group: rendering.text("group", &options.group)?,
            custom_details: self.details(rendering)?,
        })
    }

    fn details(&self, rendering: &Rendering<'_>) -> Result<BTreeMap<String, Value>, Failure> {
        let mut render = |template: &str| rendering.text("details", template);
        let details = self.options.details.iter().map(|(name, value)| {
            let value = render_payload(&value.0, &mut render)?;
            Ok((name.clone(), value))
        });
        details.collect()
    }

    /// Those that have a source once they are rendered.
    fn images(&self, rendering: &Rendering<'_>) -> Result<Vec<Image>, Failure> {
        let mut images = Vec::new();
        for image in &self.options.images {
            let image = Image {
                src: rendering.text("images", &image.src)?,
                alt: rendering.text("images", &image.alt)?,
                href: rendering.text("images", &image.href)?,
            };
            if !image.src.is_empty() {
                images.push(image);
            }
        }
        Ok(images)
    }

    /// Those that lead somewhere once they are rendered.
    fn links(&self, rendering: &Rendering<'_>) -> Result<Vec<Link>, Failure> {
        let mut links = Vec::new();
        for link in &self.options.links {
            let link = Link {
                href: rendering.text("links", &link.href)?,
                text: rendering.text("links", &link.text)?,
            };
            if !link.href.is_empty() {
                links.push(link);
            }
        }
        Ok(links)
    }
}

fn action(rendering: &Rendering<'_>) -> &'static str {
    if rendering.is_firing() {
        "trigger"
    } else {
        "resolve"
    }
}

fn needed(text: String, what: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::permanent(format!("{what} cannot be empty")));
    }
    Ok(text)
}

/// Details go first where an event is too large: an incident without them is better than none.
fn encode(mut event: Event) -> Result<String, Failure> {
    let body = go_json::body(&event)?;
    if body.len() <= EVENT_BYTES_MAX {
        return Ok(body);
    }
    let notice = "Custom details have been removed because the original event exceeds the maximum \
                  size of 512KB";
    let notice = BTreeMap::from([("error".to_owned(), json!(notice))]);
    match &mut event.payload {
        Some(payload) => payload.custom_details = notice,
        None => event.details = notice,
    }
    go_json::body(&event)
}

/// Both versions explain what they do not understand, and nothing else.
fn details(response: &HttpResponse) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Refusal {
        message: String,
        errors: Vec<String>,
    }
    if response.status != 400 {
        return String::new();
    }
    match serde_json::from_slice::<Refusal>(&response.body) {
        Ok(refusal) => format!("{}: {}", refusal.message, refusal.errors.join(",")),
        Err(_) => String::new(),
    }
}

impl SingleRequest for PagerDuty {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let rendering = Rendering::new(notification);
        let (url, event) = if self.is_v1() {
            (URL_V1, self.event_v1(&rendering)?)
        } else {
            (self.options.url.as_str(), self.event_v2(&rendering)?)
        };
        Ok(notification
            .request("POST", url.to_owned())
            .with_json(encode(event)?)
            .within(self.options.timeout.to_std()))
    }

    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        let retried = if self.is_v1() { RETRIED_V1 } else { RETRIED_V2 };
        check_status_with(response, &retried, details)
    }
}
