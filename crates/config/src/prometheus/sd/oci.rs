//! Instances of Oracle Cloud.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse};
use crate::Secret;
use crate::http::HttpClient;
use crate::quote::quote;
use crate::text::FilePath;

section! {
    pub struct Oci: "oci.plain" as "*oci.SDConfig", checked {
        ["auth", omit] pub auth: String = "api_key".to_owned(),
        ["region", omit] pub region: String,
        ["tenancy", omit] pub tenancy: String,
        ["user", omit] pub user: String,
        ["fingerprint", omit] pub fingerprint: String,
        ["key_file", omit] pub key_file: FilePath,
        ["key_passphrase", omit] pub key_passphrase: Secret,
        ["compartments", omit] pub compartments: Vec<String>,
        ["port"] pub port: isize = 80,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        [inline] pub http: HttpClient,
    }
}

impl Oci {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        match self.auth.as_str() {
            "api_key" => {
                let needed = [
                    ("tenancy", &self.tenancy),
                    ("user", &self.user),
                    ("fingerprint", &self.fingerprint),
                    ("key_file", &self.key_file.0),
                ];
                for (key, text) in needed {
                    let message = format!("oci_sd: {key} is required for auth \"api_key\"");
                    super::require(map, key, text, &message);
                }
            }
            "instance_principal" => {}
            other => {
                let message = format!(
                    "oci_sd: unknown auth method {}, expected \"api_key\" or \"instance_principal\"",
                    quote(other)
                );
                refuse(map, "auth", message, "use one of the two");
            }
        }
        self.http.validate(map);
    }
}
