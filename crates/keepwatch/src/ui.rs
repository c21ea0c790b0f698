//! The files of the web UI, as `ui/scripts/embed.mjs` lists them. They are there with the feature `ui`, which
//! `make` sets when the UI was built; without it the program has no UI and says how to build it.

#[cfg(feature = "ui")]
use cli::UiFile;

#[cfg(feature = "ui")]
pub(crate) const FILES: &[UiFile] = include!("../../../ui/dist/files.rs");

#[cfg(not(feature = "ui"))]
pub(crate) const FILES: &[cli::UiFile] = &[];
