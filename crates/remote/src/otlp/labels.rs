//! Labels of series, from the attributes of a point, its scope and its resource.

use std::collections::{BTreeMap, BTreeSet};

use model::{Labels, LabelsBuilder};
use wire::otlp::{Attribute, Resource, ScopeMetrics};

use super::names::Naming;

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_NAMESPACE: &str = "service.namespace";
pub(super) const SERVICE_INSTANCE: &str = "service.instance.id";
pub(super) const IDENTIFYING: [&str; 3] = [SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE];

/// Which attributes of resources become labels of all their series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promotion {
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Promotion {
    fn wants(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
        }
    }
}

/// What all points of a resource share.
#[derive(Clone, Debug, Default)]
pub(super) struct ResourceLabels {
    promoted: Vec<(String, String)>,
    /// `job` and `instance`.
    identity: Vec<(&'static str, String)>,
}

impl ResourceLabels {
    pub(super) fn new(
        resource: &Resource,
        promotion: &Promotion,
        naming: Naming,
    ) -> Result<Self, String> {
        let mut promoted: BTreeMap<String, String> = BTreeMap::new();
        for attribute in &resource.attributes {
            if promotion.wants(&attribute.key) {
                let name = naming.label(&attribute.key)?;
                promoted
                    .entry(name)
                    .or_insert_with(|| attribute.value.to_text());
            }
        }
        let value = |name: &str| {
            let mut attributes = resource.attributes.iter();
            let found = attributes.find(|attribute| attribute.key == name)?;
            Some(found.value.to_text())
        };
        let job = value(SERVICE_NAME).map(|name| match value(SERVICE_NAMESPACE) {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        });
        let job = job.map(|job| ("job", job));
        let instance = value(SERVICE_INSTANCE).map(|instance| ("instance", instance));
        Ok(Self {
            promoted: promoted.into_iter().collect(),
            identity: job.into_iter().chain(instance).collect(),
        })
    }
}

/// `otel_scope_…`.
pub(super) fn scope_labels(
    scope: &ScopeMetrics,
    naming: Naming,
) -> Result<Vec<(String, String)>, String> {
    let own = &scope.scope;
    let mut labels = Vec::new();
    for attribute in &own.attributes {
        let name = naming.label(&format!("otel_scope_{}", attribute.key))?;
        labels.push((name, attribute.value.to_text()));
    }
    for (name, value) in [
        ("otel_scope_name", &own.name),
        ("otel_scope_version", &own.version),
        ("otel_scope_schema_url", &scope.schema_url),
    ] {
        labels.push((name.to_owned(), value.clone()));
    }
    Ok(labels)
}

/// Attributes that become the same label have their values one after the other, by the order of their keys.
pub(super) fn of_attributes(
    attributes: &[Attribute],
    ignored: &[&str],
    naming: Naming,
) -> Result<LabelsBuilder, String> {
    let mut sorted: Vec<&Attribute> = attributes
        .iter()
        .filter(|attribute| !ignored.contains(&attribute.key.as_str()))
        .collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels = LabelsBuilder::new();
    for attribute in sorted {
        let value = attribute.value.to_text();
        if naming.allows_utf8 {
            labels.set(attribute.key.as_str(), value);
            continue;
        }
        let name = naming.label(&attribute.key)?;
        let value = match labels.get(&name) {
            "" => value,
            earlier => format!("{earlier};{value}"),
        };
        labels.set(name, value);
    }
    Ok(labels)
}

/// What the resource and the scope add. A label of the point wins over a promoted one, never over the others.
pub(super) fn complete(
    labels: &mut LabelsBuilder,
    resource: &ResourceLabels,
    scope: &[(String, String)],
) {
    for (name, value) in &resource.promoted {
        if !labels.contains(name) {
            labels.set(name.as_str(), value.as_str());
        }
    }
    identify(labels, resource);
    for (name, value) in scope {
        labels.set(name.as_str(), value.as_str());
    }
}

fn identify(labels: &mut LabelsBuilder, resource: &ResourceLabels) {
    for (name, value) in resource
        .identity
        .iter()
        .filter(|(_, value)| !value.is_empty())
    {
        labels.set(*name, value.as_str());
    }
}

/// The labels of `target_info`; `None` if it would tell nothing, or not of whom.
pub(super) fn target_info(
    resource: &Resource,
    own: &ResourceLabels,
    naming: Naming,
    keeps_identity: bool,
) -> Result<Option<Labels>, String> {
    let is_telling = |attribute: &Attribute| !IDENTIFYING.contains(&attribute.key.as_str());
    if !resource.attributes.iter().any(is_telling) {
        return Ok(None);
    }
    let ignored: &[&str] = if keeps_identity { &[] } else { &IDENTIFYING };
    let mut labels = of_attributes(&resource.attributes, ignored, naming)?;
    identify(&mut labels, own);
    if !labels.contains("job") && !labels.contains("instance") {
        return Ok(None);
    }
    labels.set(model::labels::METRIC_NAME, "target_info");
    Ok(Some(labels.build()))
}
