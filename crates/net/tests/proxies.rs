//! Through proxies in TLS and SOCKS 5 proxies, small but real ones, to servers in TLS and in the clear. The certificate of
//! `fixtures/` is for these tests only, and so is its key.

#![allow(clippy::unwrap_used, reason = "a test")]

use net::proxy::{Proxy, ProxyOptions};
use net::tls::{Pem, TlsOptions, Versions};
use net::tls_stream::{ClientCertificates, TlsServer, TlsServerOptions};
use net::{ClientOptions, HttpClient, Overrides, Request, SendError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const CERT: &str = include_str!("fixtures/localhost.crt");
const KEY: &str = include_str!("fixtures/localhost.key");

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

fn tls_server() -> TlsServer {
    let pem = |text: &str| Pem::Text(text.to_owned());
    TlsServer::new(TlsServerOptions {
        cert: pem(CERT),
        key: pem(KEY),
        clients: ClientCertificates::NotAsked,
        client_names: None,
        versions: Versions::All,
        cipher_suites: Vec::new(),
        curves: Vec::new(),
        protocols: Vec::new(),
    })
    .unwrap()
}

/// A server on a free port that does this with each connection.
async fn serve<F>(with: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> u16
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(with(stream));
        }
    });
    port
}

async fn read_head(stream: &mut dyn Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers with `name`, the first line of the request, and what it has for proxies.
async fn answer(stream: &mut dyn Stream, name: &str, head: &str) -> Option<()> {
    let line = head.lines().next()?;
    let login = head
        .lines()
        .find_map(|line| line.strip_prefix("proxy-authorization: "));
    let body = format!("{name}: {line} {}", login.unwrap_or("-"));
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn origin(in_tls: bool) -> u16 {
    let tls = in_tls.then(tls_server);
    serve(move |mut plain| {
        let tls = tls.clone();
        async move {
            match tls {
                Some(tls) => {
                    let mut stream = tls.accept(plain).await.ok()?;
                    let head = read_head(&mut stream).await?;
                    answer(&mut stream, "origin in TLS", &head).await
                }
                None => {
                    let head = read_head(&mut plain).await?;
                    answer(&mut plain, "origin", &head).await
                }
            }
        }
    })
    .await
}

/// An HTTP proxy in TLS, whose tunnels all lead to one port.
async fn tls_proxy(to: u16) -> u16 {
    let tls = tls_server();
    serve(move |plain| {
        let tls = tls.clone();
        async move {
            let mut stream = tls.accept(plain).await.ok()?;
            let head = read_head(&mut stream).await?;
            if !head.starts_with("CONNECT inside.example:443 HTTP/1.1\r\n") {
                return answer(&mut stream, "proxy", &head).await;
            }
            if !head.contains("Proxy-Authorization: Basic dTpw\r\n") {
                let refusal = b"HTTP/1.1 407 Who are you\r\n\r\n";
                stream.write_all(refusal).await.ok()?;
                return stream.flush().await.ok();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            stream.flush().await.ok()?;
            let mut inside = TcpStream::connect(("127.0.0.1", to)).await.ok()?;
            copy_bidirectional(&mut stream, &mut inside)
                .await
                .ok()
                .map(drop)
        }
    })
    .await
}

/// A SOCKS 5 proxy. It knows one host, and wants `u` and `p` of who offers a login.
async fn socks_proxy(to: u16) -> u16 {
    serve(move |mut stream| async move {
        let [5, count] = read::<2>(&mut stream).await? else {
            return None;
        };
        let mut methods = vec![0; usize::from(count)];
        stream.read_exact(&mut methods).await.ok()?;
        if methods.contains(&2) {
            stream.write_all(&[5, 2]).await.ok()?;
            let login = read::<5>(&mut stream).await?;
            let is_right = login == [1, 1, b'u', 1, b'p'];
            stream.write_all(&[1, u8::from(!is_right)]).await.ok()?;
            if !is_right {
                return None;
            }
        } else {
            stream.write_all(&[5, 0]).await.ok()?;
        }
        let [5, 1, 0, 3, length] = read::<5>(&mut stream).await? else {
            stream
                .write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0])
                .await
                .ok()?;
            return None;
        };
        let mut name = vec![0; usize::from(length) + 2];
        stream.read_exact(&mut name).await.ok()?;
        if !name.starts_with(b"inside.example") {
            stream
                .write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0])
                .await
                .ok()?;
            return None;
        }
        // As a name, which some proxies answer with.
        stream
            .write_all(&[5, 0, 0, 3, 2, b'm', b'e', 0, 1])
            .await
            .ok()?;
        let mut inside = TcpStream::connect(("127.0.0.1", to)).await.ok()?;
        copy_bidirectional(&mut stream, &mut inside)
            .await
            .ok()
            .map(drop)
    })
    .await
}

