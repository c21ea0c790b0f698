//! Import into a running server, over its API.

use std::path::Path;
use std::sync::Arc;

use model::disk::{Disk, FileBytes};
use net::Bytes;
use serde_json::Value;
use tsdb::RealDisk;

use super::import::{Told, block_folders, pack, read_page};
use super::list::time;
use crate::console::Console;
use crate::http::{Parameters, Server, encoded, success};

/// Sends a file, a folder with blocks, or an archive of blocks; prints the blocks that the server made.
pub fn import_online(
    console: &mut Console<'_>,
    server: &Server,
    input: &str,
    labels: &[(String, String)],
    told: Told,
) -> Result<(), String> {
    let path = Path::new(input);
    let is_archive = path.extension().is_some_and(|extension| extension == "tar");
    let (body, kind) = if path.is_dir() {
        (packed(path)?, "application/x-tar")
    } else if is_archive {
        (read_page(input)?, "application/x-tar")
    } else {
        (read_page(input)?, "application/openmetrics-text")
    };
    let parameters: Parameters = labels
        .iter()
        .map(|(name, value)| ("label", format!("{name}={value}")))
        .collect();
    let url = format!("/api/keepwatch/v1/import?{}", encoded(&parameters));
    let answer = server.post(
        &url,
        &[("content-type", kind)],
        Bytes::from_owner(Body(body)),
    )?;
    let else_told = format!("{} and no JSON from {}{url}", answer.status, server.url());
    let answer = success(&answer.body, &else_told);
    let answer = answer.map_err(|error| format!("{input}: {error}"))?;
    tell(console, &answer["data"], told);
    Ok(())
}

/// The bytes of a request, which are those of a file.
struct Body(Arc<dyn FileBytes>);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// An archive of blocks, in a temporary file that has no name any more.
fn packed(path: &Path) -> Result<Arc<dyn FileBytes>, String> {
    let blocks = block_folders(path)?;
    let fail = |error: std::io::Error| format!("packing {}: {error}", path.display());
    let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
    let mut out = std::io::BufWriter::new(&mut file);
    pack(&mut out, &blocks).map_err(fail)?;
    std::io::Write::flush(&mut out).map_err(fail)?;
    drop(out);
    // The mapping holds the content when the name is gone.
    RealDisk.map(file.path()).map_err(fail)
}

fn tell(console: &mut Console<'_>, data: &Value, told: Told) {
    let duplicates = data["duplicates"].as_u64().unwrap_or_default();
    if duplicates > 0 {
        console.problem(format_args!(
            "note: {duplicates} samples were left out: their series have others at the same times"
        ));
    }
    let Told::Blocks(numbers) = told else { return };
    let number = |block: &Value, key: &str| block[key].as_i64().unwrap_or_default();
    for block in data["blocks"].as_array().into_iter().flatten() {
        console.line(format_args!(
            "{}  {}  {}  {} samples of {} series",
            block["ulid"].as_str().unwrap_or_default(),
            time(number(block, "minTime"), numbers),
            time(number(block, "maxTime"), numbers),
            number(block, "samples"),
            number(block, "series")
        ));
    }
}
