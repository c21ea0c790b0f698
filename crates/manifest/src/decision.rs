//! What was decided about each object, with the evidence and what to do about it.

use std::fmt;

use diag::{Diagnostic, Reason, Severity, Source, Span, did_you_mean};
use std::collections::BTreeMap;

use crate::object::{Object, ObjectRef};

/// One decision about one object. An object can have several: one for each Prometheus or
/// Alertmanager that considered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub object: ObjectRef,
    /// The Prometheus or Alertmanager that decided, if one did.
    pub by: Option<ObjectRef>,
    pub outcome: Outcome,
    pub source: Source,
    pub span: Span,
}

impl Decision {
    pub(crate) fn new(object: &Object, by: Option<&Object>, outcome: Outcome) -> Self {
        Self {
            object: object.id.clone(),
            by: by.map(|by| by.id.clone()),
            span: outcome.span().unwrap_or_else(|| object.place()),
            outcome,
            source: object.source.clone(),
        }
    }

    /// As a diagnostic, for output beside other problems of the same input.
    pub fn diagnostic(&self) -> Diagnostic {
        let by = self
            .by
            .as_ref()
            .map_or(String::new(), |by| format!(" ({by})"));
        let message = format!("{}: {}{by}", self.object, self.outcome);
        let diagnostic = match self.outcome.severity() {
            Severity::Error => Diagnostic::error(self.outcome.code(), message),
            Severity::Warning => Diagnostic::warning(self.outcome.code(), message),
            Severity::Note => Diagnostic::note(self.outcome.code(), message),
        };
        let diagnostic = diagnostic.at(&self.source, self.span);
        match self.outcome.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

/// What happened to an object, or to a part that had to be made up for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Picked up by a selector.
    Selected,
    /// There is no Prometheus (or Alertmanager) object that could select, so everything is used.
    SelectedByDefault { missing: &'static str },
    /// The workload itself: its configuration was made.
    Compiled,
    /// Read and kept for others to refer to: Secrets, Pods, Namespaces and the like.
    KeptForReference,
    /// Kept as it is; nothing here reads its kind.
    KeptRaw,
    /// The selector field is absent, which selects nothing.
    SelectorAbsent { field: &'static str },
    /// A label that the selector wants is missing.
    LabelMissing {
        field: &'static str,
        key: String,
        value: String,
        similar: Option<String>,
    },
    /// The label is there, with another value.
    LabelDiffers {
        field: &'static str,
        key: String,
        wanted: String,
        found: String,
    },
    /// A set-based condition is not met.
    ExpressionNotMet {
        field: &'static str,
        expression: String,
    },
    /// The namespace selector is absent, so only the workload's own namespace counts.
    NamespaceForeign {
        field: &'static str,
        namespace: String,
        own: String,
    },
    /// The namespace's labels do not satisfy the namespace selector.
    NamespaceNotSelected {
        field: &'static str,
        namespace: String,
        expression: String,
    },
    /// Selected, but it cannot be used.
    Rejected { message: String, span: Option<Span> },
    /// The workload's configuration could not be made at all.
    Failed { message: String, span: Option<Span> },
    /// The workload asks not to be touched.
    Paused,
    /// An API version of the kind that is not read.
    VersionUnknown {
        version: String,
        known: &'static [&'static str],
    },
    /// The same kind, namespace and name appeared before; this one replaces it.
    Replaced { by_source: String },
    /// The Alertmanager's base configuration comes from this Secret.
    BaseFromSecret { secret: String },
    /// There is no base configuration, so a built-in one is used.
    BaseBuiltIn {
        secret: String,
        why: &'static str,
        which: &'static str,
    },
}

impl Outcome {
    /// Whether the object takes part in what was compiled.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Selected
                | Self::SelectedByDefault { .. }
                | Self::Compiled
                | Self::KeptForReference
                | Self::BaseFromSecret { .. }
                | Self::BaseBuiltIn { .. }
        )
    }

    fn severity(&self) -> Severity {
        match self {
            Self::Rejected { .. } | Self::Failed { .. } => Severity::Error,
            Self::SelectorAbsent { .. }
            | Self::LabelMissing { .. }
            | Self::LabelDiffers { .. }
            | Self::ExpressionNotMet { .. }
            | Self::NamespaceForeign { .. }
            | Self::NamespaceNotSelected { .. }
            | Self::VersionUnknown { .. }
            | Self::Replaced { .. } => Severity::Warning,
            _ => Severity::Note,
        }
    }

    fn span(&self) -> Option<Span> {
        match self {
            Self::Rejected { span, .. } | Self::Failed { span, .. } => *span,
            _ => None,
        }
    }

