//! Paths of one API, remembered: the router of axum cannot be asked what it answers, and the OpenAPI
//! documents must name exactly that.

use std::collections::BTreeSet;

use net::axum::Router;
use net::axum::handler::Handler;
use net::axum::routing::{MethodFilter, on};

/// Routes below one root, such as `/api/v1`, with handlers over a state.
pub(crate) struct Routes<S> {
    router: Router<S>,
    known: BTreeSet<(&'static str, &'static str)>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            known: BTreeSet::new(),
        }
    }

    pub(crate) fn get<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(path, MethodFilter::GET, &["get"], handler)
    }

    pub(crate) fn post<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(path, MethodFilter::POST, &["post"], handler)
    }

    /// GET with a query string, or POST with a form.
    pub(crate) fn form<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        let filter = MethodFilter::GET.or(MethodFilter::POST);
        self.on(path, filter, &["get", "post"], handler)
    }

    pub(crate) fn delete<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
    ) -> Self {
        self.on(path, MethodFilter::DELETE, &["delete"], handler)
    }

    /// POST or PUT: something is done.
    pub(crate) fn action<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
    ) -> Self {
        let filter = MethodFilter::POST.or(MethodFilter::PUT);
        self.on(path, filter, &["post", "put"], handler)
    }

    fn on<H: Handler<T, S>, T: 'static>(
        mut self,
        path: &'static str,
        filter: MethodFilter,
        methods: &[&'static str],
        handler: H,
    ) -> Self {
        self.known
            .extend(methods.iter().map(|method| (path, *method)));
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// Paths with the methods that they take, in lower case.
    pub(crate) fn known(&self) -> &BTreeSet<(&'static str, &'static str)> {
        &self.known
    }

    pub(crate) fn into_router(self) -> Router<S> {
        self.router
    }
}
