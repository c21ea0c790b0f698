//! Strict reading of a mapping into a struct.

use std::collections::HashMap;

use diag::{Diagnostic, Span, did_you_mean};

use crate::from_yaml::FromYaml;
use crate::node::{Kind, Node};
use crate::reading::{CODE_DUPLICATE, CODE_UNKNOWN, Reading};

/// Hands out the values of a mapping by key and reports, at the end, the keys nobody asked for.
#[derive(Debug)]
pub struct MapReader<'n, 'r> {
    node: &'n Node,
    go_type: &'static str,
    fields: HashMap<&'n str, Field<'n>>,
    asked: Vec<&'static str>,
    reading: &'r mut Reading,
}

#[derive(Debug)]
struct Field<'n> {
    key: &'n Node,
    value: &'n Node,
    is_taken: bool,
}

impl<'n, 'r> MapReader<'n, 'r> {
    /// `go_type` is the name by which the peers' messages know the section. Reports and returns `None`
    /// if the node is not a mapping. Keys given twice are reported; the last one counts.
    pub fn new(node: &'n Node, go_type: &'static str, reading: &'r mut Reading) -> Option<Self> {
        let Kind::Mapping(entries) = &node.kind else {
            reading.wrong_type(node, go_type);
            return None;
        };
        let mut fields: HashMap<&str, Field<'_>> = HashMap::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(name) = key.text() else {
                reading.wrong_type(key, "string");
                continue;
            };
            let field = Field {
                key,
                value,
                is_taken: false,
            };
            if let Some(first) = fields.insert(name, field) {
                let message = format!("field {name} already set in type {go_type}");
                let diagnostic = Diagnostic::error(CODE_DUPLICATE, message)
                    .at(reading.source(), key.span)
                    .at_with(reading.source(), first.key.span, "first set here")
                    .hint("keep one of the two");
                reading.report(key.span, diagnostic);
            }
        }
        Some(Self {
            node,
            go_type,
            fields,
            asked: Vec::new(),
            reading,
        })
    }

    /// The value under `key`, which is then a known key.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        let field = self.fields.get_mut(key)?;
        field.is_taken = true;
        Some(field.value)
    }

    /// Reads `key` into `into`; absent leaves it as it is, null makes it its type's default.
    pub fn field<T: FromYaml>(&mut self, key: &'static str, into: &mut T) {
        if let Some(node) = self.take(key)
            && let Some(value) = T::read(node, self.reading)
        {
            *into = value;
        }
    }

    /// Reads `key` into `into` with a reader of its own; it is not called for nulls.
    pub fn field_with<T: Default>(
        &mut self,
        key: &'static str,
        into: &mut T,
        read: impl FnOnce(&'n Node, &mut Reading) -> Option<T>,
    ) {
        let Some(node) = self.take(key) else { return };
        if node.is_null() {
            *into = T::default();
        } else if let Some(value) = read(node, self.reading) {
            *into = value;
        }
    }

    /// The value of `key`, `None` if it is absent, null or cannot be read.
    pub fn get<T: FromYaml>(&mut self, key: &'static str) -> Option<T> {
        let node = self.take(key).filter(|node| !node.is_null())?;
        T::from_yaml(node, self.reading)
    }

    /// Keys that nobody has asked for yet, in text order: for sections with keys that are data.
    pub fn take_rest(&mut self) -> Vec<(&'n Node, &'n Node)> {
        let mut rest: Vec<_> = self
            .fields
            .values_mut()
            .filter(|field| !field.is_taken)
            .map(|field| {
                field.is_taken = true;
                (field.key, field.value)
            })
            .collect();
        rest.sort_by_key(|(key, _)| key.span);
        rest
    }

    /// A refusal by the section's validator, raised after everything in the section and underlining
    /// the value of `key`.
    pub fn refuse(&mut self, key: &str, code: &'static str, message: impl Into<String>) {
        let place = self.span_of(key);
        let diagnostic = Diagnostic::error(code, message).at(self.reading.source(), place);
        self.reading.report(self.node.span, diagnostic);
    }

    /// As [`Self::refuse`], with what to do.
    pub fn refuse_with_hint(
        &mut self,
        key: &str,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let place = self.span_of(key);
        let source = self.reading.source();
        let diagnostic = Diagnostic::error(code, message)
            .at(source, place)
            .hint(hint);
        self.reading.report(self.node.span, diagnostic);
    }

    pub fn reading(&mut self) -> &mut Reading {
        self.reading
    }

    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// Where the value of `key` stands, or else the whole section.
    pub fn span_of(&self, key: &str) -> Span {
        self.fields
            .get(key)
            .map_or(self.node.span, |field| field.value.span)
    }

    /// Whether `key` is there with a value that is not null.
    pub fn has(&self, key: &str) -> bool {
        self.fields
            .get(key)
            .is_some_and(|field| !field.value.is_null())
    }

    /// Reports every key that was not taken.
    pub fn finish(mut self) {
        self.report_unknown();
    }

    /// As [`Self::finish`], for readers that go on to validate with the places of the values.
    pub fn report_unknown(&mut self) {
        let mut unknown: Vec<_> = self
            .fields
            .iter()
            .filter(|(_, field)| !field.is_taken)
            .collect();
        unknown.sort_by_key(|(_, field)| field.key.span);
        for (name, field) in unknown {
            let message = format!("field {name} not found in type {}", self.go_type);
            let mut diagnostic =
                Diagnostic::error(CODE_UNKNOWN, message).at(self.reading.source(), field.key.span);
            diagnostic = match did_you_mean(name, self.asked.iter().copied()) {
                Some(known) => diagnostic.hint(format!("did you mean `{known}`?")),
                None => diagnostic.hint(format!("known here: {}", self.asked.join(", "))),
            };
            self.reading.report(field.key.span, diagnostic);
        }
    }
}

