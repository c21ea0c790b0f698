//! The integrations of receivers in the operator's model.

use super::schema::{HTTP, Section, Shape, TLS};

use Shape::{
    Any, FilledSection, Flag, NullableFlag, Number, OptionalFlag, OptionalNumber, OptionalText,
    RequiredFlag, RequiredText, Sections, Text, TextMap, Texts,
};

pub(super) static RECEIVER: Section = Section {
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
