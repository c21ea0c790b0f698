//! This node as a member of a mesh of Alertmanagers: what `gossip` and the alerting machine say to each other.
//!
//! The machine's news go to the mesh, and the mesh's to the machine: silences under the key `sil`, entries of the
//! notification log under `nfl`, as Alertmanager has them. The place among the members is how often the peer
//! timeout a notification waits for those before us.

mod mesh_tls;

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use alerting::{Input, codec};
use gossip::driver::{Bound, Delegate, Mesh, MeshOptions};
use gossip::peer::{Part, Peer, Source};
use metrics::Registry;
use model::{Clock, Duration};
use net::Overrides;
use tsdb::block::UlidSource;

use crate::StartError;
use crate::alertmanager::{Alertmanager, Spread};
use crate::storage::random;

pub(crate) const SILENCES: &str = "sil";
pub(crate) const LOG: &str = "nfl";

/// What the `--cluster` flags say.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// An empty name is replaced by one that nobody else has; seed, overrides and TLS are filled in.
    pub mesh: MeshOptions,
    /// The file that says how members know each other.
    pub tls_config: Option<PathBuf>,
    /// How long each member waits for the one before it.
    pub peer_timeout: Duration,
}

/// The port of the mesh, taken.
#[derive(Debug)]
pub(crate) struct Place {
    bound: Bound,
    peer_timeout: Duration,
}

/// Takes the port of the mesh, if there is to be one.
pub(crate) async fn bind(
    options: Option<&ClusterOptions>,
    overrides: &Overrides,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Place>, StartError> {
    let Some(cluster) = options else {
        return Ok(None);
    };
    let mut mesh = cluster.mesh.clone();
    if mesh.name.is_empty() {
        let source = UlidSource::new(Arc::clone(clock), random());
        mesh.name = source.make().to_string();
    }
    mesh.seed = random();
    mesh.overrides = overrides.clone();
    mesh.tls = cluster
        .tls_config
        .as_deref()
        .map(mesh_tls::load)
        .transpose()?;
    let bound = Bound::new(mesh).await?;
    tracing::info!(address = %bound.address(), "the mesh of Alertmanagers reaches this node here");
    Ok(Some(Place {
        bound,
        peer_timeout: cluster.peer_timeout,
    }))
}

/// Makes the member, and the two known to each other. It lives once it is run.
pub(crate) fn join(place: Place, alertmanager: &Arc<Alertmanager>, registry: &Registry) -> Mesh {
    let member = Member {
        alertmanager: Arc::downgrade(alertmanager),
        peer_timeout: place.peer_timeout,
    };
    let mesh = Mesh::new(place.bound, Arc::new(member), registry, &[LOG, SILENCES]);
    alertmanager.set_mesh(mesh.clone());
    mesh
}

/// What the mesh knows of the machine.
pub(crate) struct Member {
    /// The mesh is the machine's, and must not keep it alive.
    alertmanager: Weak<Alertmanager>,
    peer_timeout: Duration,
}

impl Delegate for Member {
    fn state(&self) -> Vec<Part> {
        let Some(alertmanager) = self.alertmanager.upgrade() else {
            return Vec::new();
        };
        let (silences, log) = alertmanager.snapshots();
        let part = |key: &str, data| Part {
            key: key.to_owned(),
            data,
        };
        vec![part(LOG, log), part(SILENCES, silences)]
    }

    fn merge(&self, part: Part, source: Source) {
        let Some(alertmanager) = self.alertmanager.upgrade() else {
            return;
        };
        // What is long went to everybody already, and so did what many members learn by exchanging states.
        let spread = if Peer::is_oversized(&part) {
            Spread::Kept
        } else {
            Spread::Told
        };
        let counters = &alertmanager.counters;
        let read = match part.key.as_str() {
            SILENCES => codec::silence::decode(&part.data).map(|silences| {
                (
                    Input::SilencesMerged(silences),
                    &counters.silences_propagated,
                )
            }),
            LOG => codec::nflog::decode(&part.data)
                .map(|entries| (Input::LogMerged(entries), &counters.log_propagated)),
            other => {
                tracing::debug!(
                    key = other,
                    ?source,
                    "a member of the mesh has a state that is not known here"
                );
                return;
            }
        };
        match read {
            Ok((input, propagated)) => {
                let told = alertmanager.merge(input, spread);
                propagated.add_count(told);
            }
            Err(error) => {
                tracing::warn!(key = part.key, ?source, %error, "a member of the mesh sent what cannot be read");
            }
        }
    }

    fn members_changed(&self, position: usize) {
        if let Some(alertmanager) = self.alertmanager.upgrade() {
            alertmanager.set_position(position);
            let times = i64::try_from(position).unwrap_or(i64::MAX);
            let wait = Duration::from_millis(self.peer_timeout.millis().saturating_mul(times));
            alertmanager.merge(Input::PeerWait(wait), Spread::Kept);
        }
    }

    fn settled(&self) {
        if let Some(alertmanager) = self.alertmanager.upgrade() {
            alertmanager.merge(Input::ClusterSettled, Spread::Kept);
        }
    }
}
