//! Notifications: a [`Delivery`](alerting::Delivery) of the alerting machine becomes requests to a receiver,
//! and the answer becomes an [`Outcome`](alerting::Outcome).
//!
//! In reading order: [`notification`] (what an integration gets: the delivery, its data and templates),
//! [`data`] and [`templates`], [`integration`] (the trait, and the table with one line per integration),
//! [`webhook`] and its siblings (one file each, with the options as the configuration has them),
//! [`receivers`] (delivers to the right one), [`clients`], [`http`] and [`mail`] (what a crate with clients
//! implements), [`answer`] (what status codes mean); the rest are parts that integrations share.
//!
//! Not here: when to notify and when to try again (`alerting`), HTTP and TLS themselves (`net`), reading
//! options (`config`).

pub mod answer;
pub mod clients;
pub mod data;
mod discord;
mod email;
pub mod go_json;
pub mod http;
mod incidentio;
pub mod integration;
mod jira;
pub mod mail;
mod mattermost;
mod message;
mod msteams;
mod msteamsv2;
pub mod notification;
mod opsgenie;
mod pagerduty;
pub mod payload;
mod pushover;
pub mod receivers;
mod rendering;
mod rocketchat;
mod secret;
mod slack;
mod sns;
mod telegram;
pub mod templates;
#[cfg(test)]
mod testing;
pub mod truncate;
mod url;
mod victorops;
mod webex;
pub mod webhook;
mod wechat;

pub use alerting::backoff::Backoff;
pub use answer::Failure;
pub use clients::{AwsClient, Clients, SameClients};
pub use http::{BoxFuture, HttpFailure, HttpRequest, HttpResponse, HttpSend, Wanted};
pub use integration::{Built, Integration, Sent};
pub use mail::{MailFailure, MailLogin, MailRequest, MailSend};
pub use notification::{Notification, group_key_hash};
pub use receivers::Receivers;
pub use templates::{TemplateError, Templates};
