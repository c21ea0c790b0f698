//! Containers and compute nodes of Triton.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::http::Tls;

section! {
    pub struct Triton: "triton.plain" as "*triton.SDConfig", checked {
        ["account"] pub account: String,
        ["role"] pub role: String = "container".to_owned(),
        ["dns_suffix"] pub dns_suffix: String,
        ["endpoint"] pub endpoint: String,
        ["groups", omit] pub groups: Vec<String>,
        ["port"] pub port: isize = 9163,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["tls_config", unless_default] pub tls: Tls,
        ["version"] pub version: isize = 1,
    }
}

impl Triton {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if !["container", "cn"].contains(&self.role.as_str()) {
            let message = "triton SD configuration requires role to be 'container' or 'cn'";
            refuse(map, "role", message, "`container` is the default");
        }
        require(
            map,
            "account",
            &self.account,
            "triton SD configuration requires an account",
        );
        let message = "triton SD configuration requires a dns_suffix";
        require(map, "dns_suffix", &self.dns_suffix, message);
        require(
            map,
            "endpoint",
            &self.endpoint,
            "triton SD configuration requires an endpoint",
        );
        if self.refresh_interval.is_zero() {
            let message =
                "triton SD configuration requires RefreshInterval to be a positive integer";
            refuse(map, "refresh_interval", message, "`60s` is the default");
        }
    }
}
