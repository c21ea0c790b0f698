//! `tsdb list`: the blocks of a folder.

use std::path::Path;

use config::GoDuration;
use tsdb::block::Block;

use super::blocks;
use crate::console::Console;
use crate::table::{Columns, Last, layout};

const COLUMNS: Columns = Columns {
    width_min: 13,
    padding: 2,
};

/// How numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    Plain,
    /// Times as dates, bytes with units.
    Readable,
}

/// Prints a row per block. Blocks that cannot be opened are told afterwards, and make it an error.
pub fn list(console: &mut Console<'_>, dir: &Path, numbers: Numbers) -> Result<(), String> {
    let (blocks, broken) = blocks(dir)?;
    let _ = console
        .out
        .write_all(table(&blocks, numbers, Head::Shown).as_bytes());
    if broken.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = broken
        .iter()
        .map(|(ulid, error)| format!("corrupted block {ulid}: {error}"))
        .collect();
    Err(lines.join("\n"))
}

/// Whether the names of the columns are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    Shown,
    Hidden,
}

/// The rows of blocks.
pub fn table(blocks: &[Block], numbers: Numbers, head: Head) -> String {
    let mut rows = Vec::new();
    if head == Head::Shown {
        let names = [
            "BLOCK ULID",
            "MIN TIME",
            "MAX TIME",
            "DURATION",
            "NUM SAMPLES",
            "NUM CHUNKS",
            "NUM SERIES",
            "SIZE",
        ];
        rows.push(names.map(str::to_owned).to_vec());
    }
    for block in blocks {
        let meta = block.meta();
        let span = meta.max_time.saturating_sub(meta.min_time);
        rows.push(vec![
            meta.ulid.to_string(),
            time(meta.min_time, numbers),
            time(meta.max_time, numbers),
            GoDuration(span.saturating_mul(1_000_000)).to_string(),
            meta.stats.num_samples.to_string(),
            meta.stats.num_chunks.to_string(),
            meta.stats.num_series.to_string(),
            bytes(block.size(), numbers),
        ]);
    }
    layout(&rows, COLUMNS, Last::AsIs)
}

/// A time in a row.
pub(super) fn time(millis: i64, numbers: Numbers) -> String {
    let time = jiff::Timestamp::from_second(millis / 1000);
    match (numbers, time) {
        (Numbers::Readable, Ok(time)) => time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        _ => millis.to_string(),
    }
}

/// As the peer's library writes multiples of 1024: `25KiB977B`.
fn bytes(bytes: u64, numbers: Numbers) -> String {
    if numbers == Numbers::Plain {
        return bytes.to_string();
    }
    if bytes == 0 {
        return "0B".to_owned();
    }
    let mut text = String::new();
    let mut rest = bytes;
    for (unit, power) in [
        ("EiB", 6),
        ("PiB", 5),
        ("TiB", 4),
        ("GiB", 3),
        ("MiB", 2),
        ("KiB", 1),
        ("B", 0),
    ] {
        let size = 1_u64 << (10 * power);
        if rest >= size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of promtool 2.42.
    #[test]
    fn readable_numbers() {
        assert_eq!(bytes(26_577, Numbers::Readable), "25KiB977B");
        assert_eq!(bytes(1 << 20, Numbers::Readable), "1MiB");
        assert_eq!(bytes(0, Numbers::Readable), "0B");
        assert_eq!(
            time(1_704_067_200_999, Numbers::Readable),
            "2024-01-01 00:00:00 +0000 UTC"
        );
        assert_eq!(time(-5, Numbers::Plain), "-5");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        assert_eq!(
            list(&mut console, Path::new("/no/where"), Numbers::Plain),
            Err("opening the db dir: stat /no/where: no such file or directory".to_owned())
        );
        assert_eq!(out, b"");
    }

    #[test]
    fn a_broken_block_does_not_hide_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let broken = dir.path().join("01M7Y4PJYF7YEGW3B1BX2R1HQT");
        std::fs::create_dir(&broken).unwrap();
        std::fs::write(broken.join("meta.json"), "{").unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let problem = list(&mut console, dir.path(), Numbers::Plain).unwrap_err();
        assert!(
            problem.starts_with("corrupted block 01M7Y4PJYF7YEGW3B1BX2R1HQT: "),
            "{problem}"
        );
        assert!(out.starts_with(b"BLOCK ULID"));
    }
}
