//! `global`: what receivers fall back to.

use model::Duration;
use yaml::{Node, Reading, Value};

use super::urls::{ApiUrl, SecretUrl};
use crate::Secret;
use crate::http::{HttpClient, Tls};
use crate::place::Place;
use crate::prometheus::Refusals;
use crate::section::Field;

section! {
    pub struct Global: "config.plain" {
        [place] pub place: Place,
        ["resolve_timeout"] pub resolve_timeout: Duration = Duration::from_secs(300),
        ["http_config", some] pub http: Option<HttpClient> = Some(HttpClient::default()),
        ["jira_api_url", omit] pub jira_api_url: ApiUrl,
        ["smtp_from", omit] pub smtp_from: String,
        ["smtp_hello", omit] pub smtp_hello: String = "localhost".to_owned(),
        ["smtp_smarthost", omit] pub smtp_smarthost: HostPort,
        ["smtp_auth_username", omit] pub smtp_auth_username: String,
        ["smtp_auth_password", omit] pub smtp_auth_password: Secret,
        ["smtp_auth_password_file", omit] pub smtp_auth_password_file: String,
        ["smtp_auth_secret", omit] pub smtp_auth_secret: Secret,
        ["smtp_auth_secret_file", omit] pub smtp_auth_secret_file: String,
        ["smtp_auth_identity", omit] pub smtp_auth_identity: String,
        ["smtp_require_tls"] pub smtp_require_tls: bool = true,
        ["smtp_tls_config", some] pub smtp_tls: Option<Tls> = Some(Tls::default()),
        ["smtp_force_implicit_tls", some] pub smtp_force_implicit_tls: Option<bool>,
        ["slack_api_url", omit] pub slack_api_url: SecretUrl,
        ["slack_api_url_file", omit] pub slack_api_url_file: String,
        ["slack_app_token", omit] pub slack_app_token: Secret,
        ["slack_app_token_file", omit] pub slack_app_token_file: String,
        ["slack_app_url", omit] pub slack_app_url: ApiUrl = ApiUrl::constant(SLACK_APP_URL),
        ["pagerduty_url", omit]
        pub pagerduty_url: ApiUrl = ApiUrl::constant("https://events.pagerduty.com/v2/enqueue"),
        ["opsgenie_api_url", omit]
        pub opsgenie_api_url: ApiUrl = ApiUrl::constant("https://api.opsgenie.com/"),
        ["opsgenie_api_key", omit] pub opsgenie_api_key: Secret,
        ["opsgenie_api_key_file", omit] pub opsgenie_api_key_file: String,
        ["wechat_api_url", omit]
        pub wechat_api_url: ApiUrl = ApiUrl::constant("https://qyapi.weixin.qq.com/cgi-bin/"),
        ["wechat_api_secret", omit] pub wechat_api_secret: Secret,
        ["wechat_api_secret_file", omit] pub wechat_api_secret_file: String,
        ["wechat_api_corp_id", omit] pub wechat_api_corp_id: String,
        ["victorops_api_url", omit] pub victorops_api_url: ApiUrl = ApiUrl::constant(
            "https://alert.victorops.com/integrations/generic/20131114/alert/"
        ),
        ["victorops_api_key", omit] pub victorops_api_key: Secret,
        ["victorops_api_key_file", omit] pub victorops_api_key_file: String,
        ["telegram_api_url", omit]
        pub telegram_api_url: ApiUrl = ApiUrl::constant("https://api.telegram.org"),
        ["telegram_bot_token", omit] pub telegram_bot_token: Secret,
        ["telegram_bot_token_file", omit] pub telegram_bot_token_file: String,
        ["webex_api_url", omit]
        pub webex_api_url: ApiUrl = ApiUrl::constant("https://webexapis.com/v1/messages"),
        ["rocketchat_api_url", omit]
        pub rocketchat_api_url: ApiUrl = ApiUrl::constant("https://open.rocket.chat/"),
        ["rocketchat_token", omit] pub rocketchat_token: Secret,
        ["rocketchat_token_file", omit] pub rocketchat_token_file: String,
        ["rocketchat_token_id", omit] pub rocketchat_token_id: Secret,
        ["rocketchat_token_id_file", omit] pub rocketchat_token_id_file: String,
        ["mattermost_webhook_url", omit] pub mattermost_webhook_url: SecretUrl,
        ["mattermost_webhook_url_file", omit] pub mattermost_webhook_url_file: String,
    }
}

