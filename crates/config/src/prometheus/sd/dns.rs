//! Records in the DNS.

use model::Duration;
use yaml::MapReader;

use super::refuse;

section! {
    pub struct Dns: "dns.plain" as "*dns.SDConfig", checked {
        ["names"] pub names: Vec<String>,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(30),
        ["type"] pub record_type: String = "SRV".to_owned(),
        ["port"] pub port: isize,
    }
}

impl Dns {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.names.is_empty() {
            let message = "DNS-SD config must contain at least one SRV record name";
            refuse(map, "names", message, "add `names`");
        }
        match self.record_type.to_ascii_uppercase().as_str() {
            "SRV" | "MX" | "NS" => {}
            "A" | "AAAA" if self.port != 0 => {}
            "A" | "AAAA" => {
                let message = "a port is required in DNS-SD configs for all record types except SRV, \
                               MX and NS";
                refuse(map, "port", message, "add `port`");
            }
            _ => {
                let message = format!("invalid DNS-SD records type {}", self.record_type);
                refuse(map, "type", message, "one of SRV, A, AAAA, MX, NS");
            }
        }
    }
}
