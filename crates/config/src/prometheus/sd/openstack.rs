//! Instances, hypervisors and load balancers of OpenStack.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;
use crate::http::Tls;
use crate::quote::quote;

section! {
    pub struct OpenStack: "openstack.plain" as "*openstack.SDConfig", checked {
        ["identity_endpoint"] pub identity_endpoint: String,
        ["username"] pub username: String,
        ["userid"] pub userid: String,
        ["password"] pub password: Secret,
        ["project_name"] pub project_name: String,
        ["project_id"] pub project_id: String,
        ["domain_name"] pub domain_name: String,
        ["domain_id"] pub domain_id: String,
        ["application_credential_name"] pub application_credential_name: String,
        ["application_credential_id"] pub application_credential_id: String,
        ["application_credential_secret"] pub application_credential_secret: Secret,
        ["role"] pub role: String,
        ["region"] pub region: String,
        ["refresh_interval"] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["all_tenants", omit] pub all_tenants: bool,
        ["tls_config", unless_default] pub tls: Tls,
        ["availability", omit] pub availability: String = "public".to_owned(),
    }
}

impl OpenStack {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let known = ["instance", "hypervisor", "loadbalancer"];
        if !self.role.is_empty() && !known.contains(&self.role.as_str()) {
            let message = format!("unknown OpenStack SD role {}", quote(&self.role));
            refuse(
                map,
                "role",
                message,
                "one of instance, hypervisor, loadbalancer",
            );
        }
        if !["public", "internal", "admin"].contains(&self.availability.as_str()) {
            let message = format!(
                "unknown availability {}, must be one of admin, internal or public",
                self.availability
            );
            refuse(map, "availability", message, "`public` is the default");
        }
        let message = "role missing (one of: instance, hypervisor, loadbalancer)";
        require(map, "role", &self.role, message);
        require(
            map,
            "region",
            &self.region,
            "openstack SD configuration requires a region",
        );
    }
}
