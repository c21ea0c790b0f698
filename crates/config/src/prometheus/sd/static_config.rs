//! Targets written down in the configuration.

use std::collections::BTreeMap;

use yaml::MapReader;

section! {
    /// A group of targets with the labels that they share.
    pub struct StaticConfig: "struct { Targets []string \"yaml:\\\"targets\\\"\"; Labels model.LabelSet \"yaml:\\\"labels\\\"\" }" as "*targetgroup.Group", checked {
        ["targets"] pub targets: Vec<String>,
        ["labels", omit] pub labels: BTreeMap<String, String>,
    }
}

impl StaticConfig {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.labels.contains_key("") {
            let message = "\"\" is not a valid label name";
            super::refuse(map, "labels", message, "give the label a name");
        }
    }
}
