//! `route`: the tree that decides who is told about an alert.

use std::collections::{BTreeMap, HashSet};

use model::{Duration, Matcher};
use yaml::{Node, Reading, Value};

use super::load::MatcherReading;
use crate::place::Place;
use crate::quote::quote;
use crate::rules::Text;
use crate::section::Field;

section! {
    /// A node of the tree; what is None is inherited.
    pub struct Route: "config.plain" {
        [place] pub place: Place,
        ["receiver", omit] pub receiver: String,
        ["group_by", some_items] pub group_by_written: Option<Vec<Text>>,
        ["match", omit] pub match_equal: BTreeMap<String, Text>,
        ["match_re", omit] pub match_re: BTreeMap<String, Pattern>,
        ["matchers", omit] pub written: WrittenMatchers,
        ["mute_time_intervals", omit] pub mute_time_intervals: Vec<String>,
        ["active_time_intervals", omit] pub active_time_intervals: Vec<String>,
        ["continue"] pub continue_matching: bool,
        ["routes", omit] pub routes: Vec<Listed>,
        ["group_wait", some] pub group_wait: Option<Duration>,
        ["group_interval", some] pub group_interval: Option<Duration>,
        ["repeat_interval", some] pub repeat_interval: Option<Duration>,
        /// Templates, rendered per group.
        ["labels", omit] pub labels: BTreeMap<String, Text>,
        /// All conditions, of whichever notation.
        [skip] pub matchers: Vec<Matcher>,
    }
}

/// A child; a null in the list is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed(pub Route);

impl Field for Listed {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        Route::read(node, reading).map(Self)
    }

    fn read_or_null(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.is_null() {
            let message = "empty or null route in routes";
            let hint = "write the route or remove the dash";
            reading.refuse_with_hint(node.span, "route-empty", message, hint);
            return None;
        }
        Self::read(node, reading)
    }

    fn go_type() -> String {
        "*config.Route".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

/// How alerts of a route are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Every label set is a group of its own.
    All,
    /// By these labels; none means one group for all.
    Labels(Vec<String>),
}

impl Route {
    /// None means: as the parent does.
    pub fn group_by(&self) -> Option<GroupBy> {
        let written = self.group_by_written.as_ref()?;
        if written.iter().any(|name| name.as_str() == "...") {
            return Some(GroupBy::All);
        }
        Some(GroupBy::Labels(
            written.iter().map(|name| name.text.clone()).collect(),
        ))
    }

    /// The children, in order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.routes.iter().map(|listed| &listed.0)
    }

    /// Children first, as the peers validate. The depth of the file bounds the recursion.
    pub(super) fn complete(&mut self, reading: &mut MatcherReading<'_, '_>) {
        self.matchers = reading.all(&self.match_equal, &self.match_re, &mut self.written.0);
        for child in &mut self.routes {
            child.0.complete(reading);
        }
        self.validate_group_by(reading);
        for (name, text) in &self.labels {
            if name.is_empty() {
                reading.refuse(
                    text.span(),
                    "\"\" is not a valid label name",
                    "give it a name",
                );
            } else if !reading.mode.allows_label(name) {
                let message = format!("invalid label name {} in route labels", quote(name));
                reading.refuse(text.span(), &message, "use letters, digits and underscores");
            }
        }
        let zero = Some(Duration::ZERO);
        for (key, is_zero) in [
            ("group_interval", self.group_interval == zero),
            ("repeat_interval", self.repeat_interval == zero),
        ] {
            if is_zero {
                let message = format!("{key} cannot be zero");
                reading.refuse(self.place.0, &message, "remove it to inherit the default");
            }
        }
    }

    fn validate_group_by(&self, reading: &mut MatcherReading<'_, '_>) {
        let names = self.group_by_written.as_deref().unwrap_or_default();
        let mut seen = HashSet::new();
        let has_wildcard = names.iter().any(|name| name.as_str() == "...");
        for name in names.iter().filter(|name| name.as_str() != "...") {
            let quoted = quote(name.as_str());
            if !reading.mode.allows_label(name.as_str()) {
                let message = format!("invalid label name {quoted} in group_by list");
                reading.refuse(name.span(), &message, "use the name of a label");
            }
            if !seen.insert(name.as_str()) {
                let message = format!("duplicated label {quoted} in group_by");
                reading.refuse(name.span(), &message, "remove one of them");
            }
        }
        if has_wildcard && names.len() > 1 {
            let message = "cannot have wildcard group_by (`...`) and other labels at the same time";
            reading.refuse(
                self.place.0,
                message,
                "keep `...` alone, or only the labels",
            );
        }
    }
}

/// The text of some matchers of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    pub text: Text,
    /// How the matchers of the whole list print once they are understood; in its first text only, as they
    /// print sorted, whichever text they come from.
    pub(super) printed: Vec<String>,
}

impl Field for Written {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        Text::read(node, reading).map(|text| Self {
            text,
            printed: Vec::new(),
        })
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        (&self.text.text).into()
    }
}

/// A list of texts, each of which may hold several matchers; they print one by one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WrittenMatchers(pub Vec<Written>);

impl Field for WrittenMatchers {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        <Vec<Written> as Field>::read(node, reading).map(Self)
    }

    fn go_type() -> String {
        "[]string".to_owned()
    }

    fn to_value(&self) -> Value {
        Value::list(
            self.0
                .iter()
                .flat_map(|written| written.printed.iter().map(Value::from)),
        )
    }
}

/// The text of a regular expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    pub text: Text,
    pub(super) is_null: bool,
}

impl Field for Pattern {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        Text::read(node, reading).map(|text| Self {
            text,
            is_null: false,
        })
    }

    fn read_or_null(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.is_null() {
            let text = Text {
                text: String::new(),
                place: Place(node.span),
            };
            return Some(Self {
                text,
                is_null: true,
            });
        }
        Self::read(node, reading)
    }

    fn go_type() -> String {
        "config.Regexp".to_owned()
    }

    fn go_map() -> String {
        "common.plain".to_owned()
    }

    /// The peer prints an empty expression as null.
    fn to_value(&self) -> Value {
        if self.text.text.is_empty() {
            return Value::Null;
        }
        (&self.text.text).into()
    }
}
