//! Members on loopback, with real sockets, and one of them hostile.

use super::*;
use crate::wire::{StreamDecoder, StreamMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Keeps what it is told.
#[derive(Default)]
struct Kept {
    parts: Mutex<Vec<(Part, Source)>>,
    state: Mutex<Vec<u8>>,
    is_settled: Mutex<bool>,
    position: Mutex<usize>,
}

impl Delegate for Kept {
    fn state(&self) -> Vec<Part> {
        vec![part("sil", &self.state.lock())]
    }

    fn merge(&self, part: Part, source: Source) {
        self.parts.lock().push((part, source));
    }

    fn members_changed(&self, position: usize) {
        *self.position.lock() = position;
    }

    fn settled(&self) {
        *self.is_settled.lock() = true;
    }
}

fn part(key: &str, data: &[u8]) -> Part {
    Part {
        key: key.to_owned(),
        data: data.to_vec(),
    }
}

fn options(name: &str, peers: &[SocketAddr]) -> MeshOptions {
    let millis = Duration::from_millis;
    MeshOptions {
        listen: "127.0.0.1:0".to_owned(),
        advertise: None,
        public_address: PublicAddress::Refused,
        peers: peers.iter().map(SocketAddr::to_string).collect(),
        name: name.to_owned(),
        label: "test".to_owned(),
        gossip_interval: millis(20),
        push_pull_interval: Duration::from_secs(60),
        probe_interval: millis(100),
        probe_timeout: millis(50),
        tcp_timeout: Duration::from_secs(10),
        resolve_timeout: Duration::from_secs(10),
        settle_timeout: Duration::from_secs(60),
        reconnect_interval: millis(100),
        reconnect_timeout: Duration::ZERO,
        tls: None,
        overrides: Overrides::default(),
        seed: 7,
    }
}

struct Member {
    mesh: Mesh,
    kept: Arc<Kept>,
    address: SocketAddr,
    running: tokio::task::JoinHandle<()>,
    registry: Registry,
}

async fn member(name: &str, peers: &[SocketAddr]) -> Member {
    member_with(options(name, peers)).await
}

async fn member_with(options: MeshOptions) -> Member {
    let bound = Bound::new(options).await.unwrap();
    let address = bound.address();
    let kept = Arc::new(Kept::default());
    let registry = Registry::new();
    let delegate: Arc<dyn Delegate> = Arc::<Kept>::clone(&kept);
    let mesh = Mesh::new(bound, delegate, &registry, &["sil", "nfl"]);
    let running = tokio::spawn(mesh.clone().run());
    Member {
        mesh,
        kept,
        address,
        running,
        registry,
    }
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} within 30 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn count(member: &Member) -> usize {
    member.mesh.members().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_meet_tell_and_miss_each_other() {
    let a = member("a", &[]).await;
    *a.kept.state.lock() = b"what a knows".to_vec();
    let b = member("b", &[a.address]).await;
    let c = member("c", &[a.address]).await;
    until("three members", || {
        [&a, &b, &c].iter().all(|m| count(m) == 3)
    })
    .await;
    until("settling", || *a.kept.is_settled.lock()).await;
    assert!(a.mesh.is_settled());
    assert_eq!(*c.kept.position.lock(), 2);
    let has = |member: &Member, wanted: (Part, Source)| member.kept.parts.lock().contains(&wanted);
    let known = (part("sil", b"what a knows"), Source::State);
    until("the state at c", || has(&c, known.clone())).await;

    b.mesh.broadcast(part("nfl", b"short"));
    let long = vec![7; 100_000];
    b.mesh.broadcast(part("sil", &long));
    for other in [&a, &c] {
        until("the short news", || {
            has(other, (part("nfl", b"short"), Source::News))
        })
        .await;
        until("the long news", || {
            has(other, (part("sil", &long), Source::News))
        })
        .await;
    }
    let page = b.registry.render();
    for line in [
        "alertmanager_cluster_members 3",
        "alertmanager_cluster_failed_peers 0",
        "alertmanager_cluster_peer_info{peer=\"b\"} 1",
        "alertmanager_peer_position 1",
        "alertmanager_oversized_gossip_message_sent_total{key=\"sil\"} 2",
        "alertmanager_cluster_messages_sent_total{msg_type=\"update\"} 2",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }

    c.mesh.leave().await;
    until("c to be gone", || count(&a) == 2 && count(&b) == 2).await;
    c.running.abort();
    b.running.abort();
    until("b to be missed", || count(&a) == 1).await;
    assert!(
        a.registry
            .render()
            .contains("alertmanager_cluster_failed_peers 2")
    );
    assert!(!a.running.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_yet_is_tried_again() {
    // A port that is free now, and will be b's.
    let b = Bound::new(options("b", &[])).await.unwrap().address();
    let a = member("a", &[b]).await;
    until("a first attempt", || {
        a.registry
            .render()
            .contains("alertmanager_cluster_reconnections_failed_total 1")
    })
    .await;
    let mut later = options("b", &[]);
    later.listen = b.to_string();
    let bound = Bound::new(later).await.unwrap();
    let delegate: Arc<dyn Delegate> = Arc::<Kept>::default();
    let mesh = Mesh::new(bound, delegate, &Registry::new(), &[]);
    tokio::spawn(mesh.run());
    until("b at a", || count(&a) == 2).await;
    assert!(
        a.registry
            .render()
            .contains("alertmanager_cluster_failed_peers 0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_nonsense_are_refused_and_counted() {
    let a = member("a", &[]).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for packet in [&b"\xff\x00"[..], b"", b"\xf4\x04testc", &[0x80; 2000]] {
        stranger.send_to(packet, a.address).await.unwrap();
    }
    until("packets to be counted", || {
        a.registry
            .render()
            .contains("keepwatch_cluster_packets_refused_total{over=\"packet\"} 4")
    })
    .await;
    let mut stream = tokio::net::TcpStream::connect(a.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = StreamDecoder::for_answer().push(&answer).unwrap().unwrap();
    assert!(matches!(answer, StreamMessage::Error(text) if text.contains("label")));
    until("streams to be counted", || {
        a.registry
            .render()
            .contains("keepwatch_cluster_packets_refused_total{over=\"stream\"} 1")
    })
    .await;
    let b = member("b", &[a.address]).await;
    until("a to live on", || count(&a) == 2 && count(&b) == 2).await;
}

#[tokio::test]
async fn a_start_that_cannot_be_says_why() {
    let taken = Bound::new(options("a", &[])).await.unwrap();
    let error = |change: fn(&mut MeshOptions, SocketAddr)| {
        let mut options = options("b", &[]);
        change(&mut options, taken.address());
        async { Bound::new(options).await.unwrap_err().to_string() }
    };
    let in_use = error(|options, taken| options.listen = taken.to_string()).await;
    assert!(
        in_use.contains("in use") && in_use.contains("--cluster.listen-address"),
        "{in_use}"
    );
    let host = error(|options, _| options.advertise = Some("me:9094".to_owned())).await;
    assert_eq!(
        host,
        "--cluster.advertise-address me:9094: the host is not an IP address"
    );
    let label = error(|options, _| options.label = "x".repeat(256)).await;
    assert_eq!(label, "--cluster.label has 256 bytes; it may have 255");
    let zero = error(|options, _| options.probe_interval = Duration::ZERO).await;
    assert_eq!(zero, "--cluster.probe-interval must be longer than 0s");
}

/// Everybody shows the certificate of the tests of `net`, and asks for it.
fn tls() -> MeshTls {
    use net::tls::{Pem, TlsOptions, Versions};
    use net::tls_stream::{ClientCertificates, TlsClient, TlsServer, TlsServerOptions};
    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../net/tests/fixtures/");
    let pem = |name: &str| Pem::File(format!("{FIXTURES}{name}"));
    let server = TlsServerOptions {
        cert: pem("localhost.crt"),
        key: pem("localhost.key"),
        clients: ClientCertificates::Required(Some(pem("localhost.crt"))),
        client_names: None,
        versions: Versions::All,
        cipher_suites: Vec::new(),
        curves: Vec::new(),
        protocols: Vec::new(),
    };
    let client = TlsOptions {
        ca: Some(pem("localhost.crt")),
        cert: Some(pem("localhost.crt")),
        key: Some(pem("localhost.key")),
        ..TlsOptions::default()
    };
    MeshTls {
        server: TlsServer::new(server).unwrap(),
        client: TlsClient::new(client).unwrap(),
    }
}

fn with_tls(name: &str, peers: &[SocketAddr]) -> MeshOptions {
    MeshOptions {
        tls: Some(tls()),
        // A handshake in a debug build.
        probe_interval: Duration::from_millis(500),
        probe_timeout: Duration::from_millis(250),
        ..options(name, peers)
    }
}

fn value(member: &Member, series: &str) -> f64 {
    let page = member.registry.render();
    let mut lines = page.lines();
    let found = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.expect(series).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_everything_goes_over_it() {
    let a = member_with(with_tls("a", &[])).await;
    *a.kept.state.lock() = b"what a knows".to_vec();
    let b = member_with(with_tls("b", &[a.address])).await;
    until("two members", || count(&a) == 2 && count(&b) == 2).await;
    let has = |member: &Member, wanted: (Part, Source)| member.kept.parts.lock().contains(&wanted);
    let known = (part("sil", b"what a knows"), Source::State);
    until("the state at b", || has(&b, known.clone())).await;
    b.mesh.broadcast(part("nfl", b"short"));
    let long = vec![7; 100_000];
    b.mesh.broadcast(part("sil", &long));
    for news in [part("nfl", b"short"), part("sil", &long)] {
        until("the news", || has(&a, (news.clone(), Source::News))).await;
    }
    for member in [&a, &b] {
        let name = |what: &str| format!("alertmanager_tls_transport_{what}_total");
        for series in [
            name("packet_bytes_sent"),
            name("packet_bytes_received"),
            name("stream_connections_received"),
        ] {
            if member.address == b.address && series.contains("stream") {
                continue;
            }
            until(&series, || value(member, &series) > 0.0).await;
        }
        let refused = "keepwatch_cluster_packets_refused_total{over=\"packet\"}";
        assert!(value(member, refused) == 0.0);
    }
    assert!(
        value(
            &b,
            "alertmanager_tls_transport_stream_connections_sent_total"
        ) >= 2.0
    );

    b.mesh.leave().await;
    until("b to be gone", || count(&a) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_strangers_are_refused() {
    let a = member_with(with_tls("a", &[])).await;
    // Neither somebody without TLS, nor with TLS but without a certificate, nor with nonsense in TLS.
    let b = member("b", &[a.address]).await;
    let errors = "alertmanager_tls_transport_read_errors_total";
    until("a refusal", || value(&a, errors) >= 1.0).await;
    let trusting = net::tls::TlsOptions {
        verification: net::tls::Verification::Skipped,
        ..net::tls::TlsOptions::default()
    };
    let stranger = net::tls_stream::TlsClient::new(trusting).unwrap();
    let mut ended = Vec::new();
    for client in [stranger, tls().client] {
        let before = value(&a, errors);
        let stream = tokio::net::TcpStream::connect(a.address).await.unwrap();
        let mut stream = client.connect(stream, a.address.ip()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        ended.push(stream.read_to_end(&mut answer).await.is_ok());
        assert_eq!(answer, b"");
        until("a refusal", || value(&a, errors) > before).await;
    }
    assert!(
        !ended[0],
        "the stranger is told that it lacks a certificate"
    );
    assert_eq!((count(&a), count(&b)), (1, 1));
}
