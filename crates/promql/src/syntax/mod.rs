//! From query text to a checked tree, and back to text.

pub mod ast;
pub mod functions;
