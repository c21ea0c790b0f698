//! Tasks, services and nodes of a Docker swarm.

use model::Duration;
use yaml::MapReader;

use super::docker::validate_host;
use super::{Filter, MINUTE, refuse};
use crate::http::HttpClient;

section! {
    pub struct DockerSwarm: "moby.plain" as "*moby.DockerSwarmSDConfig", checked {
        [inline] pub http: HttpClient,
        ["host"] pub host: String,
        ["role"] pub role: String,
        ["port"] pub port: isize = 80,
        ["filters"] pub filters: Vec<Filter>,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
    }
}

impl DockerSwarm {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        validate_host(map, &self.host);
        match self.role.as_str() {
            "services" | "nodes" | "tasks" => {}
            "" => refuse(
                map,
                "role",
                "role missing (one of: tasks, services, nodes)",
                "add `role`",
            ),
            other => {
                let message = format!("invalid role {other}, expected tasks, services, or nodes");
                refuse(map, "role", message, "use one of the three");
            }
        }
        self.http.validate(map);
    }
}
