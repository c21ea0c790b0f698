//! Droplets of DigitalOcean.

use model::Duration;
use yaml::MapReader;

use super::MINUTE;
use crate::http::HttpClient;

section! {
    pub struct DigitalOcean: "digitalocean.plain" as "*digitalocean.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
    }
}

impl DigitalOcean {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
    }
}
