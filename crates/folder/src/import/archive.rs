//! Whole blocks in a tar archive: what `tar c ULID…` in a data folder makes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;
use model::disk::Disk;
use tsdb::block::{Block, BlockMeta, Ulid, verify};

use super::ImportError;
use crate::tar::{TarEntry, TarReader, write_end, write_header, write_padding};

/// Ends of names of folders that no server looks into, and that the next start removes.
const UNFINISHED: &str = ".tmp-for-creation";
/// Bytes that are copied at once.
const PIECE: usize = 1 << 18;

/// Unpacks the blocks of an archive into the folder `dir`. Every block is read whole before it is visible; the
/// first one that is damaged ends the import. Blocks that are there already are an error, and so are those with
/// samples after `time_max`.
pub fn import(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    archive: impl Read,
    time_max: Option<Timestamp>,
) -> Result<Vec<BlockMeta>, ImportError> {
    let mut unpacked = Unpacked {
        disk,
        dir,
        ulids: BTreeSet::new(),
    };
    unpacked.unpack(archive)?;
    if unpacked.ulids.is_empty() {
        return Err(ImportError::Input(
            "there is no block in the archive".to_owned(),
        ));
    }
    let mut metas = Vec::new();
    for ulid in &unpacked.ulids {
        let meta = unpacked.check(*ulid)?;
        if time_max.is_some_and(|time_max| meta.max_time > time_max.millis().saturating_add(1)) {
            return Err(ImportError::Input(format!(
                "the block {ulid} has samples of the future"
            )));
        }
        metas.push(meta);
    }
    for ulid in std::mem::take(&mut unpacked.ulids) {
        let (from, to) = (unpacked.unfinished(ulid), dir.join(ulid.to_string()));
        disk.rename(&from, &to)
            .map_err(io("moving the block to", &to))?;
    }
    disk.sync_dir(dir).map_err(io("syncing", dir))?;
    Ok(metas)
}

/// Blocks that are not visible yet. Those that are left are removed.
struct Unpacked<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Path,
    ulids: BTreeSet<Ulid>,
}

impl Drop for Unpacked<'_> {
    fn drop(&mut self) {
        for ulid in &self.ulids {
            // What cannot be removed now is removed at the next start.
            let _ = self.disk.remove_dir_all(&self.unfinished(*ulid));
        }
    }
}

