//! `tsdb create-blocks-from openmetrics`, and the import of our own name: samples and blocks into a folder that no
//! server uses.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use folder::import::archive;
pub use folder::import::openmetrics::BlockLength;
use folder::import::openmetrics::{Imported, MEMORY_MAX, OpenMetricsImport, import};
use folder::progress::Progress;
use model::Timestamp;
use model::disk::{Disk, FileBytes};
use tsdb::RealDisk;
use tsdb::block::{Block, BlockMeta};

use super::list::{Head, Numbers, table};
use crate::console::{Console, go_file_error};

/// What comes through a pipe is held in memory.
const PIPE_BYTES_MAX: u64 = 4 << 30;

/// How samples become blocks, and what is told of them.
#[derive(Clone, Copy)]
pub struct ImportOptions<'a> {
    pub dir: &'a Path,
    /// Added to every series.
    pub labels: &'a [(String, String)],
    pub length: BlockLength,
    /// Later samples are refused.
    pub time_max: Option<Timestamp>,
    pub told: Told,
    pub progress: &'a dyn Progress,
}

/// What is printed of the new blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Blocks(Numbers),
}

impl std::fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportOptions")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// Imports a file in OpenMetrics; makes the folder if it is not there.
pub fn import_page(
    console: &mut Console<'_>,
    path: &str,
    options: &ImportOptions<'_>,
) -> Result<(), String> {
    let page = read_page(path)?;
    make_folder(options.dir)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let imported = import(
        (*page).as_ref(),
        &OpenMetricsImport {
            disk: &disk,
            dir: options.dir,
            ulids: &server::pieces::ulids(),
            labels: options.labels,
            length: options.length,
            time_max: options.time_max,
            memory_max: MEMORY_MAX,
            progress: options.progress,
        },
    );
    let imported = imported.map_err(|error| format!("{path}: {error}"))?;
    tell(console, &imported, options)
}

fn make_folder(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir)
        .map_err(|error| format!("create output dir: mkdir {}: {error}", dir.display()))
}

/// A file as it is on disk, or what comes through a pipe.
pub fn read_page(path: &str) -> Result<Arc<dyn FileBytes>, String> {
    let fail = |error: std::io::Error| go_file_error("open", path, &error);
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if metadata.is_dir() {
        return Err(format!("open {path}: is a directory"));
    }
    if metadata.is_file() {
        return RealDisk.map(Path::new(path)).map_err(fail);
    }
    let mut bytes = Vec::new();
    let pipe = File::open(path).map_err(fail)?;
    let read = pipe.take(PIPE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("reading {path}: {error}"))?;
    if bytes.len() as u64 > PIPE_BYTES_MAX {
        return Err(format!(
            "{path}: more than {PIPE_BYTES_MAX} bytes came through the pipe; give a file instead, which may be of any size"
        ));
    }
    Ok(Arc::new(bytes))
}

fn tell(
    console: &mut Console<'_>,
    imported: &Imported,
    options: &ImportOptions<'_>,
) -> Result<(), String> {
    if imported.duplicates > 0 {
        console.problem(format_args!(
            "note: {} samples were left out: their series have others at the same times",
            imported.duplicates
        ));
    }
    let Told::Blocks(numbers) = options.told else {
        return Ok(());
    };
    if imported.blocks.is_empty() {
        return Ok(());
    }
    show(console, &imported.blocks, options.dir, numbers)
}

/// Prints rows of new blocks.
pub fn show(
    console: &mut Console<'_>,
    metas: &[BlockMeta],
    dir: &Path,
    numbers: Numbers,
) -> Result<(), String> {
    let open = |meta: &BlockMeta| Block::open(&RealDisk, &dir.join(meta.ulid.to_string()));
    let blocks: Result<Vec<Block>, _> = metas.iter().map(open).collect();
    let blocks = blocks.map_err(|error| format!("get blocks: {error}"))?;
    let text = table(&blocks, numbers, Head::Shown);
    let _ = console.out.write_all(text.as_bytes());
    Ok(())
}

