//! The alerting machine: from received alerts to notifications that must be delivered.
//!
//! [`Machine::step`] takes the time and one [`Input`] and returns [`Action`]s; nothing else happens. The
//! caller sleeps until [`Machine::wake_at`], carries out deliveries and broadcasts, stores snapshots, and
//! feeds the results back. Replaying the same inputs gives the same actions.
//!
//! In reading order: [`time`] and [`alert`] (what is received), [`route`] and [`config`] (what is asked
//! for), `store`, `about` (what alerts of one rule share), `group`, [`inhibit`], [`silence`] and [`silences`],
//! [`stopped`] (what they kept from being told), [`nflog`] and [`dedup`] (the state),
//! `flush` and [`delivery`] (one notification on its way), [`io`] and [`machine`] (the step function),
//! [`event`] and [`reason`] (what happened, and why), [`stats`] and [`measure`] (how often, and how long it took),
//! [`journal`] (events as bytes, and found again), [`recorder`] (events as the peer's event recorder has them), [`view`] (what the HTTP API shows), [`trial`] (where alerts would
//! end under a configuration that is not in use), [`codec`] (files and gossip messages, byte by byte).
//!
//! Not here: rendering and sending (`notify`), reading configuration (`config`), clocks, files and the
//! cluster protocol (`server`, `gossip`).

mod about;
pub mod alert;
pub mod backoff;
pub mod codec;
pub mod config;
pub mod dedup;
pub mod delivery;
pub mod event;
mod flush;
mod group;
pub mod inhibit;
pub mod io;
pub mod journal;
pub mod machine;
pub mod measure;
pub mod nflog;
pub mod reason;
pub mod recorder;
pub mod route;
pub mod silence;
pub mod silences;
pub mod stats;
pub mod stopped;
mod store;
pub mod text;
pub mod time;
pub mod trial;
pub mod view;

pub use about::About;
pub use alert::{Alert, AlertError, Fingerprint, PostedAlert};
pub use config::{
    Config, InhibitRuleSpec, Integration, IntegrationSettings, NoIntervals, ReceiverSpec, Settings,
    TimeIntervals,
};
pub use delivery::{
    Delivery, DeliveryId, FailureReason, NotifiedAlert, Outcome, ReceiverAnswer, Retry,
};
pub use event::Event;
pub use io::{Action, Input};
pub use machine::Machine;
pub use reason::NotNotified;
pub use recorder::Recorded;
pub use route::{GroupBySpec, RouteSpec, RouteTree};
pub use silence::{Silence, SilenceError, SilenceState};
pub use time::Time;