#[cfg(test)]
mod tests {
    use diag::{Diagnostics, Source, render_line};

    use super::*;
    use crate::{parse, peer_text};

    #[derive(Default, Debug)]
    struct Job {
        name: String,
        limit: u64,
        enabled: bool,
        labels: Vec<String>,
    }

    impl FromYaml for Job {
        fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
            let mark = reading.mark();
            let mut job = Self {
                enabled: true,
                ..Self::default()
            };
            let mut map = MapReader::new(node, "config.plain", reading)?;
            map.field("scrape_name", &mut job.name);
            map.field("limit", &mut job.limit);
            map.field("enabled", &mut job.enabled);
            map.field("labels", &mut job.labels);
            map.finish();
            if reading.is_clean_since(mark) && job.name.is_empty() {
                reading.refuse(node.span, "job-name-empty", "name is empty");
            }
            Some(job)
        }

        fn go_type() -> String {
            "config.plain".to_owned()
        }
    }

    fn read(text: &str) -> (Vec<Job>, Diagnostics) {
        let source = Source::new("jobs.yml", text);
        let mut diagnostics = Diagnostics::new();
        let node = parse(&source, &mut diagnostics).unwrap();
        let mut reading = Reading::new(&source);
        let jobs = Vec::<Job>::read(&node, &mut reading).unwrap_or_default();
        diagnostics.extend(reading.finish());
        (jobs, diagnostics)
    }

    #[test]
    fn scalars_are_read_as_their_fields_want_them() {
        let (jobs, problems) =
            read("- {scrape_name: 010, limit: 1_000, enabled: off, labels: [yes, 1.50]}\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(jobs[0].name, "010");
        assert_eq!(jobs[0].limit, 1000);
        assert!(!jobs[0].enabled);
        assert_eq!(jobs[0].labels, ["yes", "1.50"]);
    }

    #[test]
    fn every_problem_is_reported_with_its_place() {
        let (_, problems) = read(
            "- scrape_nam: a\n  limit: -1\n- limit: 1\n- scrape_name: b\n  labels: x\n  scrape_name: c\n",
        );
        let lines: Vec<_> = problems.iter().map(render_line).collect();
        assert_eq!(
            lines[0].split(" (").next(),
            Some("jobs.yml:3:3: name is empty")
        );
        assert_eq!(
            lines[1],
            "jobs.yml:1:3: field scrape_nam not found in type config.plain (did you mean `scrape_name`?)"
        );
        assert!(lines[2].starts_with("jobs.yml:2:10: cannot unmarshal !!int `-1` into uint64"));
        assert!(lines[3].starts_with("jobs.yml:5:11: cannot unmarshal !!str `x` into []string"));
        assert!(
            lines[4]
                .starts_with("jobs.yml:6:3: field scrape_name already set in type config.plain")
        );
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn the_text_of_the_peers_lists_types_and_unknown_fields_together() {
        let (_, problems) = read("- scrape_name: a\n  x: 1\n  limit: {}\n");
        assert_eq!(
            peer_text(&problems).unwrap(),
            "yaml: unmarshal errors:\n  line 2: field x not found in type config.plain\n  \
             line 3: cannot unmarshal !!map into uint64"
        );
    }
}
