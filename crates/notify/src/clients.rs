//! What integrations send with. A crate that has clients implements [`Clients`]; each integration asks for
//! what it needs when it is built.

use std::sync::Arc;

use config::http::HttpClient;

use crate::http::HttpSend;

/// Makes clients from options. The error is for people and names what is wrong with the options.
pub trait Clients {
    /// A client for HTTP with these options.
    fn http(&self, options: &HttpClient) -> Result<Arc<dyn HttpSend>, String>;
}

/// A client with the options of the integration, which the configuration has filled in.
pub(crate) fn http(
    clients: &dyn Clients,
    options: Option<&HttpClient>,
) -> Result<Arc<dyn HttpSend>, String> {
    match options {
        Some(options) => clients.http(options),
        None => clients.http(&HttpClient::default()),
    }
}
