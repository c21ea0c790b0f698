//! Why the journal has a gap.

/// Some events are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JournalRefusal {
    #[error("{dropped} events came faster than they could be written")]
    TooFast { dropped: u64 },
    #[error("{dropped} events could not be written: {problem}")]
    NotWritten { dropped: u64, problem: String },
}

impl diag::Reason for JournalRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::TooFast { .. } => "journal-too-fast",
            Self::NotWritten { .. } => "journal-not-written",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooFast { .. } => None,
            Self::NotWritten { .. } => Some(
                "look at the disk of the data folder; alerts are routed and sent all the same"
                    .to_owned(),
            ),
        }
    }
}
