//! What reading a data folder came to, and telling of what was lost in it.

use diag::{Reason, ReasonBook};
use model::Clock;
use tsdb::log::Repair;

/// A data folder that was read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Everything that was found, for the log.
    pub(crate) report: String,
    pub(crate) repairs: Vec<Repair>,
}

/// A place from which on a file could not be read, so that it ends there now.
#[derive(Debug, thiserror::Error)]
#[error("a file of the data folder ends early now: {0}")]
struct FolderRepaired(Repair);

impl Reason for FolderRepaired {
    fn code(&self) -> &'static str {
        "folder-repaired"
    }

    fn hint(&self) -> Option<String> {
        Some(
            "what stood behind that place is gone unless a block or snapshot has it; after a power cut these are the \
             last seconds, anything else is a reason to look at the disk"
                .to_owned(),
        )
    }
}

impl Opened {
    pub(crate) fn tell(self, reasons: &ReasonBook, clock: &dyn Clock) {
        for repair in self.repairs {
            let repaired = FolderRepaired(repair);
            reasons.record(clock.now().millis(), "data folder", &repaired);
            let hint = repaired.hint().unwrap_or_default();
            tracing::warn!(code = repaired.code(), hint, "{repaired}");
        }
        tracing::info!(report = self.report, "data folder opened");
    }
}
