//! What was built, under the names of the peers.

use std::env::consts;

use metrics::{Kind, Page};

/// The processor, by the name that Go has for it.
pub(crate) fn architecture() -> &'static str {
    match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

/// Under the name of the peer that `prefix` is. What only Go has is empty.
pub(crate) fn build_info(page: &mut Page, prefix: &str) {
    let labels = [
        ("branch", ""),
        ("goarch", architecture()),
        ("goos", consts::OS),
        ("goversion", ""),
        ("revision", ""),
        ("tags", ""),
        ("version", crate::VERSION),
    ];
    page.sample(
        Kind::Gauge,
        &format!("{prefix}_build_info"),
        "The version that runs; the value is always 1.",
        &labels,
        1.0,
    );
}
