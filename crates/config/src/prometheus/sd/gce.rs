//! Instances of Google Compute Engine.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, require};

section! {
    pub struct Gce: "gce.plain" as "*gce.SDConfig", checked {
        ["project"] pub project: String,
        ["zone"] pub zone: String,
        ["filter", omit] pub filter: String,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["tag_separator", omit] pub tag_separator: String = ",".to_owned(),
    }
}

impl Gce {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require(
            map,
            "project",
            &self.project,
            "GCE SD configuration requires a project",
        );
        require(
            map,
            "zone",
            &self.zone,
            "GCE SD configuration requires a zone",
        );
    }
}
