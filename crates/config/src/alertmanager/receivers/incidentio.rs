//! incident.io alert sources.

use yaml::MapReader;

use super::{Completion, both, one_of, refuse};
use crate::alertmanager::urls::ApiUrl;
use crate::http::HttpClient;
use crate::place::Place;
use crate::{GoDuration, Secret};

section! {
    pub struct IncidentIo: "incidentio.plain" as "*incidentio.IncidentioConfig", checked {
        [place] pub place: Place,
        ["send_resolved"] pub send_resolved: bool = true,
        ["http_config", some] pub http: Option<HttpClient>,
        ["url"] pub url: ApiUrl,
        ["url_file"] pub url_file: String,
        ["alert_source_token", omit] pub alert_source_token: Secret,
        ["alert_source_token_file", omit] pub alert_source_token_file: String,
        ["max_alerts"] pub max_alerts: u64,
        ["timeout"] pub timeout: GoDuration,
    }
}

impl IncidentIo {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        one_of(map, "url", [self.url.is_empty(), self.url_file.is_empty()]);
        both(map, "url", [self.url.is_empty(), self.url_file.is_empty()]);
        let tokens = [
            self.alert_source_token.is_empty(),
            self.alert_source_token_file.is_empty(),
        ];
        both(map, "alert_source_token", tokens);
        let has_token = tokens != [true, true];
        let Some(http) = &self.http else { return };
        match (http.authorization.is_some(), has_token) {
            (true, true) => {
                let message = "cannot specify alert_source_token or alert_source_token_file when \
                               using http_config.authorization";
                refuse(map, "http_config", message, "keep one of them");
            }
            (false, false) => {
                let message = "at least one of alert_source_token, alert_source_token_file or \
                               http_config.authorization must be configured";
                refuse(map, "http_config", message, "add `alert_source_token`");
            }
            _ => {}
        }
    }

    /// Takes from `global` what the receiver leaves open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        let global = completion.global;
        self.http
            .get_or_insert_with(|| global.http.clone().unwrap_or_default());
    }
}
