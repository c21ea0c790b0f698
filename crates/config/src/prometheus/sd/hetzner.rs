//! Servers of Hetzner, by either of its two APIs.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse};
use crate::http::HttpClient;
use crate::quote::quote;

section! {
    pub struct Hetzner: "hetzner.plain" as "*hetzner.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["role"] pub role: String,
        ["label_selector", omit] pub label_selector: String,
    }
}

impl Hetzner {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        match self.role.as_str() {
            "robot" | "hcloud" => {}
            "" => refuse(
                map,
                "role",
                "role missing (one of: robot, hcloud)",
                "add `role`",
            ),
            other => {
                let message = format!("unknown role {}", quote(other));
                refuse(map, "role", message, "use `robot` or `hcloud`");
            }
        }
        self.http.validate(map);
    }
}
