//! What runs beside an alerting machine: its clock, the writing of its log, acknowledgements, what silences have
//! done, and the mesh.

use std::sync::Arc;

use gossip::driver::Mesh;
use tokio::task::JoinSet;

use crate::alertmanager::Alertmanager;

/// They end when this is dropped; then nobody is told that this node leaves.
#[derive(Debug)]
pub(crate) struct AlertingTasks {
    /// The machine's own.
    own: JoinSet<()>,
    alertmanager: Arc<Alertmanager>,
    mesh: Option<(Mesh, JoinSet<()>)>,
}

impl AlertingTasks {
    pub(crate) fn start(alertmanager: &Arc<Alertmanager>, mesh: Option<Mesh>) -> Self {
        let mut own = JoinSet::new();
        own.spawn(Arc::clone(alertmanager).run());
        own.spawn(Arc::clone(alertmanager).keep_log());
        own.spawn(Arc::clone(alertmanager).keep_acknowledgements());
        own.spawn(Arc::clone(alertmanager).count_stopped());
        let mesh = mesh.map(|mesh| {
            let mut meshing = JoinSet::new();
            meshing.spawn(mesh.clone().run());
            (mesh, meshing)
        });
        Self {
            own,
            alertmanager: Arc::clone(alertmanager),
            mesh,
        }
    }

    /// The last news of the machine are out before this node leaves the mesh: no timer goes off any more, and
    /// what is being delivered comes to its end.
    pub(crate) async fn stop(self) {
        drop(self.own);
        self.alertmanager.finish_deliveries().await;
        self.alertmanager.stop_recorder();
        self.alertmanager.tracing.stop().await;
        if let Some((mesh, meshing)) = self.mesh {
            mesh.leave().await;
            drop(meshing);
        }
    }
}
