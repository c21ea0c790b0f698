//! Microsoft Teams by the old connectors.

use yaml::MapReader;

use super::{Completion, both, one_of};
use crate::alertmanager::urls::SecretUrl;
use crate::http::HttpClient;
use crate::place::Place;

section! {
    pub struct MsTeams: "msteams.plain" as "*msteams.MSTeamsConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["webhook_url", omit] pub webhook_url: SecretUrl,
        ["webhook_url_file", omit] pub webhook_url_file: String,
        ["title", omit] pub title: String = r#"{{ template "msteams.default.title" . }}"#.to_owned(),
        ["summary", omit] pub summary: String = r#"{{ template "msteams.default.summary" . }}"#.to_owned(),
        ["text", omit] pub text: String = r#"{{ template "msteams.default.text" . }}"#.to_owned(),
    }
}

impl MsTeams {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        one_of(
            map,
            "webhook_url",
            [
                self.webhook_url.is_empty(),
                self.webhook_url_file.is_empty(),
            ],
        );
        both(
            map,
            "webhook_url",
            [
                self.webhook_url.is_empty(),
                self.webhook_url_file.is_empty(),
            ],
        );
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
    }
}
