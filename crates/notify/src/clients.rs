//! What integrations send with. A crate that has clients implements [`Clients`]; each integration asks for
//! what it needs when it is built.

use std::sync::Arc;

use config::SigV4;
use config::alertmanager::receivers::Email;
use config::http::HttpClient;

use crate::http::HttpSend;
use crate::mail::MailSend;

/// Makes clients from options. The error is for people and names what is wrong with the options.
pub trait Clients {
    /// A client for HTTP with these options.
    fn http(&self, options: &HttpClient) -> Result<Arc<dyn HttpSend>, String>;

    /// A client whose requests are signed for a service of AWS.
    fn aws(
        &self,
        service: &'static str,
        signing: &SigV4,
        options: &HttpClient,
    ) -> Result<AwsClient, String>;

    /// A client for the mail server of these options.
    fn mail(&self, options: &Email) -> Result<Arc<dyn MailSend>, String>;
}

/// A client that signs for AWS.
#[derive(Debug)]
pub struct AwsClient {
    pub http: Arc<dyn HttpSend>,
    /// From the options or the environment.
    pub region: String,
}

/// Gives every integration the same clients: where what is sent is looked at instead of sent.
#[derive(Debug)]
pub struct SameClients<C>(pub Arc<C>);

impl<C: HttpSend + MailSend + 'static> Clients for SameClients<C> {
    fn http(&self, _options: &HttpClient) -> Result<Arc<dyn HttpSend>, String> {
        Ok(self.0.clone())
    }

    fn aws(
        &self,
        _service: &'static str,
        signing: &SigV4,
        options: &HttpClient,
    ) -> Result<AwsClient, String> {
        Ok(AwsClient {
            http: self.http(options)?,
            region: signing.region.clone(),
        })
    }

    fn mail(&self, _options: &Email) -> Result<Arc<dyn MailSend>, String> {
        Ok(self.0.clone())
    }
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
