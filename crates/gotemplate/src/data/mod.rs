//! The data that Prometheus and Alertmanager hand to templates.

pub mod alertmanager;
pub mod prometheus;
