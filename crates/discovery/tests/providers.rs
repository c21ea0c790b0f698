//! Providers as a user of the crate sees them: HTTP over loopback, Kubernetes from objects.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use discovery::http::HttpConfig;
use discovery::kubernetes::{
    FieldSelector, KubernetesConfig, LabelSelector, Objects, Role, Selector, groups,
};
use discovery::{DiscoveryRefusal, ProviderConfig, Snapshot, start};
use net::axum::Router;
use net::axum::http::{StatusCode, header};
use net::axum::routing::get;
use net::server::{ServeOptions, serve};
use net::{ClientOptions, HttpClient};
use tokio::sync::watch;

async fn next(
    snapshots: &mut watch::Receiver<Snapshot>,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Snapshot {
    let waited = tokio::time::timeout(Duration::from_secs(20), snapshots.wait_for(wanted)).await;
    waited.unwrap().unwrap().clone()
}

#[tokio::test]
async fn a_failing_endpoint_keeps_the_last_good_list() {
    let status = Arc::new(AtomicU16::new(200));
    let answer = Arc::clone(&status);
    let router = Router::new().route(
        "/sd",
        get(move || {
            let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap();
            async move {
                (
                    status,
                    [(header::CONTENT_TYPE, "application/json")],
                    r#"[{"targets":["a:1"]}]"#,
                )
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sd", listener.local_addr().unwrap());
    tokio::spawn(serve(
        listener,
        router,
        ServeOptions::default(),
        std::future::pending(),
    ));
    let task = start(ProviderConfig::Http(Box::new(HttpConfig {
        url: url.clone(),
        refresh_interval: Duration::from_millis(20),
        client: HttpClient::new(ClientOptions::default()).unwrap(),
        user_agent: "test".to_owned(),
    })));
    let mut snapshots = task.snapshots();
    let good = next(&mut snapshots, |snapshot| snapshot.is_complete).await;
    assert_eq!(good.groups[0].labels.get("__meta_url"), Some(url.as_str()));
    status.store(500, Ordering::SeqCst);
    let failed = next(&mut snapshots, |snapshot| snapshot.refusal.is_some()).await;
    assert!(matches!(
        failed.refusal,
        Some(DiscoveryRefusal::Status { .. })
    ));
    assert_eq!(failed.groups, good.groups);
}

fn objects() -> Objects {
    let objects = serde_json::json!([
        {"kind": "Pod", "metadata": {"name": "executor-0", "namespace": "kasten-io", "uid": "u1",
            "labels": {"component": "executor", "app.kubernetes.io/name": "k10"}},
         "spec": {"nodeName": "n1", "containers": [
            {"name": "exec", "image": "i", "ports": [{"containerPort": 8002}, {"name": "other", "containerPort": 9000}]}]},
         "status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}},
        {"kind": "Pod", "metadata": {"name": "pending", "namespace": "kasten-io", "labels": {"component": "executor"}}},
        {"kind": "Service", "metadata": {"name": "svc", "namespace": "kasten-io"},
         "spec": {"clusterIP": "10.1.0.1", "ports": [{"name": "http", "port": 8000}]}},
        {"kind": "EndpointSlice", "metadata": {"name": "svc-x", "namespace": "kasten-io",
            "labels": {"kubernetes.io/service-name": "svc"}},
         "addressType": "IPv4", "ports": [{"name": "http", "port": 8002, "protocol": "TCP"}],
         "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "name": "executor-0", "namespace": "kasten-io"}}]},
        {"kind": "Pod", "metadata": {"name": "broken"}, "spec": {"containers": 7}}
    ]);
    let (objects, errors) = Objects::from_json(objects.as_array().unwrap(), "default");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].name, "broken");
    objects
}

fn config(role: Role, selector: &str) -> KubernetesConfig {
    let (_, receiver) = watch::channel(Arc::new(Objects::default()));
    let selectors = vec![Selector {
        role,
        labels: LabelSelector::parse(selector).unwrap(),
        fields: FieldSelector::default(),
    }];
    KubernetesConfig {
        role,
        namespaces: Vec::new(),
        selectors,
        objects: receiver,
    }
}

#[test]
fn pods_have_a_target_per_port() {
    let groups = groups(&config(Role::Pod, "component=executor"), &objects());
    assert_eq!(
        groups
            .iter()
            .map(|group| group.source.as_str())
            .collect::<Vec<_>>(),
        ["pod/kasten-io/executor-0", "pod/kasten-io/pending"]
    );
    assert!(
        groups[1].targets.is_empty(),
        "a pod without an address has no target"
    );
    let targets: Vec<_> = groups[0].merged().collect();
    assert_eq!(targets.len(), 2);
    assert_eq!(targets[0].get("__address__"), Some("10.0.0.1:8002"));
    assert_eq!(
        targets[0].get("__meta_kubernetes_pod_label_app_kubernetes_io_name"),
        Some("k10")
    );
    assert_eq!(targets[0].get("__meta_kubernetes_pod_ready"), Some("true"));
    assert_eq!(
        targets[1].get("__meta_kubernetes_pod_container_port_number"),
        Some("9000")
    );
}

#[test]
fn services_and_slices() {
    let services = groups(&config(Role::Service, ""), &objects());
    let service: Vec<_> = services[0].merged().collect();
    assert_eq!(
        service[0].get("__address__"),
        Some("svc.kasten-io.svc:8000")
    );
    let slices = groups(&config(Role::EndpointSlice, ""), &objects());
    let targets: Vec<_> = slices[0].merged().collect();
    assert_eq!(targets.len(), 2, "the slice's port and the pod's other one");
    assert_eq!(
        targets[0].get("__meta_kubernetes_service_name"),
        Some("svc")
    );
    assert_eq!(
        targets[0].get("__meta_kubernetes_pod_container_name"),
        Some("exec")
    );
    assert_eq!(
        targets[0].get("__meta_kubernetes_endpointslice_endpoint_conditions_ready"),
        Some("true")
    );
    assert_eq!(targets[1].get("__address__"), Some("10.0.0.1:9000"));
}
