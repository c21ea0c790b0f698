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
        client_names: None,
        versions: Versions::All,
        cipher_suites: Vec::new(),
        curves: Vec::new(),
        protocols: Vec::new(),
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
async fn strangers_are_let_in_where_any_certificate_will_do() {
    let with = |clients| TlsServerOptions {
        clients,
        ..server()
    };
    let unknown = rcgen::generate_simple_self_signed(vec!["stranger.example".to_owned()]).unwrap();
    let unknown = TlsOptions {
        cert: Some(pem(&unknown.cert.pem())),
        key: Some(pem(&unknown.signing_key.serialize_pem())),
        ..client()
    };
    for clients in [ClientCertificates::Asked, ClientCertificates::AnyRequired] {
        let heard = greet(with(clients), unknown.clone()).await;
        assert_eq!(heard.unwrap(), "hi");
    }
    let asked = with(ClientCertificates::Asked);
    assert_eq!(greet(asked, client()).await.unwrap(), "hi");
    let error = greet(with(ClientCertificates::AnyRequired), client()).await;
    let error = error.unwrap_err();
    assert!(error.contains("peer sent no certificates"), "{error}");
    let required = with(ClientCertificates::Required(Some(pem(CERT))));
    let error = greet(required, unknown.clone()).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn certificates_of_clients_must_be_for_a_name() {
    let unknown = rcgen::generate_simple_self_signed(vec!["client.example".to_owned()]).unwrap();
    let shown = TlsOptions {
        cert: Some(pem(&unknown.cert.pem())),
        key: Some(pem(&unknown.signing_key.serialize_pem())),
        ..client()
    };
    let for_names = |clients: &ClientCertificates, names: &[&str]| TlsServerOptions {
        clients: clients.clone(),
        client_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..server()
    };
    for clients in [
        ClientCertificates::Asked,
        ClientCertificates::AnyRequired,
        ClientCertificates::CheckedIfGiven(Some(pem(&unknown.cert.pem()))),
        ClientCertificates::Required(Some(pem(&unknown.cert.pem()))),
    ] {
        let names = for_names(&clients, &["other", "client.example"]);
        let heard = greet(names.clone(), shown.clone()).await;
        assert_eq!(heard.unwrap(), "hi", "{clients:?}");
        let error = greet(names, client()).await.unwrap_err();
        assert!(error.contains("peer sent no certificates"), "{error}");
        for names in [&["other", "client"][..], &[]] {
            let error = greet(for_names(&clients, names), shown.clone()).await;
            let error = error.unwrap_err();
            let wanted = "is for [\"client.example\"], of which client_allowed_sans has none";
            assert!(error.contains(wanted), "{error}");
        }
    }
}

/// Of an open port, and what the client finds.
async fn shown_certificate(server: &TlsServer, ca: &str) -> Result<(), String> {
    let trusting = TlsOptions {
        ca: Some(pem(ca)),
        server_name: Some("localhost".to_owned()),
        ..TlsOptions::default()
    };
    let client = TlsClient::new(trusting).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let calling = async {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        client.connect(stream.unwrap(), ip).await.map(drop)
    };
    let answering = async {
        let (stream, _) = listener.accept().await.unwrap();
        server.accept(stream).await.map(drop)
    };
    let (called, answered) = tokio::join!(calling, answering);
    match (called, answered) {
        (Ok(()), Ok(())) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn certificates_are_read_anew_and_broken_ones_are_not_taken() {
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
    let running = TlsServer::new(options.clone()).unwrap();
    shown_certificate(&running, CERT).await.unwrap();
    // Neither a broken key, nor one of another certificate, nor one that is gone.
    let renewed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    file("tls.key", "not a key");
    let error = TlsServer::new(options.clone()).unwrap_err().to_string();
    assert!(error.starts_with("server key: "), "{error}");
    shown_certificate(&running, CERT).await.unwrap();
    file("tls.key", &renewed.signing_key.serialize_pem());
    let error = TlsServer::new(options.clone()).unwrap_err().to_string();
    assert!(error.starts_with("server certificate and key: "), "{error}");
    shown_certificate(&running, CERT).await.unwrap();
    std::fs::remove_file(dir.path().join("tls.crt")).unwrap();
    let error = TlsServer::new(options).unwrap_err().to_string();
    assert!(error.contains("tls.crt: No such file"), "{error}");
    shown_certificate(&running, CERT).await.unwrap();
    // The certificate that belongs to the new key.
    file("tls.crt", &renewed.cert.pem());
    shown_certificate(&running, &renewed.cert.pem())
        .await
        .unwrap();
    shown_certificate(&running, CERT).await.unwrap_err();
}
