//! The mesh over sockets: packets over UDP, streams over TCP, both on the same port, or all of it in TLS over TCP.
//! Thin: all decisions are [`Peer`]'s.
//!
//! [`Bound::new`] takes the port, so that a start fails early if it cannot; [`Mesh::new`] makes the member;
//! [`Mesh::run`] lets it live. `transport` carries packets and streams, in TLS as `frame` has them; `streams` has
//! both sides of a stream, `resolve` the names of peers, `advertise` the
//! address that the others are told, `counters` the metrics.

mod advertise;
mod counters;
mod frame;
mod resolve;
mod streams;
#[cfg(test)]
mod tests;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Kind, Page, Registry};
use net::Overrides;
use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use advertise::PublicAddress;
use counters::{Counters, TlsCounters};
use resolve::{PeerName, resolve};
use streams::OutgoingMessage;
pub use transport::MeshTls;
use transport::{Link, TlsTransport, Transport};

use crate::peer::{Action, Input, Part, Peer, PeerConfig, Settled, Source};
use crate::swim;
use crate::wire::NodeState;

/// Longest packet that UDP can carry.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Attempts to get a port that is free for UDP and TCP when any will do.
const PORT_ATTEMPTS: u32 = 10;
/// Streams of others at once.
const STREAMS_MAX: usize = 64;
/// Connections of others for packets in TLS; each member has one.
const PACKET_STREAMS_MAX: usize = 1024;
/// Streams at once that send long news.
const LONG_NEWS_STREAMS_MAX: usize = 16;
/// Long news that wait to be sent.
const LONG_NEWS_MAX: usize = 400;

/// What flags say; addresses as they were given.
#[derive(Clone, Debug)]
pub struct MeshOptions {
    /// `HOST:PORT`; port 0 takes any free one.
    pub listen: String,
    pub advertise: Option<String>,
    pub public_address: PublicAddress,
    /// `HOST:PORT` of others.
    pub peers: Vec<String>,
    /// Not used by any other member.
    pub name: String,
    pub label: String,
    pub gossip_interval: Duration,
    pub push_pull_interval: Duration,
    pub probe_interval: Duration,
    pub probe_timeout: Duration,
    pub tcp_timeout: Duration,
    pub resolve_timeout: Duration,
    pub settle_timeout: Duration,
    pub reconnect_interval: Duration,
    pub reconnect_timeout: Duration,
    /// `None`: nothing is encrypted.
    pub tls: Option<MeshTls>,
    pub overrides: Overrides,
    /// Of random choices.
    pub seed: u64,
}

/// Why a member cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    #[error("--{flag} {text}: {problem}")]
    Address {
        flag: &'static str,
        text: String,
        problem: String,
    },
    #[error(
        "listening for the mesh on {address}: {problem}; choose another with --cluster.listen-address"
    )]
    Listen {
        address: SocketAddr,
        problem: String,
    },
    #[error("{0} was found for the others to reach us; say one with --cluster.advertise-address")]
    NoAddress(&'static str),
    #[error("--cluster.label has {0} bytes; it may have 255")]
    Label(usize),
    #[error("--{0} must be longer than 0s")]
    Interval(&'static str),
}

/// Whom the mesh is for: it has a state of several parts, and takes in that of others.
pub trait Delegate: Send + Sync + 'static {
    /// The whole state. May take a while; it is not called on the async threads.
    fn state(&self) -> Vec<Part>;

    /// State or news of another member.
    fn merge(&self, part: Part, source: Source);

    /// Who is there may have changed.
    fn members_changed(&self, position: usize);

    /// Nothing changes any more, or the time for it is over.
    fn settled(&self);
}

/// The sockets, and what is known before anything runs.
#[derive(Debug)]
pub struct Bound {
    link: Link,
    tcp: TcpListener,
    /// Where they are.
    listening: SocketAddr,
    config: PeerConfig,
    names: Vec<PeerName>,
    overrides: Overrides,
    tcp_timeout: Duration,
    resolve_timeout: Duration,
}

impl Bound {
    /// Checks the options and takes the port.
    pub async fn new(options: MeshOptions) -> Result<Self, MeshError> {
        let listen = advertise::parse("cluster.listen-address", &options.listen)?;
        let advertise = options.advertise.as_deref();
        let advertise = advertise
            .map(|text| advertise::parse("cluster.advertise-address", text))
            .transpose()?;
        let names = options.peers.iter().map(|text| PeerName::parse(text));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        if options.label.len() > 255 {
            return Err(MeshError::Label(options.label.len()));
        }
        for (flag, interval) in [
            ("cluster.gossip-interval", options.gossip_interval),
            ("cluster.probe-interval", options.probe_interval),
            ("cluster.probe-timeout", options.probe_timeout),
            ("cluster.tcp-timeout", options.tcp_timeout),
        ] {
            if interval.is_zero() {
                return Err(MeshError::Interval(flag));
            }
        }
        let (link, tcp, listening) = bind(listen, options.tls).await?;
        let address = advertise::advertised(advertise, listening, options.public_address)?;
        let fanout = u32::try_from(names.len() / 2).unwrap_or(u32::MAX).max(3);
        Ok(Self {
            link,
            tcp,
            listening,
            config: PeerConfig {
                swim: swim::Config {
                    name: options.name,
                    address,
                    label: options.label,
                    gossip_interval: options.gossip_interval,
                    fanout,
                    push_pull_interval: options.push_pull_interval,
                    probe_interval: options.probe_interval,
                    probe_timeout: options.probe_timeout,
                    seed: options.seed,
                },
                reconnect_interval: options.reconnect_interval,
                reconnect_timeout: options.reconnect_timeout,
                settle_timeout: options.settle_timeout,
            },
            names,
            overrides: options.overrides,
            tcp_timeout: options.tcp_timeout,
            resolve_timeout: options.resolve_timeout,
        })
    }