impl Unpacked<'_> {
    fn unfinished(&self, ulid: Ulid) -> PathBuf {
        self.dir.join(format!("{ulid}{UNFINISHED}"))
    }

    fn unpack(&mut self, archive: impl Read) -> Result<(), ImportError> {
        let mut archive = TarReader::new(archive);
        let broken =
            |error: std::io::Error| ImportError::Input(format!("reading the archive: {error}"));
        while let Some(entry) = archive.next_entry().map_err(broken)? {
            let TarEntry::File { name, length } = entry else {
                continue;
            };
            let Some((ulid, file)) = block_file(&name) else {
                return Err(ImportError::Input(format!(
                    "{name:?} is no file of a block: ULID/meta.json, ULID/index, ULID/tombstones or ULID/chunks/NNNNNN"
                )));
            };
            if self.ulids.insert(ulid) {
                self.begin(ulid)?;
            }
            self.copy(&mut archive, &self.unfinished(ulid).join(file), length)?;
        }
        Ok(())
    }

    fn begin(&mut self, ulid: Ulid) -> Result<(), ImportError> {
        if self.disk.exists(&self.dir.join(ulid.to_string())) {
            self.ulids.remove(&ulid);
            return Err(ImportError::Input(format!(
                "the block {ulid} is there already; remove it first, or leave it out"
            )));
        }
        let chunks = self.unfinished(ulid).join("chunks");
        if self.disk.exists(&self.unfinished(ulid)) {
            // Of an import that was interrupted.
            let old = self.unfinished(ulid);
            self.disk
                .remove_dir_all(&old)
                .map_err(io("removing", &old))?;
        }
        self.disk
            .create_dir_all(&chunks)
            .map_err(io("making", &chunks))
    }

    fn copy(&self, from: &mut dyn Read, path: &Path, length: u64) -> Result<(), ImportError> {
        if self.disk.exists(path) {
            let path = path.display();
            return Err(ImportError::Input(format!(
                "{path} is twice in the archive"
            )));
        }
        let mut file = self.disk.create(path).map_err(io("writing", path))?;
        let mut piece = vec![0; PIECE];
        let mut left = length;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let read = from
                .read(&mut piece[..wanted])
                .map_err(|error| ImportError::Input(format!("reading the archive: {error}")))?;
            if read == 0 {
                return Err(ImportError::Input(
                    "the archive ends within a file".to_owned(),
                ));
            }
            file.append(&piece[..read]).map_err(io("writing", path))?;
            left -= read as u64;
        }
        file.sync().map_err(io("syncing", path))
    }

    /// Reads the whole block.
    fn check(&self, ulid: Ulid) -> Result<BlockMeta, ImportError> {
        let dir = self.unfinished(ulid);
        let damaged = |error| ImportError::Block {
            name: ulid.to_string(),
            error,
        };
        let mut problems = Vec::new();
        verify(
            &**self.disk,
            &dir,
            &mut |error| {
                if problems.is_empty() {
                    problems.push(error);
                }
            },
            &mut |_| {},
        );
        if let Some(problem) = problems.pop() {
            return Err(damaged(problem));
        }
        let block = Block::open(&**self.disk, &dir).map_err(damaged)?;
        let named = block.meta().ulid;
        if named != ulid {
            return Err(ImportError::Input(format!(
                "the block {ulid} says that it is {named}"
            )));
        }
        block.disown(&**self.disk).map_err(io("writing", &dir))?;
        let meta = block.meta();
        self.disk.sync_dir(&dir).map_err(io("syncing", &dir))?;
        Ok(meta)
    }
}

fn io<'p>(doing: &'static str, path: &'p Path) -> impl Fn(std::io::Error) -> ImportError + 'p {
    move |source| ImportError::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

/// Block and path in it of a file, if it is one that blocks have.
fn block_file(name: &str) -> Option<(Ulid, &str)> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let (ulid, file) = name.split_once('/')?;
    let is_segment =
        |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_known = matches!(file, "meta.json" | "index" | "tombstones")
        || file.strip_prefix("chunks/").is_some_and(is_segment);
    is_known.then_some((Ulid::parse(ulid)?, file))
}

/// Writes the block in `dir` as a part of an archive.
pub fn write_block(out: &mut dyn Write, dir: &Path) -> std::io::Result<()> {
    let name = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut files = vec![
        "meta.json".to_owned(),
        "index".to_owned(),
        "tombstones".to_owned(),
    ];
    let mut segments: Vec<String> = std::fs::read_dir(dir.join("chunks"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|segment| format!("chunks/{segment}"))
        .collect();
    segments.sort();
    files.extend(segments);
    for file in files {
        let path = dir.join(&file);
        let length = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            // Blocks without deletions may have none.
            Err(_) if file == "tombstones" => continue,
            Err(error) => return Err(error),
        };
        write_header(out, &format!("{name}/{file}"), length)?;
        let mut source = std::fs::File::open(&path)?.take(length);
        let copied = std::io::copy(&mut source, out)?;
        if copied < length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        write_padding(out, length)?;
    }
    Ok(())
}

/// Writes the end of an archive.
pub fn write_archive_end(out: &mut dyn Write) -> std::io::Result<()> {
    write_end(out)
}

#[cfg(test)]
mod tests {
    use model::Labels;
    use tsdb::RealDisk;
    use tsdb::block::BlockBuilder;

    use super::*;

    struct Folders {
        root: tempfile::TempDir,
        disk: Arc<dyn Disk>,
    }

