//! Why the journal has a gap, or may have one.

/// Some events are missing, or might be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JournalRefusal {
    #[error("{dropped} events came faster than they could be written")]
    TooFast { dropped: u64 },
    #[error("{dropped} events could not be written: {problem}")]
    NotWritten { dropped: u64, problem: String },
    #[error("what was written would be lost in a power cut: {problem}")]
    NotSynced { problem: String },
    #[error(
        "the thread that writes it has failed, {dropped} events are lost, and so is what comes"
    )]
    Stopped { dropped: u64 },
}

impl diag::Reason for JournalRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::TooFast { .. } => "journal-too-fast",
            Self::NotWritten { .. } => "journal-not-written",
            Self::NotSynced { .. } => "journal-not-synced",
            Self::Stopped { .. } => "journal-stopped",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooFast { .. } => None,
            Self::Stopped { .. } => Some(
                "restart to have a journal again, and report the panic in the log; alerts are routed and sent all the same"
                    .to_owned(),
            ),
            Self::NotWritten { .. } | Self::NotSynced { .. } => Some(
                "look at the disk of the data folder; alerts are routed and sent all the same"
                    .to_owned(),
            ),
        }
    }
}
