//! The operator's own model of `alertmanager.yaml`: which keys each section has, and when an empty value
//! is printed. A base configuration is read strictly by it: a key the model does not know is an error,
//! because it would be lost.

use diag::did_you_mean;
use model::Duration;
use yaml::{Mapping, Value};

use super::intervals;
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
        ("receivers", Sections(&RECEIVER)),
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

static RECEIVER: Section = Section {
    name: "receiver",
    fields: &[
        ("name", RequiredText),
        ("opsgenie_configs", Sections(&OPSGENIE)),
        ("pagerduty_configs", Sections(&PAGERDUTY)),
        ("slack_configs", Sections(&SLACK)),
        ("webhook_configs", Sections(&WEBHOOK)),
        ("wechat_configs", Sections(&WECHAT)),
        ("email_configs", Sections(&EMAIL)),
        ("pushover_configs", Sections(&PUSHOVER)),
        ("victorops_configs", Sections(&VICTOROPS)),
        ("sns_configs", Sections(&SNS)),
        ("telegram_configs", Sections(&TELEGRAM)),
        ("discord_configs", Sections(&DISCORD)),
        ("webex_configs", Sections(&WEBEX)),
        ("msteams_configs", Sections(&MSTEAMS)),
        ("msteamsv2_configs", Sections(&MSTEAMS_V2)),
        ("jira_configs", Sections(&JIRA)),
        ("rocketchat_configs", Sections(&ROCKETCHAT)),
        ("mattermost_configs", Sections(&MATTERMOST)),
        ("incidentio_configs", Sections(&INCIDENTIO)),
    ],
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

static TLS: Section = Section {
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

static SIGV4: Section = Section {
    name: "sigV4Config",
    fields: &[
        ("region", Text),
        ("access_key", Text),
        ("secret_key", Text),
        ("profile", Text),
        ("role_arn", Text),
        ("external_id", Text),
    ],
};

static WEBHOOK: Section = Section {
    name: "webhookConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("url", Text),
        ("url_file", Text),
        ("http_config", Shape::Section(&HTTP)),
        ("max_alerts", Number),
        ("timeout", Shape::Duration),
        ("payload", Any),
    ],
};

static PAGERDUTY: Section = Section {
    name: "pagerdutyConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("service_key", Text),
        ("service_key_file", Text),
        ("routing_key", Text),
        ("routing_key_file", Text),
        ("url", Text),
        ("client", Text),
        ("client_url", Text),
        ("description", Text),
        ("details", Any),
        ("images", Sections(&PAGERDUTY_IMAGE)),
        ("links", Sections(&PAGERDUTY_LINK)),
        ("severity", Text),
        ("class", Text),
        ("component", Text),
        ("group", Text),
        ("source", Text),
        ("timeout", Shape::Duration),
    ],
};

static PAGERDUTY_IMAGE: Section = Section {
    name: "pagerdutyImage",
    fields: &[("src", Text), ("alt", Text), ("href", Text)],
};

static PAGERDUTY_LINK: Section = Section {
    name: "pagerdutyLink",
    fields: &[("href", Text), ("text", Text)],
};

static OPSGENIE: Section = Section {
    name: "opsgenieConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_key", Text),
        ("api_key_file", Text),
        ("api_url", Text),
        ("message", Text),
        ("description", Text),
        ("source", Text),
        ("details", TextMap),
        ("responders", Sections(&OPSGENIE_RESPONDER)),
        ("tags", Text),
        ("note", Text),
        ("priority", Text),
        ("update_alerts", OptionalFlag),
        ("entity", Text),
        ("actions", Text),
    ],
};

static OPSGENIE_RESPONDER: Section = Section {
    name: "opsgenieResponder",
    fields: &[
        ("id", Text),
        ("name", Text),
        ("username", Text),
        ("type", Text),
    ],
};

static WECHAT: Section = Section {
    name: "weChatConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("api_secret", Text),
        ("api_url", Text),
        ("corp_id", Text),
        ("agent_id", Text),
        ("to_user", Text),
        ("to_party", Text),
        ("to_tag", Text),
        ("message", Text),
        ("message_type", Text),
        ("http_config", Shape::Section(&HTTP)),
        ("api_secret_file", Text),
    ],
};

