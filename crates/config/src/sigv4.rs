//! Signing of requests for AWS.

use yaml::MapReader;

use crate::Secret;

section! {
    /// Empty means: credentials and region from the environment of the AWS libraries.
    pub struct SigV4: "sigv4.plain", checked {
        ["region", omit] pub region: String,
        ["access_key", omit] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["profile", omit] pub profile: String,
        ["role_arn", omit] pub role_arn: String,
        ["external_id", omit] pub external_id: String,
        ["use_fips_sts_endpoint", omit] pub use_fips_sts_endpoint: bool,
        ["service_name", omit] pub service_name: String,
    }
}

impl SigV4 {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.access_key.is_empty() != self.secret_key.is_empty() {
            map.refuse_with_hint(
                "access_key",
                "sigv4-half-credentials",
                "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in \
                 the SigV4 config",
                "give both `access_key` and `secret_key`, or neither",
            );
        }
        if !self.external_id.is_empty() && self.role_arn.is_empty() {
            map.refuse_with_hint(
                "external_id",
                "sigv4-external-id",
                "external_id can only be used with role_arn",
                "add `role_arn` or remove `external_id`",
            );
        }
    }
}
