//! The configuration of an Alertmanager.
