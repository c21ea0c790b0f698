//! The web UI: its pages, its files, and where `/` leads.
//!
//! The files are made by `ui/` and handed over by the program; without them every page says how to build
//! them. `pages` is the table of paths, from which the UI's own table is generated.
//!
//! Index and files are found from any depth and behind any prefix, without changing the text: the index
//! names its files as `./assets/NAME`, and a known NAME is served below every folder called `assets`.

mod files;
mod pages;

use std::sync::Arc;

use net::axum::Router;
use net::axum::http::{HeaderMap, Method, Uri};
use net::axum::response::{IntoResponse, Redirect, Response};
use net::axum::routing::{MethodRouter, get};

pub use files::UiFile;
pub use pages::{PAGES, Page};

use crate::sources::Api;

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
}

impl Home {
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "status",
            Self::Query => "query",
            Self::Alerts => "alerts",
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
    /// To the home page, from a path that ends with a slash: relative, so that it works behind any proxy.
    pub(crate) fn to_home<S: Clone + Send + Sync + 'static>(self) -> MethodRouter<S> {
        let home = self.home.path();
        get(move |uri: Uri| async move {
            let query = uri.query().map(|query| format!("?{query}"));
            Redirect::temporary(&format!("./{home}{}", query.unwrap_or_default()))
        })
    }

    pub(crate) fn router(self) -> Router<Arc<Api>> {
        let mut router = Router::new();
        for page in PAGES {
            let index = move |headers: HeaderMap| async move { self.index(&headers) };
            router = router.route(page.path, get(index));
        }
        router
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
