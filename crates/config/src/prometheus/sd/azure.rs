//! Virtual machines of Azure.

use model::Duration;
use yaml::MapReader;

use super::{refuse, require};
use crate::Secret;
use crate::http::HttpClient;
use crate::quote::quote;

section! {
    pub struct Azure: "azure.plain" as "*azure.SDConfig", checked {
        ["environment", omit] pub environment: String = "AzurePublicCloud".to_owned(),
        ["port"] pub port: isize = 80,
        ["subscription_id"] pub subscription_id: String,
        ["tenant_id", omit] pub tenant_id: String,
        ["client_id", omit] pub client_id: String,
        ["client_secret", omit] pub client_secret: Secret,
        ["refresh_interval", unless_default]
        pub refresh_interval: Duration = Duration::from_secs(300),
        ["authentication_method", omit] pub authentication_method: String = "OAuth".to_owned(),
        ["resource_group", omit] pub resource_group: String,
        [inline] pub http: HttpClient,
    }
}

impl Azure {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let mut needed = vec![("subscription_id", self.subscription_id.as_str())];
        if self.authentication_method == "OAuth" {
            needed.push(("tenant_id", &self.tenant_id));
            needed.push(("client_id", &self.client_id));
            needed.push(("client_secret", self.client_secret.expose()));
        }
        for (key, text) in needed {
            require(
                map,
                key,
                text,
                &format!("azure SD configuration requires a {key}"),
            );
        }
        let known = ["OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"];
        if !known.contains(&self.authentication_method.as_str()) {
            let message = format!(
                "unknown authentication_type {}. Supported types are \"OAuth\", \"ManagedIdentity\", \
                 \"SDK\" or \"WorkloadIdentity\"",
                quote(&self.authentication_method)
            );
            refuse(
                map,
                "authentication_method",
                message,
                "`OAuth` is the default",
            );
        }
        self.http.validate(map);
    }
}
