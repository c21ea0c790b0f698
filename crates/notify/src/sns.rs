//! Amazon SNS: topics, devices and telephone numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::Retry;
use config::alertmanager::receivers::Sns as Options;

use crate::answer::{Failure, check_status_with, shortened};
use crate::clients::Clients;
use crate::http::{HttpRequest, HttpResponse, HttpSend, Wanted};
use crate::integration::SingleRequest;
use crate::notification::{Notification, group_key_hash};
use crate::rendering::Rendering;
use crate::url;

/// What SNS takes, in bytes.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
const SMS_BYTES_MAX: usize = 1600;

/// Publishes one message; the client signs the requests.
#[derive(Debug)]
pub(crate) struct Sns {
    options: Options,
    http: Arc<dyn HttpSend>,
    /// Where the options name no URL.
    default_url: String,
}

impl Sns {
    pub(crate) fn new(options: Options, clients: &dyn Clients) -> Result<Self, String> {
        let http = options.http.clone().unwrap_or_default();
        let aws = clients.aws("sns", &options.sigv4, &http)?;
        Ok(Self {
            default_url: format!("https://sns.{}.amazonaws.com/", aws.region),
            options,
            http: aws.http,
        })
    }

    fn parameters(&self, rendering: &Rendering<'_>) -> Result<Vec<(String, String)>, Failure> {
        let options = &self.options;
        let mut parameters = vec![
            ("Action".to_owned(), "Publish".to_owned()),
            ("Version".to_owned(), "2010-03-31".to_owned()),
        ];
        let mut set = |name: &str, value: String| parameters.push((name.to_owned(), value));
        if !options.topic_arn.is_empty() {
            let topic = rendering.text("topic_arn", &options.topic_arn)?;
            if topic.ends_with(".fifo") {
                let hash = group_key_hash(&rendering.notification.delivery.group_key);
                set("MessageDeduplicationId", hash.clone());
                set("MessageGroupId", hash);
            }
            set("TopicArn", topic);
        }
        if !options.phone_number.is_empty() {
            set(
                "PhoneNumber",
                rendering.text("phone_number", &options.phone_number)?,
            );
        }
        if !options.target_arn.is_empty() {
            set(
                "TargetArn",
                rendering.text("target_arn", &options.target_arn)?,
            );
        }
        if !options.subject.is_empty() {
            set("Subject", rendering.text("subject", &options.subject)?);
        }
        let message = rendering.text("message", &options.message)?;
        let bytes_max = if options.phone_number.is_empty() {
            MESSAGE_BYTES_MAX
        } else {
            SMS_BYTES_MAX
        };
        let mut attributes = BTreeMap::new();
        for (name, value) in &options.attributes {
            let name = rendering.text("attributes", name)?;
            attributes.insert(name, rendering.text("attributes", value)?);
        }
        if message.len() > bytes_max {
            attributes.insert("truncated".to_owned(), "true".to_owned());
        }
        set("Message", cut(message, bytes_max));
        for (index, (name, value)) in (1..).zip(attributes) {
            let entry = format!("MessageAttributes.entry.{index}");
            set(&format!("{entry}.Name"), name);
            set(&format!("{entry}.Value.DataType"), "String".to_owned());
            set(&format!("{entry}.Value.StringValue"), value);
        }
        Ok(parameters)
    }
}

/// Without a mark; an attribute tells that something is missing.
fn cut(mut message: String, bytes_max: usize) -> String {
    let mut end = bytes_max.min(message.len());
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message
}

/// The text of the first element of that name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

impl SingleRequest for Sns {
    fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure> {
        let rendering = Rendering::new(notification);
        let url = match rendering.text("api_url", &self.options.api_url)? {
            empty if empty.is_empty() => self.default_url.clone(),
            url => url,
        };
        let parameters = self.parameters(&rendering)?;
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut request = notification
            .request("POST", url)
            .with_header("Content-Type", "application/x-www-form-urlencoded");
        request.body = url::form(&parameters).into_bytes();
        Ok(request)
    }

    /// AWS asks too fast callers to wait by a code in a 400; its own libraries wait and try again then.
    fn wanted(&self) -> Wanted {
        Wanted::Body
    }

    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        let text = response.text();
        let code = element(&text, "Code").unwrap_or_default();
        check_status_with(response, &[429], |_| {
            let words = element(&text, "Message").unwrap_or(shortened(&text));
            let separator = if code.is_empty() { "" } else { ": " };
            format!("{code}{separator}{words}")
        })
        .map_err(|mut failure| {
            let is_throttled = code.contains("Throttl") || code == "RequestLimitExceeded";
            if is_throttled && failure.retry == Retry::Never {
                failure.retry = Retry::Later;
                failure.reason = alerting::FailureReason::RateLimited;
            }
            failure
        })
    }
}
