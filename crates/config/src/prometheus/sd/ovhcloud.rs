//! Servers of OVHcloud.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;

section! {
    pub struct OvhCloud: "ovhcloud.plain" as "*ovhcloud.SDConfig", checked {
        ["endpoint"] pub endpoint: String = "ovh-eu".to_owned(),
        ["application_key"] pub application_key: String,
        ["application_secret"] pub application_secret: Secret,
        ["consumer_key"] pub consumer_key: Secret,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["service"] pub service: String,
    }
}

impl OvhCloud {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let needed = [
            (
                "endpoint",
                self.endpoint.as_str(),
                "endpoint can not be empty",
            ),
            (
                "application_key",
                &self.application_key,
                "application key can not be empty",
            ),
            (
                "application_secret",
                self.application_secret.expose(),
                "application secret can not be empty",
            ),
            (
                "consumer_key",
                self.consumer_key.expose(),
                "consumer key can not be empty",
            ),
        ];
        for (key, text, message) in needed {
            require(map, key, text, message);
        }
        if !["dedicated_server", "vps"].contains(&self.service.as_str()) {
            let message = format!("unknown service: {}", self.service);
            refuse(map, "service", message, "use `vps` or `dedicated_server`");
        }
    }
}
