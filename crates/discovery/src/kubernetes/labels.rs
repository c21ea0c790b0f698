//! Meta labels that all roles share.

use model::labels::LabelsBuilder;

use super::objects::Meta;

/// Prometheus' label name for a Kubernetes name: what is not a letter, digit or underscore becomes one.
pub(super) fn sanitized(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .collect()
}

/// `__meta_kubernetes_ROLE_{label,labelpresent,annotation,annotationpresent}_…`.
pub(super) fn add_object_labels(labels: &mut LabelsBuilder, role: &str, meta: &Meta) {
    let prefix = format!("__meta_kubernetes_{role}");
    for (kind, pairs) in [("label", &meta.labels), ("annotation", &meta.annotations)] {
        for (name, value) in pairs {
            let name = sanitized(name);
            labels.set(format!("{prefix}_{kind}_{name}"), value);
            labels.set(format!("{prefix}_{kind}present_{name}"), "true");
        }
    }
}

/// `host:port`, with brackets around IPv6 addresses.
pub(super) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
