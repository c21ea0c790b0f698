//! Whether a selected object can be used: references resolve, sections do not contradict each other, and
//! the version knows what is asked for.
//!
//! The order of checks does not matter to callers, only whether one fails: an object is refused as a
//! whole.

pub(crate) mod discovery;
mod http;
mod objects;
mod relabel;

use crate::assets::Assets;
use crate::tree::Tree;
use crate::version::Version;

pub(crate) use http::{
    check_authorization, check_oauth2, check_proxy, check_safe_authorization, check_safe_tls,
    check_tls_files,
};
pub(crate) use relabel::check_relabelings;

/// Checks objects in one namespace for one workload.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    pub(crate) assets: &'a Assets,
    pub(crate) version: &'a Version,
    /// Of the object that is checked: its references resolve there.
    pub(crate) namespace: &'a str,
    /// The spec of the workload that selected it.
    pub(crate) workload: Tree<'a>,
}
