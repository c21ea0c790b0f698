//! What a target says about its metrics: type, help, unit.

use std::collections::HashMap;

use model::{Metadata, MetricType};

/// Metadata outlives its metric by this many pages, for metrics that come and go.
const KEPT_PAGES: u64 = 10;

/// One family of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry {
    pub family: String,
    pub metadata: Metadata,
}

#[derive(Debug)]
struct Family {
    metadata: Metadata,
    page: u64,
}

/// The families of one target; bounded by what its pages held lately.
#[derive(Debug, Default)]
pub(crate) struct MetadataStore {
    families: HashMap<String, Family>,
    page: u64,
}

impl MetadataStore {
    pub(crate) fn begin(&mut self) {
        self.page += 1;
    }

    pub(crate) fn end(&mut self) {
        let page = self.page;
        self.families
            .retain(|_, family| page - family.page <= KEPT_PAGES);
    }

    fn family(&mut self, name: &str) -> &mut Metadata {
        let page = self.page;
        // Known families need no owned name; only the first sight of one allocates.
        if !self.families.contains_key(name) {
            let metadata = Metadata::default();
            self.families
                .insert(name.to_owned(), Family { metadata, page });
        }
        #[expect(clippy::expect_used, reason = "inserted above if it was not there")]
        let family = self.families.get_mut(name).expect("the family is there");
        family.page = page;
        &mut family.metadata
    }

    pub(crate) fn set_type(&mut self, name: &str, metric_type: MetricType) {
        self.family(name).metric_type = metric_type;
    }

    pub(crate) fn set_help(&mut self, name: &str, help: &str) {
        let metadata = self.family(name);
        if metadata.help != help {
            help.clone_into(&mut metadata.help);
        }
    }

    pub(crate) fn set_unit(&mut self, name: &str, unit: &str) {
        let metadata = self.family(name);
        if metadata.unit != unit {
            unit.clone_into(&mut metadata.unit);
        }
    }

    /// All families, by name.
    pub(crate) fn entries(&self) -> Vec<MetadataEntry> {
        let mut entries: Vec<MetadataEntry> = self
            .families
            .iter()
            .map(|(name, family)| MetadataEntry {
                family: name.clone(),
                metadata: family.metadata.clone(),
            })
            .collect();
        entries.sort_by(|left, right| left.family.cmp(&right.family));
        entries
    }

    pub(crate) fn get(&self, name: &str) -> Option<Metadata> {
        self.families
            .get(name)
            .map(|family| family.metadata.clone())
    }

    /// Families, and bytes of their texts.
    pub(crate) fn size(&self) -> (usize, usize) {
        let bytes = self
            .families
            .values()
            .map(|family| family.metadata.help.len() + family.metadata.unit.len() + 8)
            .sum();
        (self.families.len(), bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_forgotten_some_pages_later() {
        let mut store = MetadataStore::default();
        store.begin();
        store.set_type("m", MetricType::Gauge);
        store.set_help("m", "Help.");
        store.end();
        for _ in 0..KEPT_PAGES {
            store.begin();
            store.end();
        }
        assert_eq!(store.get("m").unwrap().help, "Help.");
        store.begin();
        store.end();
        assert_eq!(store.entries(), []);
    }
}
