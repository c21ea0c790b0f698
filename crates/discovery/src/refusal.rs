//! Why a provider could not refresh its list.

use std::fmt;

use diag::Reason;

/// A failed refresh. The last good list stays in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryRefusal {
    /// The endpoint could not be asked.
    Unreachable { from: String, problem: String },
    /// The endpoint answered with another status than 200.
    Status { from: String, status: String },
    /// The answer is not JSON by its content type.
    ContentType { from: String, content_type: String },
    /// The answer or the file is not a list of target groups.
    Malformed { from: String, problem: String },
    /// The file could not be read.
    Unreadable { from: String, problem: String },
}

impl fmt::Display for DiscoveryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { from, problem } => write!(f, "asking {from}: {problem}"),
            Self::Status { from, status } => {
                write!(f, "{from}: server returned HTTP status {status}")
            }
            Self::ContentType { from, content_type } => {
                write!(f, "{from}: unsupported content type {content_type:?}")
            }
            Self::Malformed { from, problem } => write!(f, "{from}: {problem}"),
            Self::Unreadable { from, problem } => write!(f, "reading {from}: {problem}"),
        }
    }
}

impl Reason for DiscoveryRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "discovery-unreachable",
            Self::Status { .. } => "discovery-status",
            Self::ContentType { .. } => "discovery-content-type",
            Self::Malformed { .. } => "discovery-malformed",
            Self::Unreadable { .. } => "discovery-unreadable",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } | Self::Status { .. } => {
                "the last good list stays in use; targets behind it may be out of date"
            }
            Self::ContentType { .. } => {
                "the endpoint must answer with Content-Type application/json"
            }
            Self::Malformed { .. } => {
                r#"expected [{"targets": ["host:port"], "labels": {"name": "value"}}]"#
            }
            Self::Unreadable { .. } => {
                "the last good list stays in use; check the path and its permissions"
            }
        };
        Some(hint.to_owned())
    }
}