    /// Where the others are told to reach us.
    pub fn address(&self) -> SocketAddr {
        self.config.swim.address
    }
}

async fn bind(
    listen: SocketAddr,
    tls: Option<MeshTls>,
) -> Result<(Link, TcpListener, SocketAddr), MeshError> {
    let fail = |problem: std::io::Error| MeshError::Listen {
        address: listen,
        problem: problem.to_string(),
    };
    let mut attempt = 1;
    loop {
        let tcp = TcpListener::bind(listen).await.map_err(fail)?;
        let bound = tcp.local_addr().map_err(fail)?;
        if let Some(tls) = tls {
            return Ok((Link::Tls(tls), tcp, bound));
        }
        match UdpSocket::bind(bound).await {
            Ok(udp) => return Ok((Link::Udp(udp), tcp, bound)),
            // Any port will do, and this one was free for TCP only.
            Err(_) if listen.port() == 0 && attempt < PORT_ATTEMPTS => attempt += 1,
            Err(error) => return Err(fail(error)),
        }
    }
}

/// A member that runs, or soon will. Cheap to clone.
#[derive(Clone)]
pub struct Mesh(Arc<Inner>);

struct Inner {
    peer: Mutex<Peer>,
    /// Rung when the next step may be due earlier than it was.
    bell: Notify,
    started: Instant,
    transport: Transport,
    tcp: TcpListener,
    names: Vec<PeerName>,
    overrides: Overrides,
    tcp_timeout: Duration,
    resolve_timeout: Duration,
    delegate: Arc<dyn Delegate>,
    counters: Counters,
    /// One permit for each stream of others.
    streams: Arc<Semaphore>,
    packet_streams: Arc<Semaphore>,
    long_news_streams: Arc<Semaphore>,
    long_news: mpsc::Sender<OutgoingMessage>,
    long_news_out: Mutex<Option<mpsc::Receiver<OutgoingMessage>>>,
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let peer = self.0.peer.lock();
        write!(f, "Mesh({} at {})", peer.name(), peer.address())
    }
}

impl Mesh {
    /// Makes the member. `keys` are those of the delegate's parts.
    pub fn new(
        bound: Bound,
        delegate: Arc<dyn Delegate>,
        registry: &Registry,
        keys: &[&str],
    ) -> Self {
        let (long_news, long_news_out) = mpsc::channel(LONG_NEWS_MAX);
        let peer = Peer::new(bound.config, Duration::ZERO);
        let transport = match bound.link {
            Link::Udp(udp) => Transport::Plain(udp),
            Link::Tls(tls) => Transport::Tls(Box::new(TlsTransport {
                tls,
                listening: bound.listening,
                timeout: bound.tcp_timeout,
                counters: TlsCounters::new(registry),
                connections: Arc::default(),
            })),
        };
        let mesh = Self(Arc::new(Inner {
            peer: Mutex::new(peer),
            bell: Notify::new(),
            started: Instant::now(),
            transport,
            tcp: bound.tcp,
            names: bound.names,
            overrides: bound.overrides,
            tcp_timeout: bound.tcp_timeout,
            resolve_timeout: bound.resolve_timeout,
            delegate,
            counters: Counters::new(registry, keys),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            packet_streams: Arc::new(Semaphore::new(PACKET_STREAMS_MAX)),
            long_news_streams: Arc::new(Semaphore::new(LONG_NEWS_STREAMS_MAX)),
            long_news,
            long_news_out: Mutex::new(Some(long_news_out)),
        }));
        let observed = mesh.clone();
        registry.on_render(move |page| observed.render(page));
        mesh
    }

    /// Joins the others and lives until the future is dropped. A panic in one of its parts is logged by the
    /// runtime, and the part starts anew.
    pub async fn run(self) {
        let mut parts = JoinSet::new();
        parts.spawn(self.clone().kept_up(|mesh| mesh.receive_packets()));
        parts.spawn(self.clone().kept_up(|mesh| mesh.accept_streams()));
        parts.spawn(self.clone().kept_up(|mesh| mesh.keep_time()));
        if let Some(news) = self.0.long_news_out.lock().take() {
            parts.spawn(self.clone().send_long_news(news));
        }
        let addresses = resolve(&self.0.names, &self.0.overrides, self.0.resolve_timeout).await;
        self.step(Input::Joining(addresses));
        while parts.join_next().await.is_some() {}
    }

