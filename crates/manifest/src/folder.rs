//! Texts of manifests to objects. A folder of manifests is a cluster: the caller lists the files, this
//! reads them, and nothing here touches a disk.

use std::collections::HashMap;

use diag::{Diagnostic, Diagnostics, Source};
use yaml::Node;

use crate::decision::{Decision, Outcome};
use crate::defaults;
use crate::object::{Kind, Object};
use crate::tree::Tree;

/// One file with any number of documents.
#[derive(Clone, Debug)]
pub struct ManifestText {
    /// A path as the user knows it; places in diagnostics name it.
    pub path: String,
    pub text: String,
    /// For objects that name no namespace, as `kubectl apply -n` does.
    pub default_namespace: String,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Manifests {
    /// In the order of the files and documents. No two have the same identity.
    pub objects: Vec<Object>,
    /// About objects that are not used, whatever selectors say.
    pub decisions: Vec<Decision>,
    /// Documents that could not be read.
    pub diagnostics: Diagnostics,
}

/// Reads all documents of all files. A broken document is reported and left out; the others count.
/// Of several objects with one identity the last one counts, as if they were applied in order.
pub fn read(files: impl IntoIterator<Item = ManifestText>) -> Manifests {
    let mut manifests = Manifests::default();
    for file in files {
        let source = Source::new(file.path, file.text);
        let (documents, diagnostics) = yaml::parse_documents(&source);
        manifests.diagnostics.extend(diagnostics);
        for document in documents {
            manifests.add_document(&source, document, &file.default_namespace);
        }
    }
    manifests.drop_replaced();
    manifests
}

impl Manifests {
    fn add_document(&mut self, source: &Source, mut document: Node, default_namespace: &str) {
        if document.is_null() {
            return;
        }
        let root = Tree::of(&document);
        // `kubectl get -o yaml` prints lists.
        if root.at("kind").str().ends_with("List") && root.at("items").is_sequence() {
            for item in root.at("items").items().filter_map(Tree::node) {
                self.add_document(source, item.clone(), default_namespace);
            }
            return;
        }
        let span = document.span;
        let (kind, _) = Kind::find(root.at("apiVersion").str(), root.at("kind").str());
        defaults::fill(&mut document, kind);
        let Some(object) = Object::from_node(source, document, default_namespace) else {
            self.diagnostics.push(
                Diagnostic::warning("manifest-no-kind", "document is no Kubernetes object")
                    .at(source, span)
                    .hint("an object has the fields apiVersion, kind and metadata.name"),
            );
            return;
        };
        if object.name().is_empty() {
            self.diagnostics.push(
                Diagnostic::error(
                    "manifest-no-name",
                    format!("{} has no metadata.name", object.id.kind),
                )
                .at(source, object.place())
                .hint("give the object a name"),
            );
            return;
        }
        let outcome = match Kind::find(&object.api_version, &object.id.kind) {
            (Kind::Other, _) => Some(Outcome::KeptRaw),
            (kind, false) => {
                let version = object.api_version.clone();
                Some(Outcome::VersionUnknown {
                    version,
                    known: kind.versions(),
                })
            }
            (kind, true) => is_reference(kind).then_some(Outcome::KeptForReference),
        };
        if let Some(outcome) = outcome {
            self.decisions.push(Decision::new(&object, None, outcome));
        }
        self.objects.push(object);
    }

    fn drop_replaced(&mut self) {
        let mut last = HashMap::new();
        for (at, object) in self.objects.iter().enumerate() {
            last.insert((object.group().to_owned(), object.id.clone()), at);
        }
        let objects = std::mem::take(&mut self.objects);
        let places: Vec<String> = objects
            .iter()
            .map(|object| object.source.name().to_owned())
            .collect();
        for (at, object) in objects.into_iter().enumerate() {
            let key = (object.group().to_owned(), object.id.clone());
            match last.get(&key) {
                Some(newest) if *newest != at => {
                    let by_source = places.get(*newest).cloned().unwrap_or_default();
                    self.decisions.push(Decision::new(
                        &object,
                        None,
                        Outcome::Replaced { by_source },
                    ));
                }
                _ => self.objects.push(object),
            }
        }
    }
}

fn is_reference(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Namespace
            | Kind::Secret
            | Kind::ConfigMap
            | Kind::Service
            | Kind::Pod
            | Kind::EndpointSlice
    )
}
