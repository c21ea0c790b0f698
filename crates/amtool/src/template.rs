//! `template render`: what a template makes of an alert.

use std::collections::BTreeMap;

use gotemplate::data::alertmanager::{Alert, Data, Kv};
use model::{Duration, Timestamp};
use promtool::Console;
use serde::Deserialize;

use crate::check::templates;
use crate::failure::Failure;
use crate::format::{Output, json};
use crate::time;

/// What the result is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    Text,
    Html,
}

/// What is rendered.
#[derive(Clone, Debug)]
pub struct Rendering<'a> {
    /// Patterns of the files with templates.
    pub globs: &'a [String],
    pub text: &'a str,
    pub flavour: Flavour,
    /// JSON of the data; an example if there is none.
    pub data: Option<&'a str>,
    pub now: Timestamp,
}

/// Prints the result, without a line end of its own.
pub fn render(
    console: &mut Console<'_>,
    output: Output,
    rendering: &Rendering<'_>,
) -> Result<(), Failure> {
    let templates = templates(rendering.globs.iter().map(String::as_str))?;
    let data = match rendering.data {
        None => example(rendering.now),
        Some(text) => {
            let written: Written = serde_json::from_str(text)
                .map_err(|error| format!("reading the data of the template: {error}"))?;
            written.data()?
        }
    };
    let rendered = match rendering.flavour {
        Flavour::Text => templates.text(rendering.text, &data, rendering.now),
        Flavour::Html => templates.html(rendering.text, &data, rendering.now),
    }?;
    match output {
        Output::Json => console.print(json(&BTreeMap::from([("rendered", rendered)]))),
        Output::Simple | Output::Extended => console.print(rendered),
    }
    Ok(())
}

type Pairs = Option<BTreeMap<String, String>>;

/// The data as JSON, which is also the core of a webhook's payload.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    receiver: String,
    status: String,
    alerts: Option<Vec<WrittenAlert>>,
    #[serde(rename = "notification_reason")]
    notification_reason: String,
    group_labels: Pairs,
    common_labels: Pairs,
    common_annotations: Pairs,
    route_labels: Pairs,
    #[serde(rename = "externalURL")]
    external_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenAlert {
    status: String,
    labels: Pairs,
    annotations: Pairs,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

fn kv(pairs: Pairs) -> Kv {
    pairs.map_or_else(Kv::nil, Kv::new)
}

impl Written {
    fn data(self) -> Result<Data, String> {
        let alerts = self.alerts.map(|alerts| {
            let alerts = alerts.into_iter().map(WrittenAlert::alert);
            alerts.collect::<Result<Vec<_>, _>>()
        });
        Ok(Data {
            receiver: self.receiver,
            status: self.status,
            alerts: alerts.transpose()?,
            notification_reason: self.notification_reason,
            group_labels: kv(self.group_labels),
            common_labels: kv(self.common_labels),
            common_annotations: kv(self.common_annotations),
            route_labels: kv(self.route_labels),
            external_url: self.external_url,
            route_labels_rendered: false,
        })
    }
}

impl WrittenAlert {
    fn alert(self) -> Result<Alert, String> {
        let at = |text: Option<String>| match text {
            None => Ok(gotemplate::Time::ZERO),
            Some(text) => time::read(&text),
        };
        Ok(Alert {
            status: self.status,
            labels: kv(self.labels),
            annotations: kv(self.annotations),
            starts_at: at(self.starts_at)?,
            ends_at: at(self.ends_at)?,
            generator_url: self.generator_url,
            fingerprint: self.fingerprint,
        })
    }
}

/// The peer's example: one alert that fires and one that does not any more.
fn example(now: Timestamp) -> Data {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        Kv::new(
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    };
    let common_labels = [
        ("commonlabelkey1", "commonlabelvalue1"),
        ("commonlabelkey2", "commonlabelvalue2"),
    ];
    let common_annotations = [
        ("commonannotationkey1", "commonannotationvalue1"),
        ("commonannotationkey2", "commonannotationvalue2"),
    ];
    let with = |own: &[(&'static str, &'static str)], common: &[(&'static str, &'static str)]| {
        pairs(&[own, common].concat())
    };
    let before = |minutes: i64| time::later(&time::at(now), Duration::from_secs(-60 * minutes));
    let firing = Alert {
        status: "firing".to_owned(),
        labels: with(
            &[
                ("label1", "value1"),
                ("label2", "value2"),
                ("instance", "foo.bar:1234"),
            ],
            &common_labels,
        ),
        annotations: with(
            &[("annotation1", "value1"), ("annotation2", "value2")],
            &common_annotations,
        ),
        starts_at: before(5),
        ends_at: before(0),
        generator_url: "https://generatorurl.com".to_owned(),
        fingerprint: "fingerprint1".to_owned(),
    };
    let resolved = Alert {
        status: "resolved".to_owned(),
        labels: with(&[("foo", "bar"), ("baz", "qux")], &common_labels),
        annotations: with(&[("aaa", "bbb"), ("ccc", "ddd")], &common_annotations),
        starts_at: before(10),
        fingerprint: "fingerprint2".to_owned(),
        ..firing.clone()
    };
    Data {
        receiver: "receiver".to_owned(),
        status: "alertstatus".to_owned(),
        alerts: Some(vec![firing, resolved]),
        group_labels: pairs(&[
            ("grouplabelkey1", "grouplabelvalue1"),
            ("grouplabelkey2", "grouplabelvalue2"),
        ]),
        common_labels: pairs(&common_labels),
        common_annotations: pairs(&common_annotations),
        external_url: "https://example.com".to_owned(),
        ..Data::default()
    }
}
