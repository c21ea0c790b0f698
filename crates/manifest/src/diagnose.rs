//! What is valid but will not do what its author wants, as far as manifests alone can tell.

use std::collections::HashSet;

use diag::{Diagnostic, Diagnostics};

use crate::decision::Decision;
use crate::object::{Kind, Object, ObjectRef};
use crate::selector::Selector;
use crate::tree::Tree;

/// Looks at the objects that are in use.
pub(crate) fn diagnose(objects: &[Object], decisions: &[Decision]) -> Diagnostics {
    let mut out = Diagnostics::new();
    let used: HashSet<&ObjectRef> = decisions
        .iter()
        .filter(|decision| decision.outcome.is_in_use())
        .map(|decision| &decision.object)
        .collect();
    let used: Vec<&Object> = objects
        .iter()
        .filter(|object| used.contains(&object.id))
        .collect();
    let of_kind = |kind: Kind| {
        used.iter()
            .copied()
            .filter(move |object| object.kind == kind)
    };
    let rules: Vec<&Object> = of_kind(Kind::PrometheusRule).collect();
    for object in of_kind(Kind::AlertmanagerConfig) {
        empty_receivers(object, &mut out);
        hopeless_routes(object, &rules, &mut out);
    }
    for object in &rules {
        repeated_texts(object, &mut out);
    }
    for object in of_kind(Kind::Prometheus) {
        for policy in objects
            .iter()
            .filter(|policy| policy.id.kind == "NetworkPolicy")
        {
            closed_network(object, policy, objects, &mut out);
        }
    }
    out
}

/// A receiver without integrations groups alerts and shows them, and tells nobody.
fn empty_receivers(object: &Object, out: &mut Diagnostics) {
    for receiver in object.spec().at("receivers").items() {
        let has_integration = receiver
            .entries()
            .into_iter()
            .any(|(key, value)| key.ends_with("Configs") && value.items().len() > 0);
        if has_integration {
            continue;
        }
        let name = receiver.at("name").str();
        let message = format!(
            "{}: receiver {name} has no integration, so nobody is notified",
            object.id
        );
        let span = receiver.at("name").span().unwrap_or_else(|| object.place());
        out.push(
            Diagnostic::warning("receiver-without-integration", message)
                .at(&object.source, span)
                .hint("add an integration, such as webhookConfigs or emailConfigs"),
        );
    }
}

/// A route sees only alerts of its namespace. If every rule that could match sets another namespace, it
/// never gets an alert.
fn hopeless_routes(object: &Object, rules: &[&Object], out: &mut Diagnostics) {
    let route = object.spec().at("route");
    let wanted = route.at("matchers").items().find(|matcher| {
        matcher.at("name").str() == "alertname"
            && matches!(matcher.at("matchType").str(), "=" | "")
            && matcher.at("regex").flag() != Some(true)
    });
    let Some(wanted) = wanted else { return };
    let alert = wanted.at("value").str();
    let namespaces: Vec<Option<&str>> = rules
        .iter()
        .flat_map(|rule| rule.spec().at("groups").items().collect::<Vec<_>>())
        .flat_map(|group| group.at("rules").items().collect::<Vec<_>>())
        .filter(|rule| rule.at("alert").str() == alert)
        .map(|rule| rule.path(&["labels", "namespace"]).text())
        .collect();
    let span = wanted.span().unwrap_or_else(|| object.place());
    if namespaces.is_empty() {
        if !rules.is_empty() {
            let message = format!("{}: no rule in use has the alert {alert}", object.id);
            let diagnostic = Diagnostic::note("route-alert-unknown", message);
            out.push(
                diagnostic
                    .at(&object.source, span)
                    .hint("check the name in the rules"),
            );
        }
        return;
    }
    let fixed: Vec<&str> = namespaces.iter().copied().flatten().collect();
    let is_hopeless = fixed.len() == namespaces.len() && !fixed.contains(&object.namespace());
    if is_hopeless {
        let message = format!(
            "{}: its route takes alerts of namespace {} only, and {alert} always has namespace {}",
            object.id,
            object.namespace(),
            fixed.join(", ")
        );
        out.push(
            Diagnostic::warning("route-never-matches", message)
                .at(&object.source, span)
                .hint("remove the label `namespace` from the rule, or move the object there"),
        );
    }
}

/// Two alerts with one text cannot be told apart by who reads them.
fn repeated_texts(object: &Object, out: &mut Diagnostics) {
    let mut seen: Vec<(&str, Tree<'_>)> = Vec::new();
    let groups = object.spec().at("groups");
    for rule in groups
        .items()
        .flat_map(|group| group.at("rules").items().collect::<Vec<_>>())
    {
        let alert = rule.at("alert").str();
        let texts = rule.at("annotations");
        let (Some(summary), false) = (texts.at("summary").filled(), alert.is_empty()) else {
            continue;
        };
        let same = seen.iter().find(|(other, annotations)| {
            *other != alert
                && annotations.at("summary").str() == summary
                && annotations.at("description").str() == texts.at("description").str()
        });
        if let Some((other, annotations)) = same {
            let message = format!(
                "{}: the alerts {other} and {alert} have the same texts",
                object.id
            );
            let mut diagnostic = Diagnostic::note("alert-texts-repeated", message);
            for tree in [texts.at("summary"), annotations.at("summary")] {
                if let Some(span) = tree.span() {
                    diagnostic = diagnostic.at(&object.source, span);
                }
            }
            out.push(diagnostic.hint("say in the summary what differs"));
        }
        seen.push((alert, texts));
    }
}

/// A policy that admits namespaces by labels which the Prometheus' namespace does not have.
fn closed_network(prometheus: &Object, policy: &Object, objects: &[Object], out: &mut Diagnostics) {
    if policy.namespace() == prometheus.namespace() {
        return;
    }
    let sources: Vec<Tree<'_>> = policy
        .spec()
        .at("ingress")
        .items()
        .flat_map(|rule| rule.at("from").items().collect::<Vec<_>>())
        .collect();
    if sources.is_empty() {
        return;
    }
    let namespaces = crate::select::Namespaces::new(objects.iter());
    let labels = namespaces.labels(prometheus.namespace());
    let mut first_unmet = None;
    for source in sources {
        let selector = source.at("namespaceSelector");
        if source.at("ipBlock").is_set() {
            return;
        }
        let Ok(read) = Selector::read(selector) else {
            return;
        };
        if !selector.is_set() {
            continue;
        }
        match read.first_unmet(&labels) {
            None => return,
            Some(unmet) => {
                first_unmet.get_or_insert((unmet.to_string(), selector));
            }
        }
    }
    let Some((unmet, selector)) = first_unmet else {
        return;
    };
    let message = format!(
        "{}: it admits namespaces with {unmet}, which namespace {} of {} does not have: targets in {} \
         cannot be reached",
        policy.id,
        prometheus.namespace(),
        prometheus.id,
        policy.namespace()
    );
    let span = selector.span().unwrap_or_else(|| policy.place());
    out.push(
        Diagnostic::warning("network-policy-excludes-prometheus", message)
            .at(&policy.source, span)
            .hint(format!(
                "label the namespace, or select it by kubernetes.io/metadata.name: {}",
                prometheus.namespace()
            )),
    );
}
