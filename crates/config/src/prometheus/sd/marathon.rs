//! Applications of Marathon.

use model::Duration;
use yaml::MapReader;

use super::refuse;
use crate::Secret;
use crate::http::HttpClient;
use crate::text::FilePath;

section! {
    pub struct Marathon: "marathon.plain" as "*marathon.SDConfig", checked {
        ["servers", omit] pub servers: Vec<String>,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(30),
        ["auth_token", omit] pub auth_token: Secret,
        ["auth_token_file", omit] pub auth_token_file: FilePath,
        [inline] pub http: HttpClient,
    }
}

impl Marathon {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.servers.is_empty() {
            let message = "marathon_sd: must contain at least one Marathon server";
            refuse(map, "servers", message, "add `servers`");
        }
        let (token, file) = (
            !self.auth_token.is_empty(),
            !self.auth_token_file.is_empty(),
        );
        let http = &self.http;
        let others = [
            (token && file, "auth_token & auth_token_file"),
            (
                (token || file) && http.basic_auth.is_some(),
                "basic_auth, auth_token & auth_token_file",
            ),
            (
                (token || file)
                    && (!http.bearer_token.is_empty() || !http.bearer_token_file.is_empty()),
                "bearer_token, bearer_token_file, auth_token & auth_token_file",
            ),
            (
                (token || file) && http.authorization.is_some(),
                "auth_token, auth_token_file & authorization",
            ),
        ];
        for (_, names) in others.into_iter().filter(|(is_conflict, _)| *is_conflict) {
            let message = format!("marathon_sd: at most one of {names} must be configured");
            refuse(map, "auth_token", message, "keep one of them");
        }
        self.http.validate(map);
    }
}
