//! The types of rule files.

use std::collections::BTreeMap;

use diag::Span;
use model::Duration;
use yaml::{Node, Reading, Value};

use crate::place::Place;
use crate::section::Field;

section! {
    pub struct RuleFile: "rulefmt.RuleGroups" {
        ["groups"] pub groups: Vec<Group>,
    }
}

section! {
    /// Rules that are evaluated one after the other.
    pub struct Group: "rulefmt.RuleGroup" {
        [place] pub place: Place,
        ["name"] pub name: Text,
        /// None means: the server's evaluation interval.
        ["interval", some] pub interval: Option<Duration>,
        /// None means: the server's offset.
        ["query_offset", some] pub query_offset: Option<Duration>,
        /// How many alerts or series one rule may give; zero means any number.
        ["limit", omit] pub limit: isize,
        ["rules"] pub rules: Vec<Rule>,
        /// Added to every rule; the rule's own labels win.
        ["labels", omit] pub labels: BTreeMap<String, Text>,
    }
}

section! {
    /// Either `record` or `alert` is set.
    pub struct Rule: "rulefmt.Rule" {
        [place] pub place: Place,
        ["record", omit] pub record: Text,
        ["alert", omit] pub alert: Text,
        ["expr"] pub expr: Text,
        ["for", unless_default] pub for_duration: Duration,
        ["keep_firing_for", unless_default] pub keep_firing_for: Duration,
        ["labels", omit] pub labels: BTreeMap<String, Text>,
        ["annotations", omit] pub annotations: BTreeMap<String, Text>,
    }
}

impl Rule {
    /// Whether it records a series instead of raising alerts.
    pub fn is_recording(&self) -> bool {
        !self.record.text.is_empty()
    }

    /// The name of the series or of the alert.
    pub fn name(&self) -> &str {
        if self.is_recording() {
            &self.record.text
        } else {
            &self.alert.text
        }
    }
}

/// A text and its place in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub place: Place,
}

impl Text {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn span(&self) -> Span {
        self.place.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            place: Place::default(),
        }
    }
}

impl Field for Text {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = <String as Field>::read(node, reading)?;
        Some(Self {
            text,
            place: Place(node.span),
        })
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        (&self.text).into()
    }
}
