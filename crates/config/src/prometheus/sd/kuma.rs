//! Dataplanes of a Kuma mesh.

use model::Duration;
use yaml::MapReader;

use super::refuse;
use crate::Url;
use crate::http::HttpClient;

section! {
    pub struct Kuma: "xds.plain" as "*xds.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(30),
        ["fetch_timeout", unless_default] pub fetch_timeout: Duration = Duration::from_secs(120),
        ["server", omit] pub server: String,
        ["client_id", omit] pub client_id: String,
    }
}

impl Kuma {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let hint = "as in `http://kuma-control-plane.kuma-system.svc:5676`";
        match Url::parse(&self.server) {
            _ if self.server.is_empty() => {
                refuse(map, "server", "kuma SD server must not be empty: ", hint);
            }
            Err(problem) => refuse(map, "server", problem, hint),
            Ok(url) if url.scheme().is_empty() || url.host().is_empty() => {
                let message = format!(
                    "kuma SD server must not be empty and have a scheme: {}",
                    self.server
                );
                refuse(map, "server", message, hint);
            }
            Ok(_) => {}
        }
        self.http.validate(map);
    }
}
