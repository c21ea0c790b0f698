//! The whole notification as JSON, for receivers that make their own texts.

use alerting::NotifiedAlert;
use gotemplate::data::alertmanager::Data;

use crate::answer::Failure;
use crate::go_json;
use crate::notification::Notification;

/// The most bytes of a message.
const BYTES_MAX: usize = 64 << 20;

/// The first `max` alerts of a notification (0: all of them), and how many were left out.
pub(crate) fn at_most(max: u64, notification: Notification<'_>) -> (&[NotifiedAlert], usize) {
    let all = &notification.delivery.alerts;
    let max = match usize::try_from(max).unwrap_or(usize::MAX) {
        0 => usize::MAX,
        max => max,
    };
    let shown = &all[..max.min(all.len())];
    (shown, all.len() - shown.len())
}

/// What stands behind the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) version: &'a str,
    pub(crate) group_key: &'a str,
    /// Alerts that were left out.
    pub(crate) truncated: usize,
}

impl Envelope<'_> {
    /// The data's own JSON with three more fields.
    pub(crate) fn around(&self, data: &Data) -> Result<String, Failure> {
        let core = gotemplate::to_json(&data.to_value(), BYTES_MAX).map_err(Failure::permanent)?;
        let open = core.strip_suffix('}').unwrap_or(&core);
        let version = go_json::compact(&self.version)?;
        let group_key = go_json::compact(&self.group_key)?;
        let truncated = self.truncated;
        Ok(format!(
            "{open},\"version\":{version},\"groupKey\":{group_key},\"truncatedAlerts\":{truncated}}}\n"
        ))
    }
}
