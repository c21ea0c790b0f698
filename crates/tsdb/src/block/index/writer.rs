//! Writing an index, front to back.
//!
//! Memory: the symbols, and 12 bytes per label; beside that a fixed amount. Postings are gathered from
//! the series that are in the file already, for as many label names at once as fit into it.

use std::path::Path;

use hashbrown::HashMap;
use model::disk::Disk;

use super::series::{self, ChunkPlace};
use super::symbols::SymbolList;
use super::toc::Toc;
use super::{CHECKSUM, HEADER, MAGIC, SERIES_ALIGN};
use crate::block::output::{Output, WriteBlockError};
use crate::block::window::Window;
use crate::bytes::{Bytes, put_uvarint};

/// Uses of labels that are held in memory at once, 8 bytes each. A single name with more is still done
/// in one go.
const USES_MAX: u64 = 4 << 20;
/// References to series have 32 bits.
const LENGTH_MAX: u64 = SERIES_ALIGN * u32::MAX as u64;

#[derive(Debug)]
pub(crate) struct IndexWriter {
    output: Output,
    toc: Toc,
    /// How many series have a label name.
    uses: HashMap<u32, u64>,
    last_labels: Vec<(u32, u32)>,
    last_chunk: u64,
    series_count: u64,
    entry: Vec<u8>,
    body: Vec<u8>,
}

/// One list, as the table names it.
struct Listed {
    /// `None`: all series.
    label: Option<(u32, u32)>,
    place: u64,
}

impl IndexWriter {
    pub(crate) fn create(
        disk: &dyn Disk,
        path: &Path,
        symbols: &SymbolList,
    ) -> Result<Self, WriteBlockError> {
        let mut output = Output::create(disk, path)?;
        output.write(&MAGIC)?;
        output.write(&[2])?;
        let toc = Toc {
            symbols: output.position(),
            ..Toc::default()
        };
        write_symbols(&mut output, symbols)?;
        Ok(Self {
            toc: Toc {
                series: output.position(),
                ..toc
            },
            output,
            uses: HashMap::new(),
            last_labels: Vec::new(),
            last_chunk: 0,
            series_count: 0,
            entry: Vec::new(),
            body: Vec::new(),
        })
    }

    /// Series come in the order of their labels, and so do their chunks in the segments.
    pub(crate) fn add_series(
        &mut self,
        labels: &[(u32, u32)],
        chunks: &[ChunkPlace],
    ) -> Result<(), WriteBlockError> {
        if self.series_count > 0 && labels <= self.last_labels.as_slice() {
            return Err(self.output.content_error("a series is out of order"));
        }
        let is_in_order = chunks.windows(2).all(|pair| pair[0].end < pair[1].start)
            && chunks.iter().all(|chunk| chunk.start <= chunk.end)
            && chunks.is_sorted_by_key(|chunk| chunk.reference)
            && chunks
                .first()
                .is_none_or(|chunk| chunk.reference >= self.last_chunk);
        if !is_in_order {
            return Err(self
                .output
                .content_error("chunks of a series are out of order"));
        }
        self.output.align(SERIES_ALIGN)?;
        if self.output.position() > LENGTH_MAX {
            return Err(self.output.content_error("the index is longer than 64 GiB"));
        }
        self.entry.clear();
        series::write(&mut self.entry, &mut self.body, labels, chunks);
        self.output.write(&self.entry)?;
        for (name, _) in labels {
            *self.uses.entry(*name).or_default() += 1;
        }
        self.last_labels.clear();
        self.last_labels.extend_from_slice(labels);
        if let Some(last) = chunks.last() {
            self.last_chunk = last.reference;
        }
        self.series_count += 1;
        Ok(())
    }

