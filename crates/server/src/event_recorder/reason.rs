//! Why events are missing at an output.

/// An output lost events, or there is none where the configuration has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OutputRefusal {
    #[error("it cannot be opened: {problem}")]
    Unopened { problem: String },
    #[error("an event could not be written: {problem}")]
    Unwritten { problem: String },
    #[error("{events} events were not taken after {attempts} attempts: {problem}")]
    GivenUp {
        events: usize,
        attempts: usize,
        problem: String,
    },
}

impl diag::Reason for OutputRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unopened { .. } => "event-output-not-opened",
            Self::Unwritten { .. } => "event-output-not-written",
            Self::GivenUp { .. } => "event-output-not-taken",
        }
    }

    fn hint(&self) -> Option<String> {
        Some("alerts are routed and notified all the same; see event_recorder".to_owned())
    }
}
