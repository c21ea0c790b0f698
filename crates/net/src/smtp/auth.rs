//! Logging in: PLAIN (RFC 4616), CRAM-MD5 (RFC 2195) and LOGIN, in the order in which the server offers them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use tokio::io::{AsyncRead, AsyncWrite};

use super::session::Session;
use super::{Login, SmtpError};

/// Challenges of one login.
const CHALLENGES_MAX: usize = 4;
const STEP: &str = "authenticate";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
    CramMd5,
}

/// Logs in by the first mechanism of the server that there is something for. A server that offers none is
/// given the mail without.
pub(super) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut Session<S>,
    login: &Login,
    is_private: bool,
) -> Result<(), SmtpError> {
    let Some(offered) = session.extension("AUTH") else {
        return Ok(());
    };
    let mechanism =
        choose(offered, login).map_err(|why| SmtpError::new("find auth mechanism", why))?;
    if mechanism == Mechanism::Plain && !is_private {
        let problem = "PLAIN would show the password to everybody: the connection is not encrypted";
        return Err(SmtpError::new(STEP, problem));
    }
    let start = match mechanism {
        Mechanism::Plain => {
            let Login {
                identity,
                username,
                password,
                ..
            } = login;
            let words = STANDARD.encode(format!("{identity}\0{username}\0{password}"));
            format!("AUTH PLAIN {words}")
        }
        Mechanism::Login => "AUTH LOGIN".to_owned(),
        Mechanism::CramMd5 => "AUTH CRAM-MD5".to_owned(),
    };
    let mut reply = session.command(STEP, &start).await?;
    for _ in 0..CHALLENGES_MAX {
        if reply.code != 334 {
            reply.expect(STEP, 235)?;
            return Ok(());
        }
        let answer = STANDARD
            .decode(reply.text().trim())
            .map_err(|error| error.to_string())
            .and_then(|challenge| answer(mechanism, login, &challenge));
        match answer {
            Ok(answer) => reply = session.command(STEP, &STANDARD.encode(answer)).await?,
            Err(problem) => {
                // Gives up in form.
                session.command(STEP, "*").await?;
                return Err(SmtpError::new(STEP, problem));
            }
        }
    }
    Err(SmtpError::new(STEP, "the server asks without end"))
}

fn choose(offered: &str, login: &Login) -> Result<Mechanism, String> {
    let mut problems = Vec::new();
    for name in offered.split(' ').filter(|name| !name.is_empty()) {
        let (mechanism, what, text) = match name {
            "CRAM-MD5" => (Mechanism::CramMd5, "secret", &login.secret),
            "PLAIN" => (Mechanism::Plain, "password", &login.password),
            "LOGIN" => (Mechanism::Login, "password", &login.password),
            _ => {
                problems.push(format!("unknown auth mechanism: {name}"));
                continue;
            }
        };
        if text.is_empty() {
            problems.push(format!("missing {what} for {name} auth mechanism"));
            continue;
        }
        return Ok(mechanism);
    }
    Err(problems.join("; "))
}

fn answer(mechanism: Mechanism, login: &Login, challenge: &[u8]) -> Result<String, String> {
    match mechanism {
        Mechanism::Plain => Err("PLAIN has no challenges".to_owned()),
        Mechanism::Login => match String::from_utf8_lossy(challenge).to_lowercase().as_str() {
            "username:" => Ok(login.username.clone()),
            "password:" => Ok(login.password.clone()),
            _ => Err("unexpected server challenge".to_owned()),
        },
        Mechanism::CramMd5 => {
            let mut mac = Hmac::<Md5>::new_from_slice(login.secret.as_bytes())
                .map_err(|error| error.to_string())?;
            mac.update(challenge);
            let digest = mac.finalize().into_bytes();
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("{} {digest}", login.username))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(password: &str, secret: &str) -> Login {
        Login {
            username: "tim".to_owned(),
            identity: String::new(),
            password: password.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// The example of RFC 2195.
    #[test]
    fn cram_md5_as_published() {
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let login = login("", "tanstaaftanstaaf");
        assert_eq!(
            answer(Mechanism::CramMd5, &login, challenge).unwrap(),
            "tim b913a602c7eda7a495b4e6e7334d3890"
        );
    }

    #[test]
    fn the_first_mechanism_with_something_to_log_in_with() {
        let both = login("p", "s");
        assert_eq!(choose("LOGIN PLAIN", &both), Ok(Mechanism::Login));
        assert_eq!(choose("CRAM-MD5 PLAIN", &both), Ok(Mechanism::CramMd5));
        assert_eq!(
            choose("CRAM-MD5 PLAIN", &login("p", "")),
            Ok(Mechanism::Plain)
        );
        assert_eq!(
            choose("XOAUTH2 LOGIN", &login("", "s")).unwrap_err(),
            "unknown auth mechanism: XOAUTH2; missing password for LOGIN auth mechanism"
        );
    }
}
