//! Blocks of samples that are saved from damage: as many as it takes to hold no more than a bound in memory.

use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use tsdb::block::{BlockBuilder, Ulid, UlidSource, WriteBlockError};

use crate::import::openmetrics::MEMORY_MAX;

pub(crate) struct Saved<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Path,
    ulids: &'a UlidSource,
    memory_max: usize,
    blocks: Vec<Ulid>,
    samples: u64,
    failed: Option<WriteBlockError>,
}

impl<'a> Saved<'a> {
    pub(crate) fn new(disk: &'a Arc<dyn Disk>, dir: &'a Path, ulids: &'a UlidSource) -> Self {
        Self {
            disk,
            dir,
            ulids,
            memory_max: MEMORY_MAX,
            blocks: Vec::new(),
            samples: 0,
            failed: None,
        }
    }

    /// Writes a block if there is enough for one. After a failure nothing is held any more.
    pub(crate) fn step(&mut self, builder: &mut BlockBuilder) {
        if builder.memory() >= self.memory_max {
            self.write(std::mem::take(builder));
        }
    }

    fn write(&mut self, builder: BlockBuilder) {
        if self.failed.is_some() {
            return;
        }
        self.samples += builder.samples();
        match builder.write(self.disk, self.dir, self.ulids.make()) {
            Ok(built) => self.blocks.extend(built.map(|built| built.meta.ulid)),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Writes the rest. Gives the number of samples and the blocks.
    pub(crate) fn finish(
        mut self,
        builder: BlockBuilder,
    ) -> Result<(u64, Vec<Ulid>), WriteBlockError> {
        self.write(builder);
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.samples, self.blocks)),
        }
    }
}

/// The names of blocks in a sentence.
pub(crate) fn named(blocks: &[Ulid]) -> String {
    let names: Vec<String> = blocks.iter().map(Ulid::to_string).collect();
    match names.as_slice() {
        [name] => format!("the new block {name}"),
        names => format!("the new blocks {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use model::clock::ManualClock;
    use model::{Labels, Timestamp};
    use testkit::disk::{Fault, FaultDisk};
    use tsdb::block::Block;

    use super::*;

    #[test]
    fn much_becomes_several_blocks() {
        let fault = FaultDisk::new(1);
        let disk: Arc<dyn Disk> = Arc::new(fault.clone());
        let dir = Path::new("d");
        disk.create_dir_all(dir).unwrap();
        let ulids = UlidSource::new(Arc::new(ManualClock::new(Timestamp(0))), 1);
        let run = || {
            let mut saved = Saved::new(&disk, dir, &ulids);
            saved.memory_max = 2000;
            let mut builder = BlockBuilder::new();
            for n in 0..5000 {
                builder.add(&Labels::from_name(&format!("m{}", n % 3)), n, n as f64);
                saved.step(&mut builder);
                assert!(builder.memory() < 2000);
            }
            saved.finish(builder)
        };
        let (samples, blocks) = run().unwrap();
        assert_eq!(samples, 5000);
        assert!(blocks.len() > 3, "{blocks:?}");
        assert!(named(&blocks).starts_with("the new blocks "));
        let found = blocks.iter().map(|ulid| {
            let block = Block::open(&*disk, &dir.join(ulid.to_string())).unwrap();
            block.meta().stats.num_samples
        });
        assert_eq!(found.sum::<u64>(), 5000);
        // A failure in between is not forgotten.
        fault.plan(Some(Fault::FailWrite(fault.writes() + 5)));
        run().unwrap_err();
    }
}
