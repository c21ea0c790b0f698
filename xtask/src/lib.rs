//! Checks on the source tree, callable from tests.

pub mod layers;
pub mod tidy;

use std::path::PathBuf;

/// The folder with the workspace's Cargo.toml.
pub fn workspace_root() -> PathBuf {
    let manifest_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest_dir
        .parent()
        .map_or(manifest_dir.clone(), PathBuf::from)
}
