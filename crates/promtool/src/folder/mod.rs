//! What is in a data folder, told without a server.
//!
//! [`list`]: its blocks. [`analyze`]: what a block is made of; `distribution`: how full its chunks are. [`dump`]: the
//! samples themselves. [`import`]: more of them; [`online`]: into a running server. [`bench`]: how fast they are stored.

pub mod analyze;
pub mod bench;
mod distribution;
pub mod dump;
pub mod import;
pub mod list;
pub mod online;

use std::path::Path;

use tsdb::RealDisk;
use tsdb::block::{Block, BlockError, Ulid};

use crate::console::go_file_error;

/// A block that cannot be opened.
type Broken = (Ulid, BlockError);

/// The blocks of a folder by their times, and those that cannot be opened.
fn blocks(dir: &Path) -> Result<(Vec<Block>, Vec<Broken>), String> {
    let (mut blocks, mut broken) = (Vec::new(), Vec::new());
    for ulid in ulids(dir)? {
        match Block::open(&RealDisk, &dir.join(ulid.to_string())) {
            Ok(block) => blocks.push(block),
            Err(error) => broken.push((ulid, error)),
        }
    }
    blocks.sort_by_key(|block| {
        let meta = block.meta();
        (meta.min_time, meta.max_time, meta.ulid)
    });
    Ok((blocks, broken))
}

/// The names of all blocks, sorted.
fn ulids(dir: &Path) -> Result<Vec<Ulid>, String> {
    let shown = dir.display().to_string();
    let fail = |doing: &str, error: &std::io::Error| {
        format!(
            "opening the db dir: {}",
            go_file_error(doing, &shown, error)
        )
    };
    std::fs::metadata(dir).map_err(|error| fail("stat", &error))?;
    let entries = std::fs::read_dir(dir).map_err(|error| fail("open", &error))?;
    let mut ulids: Vec<Ulid> = entries
        .filter_map(|entry| Ulid::parse(entry.ok()?.file_name().to_str()?))
        .collect();
    ulids.sort();
    Ok(ulids)
}
