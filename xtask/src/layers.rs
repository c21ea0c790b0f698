//! The order of the crates. A crate depends only on crates before it in this table.

/// Crate name and layer, bottom first. ARCHITECTURE.md shows the same table with purposes.
pub const CRATES: &[(&str, u8)] = &[
    ("diag", 0),
    ("model", 0),
    ("metrics", 0),
    ("yaml", 1),
    ("wire", 1),
    ("gotemplate", 1),
    ("promql", 1),
    ("tsdb", 1),
    ("config", 2),
    ("alerting", 2),
    ("manifest", 2),
    ("net", 3),
    ("demo", 3),
    ("discovery", 3),
    ("scrape", 3),
    ("rules", 3),
    ("queries", 3),
    ("folder", 3),
    ("notify", 3),
    ("gossip", 3),
    ("remote", 3),
    ("fanout", 4),
    ("access", 4),
    ("operator", 4),
    ("backup", 4),
    ("api", 5),
    ("server", 5),
    ("promtool", 5),
    ("amtool", 5),
    ("cli", 5),
    ("keepwatch", 6),
];

/// Crates outside the layers, for tests and chores: nothing above may depend on them but as a
/// dev-dependency.
pub const OUTSIDE: &[&str] = &["testkit", "bench", "conformance", "xtask"];

/// The crates that know no async runtime, no clock and no sockets.
pub const PURE: &[&str] = &[
    "diag",
    "model",
    "yaml",
    "wire",
    "gotemplate",
    "promql",
    "tsdb",
    "config",
    "alerting",
    "manifest",
];

/// Libraries that a pure crate must not name.
pub const IMPURE_LIBRARIES: &[&str] = &[
    "tokio",
    "tokio-util",
    "hyper",
    "hyper-util",
    "hyper-rustls",
    "axum",
    "rustls",
    "kube",
    "tonic",
];

/// Place in the table, if the crate is one of the layered ones.
pub fn rank(name: &str) -> Option<usize> {
    CRATES.iter().position(|(candidate, _)| *candidate == name)
}
