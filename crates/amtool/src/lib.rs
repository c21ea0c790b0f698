//! What amtool does, with amtool's output and exit codes, for the command line of the same name and for our own
//! commands.
//!
//! In reading order: [`failure`] (how a command ends), [`api`] and [`answer`] (the server that is asked, and what it
//! says), [`matchers`] (what users write), [`format`](mod@format) (how answers are printed); then the commands:
//! [`alert`], [`silence`], [`import`], [`status`], [`check`], [`routes`], [`template`].
//!
//! Not here: reading arguments (`cli`), reading configurations (`config`), routing (`alerting`).

pub mod alert;
pub mod answer;
pub mod api;
pub mod check;
pub mod failure;
pub mod format;
pub mod import;
pub mod matchers;
pub mod routes;
pub mod silence;
pub mod status;
pub mod template;
mod time;
pub mod user;

pub use failure::Failure;
