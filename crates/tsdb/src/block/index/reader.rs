//! An index file, open for looking things up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::{Disk, FileBytes};
use model::labels::Labels;

use super::postings::PostingsList;
use super::series::{self, SeriesEntry};
use super::symbols::SymbolTable;
use super::table::PostingsTable;
use super::toc::{Toc, section};
use super::{HEADER, MAGIC, SERIES_ALIGN, Version};
use crate::block::damage::{BlockError, Damage};

/// Both tables are checked when the file is opened, postings and series whenever they are read.
#[derive(Debug)]
pub(crate) struct IndexReader {
    path: PathBuf,
    bytes: Arc<dyn FileBytes>,
    version: Version,
    toc: Toc,
    symbols: SymbolTable,
    table: PostingsTable,
}

/// How much of the header to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionByte {
    Right,
    /// One old release of the peer wrote version 2 and called it 1.
    Wrong,
}

impl IndexReader {
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        version_byte: VersionByte,
    ) -> Result<Self, BlockError> {
        let bytes = disk
            .map(path)
            .map_err(|error| BlockError::read(path, error))?;
        Ok(Self::new(path, bytes, version_byte)?)
    }

    fn new(
        path: &Path,
        bytes: Arc<dyn FileBytes>,
        version_byte: VersionByte,
    ) -> Result<Self, Damage> {
        let damage = |offset: u64, problem: &str| Damage::new(path, offset, problem);
        let file: &[u8] = (*bytes).as_ref();
        if !file.starts_with(&MAGIC) {
            return Err(damage(0, "this is not an index file"));
        }
        let version = match (file.get(HEADER - 1), version_byte) {
            (Some(1), VersionByte::Right) => Version::V1,
            (Some(2), _) | (Some(1), VersionByte::Wrong) => Version::V2,
            (Some(_), _) => return Err(damage(4, "the version is not known")),
            (None, _) => return Err(damage(4, "the file is too short")),
        };
        let toc_at = (file.len().saturating_sub(super::toc::LENGTH)) as u64;
        let toc = Toc::read(file).map_err(|problem| damage(toc_at, problem))?;
        let checked = |offset: u64| {
            let body = section(file, offset).and_then(|section| section.verified());
            body.map_err(|problem| damage(offset, problem))
        };
        // A section's body starts after its length; offsets fit, as the bodies are in memory.
        let body_at = |offset: u64| offset as usize + 4;
        let symbols = SymbolTable::read(checked(toc.symbols)?, body_at(toc.symbols), version)
            .map_err(|at| {
                let offset = toc.symbols + 4 + at as u64;
                damage(offset, "the table of symbols is malformed")
            })?;
        let place = toc.postings_table;
        let table = PostingsTable::read(checked(place)?, body_at(place), version)
            .map_err(|problem| damage(place + 4 + problem.at as u64, problem.what))?;
        Ok(Self {
            path: path.to_path_buf(),
            bytes,
            version,
            toc,
            symbols,
            table,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    fn damage(&self, offset: u64, problem: impl Into<String>) -> Damage {
        Damage::new(&self.path, offset, problem)
    }

    /// Length of the file.
    pub(crate) fn length(&self) -> u64 {
        self.file().len() as u64
    }

    /// Says that the file is not looked at for a while.
    pub(crate) fn release(&self) {
        self.bytes.release();
    }

    /// Bytes of memory beside the mapping.
    pub(crate) fn memory(&self) -> usize {
        self.symbols.bytes() + self.table.bytes()
    }

    pub(crate) fn symbol(&self, symbol: u32) -> Result<&[u8], Damage> {
        self.symbols
            .get(self.file(), symbol)
            .ok_or_else(|| self.damage(self.toc.symbols, format!("there is no symbol {symbol}")))
    }

    pub(crate) fn symbol_count(&self) -> u32 {
        self.symbols.len()
    }

    /// All symbols with their texts, sorted.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.symbols.iter(self.file())
    }

    fn series_offset(&self, series: u32) -> u64 {
        match self.version {
            Version::V1 => u64::from(series),
            Version::V2 => u64::from(series) * SERIES_ALIGN,
        }
    }

    pub(crate) fn series(&self, series: u32, entry: &mut SeriesEntry) -> Result<(), Damage> {
        let offset = self.series_offset(series);
        let file = self.file();
        // Series lie before the postings; a reference to elsewhere would fail its checksum anyway.
        let bytes = usize::try_from(offset)
            .ok()
            .filter(|_| offset >= HEADER as u64)
            .and_then(|offset| file.get(offset..));
        let Some(bytes) = bytes else {
            return Err(self.damage(offset, "a series is outside of the file"));
        };
        series::read(bytes, entry).map_err(|problem| self.damage(offset, problem))
    }

    /// The labels of an entry as text.
    pub(crate) fn labels(&self, entry: &SeriesEntry) -> Result<Labels, Damage> {
        let mut pairs = Vec::with_capacity(entry.labels.len());
        for (name, value) in &entry.labels {
            pairs.push((
                String::from_utf8_lossy(self.symbol(*name)?),
                String::from_utf8_lossy(self.symbol(*value)?),
            ));
        }
        let is_sorted = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !is_sorted || pairs.iter().any(|(_, value)| value.is_empty()) {
            return Ok(Labels::from_pairs(pairs));
        }
        Ok(Labels::from_sorted(
            pairs.iter().map(|(name, value)| (&**name, &**value)),
        ))
    }

    /// Names of all labels, sorted.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.table.names()
    }

    /// How many values a label has.
    pub(crate) fn value_count(&self, name: &str) -> usize {
        self.table.count(name)
    }

    /// Values of a label from `from` on, sorted, with the places of their postings.
    pub(crate) fn values_from(
        &self,
        name: &str,
        from: &[u8],
    ) -> impl Iterator<Item = (&[u8], u64)> {
        self.table.values_from(self.file(), name, from)
    }

    /// The series with a label; `None` if there are none.
    pub(crate) fn find(&self, name: &str, value: &str) -> Result<Option<PostingsList<'_>>, Damage> {
        self.table
            .find(self.file(), name, value.as_bytes())
            .map(|place| self.postings(place))
            .transpose()
    }

    pub(crate) fn all_series(&self) -> Result<Option<PostingsList<'_>>, Damage> {
        self.table.all.map(|place| self.postings(place)).transpose()
    }

    /// The list at a place that the table names.
    pub(crate) fn postings(&self, place: u64) -> Result<PostingsList<'_>, Damage> {
        let body = section(self.file(), place)
            .and_then(|section| section.verified())
            .map_err(|problem| self.damage(place, problem))?;
        PostingsList::new(body)
            .ok_or_else(|| self.damage(place, "a list of series has the wrong length"))
    }
}
