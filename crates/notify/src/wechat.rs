//! WeChat Work. Messages are sent with a token that lasts for two hours.

use std::sync::{Arc, Mutex, PoisonError};

use config::alertmanager::receivers::WeChat as Options;
use model::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::answer::{Failure, check_status, shortened};
use crate::clients::{self, Clients};
use crate::http::{BoxFuture, HttpRequest, HttpResponse, HttpSend};
use crate::integration::{Integration, Sent};
use crate::notification::Notification;
use crate::rendering::Rendering;
use crate::{secret, url};

const TOKEN_AGE_MAX: Duration = Duration::from_secs(2 * 3600);
/// The service's code for a token that has expired.
const TOKEN_EXPIRED: i64 = 42001;

/// Sends one message as an application.
#[derive(Debug)]
pub(crate) struct WeChat {
    options: Options,
    http: Arc<dyn HttpSend>,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    got_at: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(<secret>, {:?})", self.got_at)
    }
}

#[derive(Serialize)]
struct Message {
    text: Content,
    #[serde(skip_serializing_if = "String::is_empty")]
    touser: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    toparty: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    totag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    agentid: String,
    safe: &'static str,
    msgtype: String,
    markdown: Content,
}

#[derive(Default, Serialize)]
struct Content {
    content: String,
}

impl WeChat {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = clients::http(clients, options.http.as_ref())?;
        Ok(Self {
            options,
            http,
            token: Mutex::new(None),
        })
    }

    /// The token that is at hand, unless it is too old.
    fn known_token(&self, now: Timestamp) -> Option<String> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let token = token.as_ref()?;
        (now.since(token.got_at) <= TOKEN_AGE_MAX).then(|| token.text.clone())
    }

    fn keep_token(&self, token: Option<Token>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    async fn token(&self, rendering: &Rendering<'_>) -> Result<String, Failure> {
        let now = rendering.notification.now;
        if let Some(token) = self.known_token(now) {
            return Ok(token);
        }
        let response = self.http.send(self.token_request(rendering)?).await?;
        check_status(&response, &[429])
            .map_err(|failure| failure.while_doing("asking for a token"))?;
        let text = read_token(&response)?;
        self.keep_token(Some(Token {
            text: text.clone(),
            got_at: now,
        }));
        Ok(text)
    }

    fn token_request(&self, rendering: &Rendering<'_>) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let secret = secret::text_or_file(
            "api_secret",
            options.api_secret.expose(),
            &options.api_secret_file,
        )?;
        let secret = rendering.text("api_secret", &secret)?;
        let corp = rendering.text("corp_id", &options.corp_id)?;
        let url = url::with_path(options.api_url.as_str(), "gettoken");
        let url = url::with_query(&url, &[("corpsecret", &secret), ("corpid", &corp)]);
        Ok(rendering.notification.request("GET", url))
    }

    fn message_request(
        &self,
        rendering: &Rendering<'_>,
        token: &str,
    ) -> Result<HttpRequest, Failure> {
        let options = &self.options;
        let content = Content {
            content: rendering.text("message", &options.message)?,
        };
        let (text, markdown) = if options.message_type == "markdown" {
            (Content::default(), content)
        } else {
            (content, Content::default())
        };
        let message = Message {
            text,
            touser: rendering.text("to_user", &options.to_user)?,
            toparty: rendering.text("to_party", &options.to_party)?,
            totag: rendering.text("to_tag", &options.to_tag)?,
            agentid: rendering.text("agent_id", &options.agent_id)?,
            safe: "0",
            msgtype: options.message_type.clone(),
            markdown,
        };
        let url = url::with_path(options.api_url.as_str(), "message/send");
        let url = url::with_query(&url, &[("access_token", token)]);
        rendering.notification.post_json(url, &message)
    }

    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        // The peer tries again whatever the status.
        check_status(response, &[response.status])?;
        let answer: Answer = serde_json::from_slice(&response.body).map_err(|error| {
            Failure::retriable(format!("unreadable answer from WeChat: {error}"))
        })?;
        match answer.errcode {
            0 => Ok(()),
            TOKEN_EXPIRED => {
                self.keep_token(None);
                Err(Failure::retriable(shortened(&answer.errmsg)))
            }
            code => Err(Failure::permanent(format!(
                "WeChat error {code}: {}",
                shortened(&answer.errmsg)
            ))),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

fn read_token(response: &HttpResponse) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct TokenAnswer {
        #[serde(default)]
        access_token: String,
        #[serde(default)]
        errmsg: String,
    }
    let answer: TokenAnswer = serde_json::from_slice(&response.body).map_err(|error| {
        Failure::permanent(format!(
            "unreadable answer from WeChat to the request for a token: {error}"
        ))
    })?;
    if answer.access_token.is_empty() {
        let words = shortened(&answer.errmsg);
        return Err(Failure::permanent(format!(
            "WeChat gave no token for corp_id and api_secret: {words}"
        )));
    }
    Ok(answer.access_token)
}

impl Integration for WeChat {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let rendering = Rendering::new(notification);
            let token = self.token(&rendering).await?;
            let request = self.message_request(&rendering, &token)?;
            let response = self.http.send(request).await?;
            self.check(&response)?;
            Ok(Sent::answered(&response))
        })
    }
}
