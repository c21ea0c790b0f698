//! `alert query` and `alert add`.

use promtool::Console;

use crate::answer::PostedAlert;
use crate::api::Api;
use crate::failure::Failure;
use crate::format::Formatter;
use crate::matchers::Reader;
use crate::time;

/// Which alerts are shown; if no state is asked for, those that are active.
#[derive(Clone, Debug, Default)]
pub struct AlertQuery {
    pub states: AlertStates,
    /// A regular expression for the name of the receiver; empty for all.
    pub receiver: String,
    pub matchers: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertStates {
    pub active: bool,
    pub inhibited: bool,
    pub silenced: bool,
    pub unprocessed: bool,
}

/// Shows alerts.
pub fn query(
    console: &mut Console<'_>,
    api: &Api,
    reader: Reader,
    formatter: &Formatter<'_>,
    query: &AlertQuery,
) -> Result<(), Failure> {
    let filter = reader.with_alertname(console, &query.matchers);
    let mut states = query.states;
    if states == AlertStates::default() {
        states.active = true;
    }
    let mut parameters = vec![("active", states.active.to_string())];
    parameters.extend(filter.into_iter().map(|text| ("filter", text)));
    parameters.push(("inhibited", states.inhibited.to_string()));
    if !query.receiver.is_empty() {
        parameters.push(("receiver", query.receiver.clone()));
    }
    parameters.push(("silenced", states.silenced.to_string()));
    parameters.push(("unprocessed", states.unprocessed.to_string()));
    let alerts = api.alerts(&parameters)?;
    console.print(formatter.alerts(alerts));
    Ok(())
}

/// An alert to be made.
#[derive(Clone, Debug, Default)]
pub struct NewAlert {
    /// `name=value`; the first may be the name of the alert alone.
    pub labels: Vec<String>,
    /// `name=value`
    pub annotations: Vec<String>,
    pub generator_url: String,
    /// Empty for now.
    pub start: String,
    /// Empty for what the server takes then.
    pub end: String,
}

/// Posts an alert.
pub fn add(
    console: &mut Console<'_>,
    api: &Api,
    reader: Reader,
    alert: &NewAlert,
) -> Result<(), Failure> {
    let labels = reader.with_alertname(console, &alert.labels);
    let labels = reader.pairs(console, &labels, "labels")?;
    let annotations = reader.pairs(console, &alert.annotations, "annotations")?;
    let at = |text: &str| match text {
        "" => Ok(gotemplate::Time::ZERO),
        text => time::read(text),
    };
    let (starts_at, ends_at) = (at(&alert.start)?, at(&alert.end)?);
    api.post_alerts(&[PostedAlert {
        annotations: annotations.into_iter().collect(),
        ends_at: time::to_api_text(&ends_at),
        starts_at: time::to_api_text(&starts_at),
        generator_url: alert.generator_url.clone(),
        labels: labels.into_iter().collect(),
    }])?;
    Ok(())
}
