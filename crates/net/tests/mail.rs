//! The SMTP client against a server with TLS, over loopback. The certificate of `fixtures/` is for these
//! tests only, and so is its key.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use net::Overrides;
use net::smtp::{Login, Mail, Security, ServerOptions, SmtpClient};
use net::tls::{Pem, TlsOptions};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const CERT: &str = include_str!("fixtures/localhost.crt");
const KEY: &str = include_str!("fixtures/localhost.key");

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let cert = CertificateDer::from_pem_slice(CERT.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers commands until the client is to change to TLS (gives the stream back) or leaves. Keeps what it heard.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    extensions: &str,
    heard: &mut Vec<String>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let mut is_message = false;
    let mut asks = ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"].into_iter();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        heard.push(line.clone());
        let reply = match line.split(' ').next().unwrap_or("") {
            "." => {
                is_message = false;
                "250 taken".to_owned()
            }
            _ if is_message => continue,
            "EHLO" => format!("250-hi\r\n250 {extensions}"),
            "STARTTLS" => {
                stream.write_all(b"220 go\r\n").await.ok()?;
                return Some(stream.into_inner());
            }
            "AUTH" if line == "AUTH CRAM-MD5" => {
                // `<1896.697170952@postoffice.reston.mci.net>`, of RFC 2195.
                "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+".to_owned()
            }
            "AUTH" => format!("334 {}", asks.next().unwrap_or("")),
            "MAIL" | "RCPT" => "250 ok".to_owned(),
            "DATA" => {
                is_message = true;
                "354 go on".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            // An answer to a challenge.
            _ => match asks.next() {
                Some(ask) if extensions.contains("LOGIN") => format!("334 {ask}"),
                _ => "235 in".to_owned(),
            },
        };
        stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .ok()?;
    }
}

fn client(port: u16, security: Security, tls: TlsOptions) -> SmtpClient {
    SmtpClient::new(ServerOptions {
        host: "localhost".to_owned(),
        port,
        hello: "me".to_owned(),
        security,
        tls,
        overrides: Overrides::parse([format!("localhost:{port}=127.0.0.1:{port}").as_str()])
            .unwrap(),
    })
    .unwrap()
}

fn trusting() -> TlsOptions {
    TlsOptions {
        ca: Some(Pem::Text(CERT.to_owned())),
        ..TlsOptions::default()
    }
}

async fn send(client: &SmtpClient) -> Result<(), String> {
    let mail = Mail {
        from: "a@b".to_owned(),
        to: vec!["c@d".to_owned()],
        message: b"X: y\r\n\r\n.dot\r\n".to_vec(),
    };
    let login = Login {
        username: "tim".to_owned(),
        identity: String::new(),
        password: "pass".to_owned(),
        secret: "tanstaaftanstaaf".to_owned(),
    };
    let sent = client
        .send(&mail, Some(&login), Duration::from_secs(20))
        .await;
    sent.map_err(|error| error.to_string())
}

const REST: [&str; 7] = [
    "MAIL FROM:<a@b>",
    "RCPT TO:<c@d>",
    "DATA",
    "X: y",
    "",
    "..dot",
    ".",
];

#[tokio::test]
async fn starttls_then_login() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 hi\r\n").await.unwrap();
        let mut heard = Vec::new();
        let stream = talk(stream, "STARTTLS", &mut heard).await.unwrap();
        let stream = acceptor().accept(stream).await.unwrap();
        heard.push("(TLS)".to_owned());
        talk(stream, "AUTH LOGIN PLAIN", &mut heard).await;
        heard
    });
    send(&client(port, Security::StartTls, trusting()))
        .await
        .unwrap();
    let heard = server.await.unwrap();
    let start = [
        "EHLO me",
        "STARTTLS",
        "(TLS)",
        "EHLO me",
        "AUTH LOGIN",
        "dGlt",
        "cGFzcw==",
    ];
    assert_eq!(heard, [&start[..], &REST[..], &["QUIT"]].concat());
}

#[tokio::test]
async fn tls_from_the_start_then_cram_md5() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor().accept(stream).await.unwrap();
        stream.write_all(b"220 hi\r\n").await.unwrap();
        let mut heard = Vec::new();
        talk(stream, "AUTH CRAM-MD5 PLAIN", &mut heard).await;
        heard
    });
    send(&client(port, Security::Implicit, trusting()))
        .await
        .unwrap();
    let heard = server.await.unwrap();
    let answer = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
    let start = ["EHLO me", "AUTH CRAM-MD5", answer];
    assert_eq!(heard, [&start[..], &REST[..], &["QUIT"]].concat());
}

#[tokio::test]
async fn what_is_said_before_the_handshake_and_unknown_certificates_end_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let words = b"220 hi\r\n250-hi\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n";
        stream.write_all(words).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor().accept(stream).await.is_err());
    });
    let error = send(&client(port, Security::StartTls, trusting()))
        .await
        .unwrap_err();
    assert!(
        error.contains("said more before the TLS handshake"),
        "{error}"
    );
    let doubting = TlsOptions::default();
    let error = send(&client(port, Security::Implicit, doubting))
        .await
        .unwrap_err();
    assert!(
        error.starts_with("establish TLS connection to server: "),
        "{error}"
    );
    server.await.unwrap();
}
