//! A set of templates that refer to each other by name, as text or as HTML.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::Tree;
use crate::error::{ExecError, ParseError};
use crate::exec::{Budget, Program, execute};
use crate::function::FunctionTable;
use crate::options::Options;
use crate::parse::{ParseInput, UnknownFunctions, parse};
use crate::value::Value;
use crate::{builtins, html};

/// Whether values are escaped by where they appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `text/template`: nothing is escaped.
    Text,
    /// `html/template`: every value is escaped for its place in the markup.
    Html,
}

/// Templates by name. Cloning is cheap enough to parse a text on top of shared definitions.
#[derive(Clone, Debug)]
pub struct TemplateSet {
    flavour: Flavour,
    functions: FunctionTable,
    options: Options,
    trees: BTreeMap<String, Arc<Tree>>,
}

impl TemplateSet {
    pub fn new(flavour: Flavour, functions: FunctionTable, options: Options) -> Self {
        Self {
            flavour,
            functions,
            options,
            trees: BTreeMap::new(),
        }
    }

    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Names of all templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Adds a text under `name` and everything it defines. A later definition replaces an earlier one of
    /// another text, unless it is empty. Nothing is added if the text does not parse.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let functions = &self.functions;
        self.parse_with(name, text, &|word| has_function(functions, word))
            .map(|trees| self.add(trees))
    }

    fn parse_with(
        &self,
        name: &str,
        text: &str,
        has_function: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Tree>, ParseError> {
        let parsed = parse(&ParseInput {
            name,
            text,
            has_function,
            unknown: UnknownFunctions::Refuse,
        });
        match parsed.error {
            Some(error) => Err(error),
            None => Ok(parsed.trees),
        }
    }

    /// The set with a nameless text on top of it.
    pub(crate) fn with_nameless(&self, text: &str) -> Result<Self, ParseError> {
        self.with(text, &|word| has_function(&self.functions, word))
    }

    fn with(&self, text: &str, has_function: &dyn Fn(&str) -> bool) -> Result<Self, ParseError> {
        let trees = self.parse_with("", text, has_function)?;
        let mut set = self.clone();
        set.trees.remove("");
        set.add(trees);
        Ok(set)
    }

    pub(crate) fn functions(&self) -> &FunctionTable {
        &self.functions
    }

    pub(crate) fn trees(&self) -> &BTreeMap<String, Arc<Tree>> {
        &self.trees
    }

    fn add(&mut self, trees: Vec<Tree>) {
        for tree in trees {
            if tree.root.is_empty_tree() && self.trees.contains_key(&tree.name) {
                continue;
            }
            self.trees.insert(tree.name.clone(), Arc::new(tree));
        }
    }

    /// Executes one of the templates.
    pub fn execute(&self, name: &str, data: &Value) -> Result<String, ExecError> {
        self.execute_with(name, data, &self.functions)
    }

    /// Executes with other functions of the same names: those that know the time or run queries.
    pub fn execute_with(
        &self,
        name: &str,
        data: &Value,
        functions: &FunctionTable,
    ) -> Result<String, ExecError> {
        self.execute_inner(name, data, functions, &mut Budget::new(&self.options))
    }

    /// Parses a nameless text on top of the set and executes it; the set stays as it is.
    pub fn render(&self, text: &str, data: &Value) -> Result<String, ExecError> {
        self.render_with(text, data, &self.functions)
    }

    pub fn render_with(
        &self,
        text: &str,
        data: &Value,
        functions: &FunctionTable,
    ) -> Result<String, ExecError> {
        self.render_inner(text, data, functions, &mut Budget::new(&self.options))
    }

    pub(crate) fn execute_inner(
        &self,
        name: &str,
        data: &Value,
        functions: &FunctionTable,
        budget: &mut Budget,
    ) -> Result<String, ExecError> {
        match self.flavour {
            Flavour::Text => execute(
                &Program {
                    set: self,
                    trees: &self.trees,
                    functions,
                },
                name,
                data,
                budget,
            ),
            Flavour::Html => {
                let escaped = html::escape(&self.trees, name).map_err(ExecError::Escape)?;
                let functions = html::with_escapers(functions);
                let program = Program {
                    set: self,
                    trees: &escaped,
                    functions: &functions,
                };
                execute(&program, name, data, budget)
            }
        }
    }

    pub(crate) fn render_inner(
        &self,
        text: &str,
        data: &Value,
        functions: &FunctionTable,
        budget: &mut Budget,
    ) -> Result<String, ExecError> {
        // An empty text gives an empty result rather than a complaint about an empty template.
        if text.is_empty() {
            return Ok(String::new());
        }
        let set = self.with(text, &|word| has_function(functions, word))?;
        set.execute_inner("", data, functions, budget)
    }
}

pub(crate) fn has_function(functions: &FunctionTable, name: &str) -> bool {
    functions.get(name).is_some() || builtins::get(name).is_some()
}

/// One text with its definitions.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    set: TemplateSet,
}

impl Template {
    /// Parses a text template.
    pub fn parse(
        name: &str,
        text: &str,
        functions: &FunctionTable,
        options: Options,
    ) -> Result<Self, ParseError> {
        Self::parse_as(Flavour::Text, name, text, functions, options)
    }

    /// Parses an HTML template.
    pub fn parse_html(
        name: &str,
        text: &str,
        functions: &FunctionTable,
        options: Options,
    ) -> Result<Self, ParseError> {
        Self::parse_as(Flavour::Html, name, text, functions, options)
    }

    fn parse_as(
        flavour: Flavour,
        name: &str,
        text: &str,
        functions: &FunctionTable,
        options: Options,
    ) -> Result<Self, ParseError> {
        let mut set = TemplateSet::new(flavour, functions.clone(), options);
        set.parse(name, text)?;
        Ok(Self {
            name: name.to_owned(),
            set,
        })
    }

    pub fn execute(&self, data: &Value) -> Result<String, ExecError> {
        self.set.execute(&self.name, data)
    }

    /// See [`TemplateSet::execute_with`].
    pub fn execute_with(
        &self,
        data: &Value,
        functions: &FunctionTable,
    ) -> Result<String, ExecError> {
        self.set.execute_with(&self.name, data, functions)
    }
}
