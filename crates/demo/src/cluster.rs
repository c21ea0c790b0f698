//! Manifests that the demo adds to those of the user.

use std::fmt::Write as _;

/// Where notifications of the demo go; mapped to the webhook receiver's port by a name override.
pub const WEBHOOK_ADDRESS: &str = "webhook.keepwatch-demo.svc:9099";

/// Executor pods for manifests that have none: name and address of the metrics port.
pub const EXECUTORS: &[(&str, &str)] = &[
    ("executor-svc-0", "10.42.0.11"),
    ("executor-svc-1", "10.42.0.12"),
];
pub const EXECUTOR_PORT: u16 = 8002;

/// One AlertmanagerConfig per namespace that sends that namespace's alerts to the demo's webhook.
pub fn webhook_manifests(namespaces: &[&str]) -> String {
    let mut text = String::from(
        "# Added by `keepwatch demo`: the alerts of these namespaces also go to its webhook receiver.\n",
    );
    for namespace in namespaces {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "---\n\
             apiVersion: monitoring.coreos.com/v1alpha1\n\
             kind: AlertmanagerConfig\n\
             metadata:\n  name: keepwatch-demo-webhook\n  namespace: {namespace}\n\
             spec:\n  route:\n    receiver: webhook\n    groupBy: [alertname]\n    groupWait: 5s\n    groupInterval: 5m\n    repeatInterval: 5h\n  \
             receivers:\n    - name: webhook\n      webhookConfigs:\n        - url: http://{WEBHOOK_ADDRESS}/alerts\n          sendResolved: true\n"
        );
    }
    text
}

/// Executor pods as the Kasten chart deploys them, with one port that is no metrics port.
pub fn executor_manifests() -> String {
    let mut text =
        String::from("# Added by `keepwatch demo`: the manifests have no executor pods.\n");
    for (name, address) in EXECUTORS {
        let _ = write!(
            text,
            "---\n\
             apiVersion: v1\nkind: Pod\n\
             metadata:\n  name: {name}\n  namespace: kasten-io\n  labels:\n    app: k10\n    component: executor\n    release: k10\n\
             spec:\n  containers:\n    - name: executor-svc\n      image: executor\n      ports:\n        \
             - name: metrics\n          containerPort: {EXECUTOR_PORT}\n        - name: grpc\n          containerPort: 50051\n\
             status:\n  phase: Running\n  podIP: {address}\n"
        );
    }
    text
}