/// Where a Slack app posts its messages.
pub(super) const SLACK_APP_URL: &str = "https://slack.com/api/chat.postMessage";

impl Global {
    /// Whether a Slack app's token is configured, inline or in a file.
    pub(super) fn has_slack_token(&self) -> bool {
        !self.slack_app_token.is_empty() || !self.slack_app_token_file.is_empty()
    }

    pub(super) fn complete(&mut self, refusals: &mut Refusals<'_>) {
        let pairs = [
            (
                "slack_api_url",
                self.slack_api_url.is_empty(),
                &self.slack_api_url_file,
            ),
            (
                "slack_app_token",
                self.slack_app_token.is_empty(),
                &self.slack_app_token_file,
            ),
            (
                "opsgenie_api_key",
                self.opsgenie_api_key.is_empty(),
                &self.opsgenie_api_key_file,
            ),
            (
                "victorops_api_key",
                self.victorops_api_key.is_empty(),
                &self.victorops_api_key_file,
            ),
            (
                "wechat_api_secret",
                self.wechat_api_secret.is_empty(),
                &self.wechat_api_secret_file,
            ),
            (
                "smtp_auth_password",
                self.smtp_auth_password.is_empty(),
                &self.smtp_auth_password_file,
            ),
            (
                "smtp_auth_secret",
                self.smtp_auth_secret.is_empty(),
                &self.smtp_auth_secret_file,
            ),
            (
                "telegram_bot_token",
                self.telegram_bot_token.is_empty(),
                &self.telegram_bot_token_file,
            ),
            (
                "rocketchat_token",
                self.rocketchat_token.is_empty(),
                &self.rocketchat_token_file,
            ),
            (
                "rocketchat_token_id",
                self.rocketchat_token_id.is_empty(),
                &self.rocketchat_token_id_file,
            ),
            (
                "mattermost_webhook_url",
                self.mattermost_webhook_url.is_empty(),
                &self.mattermost_webhook_url_file,
            ),
        ];
        let mut refuse = |message: String| {
            refusals.refuse(
                self.place.0,
                "both-inline-and-file",
                message,
                "keep one of them",
            );
        };
        for (key, is_empty, file) in pairs {
            if !is_empty && !file.is_empty() {
                refuse(format!(
                    "at most one of {key} & {key}_file must be configured"
                ));
            }
        }
        let has_url = !self.slack_api_url.is_empty() || !self.slack_api_url_file.is_empty();
        if self.has_slack_token() {
            // A webhook and an app's token do not go together, unless the URL is the app's own.
            if has_url && self.slack_api_url.expose() != self.slack_app_url.as_str() {
                refuse(
                    "at most one of slack_app_token/slack_app_token_file & \
                     slack_api_url/slack_api_url_file must be configured"
                        .to_owned(),
                );
            }
        }
        self.opsgenie_api_url.add_trailing_slash();
        self.victorops_api_url.add_trailing_slash();
        self.wechat_api_url.add_trailing_slash();
    }
}

/// `host:port` of a mail server; empty means "none given".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPort {
    pub host: String,
    pub port: String,
}

impl HostPort {
    pub fn is_empty(&self) -> bool {
        self.host.is_empty() && self.port.is_empty()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, tail)) => (host, tail.strip_prefix(':')),
                None => return Err(format!("address {text}: missing ']' in address")),
            },
            None => match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err(format!("address {text}: too many colons in address"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let Some(port) = port else {
            return Err(format!("address {text}: missing port in address"));
        };
        if port.is_empty() {
            return Err(format!(
                "address {}: port cannot be empty",
                crate::quote::quote(text)
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            port: port.to_owned(),
        })
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Field for HostPort {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = <String as Field>::read(node, reading)?;
        if text.is_empty() {
            return Some(Self::default());
        }
        match Self::parse(&text) {
            Ok(address) => Some(address),
            Err(problem) => {
                let hint = "write it as `host:port`";
                reading.refuse_with_hint(node.span, "bad-address", problem, hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        if self.is_empty() {
            "".into()
        } else {
            self.to_string().into()
        }
    }
}
