//! Mail servers from the configuration, and the adapter to what `notify` asks for.

use config::alertmanager::receivers::Email;
use net::Overrides;
use net::smtp::{Login, Mail, Security, ServerOptions, SmtpClient};
use notify::{BoxFuture, MailFailure, MailRequest, MailSend};

use crate::http_client;

/// What stands for a port in Go's resolver too.
const PORT_NAMES: [(&str, u16); 4] = [
    ("smtp", 25),
    ("submission", 587),
    ("submissions", 465),
    ("smtps", 465),
];

fn mail_server(options: &Email, overrides: &Overrides) -> Result<ServerOptions, String> {
    let smarthost = &options.smarthost;
    let named = PORT_NAMES
        .iter()
        .find(|(name, _)| *name == smarthost.port)
        .map(|(_, port)| *port);
    let Some(port) = named.or_else(|| smarthost.port.parse().ok()) else {
        return Err(format!(
            "smarthost {smarthost}: the port is not a number up to 65535"
        ));
    };
    let security = if options.force_implicit_tls.unwrap_or(port == 465) {
        Security::Implicit
    } else if options.require_tls.unwrap_or(true) {
        Security::StartTls
    } else {
        Security::None
    };
    Ok(ServerOptions {
        host: smarthost.host.clone(),
        port,
        hello: options.hello.clone(),
        security,
        tls: http_client::tls_options(&options.tls.clone().unwrap_or_default())?,
        overrides: overrides.clone(),
    })
}

/// Hands over mails for one integration.
#[derive(Debug)]
pub(crate) struct MailSender(SmtpClient);

impl MailSender {
    pub(crate) fn new(options: &Email, overrides: &Overrides) -> Result<Self, String> {
        let server = mail_server(options, overrides)?;
        SmtpClient::new(server)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl MailSend for MailSender {
    fn send(&self, request: MailRequest) -> BoxFuture<'_, Result<(), MailFailure>> {
        Box::pin(async move {
            let login = request.login.map(|login| Login {
                username: login.username,
                identity: login.identity,
                password: login.password,
                secret: login.secret,
            });
            let mail = Mail {
                from: request.from,
                to: request.to,
                message: request.message,
            };
            let sent = self.0.send(&mail, login.as_ref(), request.timeout).await;
            sent.map_err(|error| MailFailure(error.to_string()))
        })
    }
}
