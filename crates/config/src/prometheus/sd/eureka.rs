//! Instances registered with Eureka.

use model::Duration;
use yaml::MapReader;

use super::refuse;
use crate::Url;
use crate::http::HttpClient;

section! {
    pub struct Eureka: "eureka.plain" as "*eureka.SDConfig", checked {
        ["server", omit] pub server: String,
        [inline] pub http: HttpClient,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(30),
    }
}

impl Eureka {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let hint = "as in `http://eureka:8761/eureka`";
        if self.server.is_empty() {
            refuse(
                map,
                "server",
                "eureka_sd: empty or null eureka server",
                hint,
            );
        } else {
            match Url::parse(&self.server) {
                Err(problem) => refuse(map, "server", problem, hint),
                Ok(url) if url.scheme().is_empty() || url.host().is_empty() => {
                    refuse(map, "server", "eureka_sd: invalid eureka server URL", hint);
                }
                Ok(_) => {}
            }
        }
        self.http.validate(map);
    }
}
