//! The web UI: its pages, its files, and where `/` leads.
//!
//! The files are made by `ui/` and handed over by the program; without them every page says how to build
//! them. `pages` is the table of paths, from which the UI's own table is generated.
//!
//! Index and files are found from any depth and behind any prefix, without changing the text: the index
//! names its files as `./assets/NAME`, and a known NAME is served below every folder called `assets`.

mod files;
mod pages;

use net::axum::Router;
use net::axum::extract::State;
use net::axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use net::axum::response::{IntoResponse, Response};
use net::axum::routing::{MethodRouter, get};

pub use files::UiFile;
pub use pages::{PAGES, Page};

use crate::sources::AlertingApi;

/// The page of Prometheus 2 that all its links lead to.
const OLD_GRAPH: &str = "/graph";

/// To a page, below the path of the external URL, with the query string; as the peer answers.
fn redirect(api: &AlertingApi, page: &str, uri: &Uri) -> Response {
    let external = &api.external_url;
    let after_scheme = external.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..));
    let path = path.unwrap_or_default().trim_end_matches('/');
    let query = uri.query().map(|query| format!("?{query}"));
    let target = format!("{path}/{page}{}", query.unwrap_or_default());
    let shown: String = target
        .chars()
        .map(|character| match character {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            '"' => "&#34;".to_owned(),
            '\'' => "&#39;".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let Ok(location) = HeaderValue::from_str(&target) else {
        return crate::not_found();
    };
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(header::LOCATION, location), (header::CONTENT_TYPE, html)];
    (
        StatusCode::FOUND,
        headers,
        format!("<a href=\"{shown}\">Found</a>.\n\n"),
    )
        .into_response()
}

/// Which page `/` opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// Several roles run.
    #[default]
    Overview,
    /// Run as Prometheus.
    Query,
    /// Run as Alertmanager.
    Alerts,
    /// Run as Prometheus in agent mode.
    Agent,
}

impl Home {
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "status",
            Self::Query => "query",
            Self::Alerts => "alerts",
            Self::Agent => "agent",
        }
    }
}

/// What the program hands over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ui {
    /// Built files; none if the program was built without them.
    pub files: &'static [UiFile],
    pub home: Home,
}

impl Ui {
    /// To the home page.
    pub(crate) fn to_home(self) -> MethodRouter<AlertingApi> {
        let home = self.home.path();
        get(
            move |State(api): State<AlertingApi>, uri: Uri| async move { redirect(&api, home, &uri) },
        )
    }

    pub(crate) fn router(self) -> Router<AlertingApi> {
        let mut router = Router::new();
        for page in PAGES.iter().filter(|page| page.path != OLD_GRAPH) {
            let index = move |headers: HeaderMap| async move { self.index(&headers) };
            router = router.route(page.path, get(index));
        }
        let to_query =
            |State(api): State<AlertingApi>, uri: Uri| async move { redirect(&api, "query", &uri) };
        router.route(OLD_GRAPH, get(to_query))
    }

    /// For paths that nothing else answers.
    pub(crate) fn fallback(self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let file = uri
            .path()
            .rsplit_once("/assets/")
            .and_then(|(_, name)| files::find(self.files, name));
        match file {
            Some(file) if reads => file.answer(headers),
            None if reads && pages::is_page_otherwise(uri.path()) => self.index(headers),
            _ => crate::not_found(),
        }
    }

    fn index(self, headers: &HeaderMap) -> Response {
        match files::find(self.files, "index.html") {
            Some(index) => index.answer(headers),
            None => files::how_to_build().into_response(),
        }
    }
}
