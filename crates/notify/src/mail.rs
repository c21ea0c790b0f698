//! Mail as the integration sees it. A crate with an SMTP client implements [`MailSend`].

use std::fmt;
use std::time::Duration;

use crate::answer::Failure;
use crate::http::BoxFuture;

/// One mail with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRequest {
    /// Addresses without names and angle brackets.
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, lines ended by CR and LF.
    pub message: Vec<u8>,
    pub login: Option<MailLogin>,
    /// For the whole conversation.
    pub timeout: Duration,
}

/// What to log in with; empty texts are not there.
#[derive(Clone, PartialEq, Eq)]
pub struct MailLogin {
    pub username: String,
    pub identity: String,
    pub password: String,
    pub secret: String,
}

impl fmt::Debug for MailLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailLogin({:?}, <secret>)", self.username)
    }
}

/// Why a mail was not taken. All of it may pass, also what a server calls permanent: so does the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailFailure(pub String);

impl From<MailFailure> for Failure {
    fn from(failure: MailFailure) -> Self {
        Self::retriable(failure.0)
    }
}

/// Hands mails to the server of one integration.
pub trait MailSend: fmt::Debug + Send + Sync {
    fn send(&self, request: MailRequest) -> BoxFuture<'_, Result<(), MailFailure>>;
}
