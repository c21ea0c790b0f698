//! Webhooks: the payload as JSON, or one of the user's own.

use yaml::MapReader;

use super::{Completion, both, one_of, refuse};
use crate::alertmanager::loosely_typed::Free;
use crate::alertmanager::urls;
use crate::http::HttpClient;
use crate::place::Place;
use crate::{GoDuration, Secret};

section! {
    pub struct Webhook: "webhook.plain" as "*webhook.WebhookConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["url", omit] pub url: Secret,
        ["url_file"] pub url_file: String,
        ["max_alerts"] pub max_alerts: u64,
        ["timeout"] pub timeout: GoDuration,
        ["payload", omit] pub payload: Free,
    }
}

impl Webhook {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        one_of(map, "url", [self.url.is_empty(), self.url_file.is_empty()]);
        both(map, "url", [self.url.is_empty(), self.url_file.is_empty()]);
        let url = self.url.expose();
        let is_checked = !url.is_empty() && url != crate::secret::HIDDEN && !url.contains("{{");
        if is_checked && let Err(problem) = urls::parse(url) {
            let hint = "write it as in `https://host/path`";
            refuse(map, "url", &format!("invalid URL: {problem}"), hint);
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
        if let Some(problem) = completion.template_problem(self.url.expose()) {
            let message = format!("invalid template syntax: {problem}");
            completion.refuse(self.place, &message, "correct the template in `url`");
        }
    }
}
