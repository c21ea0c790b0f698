//! A stand-in for Kasten K10: services with `/metrics`, and `metering-svc` also answers
//! `/v0/listScrapeTargets`, so that stopping it stops target discovery as well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use net::axum::Router;
use net::axum::http::header;
use net::axum::routing::get;
use net::server::{ServeOptions, serve};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::metrics_page::Shown;
use crate::{ListenError, listen};

/// The services with the cluster name suffix and port that K10 has.
const SERVICES: &[&str] = &["catalog-svc", "events-svc", "jobs-svc", "metering-svc"];
const NAMESPACE: &str = "kasten-io";
const SERVICE_PORT: u16 = 8000;

/// Longer than the scrape interval of the manifests, which `--real-time` keeps.
const PAGE_WAIT_MAX: Duration = Duration::from_secs(40);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Something of the stand-in that can be stopped and started: a service or an executor pod.
struct Part {
    /// The name and port under which Keepwatch looks for it.
    cluster_address: String,
    /// Where it really listens; the same again after a restart.
    port: u16,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// All parts, running.
pub struct StandIn {
    shown: Arc<Mutex<Shown>>,
    parts: tokio::sync::Mutex<BTreeMap<String, Part>>,
}

impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandIn")
    }
}

/// What a command to the stand-in did not find, or could not do.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    #[error("there is no service {name:?}; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("{0} is broken already")]
    BrokenAlready(String),
    #[error(transparent)]
    Listen(#[from] ListenError),
}

impl StandIn {
    /// Starts all services, and one executor per address (`10.42.0.11:8002`), each on a free port.
    pub async fn start(executors: &[(String, String)]) -> Result<Self, ListenError> {
        let stand_in = Self {
            shown: Arc::default(),
            parts: tokio::sync::Mutex::default(),
        };
        {
            let mut parts = stand_in.parts.lock().await;
            let services = SERVICES
                .iter()
                .map(|name| ((*name).to_owned(), cluster_name(name)));
            for (name, cluster_address) in services.chain(executors.iter().cloned()) {
                let (port, running) = stand_in.start_part(&name, 0).await?;
                parts.insert(
                    name,
                    Part {
                        cluster_address,
                        port,
                        running: Some(running),
                    },
                );
            }
        }
        Ok(stand_in)
    }

    /// `NAME:PORT=127.0.0.1:PORT` for every part.
    pub async fn overrides(&self) -> Vec<String> {
        let parts = self.parts.lock().await;
        parts
            .values()
            .map(|part| format!("{}=127.0.0.1:{}", part.cluster_address, part.port))
            .collect()
    }

    /// Stops one service, its open connections included.
    pub async fn break_service(&self, name: &str) -> Result<(), StandInError> {
        let mut parts = self.parts.lock().await;
        let known = || parts.keys().cloned().collect::<Vec<_>>().join(", ");
        if !parts.contains_key(name) {
            return Err(StandInError::Unknown {
                name: name.to_owned(),
                known: known(),
            });
        }
        let running = parts.get_mut(name).and_then(|part| part.running.take());
        let running = running.ok_or_else(|| StandInError::BrokenAlready(name.to_owned()))?;
        // The receiver is gone only if the task ended by itself; then it is stopped already.
        let _ = running.stop.send(());
        let _ = running.task.await;
        Ok(())
    }

    /// Starts what was broken, on the same ports. Says which.
    pub async fn heal(&self) -> Result<Vec<String>, StandInError> {
        let mut parts = self.parts.lock().await;
        let mut healed = Vec::new();
        for (name, part) in parts.iter_mut().filter(|(_, part)| part.running.is_none()) {
            let (_, running) = self.start_part(name, part.port).await?;
            part.running = Some(running);
            healed.push(name.clone());
        }
        Ok(healed)
    }

    /// One more failed backup action in a namespace. The series stands on a page with the count before
    /// first: `increase` sees nothing of a series that is born with its last value.
    pub async fn fail_backup(&self, namespace: &str) {
        self.shown
            .lock()
            .failed_backups
            .entry(namespace.to_owned())
            .or_default();
        let is_shown = async {
            while !self.shown.lock().failures_shown.contains(namespace) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        // A catalog that is broken shows nothing to anybody; the failure counts all the same.
        let _ = tokio::time::timeout(PAGE_WAIT_MAX, is_shown).await;
        *self
            .shown
            .lock()
            .failed_backups
            .entry(namespace.to_owned())
            .or_default() += 1;
    }

    async fn start_part(&self, name: &str, port: u16) -> Result<(u16, Running), ListenError> {
        let (listener, port) = listen(name, port).await?;
        let router = self.router(name);
        let (stop, stopped) = oneshot::channel();
        let options = ServeOptions {
            drain_timeout: Duration::from_secs(1),
            ..ServeOptions::default()
        };
        let task = tokio::spawn(serve(listener, router, options, async {
            let _ = stopped.await;
        }));
        Ok((port, Running { stop, task }))
    }

    fn router(&self, name: &str) -> Router {
        let shown = Arc::clone(&self.shown);
        let service = name.to_owned();
        let page = move || {
            let text = shown.lock().page(&service);
            async move {
                (
                    [(
                        header::CONTENT_TYPE,
                        "text/plain; version=0.0.4; charset=utf-8",
                    )],
                    text,
                )
            }
        };
        let router = Router::new().route("/metrics", get(page));
        if name != "metering-svc" {
            return router;
        }
        let list = target_list();
        router.route(
            "/v0/listScrapeTargets",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], list) }),
        )
    }
}

fn cluster_name(service: &str) -> String {
    format!("{service}.{NAMESPACE}.svc.cluster.local:{SERVICE_PORT}")
}

/// The answer of target discovery: one group per service, with the labels that the rules ask for.
fn target_list() -> String {
    let groups: Vec<serde_json::Value> = SERVICES
        .iter()
        .map(|service| {
            serde_json::json!({
                "targets": [cluster_name(service)],
                "labels": {"__metrics_path__": "/metrics", "application": "k10", "service": service},
            })
        })
        .collect();
    serde_json::Value::from(groups).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn breaks_and_heals_on_the_same_port() {
        let stand_in = StandIn::start(&[("executor-0".to_owned(), "10.42.0.11:8002".to_owned())])
            .await
            .unwrap();
        let overrides = stand_in.overrides().await;
        let metering = overrides
            .iter()
            .find(|text| text.starts_with("metering-svc"))
            .unwrap();
        let address = metering.split_once('=').unwrap().1.to_owned();
        let client = net::HttpClient::new(net::ClientOptions::default()).unwrap();
        let list = || {
            client.send(net::Request::get(format!(
                "http://{address}/v0/listScrapeTargets"
            )))
        };
        let answer = list().await.unwrap();
        assert!(
            std::str::from_utf8(&answer.body)
                .unwrap()
                .contains("catalog-svc.kasten-io.svc.cluster.local:8000")
        );
        stand_in.break_service("metering-svc").await.unwrap();
        assert!(list().await.is_err());
        assert!(matches!(
            stand_in.break_service("metering-svc").await,
            Err(StandInError::BrokenAlready(_))
        ));
        assert_eq!(stand_in.heal().await.unwrap(), ["metering-svc"]);
        assert!(list().await.is_ok());
        assert!(
            stand_in
                .break_service("nope")
                .await
                .unwrap_err()
                .to_string()
                .contains("catalog-svc")
        );
    }
}
