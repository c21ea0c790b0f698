//! Systems managed by Uyuni.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;
use crate::Url;
use crate::http::HttpClient;

section! {
    pub struct Uyuni: "uyuni.plain" as "*uyuni.SDConfig", checked {
        ["server"] pub server: String,
        ["username"] pub username: String,
        ["password"] pub password: Secret,
        [inline] pub http: HttpClient,
        ["entitlement", omit] pub entitlement: String = "monitoring_entitled".to_owned(),
        ["separator", omit] pub separator: String = ",".to_owned(),
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
    }
}

impl Uyuni {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require(
            map,
            "server",
            &self.server,
            "Uyuni SD configuration requires server host",
        );
        if let Err(problem) = Url::parse(&self.server) {
            let message = format!("Uyuni Server URL is not valid: {problem}");
            refuse(map, "server", message, "as in `https://uyuni:443`");
        }
        require(
            map,
            "username",
            &self.username,
            "Uyuni SD configuration requires a username",
        );
        let password = self.password.expose();
        require(
            map,
            "password",
            password,
            "Uyuni SD configuration requires a password",
        );
        self.http.validate(map);
    }
}
