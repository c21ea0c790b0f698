//! Resources in PuppetDB.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require, require_http_url};
use crate::http::HttpClient;

section! {
    pub struct PuppetDb: "puppetdb.plain" as "*puppetdb.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["url"] pub url: String,
        ["query"] pub query: String,
        ["include_parameters"] pub include_parameters: bool,
        ["port"] pub port: isize = 80,
    }
}

impl PuppetDb {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require_http_url(map, "url", &self.url);
        require(map, "query", &self.query, "query missing");
        self.http.validate(map);
    }
}