    pub(crate) fn label_missing(
        field: &'static str,
        (key, value): (&str, &str),
        labels: &BTreeMap<String, String>,
    ) -> Self {
        let similar = did_you_mean(key, labels.keys().map(String::as_str)).map(str::to_owned);
        Self::LabelMissing {
            field,
            key: key.to_owned(),
            value: value.to_owned(),
            similar,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selected => write!(f, "selected"),
            Self::SelectedByDefault { missing } => {
                write!(
                    f,
                    "selected because there is no {missing} object that could choose"
                )
            }
            Self::Compiled => write!(f, "configuration made"),
            Self::KeptForReference => write!(f, "read, others may refer to it"),
            Self::KeptRaw => write!(f, "not used, nothing here reads its kind"),
            Self::SelectorAbsent { field } => {
                write!(f, "not selected: {field} is not set, which selects nothing")
            }
            Self::LabelMissing { key, value, .. } => {
                write!(f, "not selected: label {key}={value} missing")
            }
            Self::LabelDiffers {
                key, wanted, found, ..
            } => {
                write!(f, "not selected: label {key} is {found:?}, not {wanted:?}")
            }
            Self::ExpressionNotMet { expression, .. } => {
                write!(f, "not selected: its labels do not satisfy {expression}")
            }
            Self::NamespaceForeign { namespace, own, .. } => {
                write!(
                    f,
                    "not selected: namespace {namespace} is not the own namespace {own}"
                )
            }
            Self::NamespaceNotSelected {
                namespace,
                expression,
                ..
            } => {
                write!(
                    f,
                    "not selected: the labels of namespace {namespace} do not satisfy {expression}"
                )
            }
            Self::Rejected { message, .. } => write!(f, "rejected: {message}"),
            Self::Failed { message, .. } => write!(f, "no configuration: {message}"),
            Self::Paused => write!(f, "paused, so nothing was done"),
            Self::VersionUnknown { version, .. } => {
                write!(f, "not used: API version {version} is not known")
            }
            Self::Replaced { by_source } => write!(f, "replaced by the object in {by_source}"),
            Self::BaseFromSecret { secret } => {
                write!(f, "base configuration taken from secret {secret}")
            }
            Self::BaseBuiltIn { secret, why, which } => {
                write!(
                    f,
                    "secret {secret} {why}: used the built-in default {which}"
                )
            }
        }
    }
}

impl Reason for Outcome {
    fn code(&self) -> &'static str {
        match self {
            Self::Selected => "object-selected",
            Self::SelectedByDefault { .. } => "object-selected-by-default",
            Self::Compiled => "object-compiled",
            Self::KeptForReference => "object-kept",
            Self::KeptRaw => "object-kind-not-read",
            Self::SelectorAbsent { .. } => "object-selector-absent",
            Self::LabelMissing { .. } => "object-label-missing",
            Self::LabelDiffers { .. } => "object-label-differs",
            Self::ExpressionNotMet { .. } => "object-expression-not-met",
            Self::NamespaceForeign { .. } => "object-namespace-foreign",
            Self::NamespaceNotSelected { .. } => "object-namespace-not-selected",
            Self::Rejected { .. } => "object-rejected",
            Self::Failed { .. } => "object-failed",
            Self::Paused => "object-paused",
            Self::VersionUnknown { .. } => "object-version-unknown",
            Self::Replaced { .. } => "object-replaced",
            Self::BaseFromSecret { .. } => "alertmanager-base-from-secret",
            Self::BaseBuiltIn { .. } => "alertmanager-base-built-in",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SelectorAbsent { field } => format!("set `{field}: {{}}` to select all"),
            Self::LabelMissing {
                field,
                key,
                value,
                similar,
            } => match similar {
                Some(similar) => {
                    format!("rename the label `{similar}` to `{key}: {value}` (wanted by {field})")
                }
                None => format!("add `{key}: {value}` to metadata.labels (wanted by {field})"),
            },
            Self::LabelDiffers {
                field, key, wanted, ..
            } => {
                format!("set `{key}: {wanted}` in metadata.labels (wanted by {field})")
            }
            Self::ExpressionNotMet { field, .. } => {
                format!("change metadata.labels, or the selector in {field}")
            }
            Self::NamespaceForeign { field, own, .. } => {
                format!(
                    "set `{field}: {{}}` to select from all namespaces, or move the object to {own}"
                )
            }
            Self::NamespaceNotSelected {
                field, namespace, ..
            } => {
                format!("label namespace {namespace}, or change {field}")
            }
            Self::VersionUnknown { known, .. } => format!("use apiVersion {}", known.join(" or ")),
            Self::Paused => "remove `paused: true`".to_owned(),
            Self::BaseBuiltIn { secret, .. } => {
                format!("create secret {secret} with the key alertmanager.yaml to bring your own")
            }
            _ => return None,
        })
    }
}
