//! Metrics of the mesh, under Alertmanager's names.

use metrics::{Counter, Histogram, Registry, Vector};

use crate::peer::{Event, Purpose};
use crate::swim;

const PING_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
const MESSAGE_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Label values of members; after this many, those of others are not told apart any more.
const PEERS_MAX: usize = 256;

/// What the two kinds of messages are called.
pub(crate) const FULL_STATE: &str = "full_state";
pub(crate) const UPDATE: &str = "update";

#[derive(Clone, Debug)]
pub(crate) struct Counters {
    received: Vector<Counter>,
    received_bytes: Vector<Counter>,
    sent: Vector<Counter>,
    sent_bytes: Vector<Counter>,
    pruned: Counter,
    alive: Vector<Counter>,
    pings: Vector<Histogram>,
    conflicts: Counter,
    joined: Counter,
    left: Counter,
    updated: Counter,
    reconnections: Counter,
    reconnections_failed: Counter,
    refreshes: Counter,
    refreshes_failed: Counter,
    pub(crate) oversized_sent: Vector<Counter>,
    pub(crate) oversized_failed: Vector<Counter>,
    pub(crate) oversized_dropped: Vector<Counter>,
    pub(crate) oversized_seconds: Vector<Histogram>,
    refused: Vector<Counter>,
    peers: std::sync::Arc<parking_lot::Mutex<std::collections::BTreeSet<String>>>,
}

impl Counters {
    /// `keys` are those of the user's states.
    pub(crate) fn new(registry: &Registry, keys: &[&str]) -> Self {
        let by_type = |name, help| registry.counters(name, help, &["msg_type"]);
        let by_key = |name, help| registry.counters(name, help, &["key"]);
        let counters = Self {
            received: by_type(
                "alertmanager_cluster_messages_received_total",
                "Total number of cluster messages received.",
            ),
            received_bytes: by_type(
                "alertmanager_cluster_messages_received_size_total",
                "Total size of cluster messages received.",
            ),
            sent: by_type(
                "alertmanager_cluster_messages_sent_total",
                "Total number of cluster messages sent.",
            ),
            sent_bytes: by_type(
                "alertmanager_cluster_messages_sent_size_total",
                "Total size of cluster messages sent.",
            ),
            pruned: registry.counter(
                "alertmanager_cluster_messages_pruned_total",
                "Total number of cluster messages pruned.",
            ),
            alive: registry.counters(
                "alertmanager_cluster_alive_messages_total",
                "Total number of received alive messages.",
                &["peer"],
            ),
            pings: registry.histograms(
                "alertmanager_cluster_pings_seconds",
                "Histogram of latencies for ping messages.",
                &["peer"],
                PING_SECONDS,
            ),
            conflicts: registry.counter(
                "alertmanager_cluster_peer_name_conflicts_total",
                "Total number of times memberlist has noticed conflicting peer names",
            ),
            joined: registry.counter(
                "alertmanager_cluster_peers_joined_total",
                "A counter of the number of peers that have joined.",
            ),
            left: registry.counter(
                "alertmanager_cluster_peers_left_total",
                "A counter of the number of peers that have left.",
            ),
            updated: registry.counter(
                "alertmanager_cluster_peers_update_total",
                "A counter of the number of peers that have updated metadata.",
            ),
            reconnections: registry.counter(
                "alertmanager_cluster_reconnections_total",
                "A counter of the number of cluster peer reconnections.",
            ),
            reconnections_failed: registry.counter(
                "alertmanager_cluster_reconnections_failed_total",
                "A counter of the number of failed cluster peer reconnection attempts.",
            ),
            refreshes: registry.counter(
                "alertmanager_cluster_refresh_join_total",
                "A counter of the number of cluster peer joined via refresh.",
            ),
            refreshes_failed: registry.counter(
                "alertmanager_cluster_refresh_join_failed_total",
                "A counter of the number of failed cluster peer joined attempts via refresh.",
            ),
            oversized_sent: by_key(
                "alertmanager_oversized_gossip_message_sent_total",
                "Number of oversized gossip message sent.",
            ),
            oversized_failed: by_key(
                "alertmanager_oversized_gossip_message_failure_total",
                "Number of oversized gossip message sends that failed.",
            ),
            oversized_dropped: by_key(
                "alertmanager_oversized_gossip_message_dropped_total",
                "Number of oversized gossip messages that were dropped due to a full message queue.",
            ),
            oversized_seconds: registry.histograms(
                "alertmanager_oversize_gossip_message_duration_seconds",
                "Duration of oversized gossip message requests.",
                &["key"],
                MESSAGE_SECONDS,
            ),
            refused: registry.counters(
                "keepwatch_cluster_packets_refused_total",
                "Packets and streams, and parts of them, that no member of this mesh sends.",
                &["over"],
            ),
            peers: std::sync::Arc::default(),
        };
        for kind in [FULL_STATE, UPDATE] {
            for vector in [
                &counters.received,
                &counters.received_bytes,
                &counters.sent,
                &counters.sent_bytes,
            ] {
                vector.with(&[kind]);
            }
        }
        for key in keys {
            counters.oversized_sent.with(&[key]);
            counters.oversized_failed.with(&[key]);
            counters.oversized_dropped.with(&[key]);
            counters.oversized_seconds.with(&[key]);
        }
        for over in ["packet", "stream"] {
            counters.refused.with(&[over]);
        }
        counters
    }

    pub(crate) fn state_sent(&self, bytes: usize) {
        self.sent.with(&[FULL_STATE]).increment();
        self.sent_bytes.with(&[FULL_STATE]).add_count(bytes);
    }