/// Imports blocks: an archive of some, the folder of one, or all blocks of a data folder.
pub fn import_blocks(
    console: &mut Console<'_>,
    path: &Path,
    options: &ImportOptions<'_>,
) -> Result<(), String> {
    make_folder(options.dir)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let fail = |error: std::io::Error| format!("reading {}: {error}", path.display());
    let metas = if path.is_dir() {
        let blocks = block_folders(path)?;
        let (reader, mut writer) = std::io::pipe().map_err(fail)?;
        let progress = options.progress;
        std::thread::scope(|scope| {
            let packing = scope.spawn(move || pack(&mut writer, &blocks));
            progress.begin("copying blocks", 0);
            let metas = archive::import(&disk, options.dir, reader, options.time_max);
            progress.end();
            // If the import ended early, packing could not go on; the import's error says why.
            match (metas, packing.join()) {
                (Ok(_), Ok(Err(error))) => Err(fail(error)),
                (metas, _) => metas.map_err(|error| error.to_string()),
            }
        })?
    } else {
        let file = File::open(path).map_err(fail)?;
        archive::import(&disk, options.dir, file, options.time_max)
            .map_err(|error| error.to_string())?
    };
    match options.told {
        Told::Nothing => Ok(()),
        Told::Blocks(numbers) => show(console, &metas, options.dir, numbers),
    }
}

/// The folders of the blocks at a path: that of one block, or those in a data folder.
pub fn block_folders(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.join("meta.json").is_file() {
        // A path that ends in a dot has no name of its own.
        let path = path
            .canonicalize()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(vec![path]);
    }
    let ulids = super::ulids(path)?;
    if ulids.is_empty() {
        return Err(format!("{}: there are no blocks in it", path.display()));
    }
    Ok(ulids
        .iter()
        .map(|ulid| path.join(ulid.to_string()))
        .collect())
}

/// Writes an archive of blocks.
pub fn pack(out: &mut dyn std::io::Write, blocks: &[PathBuf]) -> std::io::Result<()> {
    for block in blocks {
        archive::write_block(out, block)?;
    }
    archive::write_archive_end(out)
}

#[cfg(test)]
mod tests {
    use folder::progress::Silent;
    use model::Duration;

    use super::*;

    fn run(
        work: impl FnOnce(&mut Console<'_>) -> Result<(), String>,
    ) -> (Result<(), String>, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = work(&mut Console {
            out: &mut out,
            err: &mut err,
        });
        (
            result,
            String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap(),
        )
    }

    fn options(dir: &Path) -> ImportOptions<'_> {
        ImportOptions {
            dir,
            labels: &[],
            length: BlockLength::Longest(Duration::ZERO),
            time_max: None,
            told: Told::Blocks(Numbers::Plain),
            progress: &Silent,
        }
    }

    #[test]
    fn a_page_then_its_blocks_go_from_folder_to_folder() {
        let root = tempfile::tempdir().unwrap();
        let page = root.path().join("a.om").display().to_string();
        std::fs::write(&page, "a 1 1\na 2 1\na 2 8000\n# EOF\n").unwrap();
        let (first, second) = (root.path().join("x/first"), root.path().join("second"));
        let (result, told) = run(|console| import_page(console, &page, &options(&first)));
        assert_eq!(result, Ok(()));
        assert!(told.contains("note: 1 samples were left out"), "{told}");
        assert_eq!(
            told.lines().filter(|line| line.starts_with("01")).count(),
            2,
            "{told}"
        );
        let (result, told) = run(|console| import_blocks(console, &first, &options(&second)));
        assert_eq!(result, Ok(()));
        assert_eq!(told.lines().count(), 3, "{told}");
        // Once more: they are there.
        let (result, _) = run(|console| import_blocks(console, &first, &options(&second)));
        assert!(result.unwrap_err().contains("is there already"));
        let one = block_folders(&first).unwrap().remove(0);
        assert_eq!(block_folders(&one).unwrap(), [one.canonicalize().unwrap()]);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data");
        let import = |path: &str| {
            run(|console| import_page(console, path, &options(&dir)))
                .0
                .unwrap_err()
        };
        assert_eq!(
            import("/no/where"),
            "open /no/where: no such file or directory"
        );
        assert_eq!(import("/"), "open /: is a directory");
        let page = root.path().join("a.om").display().to_string();
        std::fs::write(&page, "a 1 1\nb 2\n# EOF\n").unwrap();
        assert!(
            import(&page).contains("a.om: line 2: expected timestamp"),
            "{}",
            import(&page)
        );
        let empty = run(|console| import_blocks(console, root.path(), &options(&dir))).0;
        assert!(empty.unwrap_err().contains("there are no blocks in it"));
    }
}
