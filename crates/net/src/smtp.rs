//! A client for SMTP (RFC 5321): one connection per mail, with STARTTLS, TLS from the start, or none.
//!
//! Alertmanager uses Go's client; this one sends the same commands. Everything that a server sends is
//! bounded, and the whole conversation has one deadline.

mod auth;
mod session;

use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::resolve::Overrides;
use crate::tls::{TlsError, TlsOptions, client_config};
use session::Session;

/// A server that took the mail may take this long to say goodbye.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// How the connection is kept from being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// STARTTLS; a server without it gets no mail.
    StartTls,
    /// TLS before the first word.
    Implicit,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub host: String,
    pub port: u16,
    /// How the client introduces itself.
    pub hello: String,
    pub security: Security,
    pub tls: TlsOptions,
    pub overrides: Overrides,
}

/// What the client may log in with. Empty texts are not there.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    /// Whom to act as, for PLAIN.
    pub identity: String,
    /// For PLAIN and LOGIN.
    pub password: String,
    /// For CRAM-MD5.
    pub secret: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({:?}, <secret>)", self.username)
    }
}

/// A mail with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Addresses without names and angle brackets.
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, lines ended by CR and LF.
    pub message: Vec<u8>,
}

/// Why a mail was not taken, and at which step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {problem}")]
pub struct SmtpError {
    pub step: &'static str,
    pub problem: String,
}

impl SmtpError {
    fn new(step: &'static str, problem: impl std::fmt::Display) -> Self {
        let problem = problem.to_string();
        Self { step, problem }
    }
}

/// A client for one server. The TLS configuration is read for each mail, so that files may change.
#[derive(Clone, Debug)]
pub struct SmtpClient {
    options: ServerOptions,
}

impl SmtpClient {
    /// Fails if the TLS configuration cannot be used.
    pub fn new(options: ServerOptions) -> Result<Self, TlsError> {
        client_config(&options.tls)?;
        Ok(Self { options })
    }

    /// Hands one mail over. It has arrived at the server if this succeeds.
    pub async fn send(
        &self,
        mail: &Mail,
        login: Option<&Login>,
        timeout: Duration,
    ) -> Result<(), SmtpError> {
        tokio::time::timeout(timeout, self.send_without_limit(mail, login))
            .await
            .unwrap_or_else(|_| {
                let problem = format!("no answer within {}s", timeout.as_secs_f64());
                Err(SmtpError::new("waiting for the mail server", problem))
            })
    }

    async fn send_without_limit(
        &self,
        mail: &Mail,
        login: Option<&Login>,
    ) -> Result<(), SmtpError> {
        let options = &self.options;
        let stream = self.connect().await?;
        match options.security {
            Security::Implicit => {
                let stream = self.handshake(stream).await?;
                let mut session = Session::new(stream);
                session.greet(&options.hello).await?;
                self.deliver(session, mail, login).await
            }
            Security::None => {
                let mut session = Session::new(stream);
                session.greet(&options.hello).await?;
                self.deliver(session, mail, login).await
            }
            Security::StartTls => {
                let mut session = Session::new(stream);
                session.greet(&options.hello).await?;
                let stream = session.start_tls().await?;
                let mut session = Session::new(self.handshake(stream).await?);
                session.hello(&options.hello).await?;
                self.deliver(session, mail, login).await
            }
        }
    }

    async fn connect(&self) -> Result<TcpStream, SmtpError> {
        let (host, port) = (self.options.host.as_str(), self.options.port);
        let connected = match self.options.overrides.get(host, port) {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((host, port)).await,
        };
        connected.map_err(|error| {
            SmtpError::new(
                "establish connection to server",
                format_args!("{host}:{port}: {error}"),
            )
        })
    }

    async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SmtpError> {
        let failed = |problem: &dyn std::fmt::Display| {
            SmtpError::new("establish TLS connection to server", problem)
        };
        let options = &self.options;
        let config = client_config(&options.tls).map_err(|error| failed(&error))?;
        let name = options.tls.server_name.as_ref().unwrap_or(&options.host);
        let name = ServerName::try_from(name.clone()).map_err(|error| failed(&error))?;
        TlsConnector::from(std::sync::Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|error| failed(&error))
    }

    async fn deliver<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut session: Session<S>,
        mail: &Mail,
        login: Option<&Login>,
    ) -> Result<(), SmtpError> {
        if let Some(login) = login {
            let is_private = self.options.security != Security::None || self.is_local();
            auth::log_in(&mut session, login, is_private).await?;
        }
        session.hand_over(mail).await?;
        // The mail is the server's now, whatever it says to this.
        let _ =
            tokio::time::timeout(QUIT_TIMEOUT, session.command("send QUIT command", "QUIT")).await;
        Ok(())
    }

    fn is_local(&self) -> bool {
        ["localhost", "127.0.0.1", "::1"].contains(&self.options.host.as_str())
    }
}
