//! Instances of Vultr.

use model::Duration;
use yaml::MapReader;

use super::MINUTE;
use crate::http::HttpClient;

section! {
    pub struct Vultr: "vultr.plain" as "*vultr.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
    }
}

impl Vultr {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
    }
}
