//! Rendering the many texts of one notification.

use gotemplate::data::alertmanager::Data;

use crate::answer::Failure;
use crate::notification::Notification;

/// A notification with its data: what the options of an integration are rendered with.
#[derive(Clone, Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) notification: Notification<'a>,
    pub(crate) data: Data,
}

impl<'a> Rendering<'a> {
    pub(crate) fn new(notification: Notification<'a>) -> Self {
        let data = notification.data();
        Self { notification, data }
    }

    /// `key` names the option in the message of a failure.
    pub(crate) fn text(&self, key: &str, template: &str) -> Result<String, Failure> {
        self.notification
            .text(&self.what(key), template, &self.data)
    }

    /// As HTML: values are escaped by where they stand.
    pub(crate) fn html(&self, key: &str, template: &str) -> Result<String, Failure> {
        self.notification
            .html(&self.what(key), template, &self.data)
    }

    fn what(&self, key: &str) -> String {
        format!("{} {key}", self.notification.delivery.integration_name)
    }

    /// Whether any alert fires.
    pub(crate) fn is_firing(&self) -> bool {
        self.data.status == "firing"
    }
}
