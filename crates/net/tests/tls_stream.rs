//! Both sides of TLS on plain connections, over loopback. The certificate of `fixtures/` is for these tests only,
//! and so is its key.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::{IpAddr, Ipv4Addr};

use net::tls::{Pem, TlsOptions, Versions};
use net::tls_stream::{ClientCertificates, TlsClient, TlsServer, TlsServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CERT: &str = include_str!("fixtures/localhost.crt");
const KEY: &str = include_str!("fixtures/localhost.key");

fn pem(text: &str) -> Pem {
    Pem::Text(text.to_owned())
}

fn server() -> TlsServerOptions {
    TlsServerOptions {
        cert: pem(CERT),
        key: pem(KEY),
        clients: ClientCertificates::NotAsked,
        versions: Versions::All,
        cipher_suites: Vec::new(),
        curves: Vec::new(),
    }
}

/// Trusts the certificate, which is its own authority.
fn client() -> TlsOptions {
    TlsOptions {
        ca: Some(pem(CERT)),
        ..TlsOptions::default()
    }
}

/// What arrives of a greeting and its answer; the error is the server's or the client's.
async fn greet(server: TlsServerOptions, client: TlsOptions) -> Result<String, String> {
    let server = TlsServer::new(server).map_err(|error| error.to_string())?;
    let client = TlsClient::new(client).map_err(|error| error.to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = server.accept(stream).await?;
        let mut heard = [0; 2];
        stream.read_exact(&mut heard).await?;
        stream.write_all(&heard).await?;
        stream.shutdown().await
    });
    let calling = async {
        let stream = TcpStream::connect(address).await?;
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut stream = client.connect(stream, ip).await?;
        stream.write_all(b"hi").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let heard = calling.await.map_err(|error| error.to_string());
    match serving.await.unwrap() {
        Ok(()) => heard,
        Err(error) => Err(format!("server: {error}; client: {heard:?}")),
    }
}

#[tokio::test]
async fn both_sides_are_who_they_say() {
    assert_eq!(greet(server(), client()).await.unwrap(), "hi");
    let by_name = TlsOptions {
        server_name: Some("localhost".to_owned()),
        ..client()
    };
    assert_eq!(greet(server(), by_name.clone()).await.unwrap(), "hi");
    let stranger = TlsOptions {
        server_name: Some("elsewhere".to_owned()),
        ..by_name
    };
    let error = greet(server(), stranger).await.unwrap_err();
    assert!(error.contains("elsewhere"), "{error}");
    // The authorities of the system do not vouch for it.
    let error = greet(server(), TlsOptions::default()).await.unwrap_err();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn clients_show_certificates_where_they_must() {
    let with = |clients| TlsServerOptions {
        clients,
        ..server()
    };
    let shown = TlsOptions {
        cert: Some(pem(CERT)),
        key: Some(pem(KEY)),
        ..client()
    };
    let ca = || Some(pem(CERT));
    let required = with(ClientCertificates::Required(ca()));
    assert_eq!(greet(required.clone(), shown.clone()).await.unwrap(), "hi");
    let error = greet(required, client()).await.unwrap_err();
    assert!(error.contains("peer sent no certificates"), "{error}");
    let if_given = with(ClientCertificates::CheckedIfGiven(ca()));
    assert_eq!(greet(if_given.clone(), client()).await.unwrap(), "hi");
    assert_eq!(greet(if_given, shown).await.unwrap(), "hi");
}

#[tokio::test]
async fn suites_and_curves_can_be_chosen() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let chosen = TlsServerOptions {
        versions: Versions::Only12,
        cipher_suites: names(&[
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
        ]),
        curves: names(&["CurveP384"]),
        ..server()
    };
    assert_eq!(greet(chosen.clone(), client()).await.unwrap(), "hi");
    let none = TlsServerOptions {
        cipher_suites: names(&["TLS_RSA_WITH_AES_128_CBC_SHA"]),
        ..chosen.clone()
    };
    let error = greet(none, client()).await.unwrap_err();
    assert_eq!(error, "cipher_suites: none of them is spoken here");
    let none = TlsServerOptions {
        curves: names(&["CurveP521"]),
        ..chosen
    };
    let error = greet(none, client()).await.unwrap_err();
    assert_eq!(error, "curve_preferences: none of them is spoken here");
}

#[tokio::test]
async fn certificates_are_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Pem::File(path.display().to_string())
    };
    let options = TlsServerOptions {
        cert: file("tls.crt", CERT),
        key: file("tls.key", KEY),
        ..server()
    };
    assert_eq!(greet(options.clone(), client()).await.unwrap(), "hi");
    let running = TlsServer::new(options.clone()).unwrap();
    file("tls.key", "not a key");
    let error = TlsServer::new(options).unwrap_err().to_string();
    assert!(error.starts_with("server key: "), "{error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let calling = TcpStream::connect(listener.local_addr().unwrap());
    let (called, accepted) = tokio::join!(calling, listener.accept());
    called.unwrap();
    let error = running.accept(accepted.unwrap().0).await.unwrap_err();
    assert!(error.to_string().starts_with("server key: "), "{error}");
}