    const ULID: Ulid = Ulid(1 << 90);

    impl Folders {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            for name in ["from", "to"] {
                std::fs::create_dir(root.path().join(name)).unwrap();
            }
            let folders = Self {
                root,
                disk: Arc::new(RealDisk),
            };
            let mut builder = BlockBuilder::new();
            for step in 0..300 {
                builder.add(&Labels::from_name("up"), step * 1000, 1.0);
            }
            builder
                .write(&folders.disk, &folders.from(), ULID)
                .unwrap()
                .unwrap();
            folders
        }

        fn from(&self) -> PathBuf {
            self.root.path().join("from")
        }

        fn to(&self) -> PathBuf {
            self.root.path().join("to")
        }

        fn archive(&self) -> Vec<u8> {
            let mut archive = Vec::new();
            write_block(&mut archive, &self.from().join(ULID.to_string())).unwrap();
            write_archive_end(&mut archive).unwrap();
            archive
        }

        fn import(&self, archive: &[u8]) -> Result<Vec<BlockMeta>, ImportError> {
            import(&self.disk, &self.to(), archive, None)
        }

        fn names(&self) -> Vec<String> {
            let names = std::fs::read_dir(self.to()).unwrap();
            names
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        }
    }

    #[test]
    fn a_block_arrives_whole_and_once() {
        let folders = Folders::new();
        let meta = folders.from().join(ULID.to_string()).join("meta.json");
        let text = std::fs::read_to_string(&meta).unwrap();
        assert!(text.contains("\"hints\""));
        std::fs::write(
            &meta,
            text.replace("\"hints\"", "\"parents\": [], \"unknown\""),
        )
        .unwrap();
        let metas = folders.import(&folders.archive()).unwrap();
        assert_eq!(metas[0].stats.num_samples, 300);
        // Blocks of a head are none of this folder's head.
        assert!(metas[0].compaction.is_partial());
        assert_eq!(folders.names(), [ULID.to_string()]);
        let error = folders.import(&folders.archive()).unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");
        assert_eq!(folders.names(), [ULID.to_string()]);
    }

    /// An archive that is cut or changed anywhere leaves nothing behind.
    #[test]
    fn a_damaged_archive_leaves_nothing() {
        let folders = Folders::new();
        let good = folders.archive();
        // Without the end the block may be whole; that is checked below.
        for length in (0..good.len() - 2000).step_by(97) {
            assert!(folders.import(&good[..length]).is_err(), "{length}");
            assert_eq!(folders.names(), [""; 0], "{length}");
        }
        let name = ULID.to_string();
        let at = good
            .windows(name.len())
            .rposition(|part| part == name.as_bytes())
            .unwrap();
        let mut bad = good.clone();
        // A sample of the last file.
        bad[at + 512 + 30] ^= 1;
        let error = folders.import(&bad).unwrap_err();
        assert!(matches!(error, ImportError::Block { .. }), "{error}");
        assert!(error.is_of_input());
        assert_eq!(folders.names(), [""; 0]);
    }

    #[test]
    fn files_go_nowhere_else() {
        for name in [
            "../evil",
            "/etc/passwd",
            "01M7Y4PJYF7YEGW3B1BX2R1HQT/../../x",
            "01M7Y4PJYF7YEGW3B1BX2R1HQT/chunks/../x",
            "01M7Y4PJYF7YEGW3B1BX2R1HQT/other",
            "wal/00000000",
            "01M7Y4PJYF7YEGW3B1BX2R1HQT/chunks/",
        ] {
            assert_eq!(block_file(name), None, "{name}");
        }
        assert!(block_file("./01M7Y4PJYF7YEGW3B1BX2R1HQT/chunks/000001").is_some());
        let folders = Folders::new();
        let error = folders.import(&[0; 1024]).unwrap_err();
        assert_eq!(error.to_string(), "there is no block in the archive");
    }
}
