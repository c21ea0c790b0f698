//! The operator's own model of `alertmanager.yaml`: which keys each section has, and when an empty value
//! is printed. A base configuration is read strictly by it: a key the model does not know is an error,
//! because it would be lost.

use diag::did_you_mean;
use model::Duration;
use yaml::{Mapping, Value};

use super::{intervals, schema_receivers as receivers};
use crate::problem::{Checked, Problem};
use crate::tree::Tree;
use crate::url;

/// What a key holds, and when it is left out.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Left out if empty.
    Text,
    /// Left out only if absent.
    OptionalText,
    /// Never left out.
    RequiredText,
    /// Left out if false.
    Flag,
    /// Left out only if absent.
    OptionalFlag,
    /// Never left out; absent is false.
    RequiredFlag,
    /// Never left out; absent is null.
    NullableFlag,
    /// Left out if 0.
    Number,
    /// Left out only if absent.
    OptionalNumber,
    Texts,
    /// Never left out.
    RequiredTexts,
    TextMap,
    /// Lists of texts by name.
    TextsMap,
    Any,
    Duration,
    Url,
    /// A section that is left out only if absent.
    Section(&'static Section),
    /// A section that is left out if everything in it is.
    FilledSection(&'static Section),
    Sections(&'static Section),
    /// The list inside a named time interval.
    Intervals,
}

/// One kind of section.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(&'static str, Shape)],
}

use Shape::{
    Any, FilledSection, Flag, Intervals, NullableFlag, Number, OptionalFlag, OptionalNumber,
    OptionalText, RequiredFlag, RequiredText, RequiredTexts, Sections, Text, TextMap, Texts,
    TextsMap,
};

pub(super) static CONFIG: Section = Section {
    name: "alertmanagerConfig",
    fields: &[
        ("global", Shape::Section(&GLOBAL)),
        ("route", Shape::Section(&ROUTE)),
        ("inhibit_rules", Sections(&INHIBIT_RULE)),
        ("receivers", Sections(&receivers::RECEIVER)),
        ("mute_time_intervals", Sections(&TIME_INTERVAL)),
        ("time_intervals", Sections(&TIME_INTERVAL)),
        ("templates", RequiredTexts),
    ],
};

pub(super) static GLOBAL: Section = Section {
    name: "globalConfig",
    fields: &[
        ("resolve_timeout", Shape::Duration),
        ("http_config", Shape::Section(&HTTP)),
        ("smtp_from", Text),
        ("smtp_hello", Text),
        ("smtp_smarthost", Text),
        ("smtp_auth_username", Text),
        ("smtp_auth_password", Text),
        ("smtp_auth_password_file", Text),
        ("smtp_auth_secret", Text),
        ("smtp_auth_secret_file", Text),
        ("smtp_auth_identity", Text),
        ("smtp_require_tls", OptionalFlag),
        ("smtp_tls_config", Shape::Section(&TLS)),
        ("smtp_force_implicit_tls", OptionalFlag),
        ("slack_api_url", Shape::Url),
        ("slack_api_url_file", Text),
        ("pagerduty_url", Shape::Url),
        ("hipchat_api_url", Shape::Url),
        ("hipchat_auth_token", Text),
        ("opsgenie_api_url", Shape::Url),
        ("opsgenie_api_key", Text),
        ("opsgenie_api_key_file", Text),
        ("wechat_api_url", Shape::Url),
        ("wechat_api_secret", Text),
        ("wechat_api_corp_id", Text),
        ("victorops_api_url", Shape::Url),
        ("victorops_api_key", Text),
        ("victorops_api_key_file", Text),
        ("telegram_api_url", Shape::Url),
        ("telegram_bot_token", Text),
        ("telegram_bot_token_file", Text),
        ("webex_api_url", Shape::Url),
        ("jira_api_url", Shape::Url),
        ("rocketchat_api_url", Shape::Url),
        ("rocketchat_token", Text),
        ("rocketchat_token_file", Text),
        ("rocketchat_token_id", Text),
        ("rocketchat_token_id_file", Text),
        ("slack_app_token", Text),
        ("slack_app_token_file", Text),
        ("slack_app_url", Shape::Url),
        ("wechat_api_secret_file", Text),
        ("mattermost_webhook_url", Shape::Url),
        ("mattermost_webhook_url_file", Text),
    ],
};

pub(super) static ROUTE: Section = Section {
    name: "route",
    fields: &[
        ("receiver", Text),
        ("group_by", Texts),
        ("match", TextMap),
        ("match_re", TextMap),
        ("matchers", Texts),
        ("continue", Flag),
        ("routes", Sections(&ROUTE)),
        ("group_wait", Text),
        ("group_interval", Text),
        ("repeat_interval", Text),
        ("mute_time_intervals", Texts),
        ("active_time_intervals", Texts),
    ],
};

static INHIBIT_RULE: Section = Section {
    name: "inhibitRule",
    fields: &[
        ("target_match", TextMap),
        ("target_match_re", TextMap),
        ("target_matchers", Texts),
        ("source_match", TextMap),
        ("source_match_re", TextMap),
        ("source_matchers", Texts),
        ("equal", Texts),
    ],
};

static TIME_INTERVAL: Section = Section {
    name: "timeInterval",
    fields: &[("name", RequiredText), ("time_intervals", Intervals)],
};

pub(super) static HTTP: Section = Section {
    name: "httpClientConfig",
    fields: &[
        ("authorization", Shape::Section(&AUTHORIZATION)),
        ("basic_auth", Shape::Section(&BASIC_AUTH)),
        ("oauth2", Shape::Section(&OAUTH2)),
        ("bearer_token", Text),
        ("bearer_token_file", Text),
        ("tls_config", Shape::Section(&TLS)),
        ("follow_redirects", OptionalFlag),
        ("enable_http2", OptionalFlag),
        ("http_headers", Any),
        ("proxy_url", Text),
        ("no_proxy", Text),
        ("proxy_from_environment", Flag),
        ("proxy_connect_header", TextsMap),
    ],
};

static AUTHORIZATION: Section = Section {
    name: "authorization",
    fields: &[
        ("type", Text),
        ("credentials", Text),
        ("credentials_file", Text),
    ],
};

static BASIC_AUTH: Section = Section {
    name: "basicAuth",
    fields: &[
        ("username", Text),
        ("password", Text),
        ("password_file", Text),
    ],
};

static OAUTH2: Section = Section {
    name: "oauth2",
    fields: &[
        ("client_id", RequiredText),
        ("client_secret", RequiredText),
        ("client_secret_file", Text),
        ("scopes", Texts),
        ("token_url", RequiredText),
        ("endpoint_params", TextMap),
        ("proxy_url", Text),
        ("no_proxy", Text),
        ("proxy_from_environment", Flag),
        ("proxy_connect_header", TextsMap),
        ("tls_config", Shape::Section(&TLS)),
    ],
};

pub(super) static TLS: Section = Section {
    name: "tlsConfig",
    fields: &[
        ("ca_file", Text),
        ("cert_file", Text),
        ("key_file", Text),
        ("server_name", Text),
        ("insecure_skip_verify", RequiredFlag),
        ("min_version", Text),
        ("max_version", Text),
    ],
};

/// Reads a section strictly: an unknown key is refused. Nulls are left out.
pub(super) fn read(section: &Section, tree: Tree<'_>) -> Checked<Mapping> {
    if !tree.is_mapping() {
        return Err(Problem::at(tree, format!("{} is no section", section.name)));
    }
    let mut out = Mapping::new();
    for (key, value) in tree.entries() {
        let known = section.fields.iter().find(|(name, _)| *name == key);
        let Some((name, shape)) = known else {
            let names = section.fields.iter().map(|(name, _)| *name);
            let hint = did_you_mean(key, names)
                .map_or(String::new(), |name| format!(", did you mean {name}?"));
            let message = format!("field {key} not found in type {}{hint}", section.name);
            return Err(Problem::at(value, message));
        };
        if value.is_set() {
            let value =
                read_value(*shape, value).map_err(|problem| problem.within(name).or_at(value))?;
            out.put(name, value);
        }
    }
    Ok(out)
}

fn read_value(shape: Shape, tree: Tree<'_>) -> Checked<Value> {
    let wrong = |wanted: &str| Err(Problem::at(tree, format!("cannot read this as {wanted}")));
    Ok(match shape {
        Text | OptionalText | RequiredText => match tree.text() {
            Some(text) => text.into(),
            None => return wrong("a text"),
        },
        Flag | OptionalFlag | RequiredFlag | NullableFlag => match tree.flag() {
            Some(flag) => flag.into(),
            None => return wrong("true or false"),
        },
        Number | OptionalNumber => match tree.int() {
            Some(number) => number.into(),
            None => return wrong("a whole number"),
        },
        Texts | RequiredTexts => {
            if !tree.is_sequence() {
                return wrong("a list");
            }
            tree.texts().into()
        }
        TextMap => Value::sorted_map(
            tree.entries()
                .into_iter()
                .map(|(key, value)| (key, value.str())),
        ),
        TextsMap => Value::sorted_map(
            tree.entries()
                .into_iter()
                .map(|(key, value)| (key, value.texts())),
        ),
        Any => tree.value(),
        Shape::Duration => {
            let text = tree.str();
            match Duration::parse(text) {
                Ok(duration) => duration.to_string().into(),
                Err(error) => return Err(Problem::at(tree, format!("{text:?}: {error}"))),
            }
        }
        Shape::Url => match url::parse(tree.str()) {
            Ok(_) => tree.str().into(),
            Err(why) => return Err(Problem::at(tree, why)),
        },
        Shape::Section(section) | FilledSection(section) => read(section, tree)?.into(),
        Sections(section) => {
            if !tree.is_sequence() {
                return wrong("a list");
            }
            let items: Checked<Vec<Mapping>> =
                tree.items().map(|item| read(section, item)).collect();
            items?.into()
        }
        Intervals => intervals::read_list(tree)?,
    })
}

/// Brings a section into the order and form in which the operator prints it: what is empty is left out
/// where its model says so.
pub(super) fn print(section: &Section, map: &Mapping) -> Mapping {
    let mut out = Mapping::new();
    for (key, shape) in section.fields {
        let value = map.get(key).filter(|value| !matches!(value, Value::Null));
        match (shape, value) {
            (RequiredText, None) => out.put(key, ""),
            (RequiredFlag, None) => out.put(key, false),
            (NullableFlag, None) => out.put(key, Value::Null),
            (RequiredTexts | Intervals, None) => out.put(key, Value::Sequence(Vec::new())),
            (_, None) => {}
            (
                RequiredText
                | RequiredFlag
                | NullableFlag
                | RequiredTexts
                | OptionalText
                | OptionalFlag
                | OptionalNumber
                | Shape::Duration
                | Shape::Url
                | Intervals,
                Some(value),
            ) => out.put(key, value.clone()),
            (Shape::Section(section), Some(Value::Mapping(map))) => {
                out.put(key, print(section, map))
            }
            (FilledSection(section), Some(Value::Mapping(map))) => {
                out.put_unless_empty(key, print(section, map));
            }
            (Sections(section), Some(Value::Sequence(items))) => {
                let items: Vec<Value> = items
                    .iter()
                    .map(|item| match item {
                        Value::Mapping(map) => print(section, map).into(),
                        other => other.clone(),
                    })
                    .collect();
                out.put_unless_empty(key, items);
            }
            (_, Some(value)) => out.put_unless_empty(key, value.clone()),
        }
    }
    out
}
