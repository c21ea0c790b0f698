//! Services in the catalogue of Consul.

use std::collections::BTreeMap;

use model::Duration;
use yaml::MapReader;

use super::{refuse, require};
use crate::Secret;
use crate::http::{BasicAuth, HttpClient};

section! {
    pub struct Consul: "consul.plain" as "*consul.SDConfig", checked {
        ["server", omit] pub server: String = "localhost:8500".to_owned(),
        ["path_prefix", omit] pub path_prefix: String,
        ["token", omit] pub token: Secret,
        ["datacenter", omit] pub datacenter: String,
        ["namespace", omit] pub namespace: String,
        ["partition", omit] pub partition: String,
        ["tag_separator", omit] pub tag_separator: String = ",".to_owned(),
        ["scheme", omit] pub scheme: String = "http".to_owned(),
        ["username", omit] pub username: String,
        ["password", omit] pub password: Secret,
        ["allow_stale"] pub allow_stale: bool = true,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(30),
        ["services", omit] pub services: Vec<String>,
        ["tags", omit] pub tags: Vec<String>,
        ["node_meta", omit] pub node_meta: BTreeMap<String, String>,
        ["filter", omit] pub filter: String,
        ["health_filter", omit] pub health_filter: String,
        [inline] pub http: HttpClient,
    }
}

impl Consul {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let server = self.server.trim();
        require(
            map,
            "server",
            server,
            "consul SD configuration requires a server address",
        );
        if !self.username.is_empty() || !self.password.is_empty() {
            if self.http.basic_auth.is_some() {
                let message = "at most one of consul SD configuration username and password and \
                               basic auth can be configured";
                refuse(map, "username", message, "keep `basic_auth`");
            } else {
                self.http.basic_auth = Some(BasicAuth {
                    username: std::mem::take(&mut self.username),
                    password: std::mem::take(&mut self.password),
                    ..BasicAuth::default()
                });
            }
        }
        if !self.token.is_empty()
            && (self.http.authorization.is_some() || self.http.oauth2.is_some())
        {
            let message =
                "at most one of consul SD token, authorization, or oauth2 can be configured";
            refuse(map, "token", message, "keep one of them");
        }
        self.http.validate(map);
    }
}
