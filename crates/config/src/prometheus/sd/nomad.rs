//! Services registered with Nomad.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require};
use crate::http::HttpClient;

section! {
    pub struct Nomad: "nomad.plain" as "*nomad.SDConfig", checked {
        ["allow_stale"] pub allow_stale: bool = true,
        [inline] pub http: HttpClient,
        ["namespace"] pub namespace: String = "default".to_owned(),
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["region"] pub region: String = "global".to_owned(),
        ["server"] pub server: String = "http://localhost:4646".to_owned(),
        ["tag_separator", omit] pub tag_separator: String = ",".to_owned(),
    }
}

impl Nomad {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let server = self.server.trim();
        require(
            map,
            "server",
            server,
            "nomad SD configuration requires a server address",
        );
        self.http.validate(map);
    }
}
