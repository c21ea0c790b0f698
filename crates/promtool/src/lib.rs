//! What promtool does, with promtool's output and exit codes, for the command line of the same name and for our
//! own commands.
//!
//! In reading order: [`console`] (where output goes), [`table`] (columns), [`check`] (configurations, rule
//! files, pages of metrics), [`rule_tests`] (unit tests of rules), [`edit`] (queries printed and changed), [`http`] (servers), [`push`], [`debug`], [`query_analysis`], [`backfill`] (what is asked of and sent to them),
//! [`folder`] (data folders).
//!
//! Not here: reading arguments (`cli`), the formats of blocks and logs (`tsdb`).

pub mod backfill;
pub mod check;
pub mod console;
pub mod debug;
pub mod edit;
pub mod folder;
pub mod http;
pub mod push;
pub mod query_analysis;
pub mod rule_tests;
pub mod table;

pub use console::{Console, Outcome};
