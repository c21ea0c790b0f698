//! `inhibit_rules`: alerts that silence others.

use std::collections::BTreeMap;

use model::Matcher;

use super::load::MatcherReading;
use super::route::{Pattern, WrittenMatchers};
use crate::place::Place;
use crate::rules::Text;

section! {
    /// Every target alert is muted while a source alert fires that has the same `equal` labels.
    pub struct InhibitRule: "common.plain" as "common.InhibitRule" {
        [place] pub place: Place,
        ["name", omit] pub name: String,
        ["source_match", omit] pub source_match: BTreeMap<String, Text>,
        ["source_match_re", omit] pub source_match_re: BTreeMap<String, Pattern>,
        ["source_matchers", omit] pub source_written: WrittenMatchers,
        ["target_match", omit] pub target_match: BTreeMap<String, Text>,
        ["target_match_re", omit] pub target_match_re: BTreeMap<String, Pattern>,
        ["target_matchers", omit] pub target_written: WrittenMatchers,
        ["equal", omit] pub equal: Vec<Text>,
        /// All conditions on the source, of whichever notation.
        [skip] pub source_matchers: Vec<Matcher>,
        /// All conditions on the target, of whichever notation.
        [skip] pub target_matchers: Vec<Matcher>,
    }
}

impl InhibitRule {
    pub(super) fn complete(&mut self, reading: &mut MatcherReading<'_, '_>) {
        self.source_matchers = reading.all(
            &self.source_match,
            &self.source_match_re,
            &mut self.source_written.0,
        );
        self.target_matchers = reading.all(
            &self.target_match,
            &self.target_match_re,
            &mut self.target_written.0,
        );
        for name in &self.equal {
            if !reading.mode.allows_label(name.as_str()) {
                let name_text = crate::quote::quote(name.as_str());
                let message = format!("invalid label name {name_text} in equal list");
                reading.refuse(name.span(), &message, "use the name of a label");
            }
        }
    }
}