    async fn kept_up<F>(self, part: impl Fn(Self) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            // Dropped with this future, and the part with it.
            let mut running = JoinSet::new();
            running.spawn(part(self.clone()));
            let ended = running.join_next().await;
            tracing::error!(?ended, "a part of the mesh ended and is started anew");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn receive_packets(self) {
        let Transport::Plain(udp) = &self.0.transport else {
            // They come over streams.
            return std::future::pending().await;
        };
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            match udp.recv_from(&mut buffer).await {
                Ok((length, from)) => {
                    let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                    self.step(Input::Packet { from, bytes });
                }
                Err(error) => {
                    // As when a host answered that nobody listens there. It concerns no packet of ours.
                    tracing::debug!(%error, "receiving a packet failed");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn keep_time(self) {
        loop {
            let rung = self.0.bell.notified();
            let wake_at = self.0.started + self.0.peer.lock().wake_at();
            tokio::select! {
                () = tokio::time::sleep_until(wake_at) => {}
                () = rung => {}
            }
            if wake_at <= Instant::now() {
                self.step(Input::Tick);
            }
        }
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// One step, and what it asks for.
    pub(crate) fn step(&self, input: Input) {
        let (actions, is_earlier) = {
            let mut peer = self.0.peer.lock();
            let before = peer.wake_at();
            let actions = peer.step(self.now(), input);
            (actions, peer.wake_at() < before)
        };
        if is_earlier {
            self.0.bell.notify_one();
        }
        for action in actions {
            self.act(action);
        }
    }

    fn act(&self, action: Action) {
        match action {
            Action::SendPacket { to, bytes } => self.0.transport.send_packet(to, bytes),
            Action::StreamPing { to, ping, until } => {
                let mesh = self.clone();
                tokio::spawn(async move { mesh.ping_over_stream(to, ping, until).await });
            }
            Action::Exchange { to, purpose } => {
                let mesh = self.clone();
                tokio::spawn(async move { mesh.exchange(to, purpose).await });
            }
            Action::SendMessage { to, key, bytes } => {
                let message = OutgoingMessage { to, key, bytes };
                if let Err(refused) = self.0.long_news.try_send(message) {
                    let key = refused.into_inner().key;
                    self.0.counters.oversized_dropped.with(&[&key]).increment();
                    tracing::warn!(key, "too many long news wait to be sent; one is dropped");
                }
            }
            Action::Resolve => {
                let mesh = self.clone();
                tokio::spawn(async move {
                    let inner = &mesh.0;
                    let found =
                        resolve(&inner.names, &inner.overrides, inner.resolve_timeout).await;
                    mesh.step(Input::Resolved(found));
                });
            }
            Action::Merge { part, source } => self.0.delegate.merge(part, source),
            Action::MembersChanged => {
                let position = self.0.peer.lock().position();
                self.0.delegate.members_changed(position);
            }
            Action::Settled(how) => {
                match how {
                    Settled::Yes => tracing::info!("the mesh has settled"),
                    Settled::TimedOut => {
                        tracing::warn!("the mesh has not settled in time; going on all the same");
                    }
                }
                self.0.delegate.settled();
            }
            Action::Event(event) => self.0.counters.observe(&event),
        }
    }

    /// Tells everybody.
    pub fn broadcast(&self, part: Part) {
        self.0.counters.news_sent(part.data.len());
        self.step(Input::Broadcast(part));
    }

    /// Says good-bye. The packets are sent when this returns.
    pub async fn leave(&self) {
        self.step(Input::Leave);
        self.0.transport.drained().await;
    }

    pub fn name(&self) -> String {
        self.0.peer.lock().name().to_owned()
    }

    pub fn is_settled(&self) -> bool {
        self.0.peer.lock().is_settled()
    }

    /// Everybody who is there, ourselves included, in order of names.
    pub fn members(&self) -> Vec<NodeState> {
        self.0.peer.lock().members()
    }

    fn render(&self, page: &mut Page) {
        let peer = self.0.peer.lock();
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        for (name, help, value) in [
            (
                "alertmanager_cluster_members",
                "Number indicating current number of members in cluster.",
                number(peer.members().len()),
            ),
            (
                "alertmanager_cluster_failed_peers",
                "Number indicating the current number of failed peers in the cluster.",
                number(peer.lost_count()),
            ),
            (
                "alertmanager_cluster_health_score",
                "Health score of the cluster. Lower values are better and zero means 'totally healthy'.",
                f64::from(peer.health_score()),
            ),
            (
                "alertmanager_cluster_messages_queued",
                "Number of cluster messages which are queued.",
                number(peer.queued()),
            ),
            (
                "alertmanager_peer_position",
                "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.",
                number(peer.position()),
            ),
        ] {
            page.sample(Kind::Gauge, name, help, &[], value);
        }
        page.sample(
            Kind::Gauge,
            "alertmanager_cluster_peer_info",
            "A metric with a constant '1' value labeled by peer name.",
            &[("peer", peer.name())],
            1.0,
        );
    }
}
