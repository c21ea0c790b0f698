//! Containers of a Docker daemon.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Url;
use crate::http::HttpClient;

section! {
    pub struct Docker: "moby.plain" as "*moby.DockerSDConfig", checked {
        [inline] pub http: HttpClient,
        ["host"] pub host: String,
        ["port"] pub port: isize = 80,
        ["filters"] pub filters: Vec<Filter>,
        ["host_networking_host"] pub host_networking_host: String = "localhost".to_owned(),
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["match_first_network"] pub match_first_network: bool = true,
    }
}

section! {
    /// A filter of the daemon's API.
    pub struct Filter: "moby.Filter" {
        ["name"] pub name: String,
        ["values"] pub values: Vec<String>,
    }
}

impl Docker {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        validate_host(map, &self.host);
        self.http.validate(map);
    }
}

pub(super) fn validate_host(map: &mut MapReader<'_, '_>, host: &str) {
    require(map, "host", host, "host missing");
    if let Err(problem) = Url::parse(host) {
        refuse(map, "host", problem, "as in `unix:///var/run/docker.sock`");
    }
}
