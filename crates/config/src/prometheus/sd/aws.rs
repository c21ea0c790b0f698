//! Amazon: EC2, Lightsail, and the provider that takes the kind of service as its role.

use model::Duration;
use yaml::MapReader;

use super::{MINUTE, refuse, require};
use crate::Secret;
use crate::http::HttpClient;
use crate::quote::quote;

section! {
    pub struct Ec2: "aws.plain" as "*aws.EC2SDConfig", checked {
        ["endpoint"] pub endpoint: String,
        ["region"] pub region: String,
        ["access_key", omit] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["profile", omit] pub profile: String,
        ["role_arn", omit] pub role_arn: String,
        ["external_id", omit] pub external_id: String,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["filters"] pub filters: Vec<Ec2Filter>,
        [inline] pub http: HttpClient,
    }
}

section! {
    pub struct Ec2Filter: "aws.EC2Filter" as "*aws.EC2Filter" {
        ["name"] pub name: String,
        ["values"] pub values: Vec<String>,
    }
}

section! {
    pub struct Lightsail: "aws.plain" as "*aws.LightsailSDConfig", checked {
        ["endpoint"] pub endpoint: String,
        ["region"] pub region: String,
        ["access_key", omit] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["profile", omit] pub profile: String,
        ["role_arn", omit] pub role_arn: String,
        ["external_id", omit] pub external_id: String,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        [inline] pub http: HttpClient,
    }
}

section! {
    /// One section for all kinds of service; `role` names the kind.
    pub struct Aws: "aws.plain" as "*aws.SDConfig", checked {
        ["role"] pub role: String,
        ["endpoint", omit] pub endpoint: String,
        ["region", omit] pub region: String,
        ["access_key", omit] pub access_key: String,
        ["secret_key", omit] pub secret_key: Secret,
        ["profile", omit] pub profile: String,
        ["role_arn", omit] pub role_arn: String,
        ["external_id", omit] pub external_id: String,
        ["clusters", omit] pub clusters: Vec<String>,
        ["request_concurrency", omit] pub request_concurrency: isize,
        ["refresh_interval", unless_default] pub refresh_interval: Duration = MINUTE,
        ["port"] pub port: isize = 80,
        ["filters", omit] pub filters: Vec<Ec2Filter>,
        [inline] pub http: HttpClient,
    }
}

impl Ec2 {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        validate_filters(&self.filters, map);
        self.http.validate(map);
    }
}

impl Lightsail {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
    }
}

const ROLES: [&str; 6] = ["ec2", "ecs", "lightsail", "msk", "rds", "elasticache"];

impl Aws {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        require(
            map,
            "role",
            &self.role,
            "role missing (one of: ec2, ecs, lightsail, msk, rds, elasticache)",
        );
        if !self.role.is_empty() && !ROLES.contains(&self.role.as_str()) {
            let message = format!("unknown AWS SD role {}", quote(&self.role));
            refuse(
                map,
                "role",
                message,
                &format!("one of {}", ROLES.join(", ")),
            );
        }
        validate_filters(&self.filters, map);
        self.http.validate(map);
    }
}

fn validate_filters(filters: &[Ec2Filter], map: &mut MapReader<'_, '_>) {
    if filters.iter().any(|filter| filter.values.is_empty()) {
        let message = "EC2 SD configuration filter values cannot be empty";
        refuse(
            map,
            "filters",
            message,
            "list the values that the filter accepts",
        );
    }
}
