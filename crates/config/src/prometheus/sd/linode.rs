//! Instances of Linode.

use model::Duration;
use yaml::MapReader;

use super::MINUTE;
use crate::http::HttpClient;

section! {
    pub struct Linode: "linode.plain" as "*linode.SDConfig", checked {
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["tag_separator", omit] pub tag_separator: String = ",".to_owned(),
        ["region", omit] pub region: String,
    }
}

impl Linode {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
    }
}
