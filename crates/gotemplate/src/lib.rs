//! Go's text/template and html/template dialect, as far as Prometheus rule templates, consoles and
//! Alertmanager notification templates use it.
//!
//! - [`Template`], [`TemplateSet`]: parse once, execute often, with limits on steps, depth and output.
//! - [`Value`], [`Object`]: what templates see, with Go's type names, because errors quote them.
//! - [`functions`]: the function tables of Prometheus and Alertmanager; [`data`]: their data.
//! - [`check`]: problems of a text as diagnostics, before it is ever executed.
//!
//! Not here: reading template files, running queries (a callback does), the clock (`now` is passed in).
//! Strings are UTF-8: where Go would keep broken bytes, U+FFFD stands. Complex numbers are refused.

mod ast;
mod builtins;
mod chars;
mod check;
pub mod data;
pub mod default_templates;
mod error;
mod escape;
mod exec;
mod format;
mod function;
pub mod functions;
mod html;
mod json;
mod lex;
mod number;
mod object;
mod options;
mod parse;
mod payload;
mod quote;
mod regexp;
mod set;
mod time;
mod title;
mod value;

pub use check::check;
pub use error::{ExecError, Failure, ParseError, Place};
pub use function::{Function, FunctionTable, Scope};
pub use json::to_json;
pub use object::{Field, Object};
pub use options::{Limits, MissingKey, Options};
pub use payload::{PayloadRules, render_payload};
pub use set::{Flavour, Template, TemplateSet};
pub use time::{Duration, Time, TimeParseError};
pub use value::{IntKind, List, Map, SafeKind, Type, UintKind, Value};