static SLACK: Section = Section {
    name: "slackConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_url", Text),
        ("api_url_file", Text),
        ("app_token", Text),
        ("app_token_file", Text),
        ("app_url", Text),
        ("channel", Text),
        ("username", Text),
        ("color", Text),
        ("title", Text),
        ("title_link", Text),
        ("pretext", Text),
        ("text", Text),
        ("fields", Sections(&SLACK_FIELD)),
        ("short_fields", Flag),
        ("footer", Text),
        ("fallback", Text),
        ("callback_id", Text),
        ("icon_emoji", Text),
        ("icon_url", Text),
        ("image_url", Text),
        ("thumb_url", Text),
        ("link_names", Flag),
        ("mrkdwn_in", Texts),
        ("actions", Sections(&SLACK_ACTION)),
        ("timeout", Shape::Duration),
        ("message_text", Text),
        ("update_message", OptionalFlag),
    ],
};

static SLACK_FIELD: Section = Section {
    name: "slackField",
    fields: &[("title", Text), ("value", Text), ("short", Flag)],
};

static SLACK_ACTION: Section = Section {
    name: "slackAction",
    fields: &[
        ("type", Text),
        ("text", Text),
        ("url", Text),
        ("style", Text),
        ("name", Text),
        ("value", Text),
        ("confirm", Shape::Section(&SLACK_CONFIRMATION)),
    ],
};

static SLACK_CONFIRMATION: Section = Section {
    name: "slackConfirmationField",
    fields: &[
        ("text", Text),
        ("title", Text),
        ("ok_text", Text),
        ("dismiss_text", Text),
    ],
};

static EMAIL: Section = Section {
    name: "emailConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("to", Text),
        ("from", Text),
        ("hello", Text),
        ("smarthost", Text),
        ("auth_username", Text),
        ("auth_password", Text),
        ("auth_password_file", Text),
        ("auth_secret", Text),
        ("auth_secret_file", Text),
        ("auth_identity", Text),
        ("headers", TextMap),
        ("html", OptionalText),
        ("text", OptionalText),
        ("require_tls", OptionalFlag),
        ("tls_config", Shape::Section(&TLS)),
        ("force_implicit_tls", OptionalFlag),
        ("threading", Shape::Section(&EMAIL_THREADING)),
    ],
};

static EMAIL_THREADING: Section = Section {
    name: "emailThreadingConfig",
    fields: &[("enabled", OptionalFlag), ("thread_by_date", Text)],
};

static PUSHOVER: Section = Section {
    name: "pushoverConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("user_key", Text),
        ("user_key_file", Text),
        ("token", Text),
        ("token_file", Text),
        ("title", Text),
        ("message", Text),
        ("url", Text),
        ("url_title", Text),
        ("ttl", Text),
        ("device", Text),
        ("sound", Text),
        ("priority", Text),
        ("retry", Shape::Duration),
        ("expire", Shape::Duration),
        ("html", OptionalFlag),
        ("monospace", OptionalFlag),
    ],
};

static SNS: Section = Section {
    name: "snsConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_url", Text),
        ("sigv4", FilledSection(&SIGV4)),
        ("topic_arn", Text),
        ("phone_number", Text),
        ("target_arn", Text),
        ("subject", Text),
        ("message", Text),
        ("attributes", TextMap),
        ("use_aws_http_client", Flag),
    ],
};

static TELEGRAM: Section = Section {
    name: "telegramConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("api_url", Text),
        ("bot_token", Text),
        ("bot_token_file", Text),
        ("chat_id", Number),
        ("chat_id_file", Text),
        ("message_thread_id", Number),
        ("message", Text),
        ("disable_notifications", Flag),
        ("parse_mode", Text),
        ("http_config", Shape::Section(&HTTP)),
    ],
};

static DISCORD: Section = Section {
    name: "discordConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("webhook_url", Text),
        ("title", Text),
        ("message", Text),
        ("content", Text),
        ("username", Text),
        ("avatar_url", Text),
    ],
};

static WEBEX: Section = Section {
    name: "webexConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_url", Text),
        ("message", Text),
        ("room_id", RequiredText),
    ],
};

static VICTOROPS: Section = Section {
    name: "victorOpsConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_key", Text),
        ("api_key_file", Text),
        ("api_url", Text),
        ("routing_key", Text),
        ("message_type", Text),
        ("state_message", Text),
        ("entity_display_name", Text),
        ("monitoring_tool", Text),
        ("custom_fields", TextMap),
    ],
};

static MSTEAMS: Section = Section {
    name: "msTeamsConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("webhook_url", RequiredText),
        ("title", Text),
        ("summary", Text),
        ("text", Text),
        ("http_config", Shape::Section(&HTTP)),
    ],
};

