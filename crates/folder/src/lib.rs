//! Data folders as a whole, for tools and for the server's own import.
//!
//! In reading order: [`progress`] (what long work tells), [`import`] (samples and blocks from elsewhere), [`verify`]
//! (what is wrong with a folder), [`repair`] (making it usable again); [`tar`] (archives).
//!
//! Not here: the formats (`tsdb`, `wire`), locking the folder, output.

pub mod import;
mod logs;
pub mod progress;
pub mod repair;
mod saved;
pub mod tar;
pub mod verify;
