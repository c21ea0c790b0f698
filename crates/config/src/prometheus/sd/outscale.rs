//! Virtual machines of Outscale.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require};
use crate::Secret;
use crate::http::HttpClient;
use crate::text::FilePath;

section! {
    pub struct Outscale: "outscale.plain" as "*outscale.SDConfig", checked {
        ["endpoint", omit] pub endpoint: String,
        ["region"] pub region: String,
        ["access_key"] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["secret_key_file", omit] pub secret_key_file: FilePath,
        ["port"] pub port: isize = 80,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        [inline] pub http: HttpClient,
    }
}

impl Outscale {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require(
            map,
            "region",
            &self.region,
            "outscale SD configuration requires a region",
        );
        let message = "outscale SD configuration requires an access_key";
        require(map, "access_key", &self.access_key, message);
        super::scaleway::validate_secret(map, &self.secret_key, &self.secret_key_file);
        self.http.validate(map);
    }
}
