//! Mails of `alertmanager/notify/goldens.jsonl`: a real conversation with a server of this process, and the
//! mail that comes out of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use net::Overrides;
use net::smtp::{Login, Mail, Security, ServerOptions, SmtpClient};
use net::tls::TlsOptions;
use notify::MailRequest;
use serde_json::Value;

use super::alerts::same;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends the mail and compares what the server got.
pub(super) fn compare(mail: &MailRequest, expected: &Value) -> Result<(), String> {
    let (commands, message) = converse(mail).map_err(|error| format!("conversation: {error:#}"))?;
    let expected_commands: Vec<&str> = texts(&expected["commands"]).collect();
    same(
        "commands",
        &commands.iter().map(String::as_str).collect(),
        &expected_commands,
    )?;
    let (headers, body) = message
        .split_once("\r\n\r\n")
        .ok_or("a mail without a body")?;
    let boundary = headers
        .split_once("boundary=")
        .and_then(|(_, rest)| rest.lines().next())
        .ok_or("no boundary")?;
    let body = body.replace(boundary, "BOUNDARY");
    let expected_body = expected["body"].as_str().unwrap_or_default();
    same("body", &body.trim_end(), &expected_body.trim_end())?;
    let headers = headers.replace(boundary, "BOUNDARY").replace("\r\n ", " ");
    let mut headers: Vec<String> = headers.lines().map(normal).collect();
    headers.sort();
    let expected_headers: Vec<&str> = texts(&expected["headers_sorted"]).collect();
    same(
        "headers",
        &headers.iter().map(String::as_str).collect(),
        &expected_headers,
    )
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A header without what differs each time, once it is seen to have the right form.
fn normal(header: &str) -> String {
    if let Some(date) = header.strip_prefix("Date: ")
        && jiff::fmt::rfc2822::parse(date).is_ok()
    {
        return "Date: <rfc1123z-now>".to_owned();
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(id) = header.strip_prefix("Message-Id: <")
        && let Some((numbers, host)) = id.split_once('@')
        && let Some((nanos, random)) = numbers.split_once('.')
        && is_number(nanos)
        && is_number(random)
        && host.ends_with('>')
    {
        return "Message-Id: <NANOS.RANDOM@HOSTNAME>".to_owned();
    }
    header.to_owned()
}

/// The commands up to DATA, and the message as it came.
fn converse(mail: &MailRequest) -> anyhow::Result<(Vec<String>, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = std::thread::spawn(move || serve(listener.accept()?.0));
    let client = SmtpClient::new(ServerOptions {
        host: "127.0.0.1".to_owned(),
        port,
        hello: "am.example.org".to_owned(),
        security: Security::None,
        tls: TlsOptions::default(),
        overrides: Overrides::default(),
    })?;
    let login = mail.login.as_ref().map(|login| Login {
        username: login.username.clone(),
        identity: login.identity.clone(),
        password: login.password.clone(),
        secret: login.secret.clone(),
    });
    let own = Mail {
        from: mail.from.clone(),
        to: mail.to.clone(),
        message: mail.message.clone(),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(client.send(&own, login.as_ref(), TIMEOUT))?;
    let served = server.join();
    served.map_err(|_| anyhow::anyhow!("the server panicked"))?
}

fn serve(stream: TcpStream) -> anyhow::Result<(Vec<String>, String)> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut commands = Vec::new();
    writer.write_all(b"220 capture ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        anyhow::ensure!(reader.read_line(&mut line)? > 0, "connection closed");
        let line = line.trim_end().to_owned();
        let answer: &[u8] = match line.split(' ').next() {
            Some("EHLO") => b"250-capture\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
            Some("AUTH") => b"235 welcome\r\n",
            Some("DATA") => b"354 go on\r\n",
            _ => b"250 ok\r\n",
        };
        writer.write_all(answer)?;
        commands.push(line);
        if commands.last().is_some_and(|last| last == "DATA") {
            break;
        }
    }
    let mut message = String::new();
    loop {
        let mut line = String::new();
        anyhow::ensure!(reader.read_line(&mut line)? > 0, "connection closed");
        let line = line.strip_suffix("\r\n").unwrap_or(&line);
        if line == "." {
            break;
        }
        message.push_str(line.strip_prefix('.').unwrap_or(line));
        message.push_str("\r\n");
    }
    writer.write_all(b"250 taken\r\n")?;
    Ok((commands, message))
}