async fn read<const N: usize>(stream: &mut TcpStream) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

fn client(proxy: &str, server_name: Option<&str>) -> HttpClient {
    let proxy = Proxy::parse(proxy).unwrap();
    HttpClient::new(ClientOptions {
        tls: TlsOptions {
            ca: Some(Pem::Text(CERT.to_owned())),
            server_name: server_name.map(str::to_owned),
            ..TlsOptions::default()
        },
        proxy: ProxyOptions {
            http: Some(proxy.clone()),
            https: Some(proxy),
            ..ProxyOptions::default()
        },
        overrides: Overrides::default(),
        ..ClientOptions::default()
    })
    .unwrap()
}

async fn ask(client: &HttpClient, url: &str) -> Result<String, SendError> {
    let response = client.send(Request::get(url)).await?;
    Ok(String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_proxy_in_tls_gets_whole_urls_and_makes_tunnels() {
    let proxy = tls_proxy(origin(true).await).await;
    // The certificate is for localhost, which the server behind the proxy is called too.
    let client = client(&format!("https://u:p@127.0.0.1:{proxy}"), Some("localhost"));
    assert_eq!(
        ask(&client, "http://inside.example/x").await.unwrap(),
        "proxy: GET http://inside.example/x HTTP/1.1 Basic dTpw"
    );
    // Twice, as the second may find a connection.
    for _ in 0..2 {
        assert_eq!(
            ask(&client, "https://inside.example/x").await.unwrap(),
            "origin in TLS: GET /x HTTP/1.1 -"
        );
    }
    let stranger = self::client(&format!("https://127.0.0.1:{proxy}"), Some("localhost"));
    let refused = ask(&stranger, "https://inside.example/x")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("407 Who are you"), "{refused}");
}

#[tokio::test]
async fn a_proxy_in_tls_must_prove_who_it_is() {
    let proxy = tls_proxy(origin(true).await).await;
    let client = client(&format!("https://localhost:{proxy}"), Some("other.example"));
    let refused = ask(&client, "http://inside.example/x").await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let plain = serve(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .ok()
    })
    .await;
    let client = self::client(&format!("https://localhost:{plain}"), None);
    let refused = ask(&client, "http://inside.example/x").await.unwrap_err();
    assert!(
        refused.to_string().contains("TLS with the proxy: "),
        "{refused}"
    );
}

#[tokio::test]
async fn socks_proxies_connect_to_names() {
    let plain = socks_proxy(origin(false).await).await;
    for url in [
        format!("socks5://127.0.0.1:{plain}"),
        format!("socks5h://u:p@127.0.0.1:{plain}"),
    ] {
        let client = client(&url, None);
        assert_eq!(
            ask(&client, "http://inside.example/x").await.unwrap(),
            "origin: GET /x HTTP/1.1 -"
        );
    }
    let in_tls = socks_proxy(origin(true).await).await;
    let client = client(&format!("socks5://127.0.0.1:{in_tls}"), Some("localhost"));
    assert_eq!(
        ask(&client, "https://inside.example:8443/x").await.unwrap(),
        "origin in TLS: GET /x HTTP/1.1 -"
    );
}

#[tokio::test]
async fn refusals_of_socks_proxies_are_told() {
    let proxy = socks_proxy(origin(false).await).await;
    for (login, url, problem) in [
        ("", "http://elsewhere.example/", "host unreachable"),
        ("", "http://127.0.0.1/", "kind of address"),
        (
            "u:wrong@",
            "http://inside.example/",
            "refused user and password",
        ),
        (
            "u@",
            "http://inside.example/",
            "the password must have 1 to 255 bytes",
        ),
    ] {
        let client = client(&format!("socks5://{login}127.0.0.1:{proxy}"), None);
        let refused = ask(&client, url).await.unwrap_err();
        assert!(
            refused.to_string().contains(problem),
            "{login} {url}: {refused}"
        );
    }
    let silent = serve(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .ok()
    })
    .await;
    let client = client(&format!("socks5://127.0.0.1:{silent}"), None);
    let refused = ask(&client, "http://inside.example/").await.unwrap_err();
    assert!(
        refused.to_string().contains("does not speak SOCKS 5"),
        "{refused}"
    );
}
