//! The `storage` section.

use yaml::Mapping;

use super::Generator;
use super::global::quantity;
use crate::problem::{Checked, Problem};

impl Generator<'_> {
    pub(super) fn put_server_storage(&self, out: &mut Mapping) -> Checked {
        self.check_tsdb()?;
        let mut storage = Mapping::new();
        let exemplars = self.spec.path(&["exemplars", "maxSize"]);
        if exemplars.is_set() {
            let mut section = Mapping::new();
            section.put("max_exemplars", exemplars.value());
            self.put_since(&mut storage, (2, 29, 0), "exemplars", section);
        }
        let mut tsdb = Mapping::new();
        self.put_tsdb(&mut tsdb, (2, 39, 0));
        if self.supports((3, 11, 0)) {
            // Older versions take these as flags.
            tsdb.put("retention", self.retention());
        }
        if !tsdb.0.is_empty() {
            storage.put("tsdb", tsdb);
        }
        if !storage.0.is_empty() {
            self.put_since(out, (2, 29, 0), "storage", storage);
        }
        Ok(())
    }

    pub(super) fn put_agent_storage(&self, out: &mut Mapping) -> Checked {
        self.check_tsdb()?;
        let mut tsdb = Mapping::new();
        self.put_tsdb(&mut tsdb, (2, 54, 0));
        if !tsdb.0.is_empty() {
            let mut storage = Mapping::new();
            storage.put("tsdb", tsdb);
            out.put("storage", storage);
        }
        Ok(())
    }

    fn put_tsdb(&self, out: &mut Mapping, out_of_order_since: crate::version::Numbers) {
        let tsdb = self.spec.at("tsdb");
        let window = tsdb.at("outOfOrderTimeWindow");
        self.copy_since(out, out_of_order_since, "out_of_order_time_window", window);
        if let Some(threshold) = quantity(tsdb.at("staleSeriesCompactionThreshold")) {
            self.put_since(
                out,
                (3, 10, 0),
                "stale_series_compaction_threshold",
                threshold,
            );
        }
        if let Some(floats) = tsdb.path(&["chunkEncoding", "floats"]).text() {
            let mut encoding = Mapping::new();
            encoding.put("floats", floats.to_lowercase());
            self.put_since(out, (3, 13, 0), "chunk_encoding", encoding);
        }
    }

    fn retention(&self) -> Mapping {
        let (time, size) = (
            self.spec.at("retention").str(),
            self.spec.at("retentionSize").str(),
        );
        let time = if time.is_empty() && size.is_empty() {
            "24h"
        } else {
            time
        };
        let mut out = Mapping::new();
        out.put_unless_empty("time", time);
        out.put_unless_empty("size", size);
        out
    }

    fn check_tsdb(&self) -> Checked {
        let tsdb = self.spec.at("tsdb");
        let threshold = tsdb.at("staleSeriesCompactionThreshold");
        if quantity(threshold).is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            let message = format!(
                "`staleSeriesCompactionThreshold` must be between 0 and 1, it is {}",
                threshold.str()
            );
            return Err(Problem::at(threshold, message));
        }
        let floats = tsdb.path(&["chunkEncoding", "floats"]);
        let features = self.spec.at("enableFeatures").texts();
        if floats.str() == "Xor" && features.contains(&"st-storage") {
            let message = "chunk encoding \"Xor\" is incompatible with the feature st-storage: its \
                           chunks hold no start timestamps";
            return Err(Problem::at(floats, message));
        }
        Ok(())
    }
}
