//! The templates of one configuration: the built-in ones, and those of its files, which may replace them.

use std::collections::BTreeMap;

use gotemplate::data::alertmanager::{Data, Kv};
use gotemplate::functions::alertmanager::{functions, render};
use gotemplate::{Flavour, Options, ParseError, TemplateSet, Time, default_templates};
use model::Timestamp;

/// A template file that does not parse.
#[derive(Clone, Debug, thiserror::Error)]
#[error("template {name}: {error}")]
pub struct TemplateError {
    pub name: String,
    pub error: ParseError,
}

/// Every template twice: as text, and as HTML for mail bodies.
#[derive(Clone, Debug)]
pub struct Templates {
    text: TemplateSet,
    html: TemplateSet,
    /// Where this program is reached, without a slash at the end.
    pub external_url: String,
}

impl Templates {
    /// The built-in templates and then `files`, as pairs of name and text, in order.
    pub fn new<'a>(
        external_url: impl Into<String>,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, TemplateError> {
        let set = |flavour| {
            TemplateSet::new(
                flavour,
                functions(Time::ZERO),
                Options {
                    missing_key: gotemplate::MissingKey::Zero,
                    ..Options::default()
                },
            )
        };
        let mut templates = Self {
            text: set(Flavour::Text),
            html: set(Flavour::Html),
            external_url: external_url.into(),
        };
        let built_in = default_templates::FILES.iter().copied();
        for (name, text) in built_in.chain(files) {
            for set in [&mut templates.text, &mut templates.html] {
                set.parse(name, text).map_err(|error| TemplateError {
                    name: name.to_owned(),
                    error,
                })?;
            }
        }
        Ok(templates)
    }

    /// Renders as plain text. The error says what failed and where.
    pub fn text(&self, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
        run(&self.text, template, data, now)
    }

    /// Renders as HTML: values are escaped by where they stand.
    pub fn html(&self, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
        run(&self.html, template, data, now)
    }

    /// The route labels of `data`, which are templates over it. One that fails is left out.
    pub fn route_labels(&self, data: &Data, now: Timestamp) -> Kv {
        let rendered: BTreeMap<String, String> = data
            .route_labels
            .entries()
            .keys()
            .filter_map(|name| {
                let template = format!("{{{{ routeLabels {} }}}}", model::format::go_quote(name));
                let value = self.text(&template, data, now).ok()?;
                Some((name.clone(), value))
            })
            .collect();
        Kv::new(rendered)
    }
}

fn run(set: &TemplateSet, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    let now = Time::from_unix_ms(now.millis());
    render(set, template, data, now).map_err(|error| error.to_string())
}
