//! The integrations of receivers as tables: which field of an AlertmanagerConfig becomes which key. A new
//! integration is a new entry here and a section in the schema.

use crate::problem::Checked;
use crate::tree::Tree;
use crate::version::Numbers;

use super::{check, validate};

/// One integration.
pub(super) struct Integration {
    /// In the receiver of an AlertmanagerConfig.
    pub(super) field: &'static str,
    /// In the configuration.
    pub(super) key: &'static str,
    /// Older versions refuse receivers with it.
    pub(super) since: Numbers,
    pub(super) parts: &'static [Part],
    /// What holds whatever the version is.
    pub(super) validate: Option<fn(Tree<'_>) -> Checked>,
    /// What depends on the version and on references.
    pub(super) check: Option<fn(&check::ReceiverChecker<'_>, Tree<'_>) -> Checked>,
}

/// How one part of an integration is written.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A text.
    Text(&'static str, &'static str),
    /// As it is: flags, numbers, lists.
    Plain(&'static str, &'static str),
    /// A list of `{key, value}` to a map.
    Pairs(&'static str, &'static str),
    Map(&'static str, &'static str),
    /// The value of a key of a Secret, if the selector is set.
    Secret(&'static str, &'static str),
    /// As `Secret`; an empty value is refused.
    FilledSecret(&'static str, &'static str),
    /// As `Secret`; the value is a URL, blanks around it are cut off.
    SecretUrl(&'static str, &'static str),
    Duration(&'static str, &'static str),
    /// A section inside.
    Section(&'static str, &'static str, &'static [Part]),
    /// A list of sections inside.
    Sections(&'static str, &'static str, &'static [Part]),
    /// `httpConfig`.
    Http,
    /// `tlsConfig`.
    Tls,
    Custom(fn(&super::convert::Converter<'_>, &mut yaml::Mapping, Tree<'_>) -> Checked),
}

use super::convert::{email_smarthost, email_threading, sns_sigv4, victorops_fields, webhook_url};
use Part::{
    Custom, Duration, FilledSecret, Http, Map, Pairs, Plain, Secret, SecretUrl, Section, Sections,
    Text, Tls,
};

const SEND_RESOLVED: Part = Plain("sendResolved", "send_resolved");
const TIMEOUT: Part = Duration("timeout", "timeout");

pub(super) static INTEGRATIONS: [Integration; 15] = [
    Integration {
        field: "opsgenieConfigs",
        key: "opsgenie_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("apiKey", "api_key"),
            Text("apiURL", "api_url"),
            Text("message", "message"),
            Text("description", "description"),
            Text("source", "source"),
            Text("tags", "tags"),
            Text("note", "note"),
            Text("priority", "priority"),
            Plain("updateAlerts", "update_alerts"),
            Pairs("details", "details"),
            Sections(
                "responders",
                "responders",
                &[
                    Text("id", "id"),
                    Text("name", "name"),
                    Text("username", "username"),
                    Text("type", "type"),
                ],
            ),
            Http,
            Text("entity", "entity"),
            Text("actions", "actions"),
        ],
        validate: Some(validate::opsgenie),
        check: Some(check::opsgenie),
    },
    Integration {
        field: "pagerdutyConfigs",
        key: "pagerduty_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("routingKey", "routing_key"),
            Secret("serviceKey", "service_key"),
            Text("url", "url"),
            Text("client", "client"),
            Text("clientURL", "client_url"),
            Text("description", "description"),
            Text("severity", "severity"),
            Text("class", "class"),
            Text("group", "group"),
            Text("component", "component"),
            Pairs("details", "details"),
            Sections(
                "pagerDutyImageConfigs",
                "images",
                &[Text("src", "src"), Text("href", "href"), Text("alt", "alt")],
            ),
            // The text of a link is called `alt` in the custom resource.
            Sections(
                "pagerDutyLinkConfigs",
                "links",
                &[Text("href", "href"), Text("alt", "text")],
            ),
            Http,
            Text("source", "source"),
            TIMEOUT,
        ],
        validate: Some(validate::pagerduty),
        check: None,
    },
    Integration {
        field: "discordConfigs",
        key: "discord_configs",
        since: (0, 25, 0),
        parts: &[
            SEND_RESOLVED,
            SecretUrl("apiURL", "webhook_url"),
            Text("title", "title"),
            Text("message", "message"),
            Text("content", "content"),
            Text("username", "username"),
            Text("avatarURL", "avatar_url"),
            Http,
        ],
        validate: Some(validate::http_only),
        check: Some(check::discord),
    },
    Integration {
        field: "slackConfigs",
        key: "slack_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            SecretUrl("apiURL", "api_url"),
            Text("channel", "channel"),
            Text("username", "username"),
            Text("color", "color"),
            Text("title", "title"),
            Text("titleLink", "title_link"),
            Text("pretext", "pretext"),
            Text("text", "text"),
            Sections(
                "fields",
                "fields",
                &[
                    Text("title", "title"),
                    Text("value", "value"),
                    Plain("short", "short"),
                ],
            ),
            Plain("shortFields", "short_fields"),
            Text("footer", "footer"),
            Text("fallback", "fallback"),
            Text("callbackId", "callback_id"),
            Text("iconEmoji", "icon_emoji"),
            Text("iconURL", "icon_url"),
            Text("imageURL", "image_url"),
            Text("thumbURL", "thumb_url"),
            Plain("linkNames", "link_names"),
            Plain("mrkdwnIn", "mrkdwn_in"),
            Sections(
                "actions",
                "actions",
                &[
                    Text("type", "type"),
                    Text("text", "text"),
                    Text("url", "url"),
                    Text("style", "style"),
                    Text("name", "name"),
                    Text("value", "value"),
                    Section(
                        "confirm",
                        "confirm",
                        &[
                            Text("text", "text"),
                            Text("title", "title"),
                            Text("okText", "ok_text"),
                            Text("dismissText", "dismiss_text"),
                        ],
                    ),
                ],
            ),
            Http,
            TIMEOUT,
            Text("messageText", "message_text"),
            Plain("updateMessage", "update_message"),
        ],
        validate: Some(validate::slack),
        check: Some(check::slack),
    },
    Integration {
        field: "webhookConfigs",
        key: "webhook_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Custom(webhook_url),
            Http,
            Plain("maxAlerts", "max_alerts"),
            TIMEOUT,
            Text("payload", "payload"),
        ],
        validate: Some(validate::webhook),
        check: Some(check::webhook),
    },
    Integration {
        field: "wechatConfigs",
        key: "wechat_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("apiSecret", "api_secret"),
            Text("apiURL", "api_url"),
            Text("corpID", "corp_id"),
            Text("agentID", "agent_id"),
            Text("toUser", "to_user"),
            Text("toParty", "to_party"),
            Text("toTag", "to_tag"),
            Text("message", "message"),
            Text("messageType", "message_type"),
            Http,
        ],
        validate: Some(validate::api_url),
        check: None,
    },
    Integration {
        field: "emailConfigs",
        key: "email_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Text("to", "to"),
            Text("from", "from"),
            Text("hello", "hello"),
            Custom(email_smarthost),
            Text("authUsername", "auth_username"),
            Secret("authPassword", "auth_password"),
            Secret("authSecret", "auth_secret"),
            Text("authIdentity", "auth_identity"),
            Pairs("headers", "headers"),
            Text("html", "html"),
            Text("text", "text"),
            Plain("requireTLS", "require_tls"),
            Tls,
            Plain("forceImplicitTLS", "force_implicit_tls"),
            Custom(email_threading),
        ],
        validate: Some(validate::email),
        check: Some(check::email),
    },
    Integration {
        field: "victoropsConfigs",
        key: "victorops_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("apiKey", "api_key"),
            Text("apiUrl", "api_url"),
            Text("routingKey", "routing_key"),
            Text("messageType", "message_type"),
            Text("entityDisplayName", "entity_display_name"),
            Text("stateMessage", "state_message"),
            Text("monitoringTool", "monitoring_tool"),
            Custom(victorops_fields),
            Http,
        ],
        validate: Some(validate::victorops),
        check: None,
    },
    Integration {
        field: "pushoverConfigs",
        key: "pushover_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            FilledSecret("userKey", "user_key"),
            FilledSecret("token", "token"),
            Text("title", "title"),
            Text("message", "message"),
            Text("url", "url"),
            Text("urlTitle", "url_title"),
            Text("ttl", "ttl"),
            Text("device", "device"),
            Text("priority", "priority"),
            Duration("retry", "retry"),
            Duration("expire", "expire"),
            Plain("html", "html"),
            Plain("monospace", "monospace"),
            Http,
        ],
        validate: Some(validate::pushover),
        check: Some(check::pushover),
    },
    Integration {
        field: "snsConfigs",
        key: "sns_configs",
        since: (0, 0, 0),
        parts: &[
            SEND_RESOLVED,
            Text("apiURL", "api_url"),
            Text("topicARN", "topic_arn"),
            Text("subject", "subject"),
            Text("phoneNumber", "phone_number"),
            Text("targetARN", "target_arn"),
            Text("message", "message"),
            Map("attributes", "attributes"),
            Http,
            Custom(sns_sigv4),
        ],
        validate: Some(validate::sns),
        check: Some(check::sns),
    },
    Integration {
        field: "telegramConfigs",
        key: "telegram_configs",
        since: (0, 24, 0),
        parts: &[
            SEND_RESOLVED,
            Text("apiURL", "api_url"),
            FilledSecret("botToken", "bot_token"),
            Text("botTokenFile", "bot_token_file"),
            Plain("chatID", "chat_id"),
            Plain("messageThreadID", "message_thread_id"),
            Text("message", "message"),
            Plain("disableNotifications", "disable_notifications"),
            Text("parseMode", "parse_mode"),
            Http,
        ],
        validate: Some(validate::telegram),
        check: Some(check::telegram),
    },
    Integration {
        field: "webexConfigs",
        key: "webex_configs",
        since: (0, 25, 0),
        parts: &[
            SEND_RESOLVED,
            Text("apiURL", "api_url"),
            Text("message", "message"),
            Text("roomID", "room_id"),
            Http,
        ],
        validate: Some(validate::api_url),
        check: None,
    },
    Integration {
        field: "msteamsConfigs",
        key: "msteams_configs",
        since: (0, 26, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("webhookUrl", "webhook_url"),
            Text("title", "title"),
            Text("summary", "summary"),
            Text("text", "text"),
            Http,
        ],
        validate: Some(validate::http_only),
        check: Some(check::msteams),
    },
    Integration {
        field: "msteamsv2Configs",
        key: "msteamsv2_configs",
        since: (0, 28, 0),
        parts: &[
            SEND_RESOLVED,
            Secret("webhookURL", "webhook_url"),
            Text("title", "title"),
            Text("text", "text"),
            Http,
        ],
        validate: Some(validate::http_only),
        check: None,
    },
    Integration {
        field: "rocketchatConfigs",
        key: "rocketchat_configs",
        since: (0, 28, 0),
        parts: &[
            SEND_RESOLVED,
            Text("apiURL", "api_url"),
            Text("channel", "channel"),
            Secret("token", "token"),
            Secret("tokenID", "token_id"),
            Text("color", "color"),
            Text("emoji", "emoji"),
            Text("iconURL", "icon_url"),
            Text("text", "text"),
            Text("title", "title"),
            Text("titleLink", "title_link"),
            Sections(
                "fields",
                "fields",
                &[
                    Text("title", "title"),
                    Text("value", "value"),
                    Plain("short", "short"),
                ],
            ),
            Plain("shortFields", "short_fields"),
            Text("imageURL", "image_url"),
            Text("thumbURL", "thumb_url"),
            Plain("linkNames", "link_names"),
            Sections(
                "actions",
                "actions",
                &[Text("text", "text"), Text("url", "url"), Text("msg", "msg")],
            ),
            Http,
        ],
        validate: Some(validate::rocketchat),
        check: Some(check::rocketchat),
    },
];
