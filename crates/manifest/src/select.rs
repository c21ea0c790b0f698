//! Which objects a workload's selectors pick, and why not the others.

use std::collections::BTreeMap;

use crate::decision::Outcome;
use crate::object::{Kind, Object};
use crate::problem::Checked;
use crate::selector::{Operator, Selector};
use crate::tree::Tree;

/// Labels of all namespaces: those with a Namespace object, and those that other objects merely name.
#[derive(Debug, Default)]
pub(crate) struct Namespaces(BTreeMap<String, BTreeMap<String, String>>);

/// The label that the API server puts on every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

impl Namespaces {
    pub(crate) fn new<'a>(objects: impl Iterator<Item = &'a Object>) -> Self {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for object in objects {
            let (name, labels) = match object.kind {
                Kind::Namespace => (object.name(), Some(&object.labels)),
                _ => (object.namespace(), None),
            };
            if name.is_empty() {
                continue;
            }
            let entry = all.entry(name.to_owned()).or_default();
            if let Some(labels) = labels {
                entry.extend(labels.clone());
            }
            entry.insert(NAME_LABEL.to_owned(), name.to_owned());
        }
        Self(all)
    }

    pub(crate) fn labels(&self, namespace: &str) -> BTreeMap<String, String> {
        self.0.get(namespace).cloned().unwrap_or_default()
    }
}

/// The two selectors by which a workload picks one kind.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) selector_field: &'static str,
    pub(crate) namespace_field: &'static str,
    own_namespace: String,
    /// `None`: nothing is selected.
    selector: Option<Selector>,
    /// `None`: the own namespace only.
    namespaces: Option<Selector>,
}

impl Choice {
    pub(crate) fn read(
        workload: &Object,
        selector_field: &'static str,
        namespace_field: &'static str,
    ) -> Checked<Self> {
        let read = |tree: Tree<'_>| tree.is_set().then(|| Selector::read(tree)).transpose();
        let spec = workload.spec();
        Ok(Self {
            selector_field,
            namespace_field,
            own_namespace: workload.namespace().to_owned(),
            selector: read(spec.at(selector_field))?,
            namespaces: read(spec.at(namespace_field))?,
        })
    }

    /// `Selected`, or why not. The label is looked at first: it is what people forget.
    pub(crate) fn decide(&self, object: &Object, namespaces: &Namespaces) -> Outcome {
        let field = self.selector_field;
        let Some(selector) = &self.selector else {
            return Outcome::SelectorAbsent { field };
        };
        if let Some(unmet) = selector.first_unmet(&object.labels) {
            return match (
                unmet.operator,
                object.labels.get(&unmet.key),
                unmet.values.first(),
            ) {
                (Operator::Equals, None, Some(value)) => {
                    Outcome::label_missing(field, (&unmet.key, value), &object.labels)
                }
                (Operator::Equals, Some(found), Some(wanted)) => Outcome::LabelDiffers {
                    field,
                    key: unmet.key.clone(),
                    wanted: wanted.clone(),
                    found: found.clone(),
                },
                _ => Outcome::ExpressionNotMet {
                    field,
                    expression: unmet.to_string(),
                },
            };
        }
        let (field, namespace) = (self.namespace_field, object.namespace().to_owned());
        match &self.namespaces {
            None if namespace == self.own_namespace => Outcome::Selected,
            None => Outcome::NamespaceForeign {
                field,
                namespace,
                own: self.own_namespace.clone(),
            },
            Some(selector) => match selector.first_unmet(&namespaces.labels(&namespace)) {
                None => Outcome::Selected,
                Some(unmet) => {
                    let expression = unmet.to_string();
                    Outcome::NamespaceNotSelected {
                        field,
                        namespace,
                        expression,
                    }
                }
            },
        }
    }
}
