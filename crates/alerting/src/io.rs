//! What goes into the machine and what comes out.

use std::sync::Arc;

use model::Duration;

use crate::alert::{AlertError, PostedAlert};
use crate::config::Config;
use crate::delivery::{Delivery, DeliveryId, Outcome};
use crate::event::Event;
use crate::nflog::StoredEntry;
use crate::recorder::Recorded;
use crate::silence::{Silence, SilenceError};
use crate::silences::StoredSilence;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed: [`Machine::wake_at`](crate::Machine::wake_at) is due.
    Tick,
    /// Alerts came in, by HTTP or from rules in this process.
    Posted(Vec<PostedAlert>),
    /// An attempt has ended. Every [`Action::Deliver`] must be answered once.
    Delivered {
        delivery: DeliveryId,
        outcome: Outcome,
    },
    /// Someone posted a silence. `fresh_id` is a random UUID, taken if a new id is needed.
    SilenceSet {
        silence: Silence,
        fresh_id: String,
    },
    SilenceExpired {
        id: String,
    },
    /// A look at the acknowledgements, once every
    /// [`LOOKED_AT_EVERY`](crate::machine::acknowledging::LOOKED_AT_EVERY). `position` is this member's place in the
    /// cluster, from 0.
    AcknowledgementsDue {
        position: usize,
    },
    /// Silences of another cluster member.
    SilencesMerged(Vec<StoredSilence>),
    /// Log entries of another cluster member.
    LogMerged(Vec<StoredEntry>),
    /// This member's place changed: how long it waits before it looks whether another one has notified.
    PeerWait(Duration),
    /// Gossip has settled; flushes may go on.
    ClusterSettled,
    ConfigReplaced(Arc<Config>),
}

/// Something that must be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start this attempt, and report it with [`Input::Delivered`].
    Deliver(Box<Delivery>),
    /// Append to the journal.
    Journal(Event),
    /// Hand to the event recorder; only with [`Settings::records_events`](crate::Settings).
    Record(Recorded),
    /// Answer to [`Input::Posted`]: one for each alert that was not taken, in order.
    AlertRefused(AlertError),
    /// Answer to [`Input::SilenceSet`] and [`Input::SilenceExpired`].
    SilenceDone {
        id: String,
    },
    /// Answer to [`Input::SilenceSet`] and [`Input::SilenceExpired`].
    SilenceRefused(SilenceError),
    /// Tell the other cluster members; also news that came from one of them.
    BroadcastSilence(StoredSilence),
    BroadcastLogEntry(StoredEntry),
}
