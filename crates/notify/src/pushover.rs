//! Pushover messages. All parameters, the keys too, travel in the query.

use std::sync::Arc;

use config::alertmanager::receivers::Pushover as Options;

use crate::answer::Failure;
use crate::clients::{self, Clients};
use crate::http::{HttpRequest, HttpSend};
use crate::integration::SingleRequest;
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::truncate::in_runes;
use crate::{secret, url};

const URL: &str = "https://api.pushover.net/1/messages.json";
/// Pushover's limits, in characters.
const TITLE_MAX: usize = 250;
const MESSAGE_MAX: usize = 1024;
const URL_MAX: usize = 512;

/// Pushes one message to the devices of a user.
#[derive(Debug)]
pub(crate) struct Pushover {
    options: Options,
    http: Arc<dyn HttpSend>,
}

impl Pushover {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self { options, http })
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<String, Failure> {
        let template = &self.options.message;
        let message = if self.options.html {
            rendering.html("message", template)?
        } else {
            rendering.text("message", template)?
        };
        let message = in_runes(&message, MESSAGE_MAX);
        // An empty message would be refused.
        Ok(match message.trim() {
            "" => "(no details)".to_owned(),
            message => message.to_owned(),
        })
    }
}

impl SingleRequest for Pushover {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let token = secret::text_or_file("token", options.token.expose(), &options.token_file)?;
        let user = secret::text_or_file(
            "user_key",
            options.user_key.expose(),
            &options.user_key_file,
        )?;
        let title = rendering.text("title", &options.title)?;
        let link = rendering.text("url", &options.url)?;
        let seconds = |duration: config::GoDuration| duration.to_std().as_secs().to_string();
        let mut parameters = vec![
            ("token", rendering.text("token", &token)?),
            ("user", rendering.text("user_key", &user)?),
            ("title", in_runes(&title, TITLE_MAX).into_owned()),
            ("message", self.message(&rendering)?),
            ("url", in_runes(&link, URL_MAX).into_owned()),
            (
                "url_title",
                rendering.text("url_title", &options.url_title)?,
            ),
            ("priority", rendering.text("priority", &options.priority)?),
            ("retry", seconds(options.retry.0)),
            ("expire", seconds(options.expire.0)),
            ("device", rendering.text("device", &options.device)?),
            ("sound", rendering.text("sound", &options.sound)?),
        ];
        if options.html {
            parameters.push(("html", "1".to_owned()));
        }
        if options.monospace {
            parameters.push(("monospace", "1".to_owned()));
        }
        if options.ttl.0.to_std().as_secs() > 0 {
            parameters.push(("ttl", seconds(options.ttl.0)));
        }
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let request = notification.request("POST", url::with_query(URL, &parameters));
        Ok(request.with_header("Content-Type", "text/plain"))
    }
}
