//! Notifications: a [`Delivery`](alerting::Delivery) of the alerting machine becomes requests to a receiver,
//! and the answer becomes an [`Outcome`](alerting::Outcome).
//!
//! In reading order: [`notification`] (what an integration gets: the delivery, its data and templates),
//! [`data`] and [`templates`], [`integration`] (the trait, and the table with one line per integration),
//! [`webhook`] and its siblings (one file each), [`receivers`] (delivers to the right one), [`http`] (the
//! trait that a client implements), [`answer`] (what status codes mean), [`payload`], [`go_json`] and
//! [`truncate`] (parts that integrations share).
//!
//! Not here: when to notify and when to try again (`alerting`), HTTP and TLS themselves (`net`).

pub mod answer;
pub mod data;
pub mod go_json;
pub mod http;
pub mod integration;
pub mod notification;
pub mod payload;
pub mod receivers;
pub mod templates;
pub mod truncate;
pub mod webhook;

pub use alerting::backoff::Backoff;
pub use answer::Failure;
pub use http::{BoxFuture, HttpFailure, HttpRequest, HttpResponse, HttpSend};
pub use integration::{Integration, IntegrationOptions, Sent};
pub use notification::{Notification, group_key_hash};
pub use receivers::Receivers;
pub use templates::{TemplateError, Templates};
