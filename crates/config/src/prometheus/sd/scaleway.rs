//! Instances and bare metal of Scaleway.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;
use crate::http::HttpClient;
use crate::quote::quote;
use crate::text::FilePath;

section! {
    pub struct Scaleway: "scaleway.plain" as "*scaleway.SDConfig", checked {
        ["project_id"] pub project_id: String,
        ["api_url", omit] pub api_url: String = "https://api.scaleway.com".to_owned(),
        ["zone"] pub zone: String = "fr-par-1".to_owned(),
        ["access_key"] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["secret_key_file", omit] pub secret_key_file: FilePath,
        ["name_filter", omit] pub name_filter: String,
        ["tags_filter", omit] pub tags_filter: Vec<String>,
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["role"] pub role: String,
    }
}

impl Scaleway {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        match self.role.as_str() {
            "instance" | "baremetal" => {}
            "" => {
                refuse(
                    map,
                    "role",
                    "role missing (one of: instance, baremetal)",
                    "add `role`",
                );
            }
            other => {
                let message = format!("unknown role {}", quote(other));
                refuse(map, "role", message, "use `instance` or `baremetal`");
            }
        }
        require(
            map,
            "project_id",
            &self.project_id,
            "project_id must be configured",
        );
        validate_secret(map, &self.secret_key, &self.secret_key_file);
        require(
            map,
            "access_key",
            &self.access_key,
            "access_key must be configured",
        );
        self.http.validate(map);
    }
}

/// Exactly one of the two ways to give the key.
pub(super) fn validate_secret(map: &mut MapReader<'_, '_>, key: &Secret, file: &FilePath) {
    match (key.is_empty(), file.is_empty()) {
        (true, true) => {
            let message = "one of secret_key & secret_key_file must be configured";
            refuse(map, "secret_key", message, "add `secret_key_file`");
        }
        (false, false) => {
            let message = "at most one of secret_key & secret_key_file must be configured";
            refuse(map, "secret_key_file", message, "keep one of them");
        }
        _ => {}
    }
}