    /// Writes the postings and what points to them; gives the length of the file.
    pub(crate) fn finish(
        mut self,
        disk: &dyn Disk,
        symbols: &SymbolList,
    ) -> Result<u64, WriteBlockError> {
        self.toc.label_indices = self.output.position();
        self.output.flush()?;
        let series_end = self.output.position();
        self.toc.postings = series_end;
        let mut listed = Vec::new();
        self.write_all(disk, series_end, &mut listed)?;
        let mut names: Vec<(u32, u64)> = self.uses.drain().collect();
        names.sort_unstable();
        let mut names = names.as_slice();
        while !names.is_empty() {
            let mut total = 0;
            let count = names
                .iter()
                .take_while(|(_, uses)| {
                    total += uses;
                    total <= USES_MAX
                })
                .count()
                .max(1);
            let (batch, rest) = names.split_at(count);
            self.write_batch(disk, series_end, batch, &mut listed)?;
            names = rest;
        }
        self.toc.label_indices_table = self.output.position();
        self.toc.postings_table = self.output.position();
        self.write_table(symbols, &listed)?;
        let mut toc = Vec::new();
        self.toc.write(&mut toc);
        self.output.write(&toc)?;
        self.output.finish()
    }

    /// The list of all series.
    fn write_all(
        &mut self,
        disk: &dyn Disk,
        series_end: u64,
        listed: &mut Vec<Listed>,
    ) -> Result<(), WriteBlockError> {
        let place = self.start_list(self.series_count)?;
        let mut scan = self.scan(disk, series_end)?;
        while let Some((series, _)) = scan.next()? {
            self.output.write_summed(&series.to_be_bytes())?;
        }
        self.output.write_sum()?;
        listed.push(Listed { label: None, place });
        Ok(())
    }

    /// The lists of all values of some names.
    fn write_batch(
        &mut self,
        disk: &dyn Disk,
        series_end: u64,
        names: &[(u32, u64)],
        listed: &mut Vec<Listed>,
    ) -> Result<(), WriteBlockError> {
        let mut places: HashMap<u32, usize> = HashMap::new();
        // Of each name: value in the upper half, series in the lower.
        let mut uses: Vec<Vec<u64>> = Vec::with_capacity(names.len());
        for (at, (name, count)) in names.iter().enumerate() {
            places.insert(*name, at);
            uses.push(Vec::with_capacity(usize::try_from(*count).unwrap_or(0)));
        }
        let mut scan = self.scan(disk, series_end)?;
        while let Some((series, labels)) = scan.next()? {
            for (name, value) in labels {
                if let Some(at) = places.get(name) {
                    uses[*at].push(u64::from(*value) << 32 | u64::from(series));
                }
            }
        }
        for ((name, _), mut uses) in names.iter().zip(uses) {
            uses.sort_unstable();
            for uses in uses.chunk_by(|a, b| a >> 32 == b >> 32) {
                let place = self.start_list(uses.len() as u64)?;
                for use_ in uses {
                    // The lower half is the series.
                    self.output.write_summed(&(*use_ as u32).to_be_bytes())?;
                }
                self.output.write_sum()?;
                let value = (uses[0] >> 32) as u32;
                listed.push(Listed {
                    label: Some((*name, value)),
                    place,
                });
            }
        }
        Ok(())
    }

    /// Writes the head of a list; gives its place.
    fn start_list(&mut self, count: u64) -> Result<u64, WriteBlockError> {
        self.output.align(4)?;
        let place = self.output.position();
        let too_long = |_| self.output.content_error("a list of series is too long");
        let length = u32::try_from(4 + 4 * count).map_err(too_long)?;
        self.output.write(&length.to_be_bytes())?;
        self.output.start_sum();
        // Smaller than the length.
        self.output.write_summed(&(count as u32).to_be_bytes())?;
        Ok(place)
    }

