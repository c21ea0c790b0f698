//! E-mail: composes the mail; the conversation with the server is a [`MailSend`].

mod address;
mod mime;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use config::alertmanager::receivers::Email as Options;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::answer::Failure;
use crate::clients::Clients;
use crate::http::BoxFuture;
use crate::integration::{Integration, Sent};
use crate::mail::{MailLogin, MailRequest, MailSend};
use crate::notification::{Notification, group_key_hash};
use crate::rendering::Rendering;
use crate::secret;

const SUBJECT: &str = r#"{{ template "email.default.subject" . }}"#;
/// So much of the group's hash names a conversation.
const THREAD_HASH_BYTES: usize = 16;

/// Sends one mail to all recipients.
#[derive(Debug)]
pub(crate) struct Email {
    options: Options,
    mail: Arc<dyn MailSend>,
    hostname: String,
}

impl Email {
    pub(crate) fn new(mut options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let mail = clients.mail(&options)?;
        let defaults = [
            ("Subject", SUBJECT.to_owned()),
            ("To", options.to.clone()),
            ("From", options.from.clone()),
        ];
        for (name, template) in defaults {
            let header = options.headers.entry(name.to_owned());
            header.or_insert(template);
        }
        for name in options.headers.keys() {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
                return Err(format!("{name:?} cannot be the name of a mail's header"));
            }
        }
        let hostname = rustix::system::uname()
            .nodename()
            .to_str()
            .map(|name| name.replace(|c: char| !c.is_ascii_graphic(), "-"))
            .unwrap_or_default();
        Ok(Self {
            options,
            mail,
            hostname: if hostname.is_empty() {
                "localhost.localdomain".to_owned()
            } else {
                hostname
            },
        })
    }

    fn request(&self, notification: Notification<'_>) -> Result<MailRequest, Failure> {
        let options = &self.options;
        let rendering = Rendering::new(notification);
        let from = rendering.text("from", &options.from)?;
        let to = rendering.text("to", &options.to)?;
        let addresses = |what: &str, text: &str| {
            address::list(text).map_err(|problem| {
                Failure::permanent(format!("parse '{what}' addresses: {problem}"))
            })
        };
        let mut senders = addresses("from", &from)?;
        let (Some(from), true) = (senders.pop(), senders.is_empty()) else {
            return Err(Failure::permanent(
                "parse 'from' addresses: must be exactly one address",
            ));
        };
        Ok(MailRequest {
            from,
            to: addresses("to", &to)?,
            message: self.message(&rendering)?.into_bytes(),
            login: self.login()?,
            timeout: notification.timeout(None),
        })
    }

    fn login(&self) -> Result<Option<MailLogin>, Failure> {
        let options = &self.options;
        if options.auth_username.is_empty() {
            return Ok(None);
        }
        Ok(Some(MailLogin {
            username: options.auth_username.clone(),
            identity: options.auth_identity.clone(),
            password: secret::text_or_file(
                "auth_password",
                options.auth_password.expose(),
                &options.auth_password_file,
            )?,
            secret: secret::text_or_file(
                "auth_secret",
                options.auth_secret.expose(),
                &options.auth_secret_file,
            )?,
        }))
    }

    fn message(&self, rendering: &Rendering<'_>) -> Result<String, Failure> {
        let boundary = format!("{:016x}{:016x}", random(), random());
        let mut message = String::new();
        for (name, value) in self.headers(rendering)? {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        // Two spaces: filters of mail programs may know the peer by them.
        message.push_str(&format!(
            "Content-Type: multipart/alternative;  boundary={boundary}\r\nMIME-Version: 1.0\r\n\r\n"
        ));
        // The preferred alternative comes last (RFC 2046, section 5.1.4).
        let mut parts = Vec::new();
        if !self.options.text.is_empty() {
            let text = rendering.text("text", &self.options.text)?;
            parts.push(("text/plain; charset=UTF-8", text));
        }
        if !self.options.html.is_empty() {
            let html = rendering.html("html", &self.options.html)?;
            parts.push(("text/html; charset=UTF-8", html));
        }
        message.push_str(&mime::multipart(&boundary, &parts));
        Ok(message)
    }

    fn headers(&self, rendering: &Rendering<'_>) -> Result<BTreeMap<String, String>, Failure> {
        let mut headers = BTreeMap::new();
        for (name, template) in &self.options.headers {
            let value = rendering.text(&format!("header {name}"), template)?;
            headers.insert(name.clone(), mime::encoded_words(&value));
        }
        let now = rendering.notification.now;
        if !headers.contains_key("Message-Id") {
            let nanos = i128::from(now.millis()) * 1_000_000;
            let id = format!("<{nanos}.{}@{}>", random(), self.hostname);
            headers.insert("Message-Id".to_owned(), id);
        }
        let now = jiff::Timestamp::from_millisecond(now.millis())
            .unwrap_or_default()
            .to_zoned(TimeZone::system());
        if self.options.threading.enabled {
            let root = self.thread_root(rendering.notification, &now);
            headers.insert("References".to_owned(), root.clone());
            headers.insert("In-Reply-To".to_owned(), root);
        }
        let date = now.strftime("%a, %d %b %Y %H:%M:%S %z").to_string();
        headers.insert("Date".to_owned(), date);
        Ok(headers)
    }

    /// The name of a mail that never was: mail programs show together what refers to it.
    fn thread_root(&self, notification: Notification<'_>, now: &Zoned) -> String {
        let hash = group_key_hash(&notification.delivery.group_key);
        let day = match self.options.threading.thread_by_date.as_str() {
            "none" => String::new(),
            _ => now.strftime("%Y-%m-%d").to_string(),
        };
        format!("<alert-{}-{day}@alertmanager>", &hash[..THREAD_HASH_BYTES])
    }
}

/// Names of mails and boundaries only have to differ. The standard library's hashers have random keys.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

impl Integration for Email {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            self.mail.send(self.request(notification)?).await?;
            Ok(Sent::default())
        })
    }
}

#[cfg(test)]
mod tests;
