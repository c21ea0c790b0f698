//! Servers of STACKIT.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;
use crate::Url;
use crate::http::HttpClient;
use crate::quote::quote;
use crate::text::FilePath;

section! {
    pub struct Stackit: "stackit.plain" as "*stackit.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["project"] pub project: String,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["region"] pub region: String = "eu01".to_owned(),
        ["endpoint", omit] pub endpoint: String,
        ["service_account_key", omit] pub service_account_key: Secret,
        ["private_key", omit] pub private_key: Secret,
        ["service_account_key_path", omit] pub service_account_key_path: FilePath,
        ["private_key_path", omit] pub private_key_path: FilePath,
        ["credentials_file_path", omit] pub credentials_file_path: FilePath,
    }
}

impl Stackit {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if let Err(problem) = Url::parse(&self.endpoint) {
            let message = format!(
                "stackit_sd: invalid endpoint {}: {problem}",
                quote(&self.endpoint)
            );
            refuse(map, "endpoint", message, "write it as in `https://host`");
        }
        require(
            map,
            "project",
            &self.project,
            "stackit_sd: project is required",
        );
        self.http.validate(map);
    }
}
