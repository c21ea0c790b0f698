//! Amazon SNS.

use std::collections::BTreeMap;

use yaml::MapReader;

use super::{Completion, refuse};
use crate::SigV4;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct Sns: "sns.plain" as "*sns.SNSConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["api_url", omit] pub api_url: String,
        ["sigv4"] pub sigv4: SigV4,
        ["topic_arn", omit] pub topic_arn: String,
        ["phone_number", omit] pub phone_number: String,
        ["target_arn", omit] pub target_arn: String,
        ["subject", omit] pub subject: String = r#"{{ template "sns.default.subject" . }}"#.to_owned(),
        ["message", omit] pub message: String = r#"{{ template "sns.default.message" . }}"#.to_owned(),
        ["attributes", omit] pub attributes: BTreeMap<String, String>,
        ["use_aws_http_client", omit] pub use_aws_http_client: bool,
    }
}

impl Sns {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        // The peer counts by parity, hence accepts all three together; so do configurations that exist.
        let empty = [&self.target_arn, &self.topic_arn, &self.phone_number];
        if empty.iter().filter(|text| text.is_empty()).count() % 2 == 1 {
            let message =
                "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config";
            refuse(map, "topic_arn", message, "keep exactly one of them");
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
    }
}
