//! E-mail over SMTP.

use std::collections::BTreeMap;

use yaml::MapReader;

use super::{Completion, both, refuse};
use crate::Secret;
use crate::alertmanager::global::HostPort;
use crate::http::Tls;
use crate::place::Place;

section! {
    pub struct Email: "config.plain" as "*config.EmailConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = false,
        ["to", omit] pub to: String,
        ["from", omit] pub from: String,
        ["hello", omit] pub hello: String,
        ["smarthost", omit] pub smarthost: HostPort,
        ["auth_username", omit] pub auth_username: String,
        ["auth_password", omit] pub auth_password: Secret,
        ["auth_password_file", omit] pub auth_password_file: String,
        ["auth_secret", omit] pub auth_secret: Secret,
        ["auth_secret_file", omit] pub auth_secret_file: String,
        ["auth_identity", omit] pub auth_identity: String,
        ["headers", omit] pub headers: BTreeMap<String, String>,
        ["html", omit] pub html: String = r#"{{ template "email.default.html" . }}"#.to_owned(),
        ["text", omit] pub text: String,
        ["require_tls", some] pub require_tls: Option<bool>,
        ["tls_config", some] pub tls: Option<Tls>,
        ["force_implicit_tls", some] pub force_implicit_tls: Option<bool>,
        ["threading", unless_default] pub threading: Threading,
    }
}

section! {
    /// Puts the mails of a group into one conversation.
    pub struct Threading: "config.ThreadingConfig" {
        ["enabled", omit] pub enabled: bool,
        ["thread_by_date", omit] pub thread_by_date: String,
    }
}

impl Email {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.to.is_empty() {
            refuse(map, "to", "missing to address in email config", "add `to`");
        }
        let mut headers = BTreeMap::new();
        for (name, value) in std::mem::take(&mut self.headers) {
            let name = crate::http::canonical_header(&name);
            if headers.contains_key(&name) {
                let message = format!(
                    "duplicate header {} in email config",
                    crate::quote::quote(&name)
                );
                refuse(
                    map,
                    "headers",
                    &message,
                    "case does not matter in header names",
                );
            }
            headers.insert(name, value);
        }
        self.headers = headers;
        both(
            map,
            "auth_password",
            [
                self.auth_password.is_empty(),
                self.auth_password_file.is_empty(),
            ],
        );
        if self.threading.enabled {
            if !["none", "daily"].contains(&self.threading.thread_by_date.as_str()) {
                let message = "threading.thread_by_date must be either 'none' or 'daily'";
                refuse(map, "threading", message, "add `thread_by_date`");
            }
            for name in ["References", "In-Reply-To"] {
                if self.headers.contains_key(name) {
                    let message = format!(
                        "conflicting configuration: threading.enabled conflicts with custom {name} header"
                    );
                    refuse(map, "headers", &message, "remove the header");
                }
            }
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        let place = self.place;
        if self.smarthost.is_empty() {
            self.smarthost = global.smtp_smarthost.clone();
            if self.smarthost.is_empty() {
                let hint = "add `smarthost` here or `smtp_smarthost` under `global`";
                completion.refuse(place, "no global SMTP smarthost set", hint);
            }
        }
        if self.from.is_empty() {
            self.from = global.smtp_from.clone();
            if self.from.is_empty() {
                let hint = "add `from` here or `smtp_from` under `global`";
                completion.refuse(place, "no global SMTP from set", hint);
            }
        }
        if self.hello.is_empty() {
            self.hello = global.smtp_hello.clone();
        }
        if self.auth_username.is_empty() {
            self.auth_username = global.smtp_auth_username.clone();
        }
        if self.auth_password.is_empty() && self.auth_password_file.is_empty() {
            self.auth_password = global.smtp_auth_password.clone();
            self.auth_password_file = global.smtp_auth_password_file.clone();
        }
        if self.auth_secret.is_empty() && self.auth_secret_file.is_empty() {
            self.auth_secret = global.smtp_auth_secret.clone();
            self.auth_secret_file = global.smtp_auth_secret_file.clone();
        }
        if self.auth_identity.is_empty() {
            self.auth_identity = global.smtp_auth_identity.clone();
        }
        self.require_tls.get_or_insert(global.smtp_require_tls);
        if self.tls.is_none() {
            self.tls = global.smtp_tls.clone();
        }
        if self.force_implicit_tls.is_none() {
            self.force_implicit_tls = global.smtp_force_implicit_tls;
        }
    }
}
