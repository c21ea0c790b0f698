//! Packets and streams on their way: UDP and TCP, or with TLS both over TCP, as Alertmanager does it.
//!
//! With TLS a connection starts with a frame (`frame`): for a stream it is empty, and what would come without TLS
//! follows; on a connection for packets one frame follows the other. A member keeps one connection for packets to
//! each other member.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::tls_stream::{TlsClient, TlsServer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::counters::TlsCounters;
use super::frame;

/// Packets that wait for one connection.
const PACKETS_MAX: usize = 64;
/// Connections for packets that we keep.
const CONNECTIONS_MAX: usize = 1024;
/// A connection on which there is nothing for this long is closed.
pub(super) const IDLE: Duration = Duration::from_secs(300);
/// How long a good-bye may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Either kind of stream.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(super) type Stream = Box<dyn Duplex>;

/// What the file of `--cluster.tls-config` says.
#[derive(Clone, Debug)]
pub struct MeshTls {
    pub server: TlsServer,
    pub client: TlsClient,
}

/// What carries packets, before it is known what counts them.
#[derive(Debug)]
pub(super) enum Link {
    Udp(UdpSocket),
    Tls(MeshTls),
}

#[derive(Debug)]
pub(super) enum Transport {
    Plain(UdpSocket),
    Tls(Box<TlsTransport>),
}

#[derive(Debug)]
pub(super) struct TlsTransport {
    pub(super) tls: MeshTls,
    /// Where we listen; packets say so, because their connection comes from elsewhere.
    pub(super) listening: SocketAddr,
    pub(super) timeout: Duration,
    pub(super) counters: TlsCounters,
    pub(super) connections: Arc<Mutex<Connections>>,
}

pub(super) type Connections = HashMap<SocketAddr, mpsc::Sender<Outgoing>>;

/// What a connection for packets is told.
#[derive(Debug)]
pub(super) enum Outgoing {
    Packet(Vec<u8>),
    /// Everything before it is sent when the other end is dropped.
    Mark(#[expect(dead_code, reason = "dropping it is what it is for")] oneshot::Sender<()>),
}

impl Transport {
    /// Sends a packet, or loses it.
    pub(super) fn send_packet(&self, to: SocketAddr, bytes: Vec<u8>) {
        match self {
            Self::Plain(udp) => {
                // What does not fit into the socket's buffer is lost, as on the way.
                if let Err(error) = udp.try_send_to(&bytes, to) {
                    tracing::debug!(%to, %error, "sending a packet failed");
                }
            }
            Self::Tls(tls) => tls.send_packet(to, bytes),
        }
    }

    /// Returns when the packets are sent that were given to it, or after a while.
    pub(super) async fn drained(&self) {
        if let Self::Tls(tls) = self
            && timeout(DRAIN_TIMEOUT, tls.drained()).await.is_err()
        {
            tracing::debug!("some members could not be told good-bye in time");
        }
    }

    /// Opens a stream.
    pub(super) async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        match self {
            Self::Plain(_) => Ok(Box::new(TcpStream::connect(to).await?)),
            Self::Tls(tls) => {
                let opened = tls.connect(to).await;
                match &opened {
                    Ok(_) => tls.counters.streams_sent.increment(),
                    Err(_) => tls.counters.write_failed("stream"),
                }
                opened
            }
        }
    }
}

impl TlsTransport {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect(to).await?;
        let mut stream = self.tls.client.connect(stream, to.ip()).await?;
        // Alertmanager reads this with a buffer, and what follows without: it must be a record of its own.
        stream.write_all(&frame::stream()).await?;
        stream.flush().await?;
        Ok(Box::new(stream))
    }

    fn send_packet(&self, to: SocketAddr, bytes: Vec<u8>) {
        let packet = Outgoing::Packet(bytes);
        let mut connections = self.connections.lock();
        let count = connections.len();
        let packet = match connections.entry(to) {
            Entry::Occupied(entry) => match entry.get().try_send(packet) {
                // Without room the connection is slow; packets are lost, as with UDP.
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => return,
                Err(mpsc::error::TrySendError::Closed(packet)) => packet,
            },
            Entry::Vacant(_) if count >= CONNECTIONS_MAX => return,
            Entry::Vacant(_) => packet,
        };
        let (sender, packets) = mpsc::channel(PACKETS_MAX);
        // It is empty, so that there is room.
        let _ = sender.try_send(packet);
        connections.insert(to, sender);
        drop(connections);
        let connection = Connection {
            client: self.tls.client.clone(),
            to,
            listening: self.listening,
            timeout: self.timeout,
            counters: self.counters.clone(),
        };
        // It ends without the transport, which has the sender.
        let connections = Arc::downgrade(&self.connections);
        tokio::spawn(async move {
            if let Err(error) = connection.send(packets).await {
                connection.counters.write_failed("packet");
                tracing::debug!(%to, %error, "sending packets over TLS failed");
            }
            if let Some(connections) = connections.upgrade() {
                let mut connections = connections.lock();
                // Unless there is a new one already.
                if connections.get(&to).is_some_and(mpsc::Sender::is_closed) {
                    connections.remove(&to);
                }
            }
        });
    }

    async fn drained(&self) {
        let connections: Vec<_> = self.connections.lock().values().cloned().collect();
        let mut marks = Vec::new();
        for connection in connections {
            let (mark, reached) = oneshot::channel();
            if connection.send(Outgoing::Mark(mark)).await.is_ok() {
                marks.push(reached);
            }
        }
        for reached in marks {
            // An error is what there is to wait for: it was dropped.
            let _ = reached.await;
        }
    }
}

/// A connection for packets to one member.
struct Connection {
    client: TlsClient,
    to: SocketAddr,
    listening: SocketAddr,
    timeout: Duration,
    counters: TlsCounters,
}

impl Connection {
    /// Sends packets until none come any more.
    async fn send(&self, mut packets: mpsc::Receiver<Outgoing>) -> io::Result<()> {
        let connected = timeout(self.timeout, async {
            let stream = TcpStream::connect(self.to).await?;
            // Each packet is needed now.
            stream.set_nodelay(true)?;
            self.client.connect(stream, self.to.ip()).await
        });
        let mut stream = connected.await??;
        while let Ok(Some(next)) = timeout(IDLE, packets.recv()).await {
            let Outgoing::Packet(bytes) = next else {
                continue;
            };
            // One write is one record, which is how Alertmanager reads: what follows in the same record is lost.
            let frame = frame::packet(self.listening, &bytes);
            let sent = timeout(self.timeout, async {
                stream.write_all(&frame).await?;
                stream.flush().await
            });
            sent.await??;
            self.counters.bytes_sent.add_count(bytes.len());
        }
        packets.close();
        stream.shutdown().await
    }
}
