//! The mesh of Alertmanagers: members find each other, notice who is gone, and tell each other the news.
//!
//! In reading order: [`wire`] (memberlist's messages as bytes), [`swim`] (who is there, as a pure state machine), [`peer`]
//! (what Alertmanager adds: reconnecting, settling, news too long for packets), [`driver`] (sockets).
//!
//! Not here: what the news are. Silences and the notification log are opaque bytes (`alerting` reads and merges
//! them, `server` connects the two).

pub mod wire;

pub mod swim;

pub mod peer;

pub mod driver;
