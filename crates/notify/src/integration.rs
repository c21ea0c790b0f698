//! What every integration does, and the table of all of them.

use std::fmt;

use alerting::nflog::ReceiverData;
use alerting::{IntegrationSettings, ReceiverAnswer};
use config::alertmanager::Receiver;

use crate::answer::{Failure, check_status};
use crate::clients::Clients;
use crate::http::{BoxFuture, HttpRequest, HttpResponse, HttpSend, Wanted};
use crate::notification::Notification;

/// A notification arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// What to keep for the group's next notification; `None` leaves it as it was.
    pub receiver_data: Option<ReceiverData>,
    /// What the journal tells of the answer.
    pub answer: ReceiverAnswer,
}

impl Sent {
    /// Nothing is kept of the answer but its status.
    pub(crate) fn answered(response: &HttpResponse) -> Self {
        Self {
            receiver_data: None,
            answer: ReceiverAnswer {
                status: Some(response.status),
            },
        }
    }
}

/// Tells one receiver.
pub trait Integration: fmt::Debug + Send + Sync {
    /// One attempt. It ends by the delivery's deadline.
    fn notify<'a>(&'a self, notification: Notification<'a>)
    -> BoxFuture<'a, Result<Sent, Failure>>;
}

/// An [`Integration`] that is one request, and keeps nothing of the answer.
pub(crate) trait SingleRequest: fmt::Debug + Send + Sync {
    /// Who sends it.
    fn http(&self) -> &dyn HttpSend;

    fn request(&self, notification: Notification<'_>) -> Result<HttpRequest, Failure>;

    fn wanted(&self) -> Wanted {
        Wanted::Status
    }

    /// Whether the answer says that the notification arrived.
    fn check(&self, response: &HttpResponse) -> Result<(), Failure> {
        check_status(response, &[])
    }
}

impl<T: SingleRequest> Integration for T {
    fn notify<'a>(
        &'a self,
        notification: Notification<'a>,
    ) -> BoxFuture<'a, Result<Sent, Failure>> {
        Box::pin(async move {
            let request = self.request(notification)?.wanting(self.wanted());
            let response = self.http().send(request).await?;
            self.check(&response)?;
            Ok(Sent::answered(&response))
        })
    }
}

/// One integration of a receiver.
#[derive(Debug)]
pub struct Built {
    /// As the notification log and metrics call it.
    pub name: &'static str,
    /// Among those of the same name in the receiver.
    pub index: u32,
    pub sends_resolved: bool,
    pub settings: IntegrationSettings,
    /// The error says what is wrong with its options.
    pub integration: Result<Box<dyn Integration>, String>,
}

/// One line per integration: its name, its list in the configuration of a receiver, its type.
macro_rules! table {
    ($($name:literal, $list:ident => $integration:ty;)*) => {
        /// The names of all kinds of integrations, sorted.
        pub const NAMES: &[&str] = &[$($name),*];

        /// All integrations of a receiver.
        pub fn build(receiver: &Receiver, clients: &dyn Clients) -> Vec<Built> {
            let mut all = Vec::new();
            $(
                for (index, options) in (0u32..).zip(&receiver.$list) {
                    let built = <$integration>::new(options.clone(), clients);
                    all.push(Built {
                        name: $name,
                        index,
                        sends_resolved: options.send_resolved,
                        settings: IntegrationSettings::new(options.clone()),
                        integration: built.map(|one| Box::new(one) as Box<dyn Integration>),
                    });
                }
            )*
            all
        }
    };
}

table! {
    "discord", discord => crate::discord::Discord;
    "email", email => crate::email::Email;
    "incidentio", incidentio => crate::incidentio::IncidentIo;
    "jira", jira => crate::jira::Jira;
    "mattermost", mattermost => crate::mattermost::Mattermost;
    "msteams", msteams => crate::msteams::MsTeams;
    "msteamsv2", msteamsv2 => crate::msteamsv2::MsTeamsV2;
    "opsgenie", opsgenie => crate::opsgenie::OpsGenie;
    "pagerduty", pagerduty => crate::pagerduty::PagerDuty;
    "pushover", pushover => crate::pushover::Pushover;
    "rocketchat", rocketchat => crate::rocketchat::RocketChat;
    "slack", slack => crate::slack::Slack;
    "sns", sns => crate::sns::Sns;
    "telegram", telegram => crate::telegram::Telegram;
    "victorops", victorops => crate::victorops::VictorOps;
    "webex", webex => crate::webex::Webex;
    "webhook", webhook => crate::webhook::Webhook;
    "wechat", wechat => crate::wechat::WeChat;
}
