//! Servers of a data centre of IONOS.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require};
use crate::http::HttpClient;

section! {
    pub struct Ionos: "ionos.plain" as "*ionos.SDConfig", checked {
        ["datacenter_id"] pub datacenter_id: String,
        [inline] pub http: HttpClient,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
    }
}

impl Ionos {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require(
            map,
            "datacenter_id",
            &self.datacenter_id,
            "datacenter id can't be empty",
        );
        self.http.validate(map);
    }
}
