//! Lists of receivers, each kept once: most alerts of an answer have the same ones.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// Names of receivers; one may come twice.
pub(super) type Names = Arc<[Arc<str>]>;

/// Sorted lists that grow name by name. A list is a number; 0 is the empty one.
#[derive(Debug)]
pub(super) struct NameLists {
    lists: Vec<Names>,
    longer: HashMap<(usize, Arc<str>), usize, FixedState>,
}

impl Default for NameLists {
    fn default() -> Self {
        Self {
            lists: vec![Arc::from([])],
            longer: HashMap::default(),
        }
    }
}

impl NameLists {
    /// The list that has `name` as well.
    pub(super) fn with(&mut self, list: usize, name: &Arc<str>) -> usize {
        let key = (list, name.clone());
        if let Some(longer) = self.longer.get(&key) {
            return *longer;
        }
        let mut names = self.get(list).to_vec();
        names.push(name.clone());
        names.sort();
        let longer = self.lists.len();
        self.lists.push(names.into());
        self.longer.insert(key, longer);
        longer
    }

    pub(super) fn get(&self, list: usize) -> Names {
        self.lists.get(list).cloned().unwrap_or_default()
    }
}
