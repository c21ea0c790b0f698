//! `remote_read`: samples fetched from other systems at query time.

use std::collections::BTreeMap;

use model::Duration;
use yaml::MapReader;

use crate::Url;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct RemoteRead: "config.plain" as "*config.RemoteReadConfig", checked {
        [place] pub place: Place,
        ["url"] pub url: Url,
        ["remote_timeout", unless_default] pub remote_timeout: Duration = Duration::from_secs(60),
        ["chunked_read_limit", omit] pub chunked_read_limit: u64 = 50_000_000,
        ["headers", omit] pub headers: BTreeMap<String, String>,
        ["read_recent", omit] pub read_recent: bool,
        ["name", omit] pub name: String,
        [inline] pub http: HttpClient,
        ["required_matchers", omit] pub required_matchers: BTreeMap<String, String>,
        ["filter_external_labels", omit] pub filter_external_labels: bool = true,
    }
}

impl RemoteRead {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.url.is_empty() {
            map.refuse_with_hint(
                "url",
                "url-missing",
                "url for remote_read is empty",
                "add `url`",
            );
        }
        super::remote_write::validate_headers(&self.headers, map);
        self.http.validate(map);
    }
}
