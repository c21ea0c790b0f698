//! YAML in and out, with the dialect and the texts of the peers (Go's yaml.v2).
//!
//! - [`parse`], [`parse_documents`]: text to a tree of [`Node`]s that know their place. JSON is read too.
//! - [`Reading`], [`MapReader`], [`FromYaml`]: strict typed reading by hand-written readers. Every problem
//!   is collected, in the order in which the peer would meet them.
//! - [`Value`], [`to_text`]: printing exactly as the peers print, because printed configurations are
//!   compared.
//!
//! Not here: any knowledge of a particular configuration.

mod base64;
mod emit;
mod from_yaml;
mod key_order;
mod map_reader;
mod node;
mod parse;
mod reading;
mod resolve;
mod scalar_style;
mod value;

pub use base64::decode_base64;
pub use emit::to_text;
pub use from_yaml::{Float, FromYaml, read_list, read_map};
pub use key_order::compare_keys;
pub use map_reader::MapReader;
pub use node::{Kind, Node, Scalar, Style};
pub use parse::{parse, parse_documents};
pub use reading::{CODE_DUPLICATE, CODE_SYNTAX, CODE_TYPE, CODE_UNKNOWN, Mark, Reading, peer_text};
pub use resolve::Resolved;
pub use value::{Mapping, Value};
