//! `queries.active` in the data folder: names the queries that ran when the process died.
//!
//! The format is Prometheus': a `[`, then places of 1000 bytes, each empty (zeros) or holding
//! `{"query":…,"timestamp_sec":…}`, zeros and a `,` as its last byte. Without the zeros and the last
//! comma, and with a `]`, it is a JSON list. The file is written whole at the start; then a query costs
//! two small writes into the page cache, which survive the process (not a power cut).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use model::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::active::cut;

const FILE_NAME: &str = "queries.active";
const PLACE_BYTES: usize = 1000;
/// More places than this are not written: the file stays below 4 MiB.
const PLACES_MAX: usize = 4000;

/// A query that ran when the process before this one died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedQuery {
    /// The head of its text, if it was long.
    pub query: String,
    /// When it started, in seconds since the epoch.
    pub timestamp_sec: i64,
}

/// The open file, with the places that are free.
#[derive(Debug, Default)]
pub(crate) struct CrashFile {
    file: Option<File>,
    free: Mutex<Vec<usize>>,
}

impl CrashFile {
    /// Reads what the last process left, then starts anew with so many places. Queries matter more than
    /// this file: what cannot be done is logged.
    pub(crate) fn open(folder: &Path, places: usize) -> (Self, Vec<UnfinishedQuery>) {
        let path = folder.join(FILE_NAME);
        let unfinished = match read(&path) {
            Ok(unfinished) => unfinished,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "reading the list of queries of the last run failed");
                Vec::new()
            }
        };
        if !unfinished.is_empty() {
            let queries = serde_json::to_string(&unfinished).unwrap_or_default();
            tracing::warn!(queries, "These queries didn't finish in the last run:");
        }
        let places = places.min(PLACES_MAX);
        let opened = match create(&path, places) {
            Ok(file) => Self {
                file: Some(file),
                free: Mutex::new((0..places).rev().collect()),
            },
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the file cannot be written: a crash will not say which queries ran");
                Self::default()
            }
        };
        (opened, unfinished)
    }

    /// Notes a query; the place must be given back with [`CrashFile::leave`].
    pub(crate) fn enter(&self, text: &str, now: Timestamp) -> Option<usize> {
        let file = self.file.as_ref()?;
        let place = self.free.lock().pop()?;
        let mut bytes = entry(text, now);
        bytes.resize(PLACE_BYTES - 1, 0);
        bytes.push(b',');
        self.write(file, place, &bytes);
        Some(place)
    }

    pub(crate) fn leave(&self, place: Option<usize>) {
        if let (Some(file), Some(place)) = (&self.file, place) {
            self.write(file, place, &[0; PLACE_BYTES]);
            self.free.lock().push(place);
        }
    }

    fn write(&self, file: &File, place: usize, bytes: &[u8]) {
        let at = u64::try_from(1 + place * PLACE_BYTES).unwrap_or(u64::MAX);
        if let Err(error) = file.write_all_at(bytes, at) {
            tracing::debug!(%error, "writing the list of running queries failed");
        }
    }
}

fn create(path: &Path, places: usize) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)?;
    let mut content = vec![0; 1 + places * PLACE_BYTES];
    if let Some(first) = content.first_mut() {
        *first = b'[';
    }
    file.write_all_at(&content, 0)?;
    Ok(file)
}

/// The text is cut until its JSON form leaves room for the comma.
fn entry(text: &str, now: Timestamp) -> Vec<u8> {
    let mut length = PLACE_BYTES;
    loop {
        let entry = UnfinishedQuery {
            query: cut(text, length).to_owned(),
            timestamp_sec: now.millis().div_euclid(1000),
        };
        // A text and a number always have a JSON form.
        let bytes = serde_json::to_vec(&entry).unwrap_or_default();
        if bytes.len() < PLACE_BYTES {
            return bytes;
        }
        // What is too much is at most so much text; escapes may leave the rest too long still.
        let excess = bytes.len() - (PLACE_BYTES - 1);
        length = entry.query.len().saturating_sub(excess.div_ceil(6).max(1));
    }
}

fn read(path: &Path) -> io::Result<Vec<UnfinishedQuery>> {
    let bytes_max = u64::try_from(1 + PLACES_MAX * PLACE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

/// Entries that cannot be read (a peer cuts them in the middle of an escape) are left out.
fn parse(bytes: &[u8]) -> Vec<UnfinishedQuery> {
    let places = bytes.get(1..).unwrap_or_default().chunks(PLACE_BYTES);
    let entries = places.filter_map(|place| {
        let text = place.strip_suffix(b",")?;
        let text = text.split(|byte| *byte == 0).next()?;
        serde_json::from_slice(text).ok()
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (file, unfinished) = CrashFile::open(dir.path(), 3);
        assert_eq!(unfinished, []);
        let now = Timestamp(1_700_000_000_999);
        let first = file.enter("sum(up)", now);
        file.enter("<\"\n\u{1}ä>", now);
        file.leave(first);
        let long = "\"€".repeat(5000);
        file.enter(&long, now);
        file.enter("rate(x[5m])", now);
        assert_eq!(file.enter("no place is left", now), None);
        drop(file);
        let bytes = std::fs::read(dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(bytes.len(), 3001);
        // As the peer reads it.
        let text: String = String::from_utf8(bytes).unwrap().replace('\0', "");
        let list: Vec<UnfinishedQuery> =
            serde_json::from_str(&format!("{}]", text.strip_suffix(',').unwrap())).unwrap();
        let (_, unfinished) = CrashFile::open(dir.path(), 1);
        assert_eq!(unfinished, list);
        assert_eq!(unfinished.len(), 3);
        assert!(long.starts_with(&unfinished[0].query) && unfinished[0].query.len() > 700);
        assert_eq!(unfinished[1].query, "<\"\n\u{1}ä>");
        assert_eq!(unfinished[2].timestamp_sec, 1_700_000_000);
        let bytes = std::fs::read(dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(bytes.len(), 1001);
        assert_eq!(CrashFile::open(dir.path(), 1).1, []);
    }

    #[test]
    fn any_bytes_are_read_without_harm() {
        assert_eq!(parse(b""), []);
        assert_eq!(parse(&[b'{'; 2500]), []);
        assert_eq!(parse(&[0xff; 2500]), []);
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_no_query() {
        let dir = tempfile::tempdir().unwrap();
        let (file, _) = CrashFile::open(&dir.path().join("absent"), 1);
        assert_eq!(file.enter("up", Timestamp(0)), None);
        file.leave(None);
    }
}
