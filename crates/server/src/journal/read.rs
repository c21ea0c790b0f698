//! Questions to the journal: of a running server, or of a folder that nobody writes to.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alerting::journal::{Page, Request, SegmentInfo, Sighted, SightedRequest, page, sighted};
use model::disk::Disk;
use parking_lot::{Mutex, RwLock};

use super::ring::{self, Catalog, FOLDER};

/// One segment in memory at a time, whoever asks.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) catalog: Catalog,
}

impl Reader {
    pub(crate) fn read(&self, request: &Request) -> Page {
        let segments: Vec<SegmentInfo> = self.catalog.read().iter().copied().collect();
        let _turn = TURN.lock();
        page::read(&segments, request, |segment| {
            let path = ring::file(&self.dir, segment.number);
            ring::load(&*self.disk, &path, segment.bytes)
        })
    }

    /// Which alerts it mentions.
    pub(crate) fn sighted(&self, request: &SightedRequest) -> Sighted {
        let segments: Vec<SegmentInfo> = self.catalog.read().iter().copied().collect();
        let _turn = TURN.lock();
        sighted::read(&segments, request, |segment| {
            let path = ring::file(&self.dir, segment.number);
            ring::load(&*self.disk, &path, segment.bytes)
        })
    }

    /// The journal in a folder of `serve` or of an Alertmanager, as it is now.
    pub(crate) fn of_folder(disk: Arc<dyn Disk>, storage: &Path) -> io::Result<Self> {
        let candidates = [
            storage.join(FOLDER),
            storage
                .join(crate::alertmanager::ALERTING_FOLDER)
                .join(FOLDER),
            storage.to_owned(),
        ];
        let has_segments = |dir: &&PathBuf| {
            ring::look(&*disk, dir).is_ok_and(|(segments, _)| !segments.is_empty())
        };
        let Some(dir) = candidates.iter().find(has_segments) else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no journal in {}", storage.display()),
            ));
        };
        let (segments, _) = ring::look(&*disk, dir)?;
        Ok(Self {
            catalog: Arc::new(RwLock::new(segments)),
            dir: dir.clone(),
            disk,
        })
    }
}
