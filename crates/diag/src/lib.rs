//! What the user is told: problems in their input, and reasons for what was refused.
//!
//! - [`Diagnostic`]: a problem in input text, with the place and what to do. Readers collect all of
//!   them in [`Diagnostics`] instead of stopping at the first.
//! - [`Reason`] and [`ReasonBook`]: why something was refused (a target dropped, a sample refused, an
//!   object not selected), as an enum with a stable code, counted and kept with evidence.
//!
//! Not here: logging, and errors of operations (each crate has its own error enum).

mod diagnostic;
mod reason;
mod render;
mod source;
mod suggest;
mod text;

pub use diagnostic::{Annotation, Diagnostic, Diagnostics, Severity};
pub use reason::{Reason, ReasonBook, ReasonEntry};
pub use render::{render_json, render_line, render_terminal};
pub use source::{Position, Source, Span};
pub use suggest::did_you_mean;
pub use text::{NotUtf8, text_of};