static MSTEAMS_V2: Section = Section {
    name: "msTeamsV2Config",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("webhook_url", Text),
        ("webhook_url_file", Text),
        ("title", Text),
        ("text", Text),
        ("http_config", Shape::Section(&HTTP)),
    ],
};

static JIRA: Section = Section {
    name: "jiraConfig",
    fields: &[
        ("http_config", Shape::Section(&HTTP)),
        ("send_resolved", OptionalFlag),
        ("api_url", Text),
        ("project", Text),
        ("summary", Text),
        ("description", Text),
        ("labels", Texts),
        ("priority", Text),
        ("issue_type", Text),
        ("reopen_transition", Text),
        ("resolve_transition", Text),
        ("wont_fix_resolution", Text),
        ("reopen_duration", Shape::Duration),
        ("fields", Any),
        ("api_type", Text),
    ],
};

static ROCKETCHAT: Section = Section {
    name: "rocketChatConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("api_url", Text),
        ("token_id", OptionalText),
        ("token_id_file", Text),
        ("token", OptionalText),
        ("token_file", Text),
        ("channel", Text),
        ("color", Text),
        ("title", Text),
        ("title_link", Text),
        ("text", Text),
        ("fields", Sections(&ROCKETCHAT_FIELD)),
        ("short_fields", RequiredFlag),
        ("emoji", Text),
        ("icon_url", Text),
        ("image_url", Text),
        ("thumb_url", Text),
        ("link_names", RequiredFlag),
        ("actions", Sections(&ROCKETCHAT_ACTION)),
    ],
};

static ROCKETCHAT_FIELD: Section = Section {
    name: "rocketchatAttachmentField",
    fields: &[("short", NullableFlag), ("title", Text), ("value", Text)],
};

static ROCKETCHAT_ACTION: Section = Section {
    name: "rocketchatAttachmentAction",
    fields: &[
        ("type", Text),
        ("text", Text),
        ("url", Text),
        ("image_url", Text),
        ("is_webview", RequiredFlag),
        ("webview_height_ratio", Text),
        ("msg", Text),
        ("msg_in_chat_window", RequiredFlag),
        ("msg_processing_type", Text),
    ],
};

static MATTERMOST: Section = Section {
    name: "mattermostConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("webhook_url", Text),
        ("webhook_url_file", Text),
        ("channel", Text),
        ("username", Text),
        ("text", Text),
        ("icon_url", Text),
        ("icon_emoji", Text),
        ("attachments", Sections(&MATTERMOST_ATTACHMENT)),
        ("props", Shape::Section(&MATTERMOST_PROPS)),
        ("priority", Shape::Section(&MATTERMOST_PRIORITY)),
        ("fallback", Text),
        ("color", Text),
        ("pretext", Text),
        ("author_name", Text),
        ("author_link", Text),
        ("author_icon", Text),
        ("title", Text),
        ("title_link", Text),
        ("fields", Sections(&SLACK_FIELD)),
        ("thumb_url", Text),
        ("footer", Text),
        ("footer_icon", Text),
        ("image_url", Text),
        ("http_config", Shape::Section(&HTTP)),
    ],
};

static MATTERMOST_ATTACHMENT: Section = Section {
    name: "mattermostAttachmentConfig",
    fields: &[
        ("fallback", Text),
        ("color", Text),
        ("pretext", Text),
        ("text", Text),
        ("author_name", Text),
        ("author_link", Text),
        ("author_icon", Text),
        ("title", Text),
        ("title_link", Text),
        ("fields", Sections(&SLACK_FIELD)),
        ("thumb_url", Text),
        ("footer", Text),
        ("footer_icon", Text),
        ("image_url", Text),
    ],
};

static MATTERMOST_PROPS: Section = Section {
    name: "mattermostPropsConfig",
    fields: &[("card", OptionalText)],
};

static MATTERMOST_PRIORITY: Section = Section {
    name: "mattermostPriorityConfig",
    fields: &[
        ("priority", Text),
        ("requested_ack", OptionalFlag),
        ("persistent_notifications", OptionalFlag),
    ],
};

static INCIDENTIO: Section = Section {
    name: "incidentioConfig",
    fields: &[
        ("send_resolved", OptionalFlag),
        ("http_config", Shape::Section(&HTTP)),
        ("url", Text),
        ("url_file", Text),
        ("alert_source_token", Text),
        ("alert_source_token_file", Text),
        ("max_alerts", OptionalNumber),
        ("timeout", Shape::Duration),
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
