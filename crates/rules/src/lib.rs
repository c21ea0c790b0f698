//! Rule groups: evaluated at their times, their results written, their alerts handed on.
//!
//! In reading order: [`spec`] (what the configuration says), [`environment`] (queries, storage, alert
//! sink: all as parameters), [`alert`] (the state of one alert), `alerting`/`recording` (one rule),
//! [`group`] (one evaluation of a group, synchronous), `written` (its series), [`schedule`] (when; the tasks),
//! [`refusal`].
//!
//! Not here: PromQL (`promql`), routing and notifying (`alerting`, `notify`), reading rule files
//! (`config`).

pub mod alert;
mod alerting;
pub mod environment;
mod expand;
pub mod group;
mod recording;
pub mod refusal;
mod restore;
pub mod schedule;
pub mod spec;
#[cfg(test)]
mod tests;
mod written;

pub use alert::{Alert, AlertChange, AlertState, ChangeKind};
pub use environment::{AlertSink, Environment, QuerySource, SentAlert};
pub use group::{Group, GroupView, Health, RuleView};
pub use refusal::RuleRefusal;
pub use schedule::Schedule;
pub use spec::{ALERT_METRICS, AlertingSpec, GroupSpec, RecordingSpec, RuleSpec};
