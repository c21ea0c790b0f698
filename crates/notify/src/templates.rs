//! The templates of one configuration: the built-in ones, and those of its files, which may replace them.

use std::collections::BTreeMap;

use alerting::dedup::NotifyReason;
use alerting::view::GroupView;
use diag::{Diagnostics, Source};
use gotemplate::data::alertmanager::{Data, Kv};
use gotemplate::functions::alertmanager::{functions, render};
use gotemplate::{Flavour, Options, ParseError, TemplateSet, Time, default_templates};
use model::Timestamp;

use crate::data::{DataInput, assemble};

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
    /// The built-in templates and then `files`, as pairs of path and text, in order. A file as a whole is a template,
    /// too, under its name without the folder.
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
                set.parse(base(name), text).map_err(|error| TemplateError {
                    name: name.to_owned(),
                    error,
                })?;
            }
        }
        Ok(templates)
    }

    /// What keeps a text from being rendered, whatever the notification is about, as errors and warnings: mistakes of
    /// syntax, and functions, fields and templates that there are not.
    pub fn check(&self, template: &Source) -> Diagnostics {
        self.text.check(template, &Data::example().to_pointer())
    }

    /// Renders as plain text. The error says what failed and where.
    pub fn text(&self, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
        run(&self.text, template, data, now)
    }

    /// Renders as HTML: values are escaped by where they stand.
    pub fn html(&self, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
        if template.is_empty() {
            return Ok(String::new());
        }
        // Markup without actions changes too: comments go, and it may end within a tag.
        render(&self.html, template, data, time(now)).map_err(|error| error.to_string())
    }

    /// The route labels of a group as the API shows it.
    pub fn group_route_labels(
        &self,
        group: &GroupView,
        now: Timestamp,
    ) -> BTreeMap<String, String> {
        if group.route_labels.is_empty() {
            return BTreeMap::new();
        }
        let data = assemble(&DataInput {
            receiver: &group.receiver,
            group_labels: &group.labels,
            route_labels: &group.route_labels,
            reason: NotifyReason::Unknown.as_str(),
            external_url: &self.external_url,
            alerts: &group.members,
        });
        self.route_labels(&data, now).entries().clone()
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

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn run(set: &TemplateSet, template: &str, data: &Data, now: Timestamp) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    render(set, template, data, time(now)).map_err(|error| error.to_string())
}

fn time(now: Timestamp) -> Time {
    Time::from_unix_ms(now.millis())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Labels;

    use super::*;

    fn group(route_labels: &[(&str, &str)]) -> GroupView {
        let labels = route_labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        GroupView {
            labels: Labels::from_pairs([("alertname", "A")]),
            receiver: "team".into(),
            group_key: "key".into(),
            route_id: "{}".into(),
            route_labels: Arc::new(labels.collect()),
            members: Vec::new(),
            alerts: Vec::new(),
            flush_at: Timestamp(0),
        }
    }

    #[test]
    fn route_labels_may_refer_to_each_other_and_a_broken_one_is_left_out() {
        let templates = Templates::new("http://am", []).unwrap();
        let group = group(&[
            ("owner", "{{ .GroupLabels.alertname }}-team"),
            ("page", "{{ routeLabels \"owner\" }}/page"),
            ("broken", "{{ .Nope.Nope }}"),
        ]);
        let rendered = templates.group_route_labels(&group, Timestamp(0));
        let rendered: Vec<_> = rendered
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(rendered, [("owner", "A-team"), ("page", "A-team/page")]);
    }

    #[test]
    fn files_replace_built_in_templates() {
        let file = r#"{{ define "__subject" }}mine{{ end }}"#;
        let templates = Templates::new("http://am", [("own.tmpl", file)]).unwrap();
        let text = templates.text(
            r#"{{ template "__subject" . }}"#,
            &Data::default(),
            Timestamp(0),
        );
        assert_eq!(text.unwrap(), "mine");
        let files = [("folder/all.tmpl", "all of {{ .Status }}")];
        let templates = Templates::new("http://am", files).unwrap();
        let text = r#"{{ template "all.tmpl" . }}"#;
        let text = templates.text(text, &Data::default(), Timestamp(0));
        assert_eq!(text.unwrap(), "all of ");
        let error = Templates::new("http://am", [("bad.tmpl", "{{ end }}")]).unwrap_err();
        assert!(
            error.to_string().starts_with("template bad.tmpl: "),
            "{error}"
        );
    }
}