    fn write_table(
        &mut self,
        symbols: &SymbolList,
        listed: &[Listed],
    ) -> Result<(), WriteBlockError> {
        let mut entry = Vec::new();
        let encode = |entry: &mut Vec<u8>, listed: &Listed| {
            entry.clear();
            put_uvarint(entry, 2);
            for symbol in listed
                .label
                .map_or([None; 2], |(name, value)| [Some(name), Some(value)])
            {
                let text = symbol.map_or(&[][..], |symbol| symbols.get(symbol));
                put_uvarint(entry, text.len() as u64);
                entry.extend_from_slice(text);
            }
            put_uvarint(entry, listed.place);
        };
        let mut length = 4u64;
        for listed in listed {
            encode(&mut entry, listed);
            length += entry.len() as u64;
        }
        let too_long = |_| self.output.content_error("the table of labels is too long");
        let length = u32::try_from(length).map_err(too_long)?;
        self.output.write(&length.to_be_bytes())?;
        self.output.start_sum();
        // Each takes some bytes of the length.
        self.output
            .write_summed(&(listed.len() as u32).to_be_bytes())?;
        for listed in listed {
            encode(&mut entry, listed);
            self.output.write_summed(&entry)?;
        }
        self.output.write_sum()
    }

    fn scan(&self, disk: &dyn Disk, end: u64) -> Result<SeriesScan, WriteBlockError> {
        let path = self.output.path();
        Ok(SeriesScan {
            path: path.to_path_buf(),
            file: disk.open_reader(path).map_err(WriteBlockError::io(path))?,
            window: Window::new(),
            at: self.toc.series,
            end,
            labels: Vec::new(),
        })
    }
}

fn write_symbols(output: &mut Output, symbols: &SymbolList) -> Result<(), WriteBlockError> {
    let mut head = Vec::new();
    let mut length = 4u64;
    for text in symbols.iter() {
        head.clear();
        put_uvarint(&mut head, text.len() as u64);
        length += (head.len() + text.len()) as u64;
    }
    let length = u32::try_from(length)
        .map_err(|_| output.content_error("the table of symbols is too long"))?;
    output.write(&length.to_be_bytes())?;
    output.start_sum();
    output.write_summed(&(symbols.len() as u32).to_be_bytes())?;
    for text in symbols.iter() {
        head.clear();
        put_uvarint(&mut head, text.len() as u64);
        output.write_summed(&head)?;
        output.write_summed(text)?;
    }
    output.write_sum()
}

/// The reference of a series and its labels.
type Scanned<'a> = (u32, &'a [(u32, u32)]);

/// Reads the series that were written back.
struct SeriesScan {
    path: std::path::PathBuf,
    file: Box<dyn model::disk::DiskReader>,
    window: Window,
    at: u64,
    end: u64,
    labels: Vec<(u32, u32)>,
}

impl SeriesScan {
    /// The reference and the labels of the next series.
    fn next(&mut self) -> Result<Option<Scanned<'_>>, WriteBlockError> {
        const LENGTH_MAX: usize = 10;
        self.at = self.at.next_multiple_of(SERIES_ALIGN);
        if self.at >= self.end {
            return Ok(None);
        }
        let fail = WriteBlockError::io(&self.path);
        let bad = || {
            let problem = "what was written reads back differently; check the disk";
            WriteBlockError::Content {
                path: self.path.clone(),
                problem: problem.to_owned(),
            }
        };
        let head = match self.window.get(&*self.file, self.at, LENGTH_MAX) {
            Ok(head) => head,
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Bytes(head);
        let length = bytes.uvarint().map_err(|_| bad())? as usize;
        let whole = head.len() - bytes.left() + length + CHECKSUM;
        let entry = match self.window.get(&*self.file, self.at, whole) {
            Ok(entry) => entry,
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Bytes(entry);
        self.labels.clear();
        let parsed = (|| {
            bytes.uvarint()?;
            for _ in 0..bytes.count()? {
                self.labels.push((bytes.uvarint32()?, bytes.uvarint32()?));
            }
            Ok(())
        })();
        parsed.map_err(|_: crate::bytes::Malformed| bad())?;
        // Positions were checked against the largest reference when they were written.
        let series = (self.at / SERIES_ALIGN) as u32;
        self.at += whole as u64;
        Ok(Some((series, &self.labels)))
    }
}

const _: () = assert!(HEADER == 5);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::labels::Labels;
    use testkit::disk::FaultDisk;

