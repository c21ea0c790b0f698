//! Commands and replies of one connection.

use std::collections::BTreeMap;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Mail, SmtpError};

/// The most bytes of one reply, all of its lines together.
const REPLY_BYTES_MAX: usize = 64 << 10;

pub(super) struct Session<S> {
    stream: S,
    /// Read but not yet looked at.
    unread: Vec<u8>,
    /// What the server can do, by upper-case name.
    extensions: BTreeMap<String, String>,
}

/// What the server said.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Lines without codes.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The reply, if its code is of that class (250 for itself, 2 for all of 2xx).
    pub(super) fn expect(self, step: &'static str, class: u16) -> Result<Self, SmtpError> {
        let fits = self.code == class || self.code / 100 == class;
        if fits {
            return Ok(self);
        }
        Err(SmtpError::new(
            step,
            format!("{} {}", self.code, self.text()),
        ))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
            extensions: BTreeMap::new(),
        }
    }

    /// The first words of both sides.
    pub(super) async fn greet(&mut self, hello: &str) -> Result<(), SmtpError> {
        let step = "read the greeting";
        self.reply(step).await?.expect(step, 220)?;
        self.hello(hello).await
    }

    pub(super) async fn hello(&mut self, hello: &str) -> Result<(), SmtpError> {
        let step = "send EHLO command";
        let hello = if hello.is_empty() { "localhost" } else { hello };
        let reply = self.command(step, &format!("EHLO {hello}")).await?;
        if reply.code / 100 == 5 {
            // An old server.
            let reply = self
                .command("send HELO command", &format!("HELO {hello}"))
                .await?;
            reply.expect("send HELO command", 250)?;
            return Ok(());
        }
        let reply = reply.expect(step, 250)?;
        self.extensions = reply
            .lines
            .iter()
            .skip(1)
            .map(|line| {
                let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
                (name.to_ascii_uppercase(), rest.to_owned())
            })
            .collect();
        Ok(())
    }

    /// The parameters of an extension that the server has.
    pub(super) fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.get(name).map(String::as_str)
    }

    /// Gives the connection back for the handshake.
    pub(super) async fn start_tls(mut self) -> Result<S, SmtpError> {
        let step = "send STARTTLS command";
        if self.extension("STARTTLS").is_none() {
            let problem = "'require_tls' is true (default) but the server does not advertise the \
                           STARTTLS extension";
            return Err(SmtpError::new(step, problem));
        }
        self.command(step, "STARTTLS").await?.expect(step, 220)?;
        if !self.unread.is_empty() {
            // Somebody in between could have put it there; it must not count as said under TLS.
            let problem = "the server said more before the TLS handshake";
            return Err(SmtpError::new(step, problem));
        }
        Ok(self.stream)
    }

    pub(super) async fn hand_over(&mut self, mail: &Mail) -> Result<(), SmtpError> {
        let mut from = format!("MAIL FROM:<{}>", mail.from);
        if self.extension("8BITMIME").is_some() {
            from.push_str(" BODY=8BITMIME");
        }
        if self.extension("SMTPUTF8").is_some() {
            from.push_str(" SMTPUTF8");
        }
        let step = "send MAIL command";
        self.command(step, &from).await?.expect(step, 250)?;
        let step = "send RCPT command";
        for to in &mail.to {
            let reply = self.command(step, &format!("RCPT TO:<{to}>")).await?;
            reply.expect(step, 2)?;
        }
        let step = "send DATA command";
        self.command(step, "DATA").await?.expect(step, 354)?;
        let step = "delivery failure";
        self.write(step, &dotted(&mail.message)).await?;
        self.reply(step).await?.expect(step, 250)?;
        Ok(())
    }

    /// Sends a line and reads the reply to it.
    pub(super) async fn command(
        &mut self,
        step: &'static str,
        line: &str,
    ) -> Result<Reply, SmtpError> {
        if line.contains(['\r', '\n']) {
            return Err(SmtpError::new(step, "a line break within a command"));
        }
        self.write(step, format!("{line}\r\n").as_bytes()).await?;
        self.reply(step).await
    }

    async fn write(&mut self, step: &'static str, bytes: &[u8]) -> Result<(), SmtpError> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| SmtpError::new(step, error))
    }

    async fn reply(&mut self, step: &'static str) -> Result<Reply, SmtpError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        loop {
            let line = self.line(step).await?;
            bytes += line.len();
            if bytes > REPLY_BYTES_MAX {
                return Err(SmtpError::new(step, "the reply is too long"));
            }
            let Some((code, is_last, text)) = parse_line(&line) else {
                let shown: String = line.chars().take(100).collect();
                let problem = format!("this is no SMTP reply: {shown:?}");
                return Err(SmtpError::new(step, problem));
            };
            lines.push(text.to_owned());
            if is_last {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// Without the line break.
    async fn line(&mut self, step: &'static str) -> Result<String, SmtpError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.unread.len() > REPLY_BYTES_MAX {
                return Err(SmtpError::new(step, "the reply is too long"));
            }
            let mut chunk = [0; 4096];
            let count = self
                .stream
                .read(&mut chunk)
                .await
                .map_err(|error| SmtpError::new(step, error))?;
            if count == 0 {
                return Err(SmtpError::new(step, "the server closed the connection"));
            }
            self.unread.extend_from_slice(&chunk[..count]);
        }
    }
}

/// Code, whether it is the last line, text.
fn parse_line(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code = code.parse().ok()?;
    match rest.chars().next() {
        None => Some((code, true, "")),
        Some(' ') => Some((code, true, &rest[1..])),
        Some('-') => Some((code, false, &rest[1..])),
        Some(_) => None,
    }
}

/// With dots doubled at starts of lines, lone line feeds made whole, and the dot that ends a mail.
fn dotted(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    let mut before = b'\n';
    for &byte in message {
        match byte {
            b'.' if before == b'\n' => out.extend_from_slice(b".."),
            b'\n' if before != b'\r' => out.extend_from_slice(b"\r\n"),
            byte => out.push(byte),
        }
        before = byte;
    }
    if before != b'\n' {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_line_breaks() {
        assert_eq!(dotted(b".a\r\n..b\nc."), b"..a\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(dotted(b"a\r\n"), b"a\r\n.\r\n");
    }

    #[test]
    fn replies() {
        assert_eq!(parse_line("250-SIZE 10"), Some((250, false, "SIZE 10")));
        assert_eq!(parse_line("250 ok"), Some((250, true, "ok")));
        assert_eq!(parse_line("354"), Some((354, true, "")));
        for garbage in ["", "25", "2x0 a", "250xa", "HTTP/1.1 200 OK", "ü50 a"] {
            assert_eq!(parse_line(garbage), None, "{garbage}");
        }
    }
}