    pub(crate) fn news_sent(&self, bytes: usize) {
        self.sent.with(&[UPDATE]).increment();
        self.sent_bytes.with(&[UPDATE]).add_count(bytes);
    }

    pub(crate) fn stream_refused(&self) {
        self.refused.with(&["stream"]).increment();
    }

    pub(crate) fn exchanged(&self, purpose: Purpose, is_ok: bool) {
        match (purpose, is_ok) {
            (Purpose::Reconnect, true) => self.reconnections.increment(),
            (Purpose::Reconnect, false) => self.reconnections_failed.increment(),
            (Purpose::Refresh, true) => self.refreshes.increment(),
            (Purpose::Refresh, false) => self.refreshes_failed.increment(),
            (Purpose::Join | Purpose::Compare, _) => {}
        }
    }

    /// Counts, and logs what people should know.
    pub(crate) fn observe(&self, event: &Event) {
        match event {
            Event::StateReceived { bytes } => {
                self.received.with(&[FULL_STATE]).increment();
                self.received_bytes.with(&[FULL_STATE]).add_count(*bytes);
            }
            Event::NewsReceived { bytes } => {
                self.received.with(&[UPDATE]).increment();
                self.received_bytes.with(&[UPDATE]).add_count(*bytes);
            }
            Event::Unreadable(problem) => {
                tracing::warn!(problem, "a member of the mesh sent what cannot be read");
            }
            Event::Forgotten(address) => {
                tracing::info!(%address, "a lost peer is given up");
            }
            Event::Swim(event) => self.observe_swim(event),
        }
    }

    fn observe_swim(&self, event: &swim::Event) {
        match event {
            swim::Event::Joined(node) => {
                self.joined.increment();
                tracing::info!(peer = node.name, address = %node.address, "a peer joined the mesh");
            }
            swim::Event::Gone(node) => {
                self.left.increment();
                self.forget(&node.name);
                tracing::warn!(peer = node.name, address = %node.address, "a peer left the mesh");
            }
            swim::Event::Updated(node) => {
                self.updated.increment();
                tracing::debug!(peer = node.name, "a peer changed its data");
            }
            swim::Event::Conflict { name, ours, theirs } => {
                self.conflicts.increment();
                tracing::warn!(peer = name, %ours, %theirs, "two peers have the same name; the second is not let in");
            }
            swim::Event::AliveHeard(peer) => {
                if let Some(peer) = self.label(peer) {
                    self.alive.with(&[peer]).increment();
                }
            }
            swim::Event::PingAnswered { node, after } => {
                if let Some(peer) = self.label(node) {
                    self.pings.with(&[peer]).observe(after.as_secs_f64());
                }
            }
            swim::Event::Suspected { node } => {
                tracing::debug!(peer = node, "a peer does not answer");
            }
            swim::Event::Refuted => {
                tracing::debug!("another peer took this one for dead; it was told better");
            }
            swim::Event::PacketRefused { from, problem } => {
                self.refused.with(&["packet"]).increment();
                tracing::debug!(%from, %problem, "a packet was refused");
            }
            swim::Event::MemberRefused { name } => {
                tracing::warn!(
                    peer = name,
                    "a peer is not let in: it speaks another version of the protocol, or there are too many"
                );
            }
            swim::Event::Pruned(count) => {
                self.pruned.add_count(*count);
                tracing::warn!(
                    count,
                    "too many news wait to be told; the oldest are dropped"
                );
            }
        }
    }

    /// Members come and go, and hostile ones could come without end.
    fn label<'n>(&self, peer: &'n str) -> Option<&'n str> {
        let mut peers = self.peers.lock();
        if !peers.contains(peer) {
            if peers.len() >= PEERS_MAX {
                return None;
            }
            peers.insert(peer.to_owned());
        }
        Some(peer)
    }

    fn forget(&self, peer: &str) {
        self.peers.lock().remove(peer);
        self.alive.remove(&[peer]);
        self.pings.remove(&[peer]);
    }
}

/// What is sent and received in TLS. Bytes are those of packets, without what is around them.
#[derive(Clone, Debug)]
pub(super) struct TlsCounters {
    pub(super) bytes_sent: Counter,
    pub(super) bytes_received: Counter,
    pub(super) streams_sent: Counter,
    pub(super) streams_received: Counter,
    pub(super) read_errors: Counter,
    write_errors: Vector<Counter>,
}

impl TlsCounters {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = Self {
            bytes_sent: registry.counter(
                "alertmanager_tls_transport_packet_bytes_sent_total",
                "The number of packet bytes sent to outgoing connections (excluding internal metadata).",
            ),
            bytes_received: registry.counter(
                "alertmanager_tls_transport_packet_bytes_received_total",
                "The number of packet bytes received from incoming connections (excluding internal metadata).",
            ),
            streams_sent: registry.counter(
                "alertmanager_tls_transport_stream_connections_sent_total",
                "The number of stream connections sent.",
            ),
            streams_received: registry.counter(
                "alertmanager_tls_transport_stream_connections_received_total",
                "The number of stream connections received.",
            ),
            read_errors: registry.counter(
                "alertmanager_tls_transport_read_errors_total",
                "The number of errors encountered while reading from incoming connections.",
            ),
            write_errors: registry.counters(
                "alertmanager_tls_transport_write_errors_total",
                "The number of errors encountered while writing to outgoing connections.",
                &["connection_type"],
            ),
        };
        for kind in ["packet", "stream"] {
            counters.write_errors.with(&[kind]);
        }
        counters
    }

    pub(super) fn write_failed(&self, connection_type: &str) {
        self.write_errors.with(&[connection_type]).increment();
    }
}
