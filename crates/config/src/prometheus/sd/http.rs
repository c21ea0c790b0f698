//! Target groups from an HTTP endpoint.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require_http_url};
use crate::http::HttpClient;

section! {
    pub struct HttpSd: "http.plain" as "*http.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["url"] pub url: String,
    }
}

impl HttpSd {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require_http_url(map, "url", &self.url);
        self.http.validate(map);
    }
}