    use super::*;
    use crate::block::index::reader::VersionByte;
    use crate::block::index::{IndexReader, SeriesEntry};

    /// Series with every label text that occurs in them.
    fn write(series: &BTreeMap<Labels, Vec<ChunkPlace>>) -> (FaultDisk, SymbolList) {
        let mut texts: Vec<&str> = series
            .keys()
            .flat_map(|labels| labels.iter().flat_map(|(name, value)| [name, value]))
            .collect();
        texts.sort_unstable();
        texts.dedup();
        let mut symbols = SymbolList::default();
        for text in &texts {
            symbols.push(text.as_bytes()).unwrap();
        }
        let number = |text: &str| texts.binary_search(&text).unwrap() as u32;
        let disk = FaultDisk::new(1);
        let mut writer = IndexWriter::create(&disk, Path::new("index"), &symbols).unwrap();
        for (labels, chunks) in series {
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| (number(name), number(value)))
                .collect();
            writer.add_series(&labels, chunks).unwrap();
        }
        writer.finish(&disk, &symbols).unwrap();
        (disk, symbols)
    }

    #[test]
    fn what_is_written_is_found() {
        let mut series = BTreeMap::new();
        for number in 0..500u64 {
            let place = ChunkPlace {
                start: 10,
                end: 20 + number as i64,
                reference: 0,
            };
            let labels = Labels::from_pairs([
                ("__name__", format!("m{:03}", number / 10)),
                ("kind", format!("k{}", number % 3)),
                ("only", format!("{number:04}")),
            ]);
            series.insert(labels, vec![place]);
        }
        for (at, chunks) in series.values_mut().enumerate() {
            chunks[0].reference = 8 + at as u64 * 100;
        }
        let (disk, symbols) = write(&series);
        let index = IndexReader::open(&disk, Path::new("index"), VersionByte::Right).unwrap();
        let found: Vec<&[u8]> = index.symbols().map(|(_, text)| text).collect();
        assert_eq!(found, symbols.iter().collect::<Vec<_>>());
        assert_eq!(
            index.label_names().collect::<Vec<_>>(),
            ["__name__", "kind", "only"]
        );
        assert_eq!(index.value_count("only"), 500);
        let from: Vec<&[u8]> = index
            .values_from("only", b"0497x")
            .map(|(value, _)| value)
            .collect();
        assert_eq!(from, [b"0498", b"0499"]);
        let mut entry = SeriesEntry::default();
        let all: Vec<u32> = index.all_series().unwrap().unwrap().iter().collect();
        assert_eq!(all.len(), 500);
        for (number, (labels, chunks)) in all.iter().zip(&series) {
            index.series(*number, &mut entry).unwrap();
            assert_eq!(index.labels(&entry).unwrap(), *labels);
            assert_eq!(entry.chunks, *chunks);
            for (name, value) in labels {
                let list = index.find(name, value).unwrap().unwrap();
                assert!(list.iter().any(|series| series == *number));
            }
        }
        assert_eq!(index.find("kind", "k1").unwrap().unwrap().len(), 167);
        assert!(index.find("kind", "k3").unwrap().is_none());
        assert!(index.find("none", "k3").unwrap().is_none());
    }

    #[test]
    fn an_index_without_series_can_be_read() {
        let (disk, _) = write(&BTreeMap::new());
        let index = IndexReader::open(&disk, Path::new("index"), VersionByte::Right).unwrap();
        assert_eq!(index.all_series().unwrap().unwrap().len(), 0);
        assert_eq!(index.label_names().count(), 0);
    }
}
