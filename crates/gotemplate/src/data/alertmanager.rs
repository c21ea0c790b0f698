//! Data of notification templates. The same data, as JSON, is the core of the webhook payload.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::function::Function;
use crate::object::{Field, Object};
use crate::time::Time;
use crate::value::{List, Type, Value};

/// What a notification is about.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// Receiver's name, quoted for regular expressions.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    /// None is Go's nil slice: it behaves as empty and is `null` in JSON.
    pub alerts: Option<Vec<Alert>>,
    pub notification_reason: String,
    pub group_labels: Kv,
    pub common_labels: Kv,
    pub common_annotations: Kv,
    pub route_labels: Kv,
    pub external_url: String,
    /// The route labels are no templates any more.
    pub route_labels_rendered: bool,
}

#[derive(Clone, Debug)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: Kv,
    pub annotations: Kv,
    pub starts_at: Time,
    /// [`Time::ZERO`] while firing.
    pub ends_at: Time,
    pub generator_url: String,
    pub fingerprint: String,
}

/// An alert as the dispatcher knows it.
#[derive(Clone, Debug)]
pub struct SourceAlert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: Time,
    /// [`Time::ZERO`] if unknown. An end in the future is as good as none.
    pub ends_at: Time,
    pub generator_url: String,
    pub fingerprint: String,
}

/// What a notification's data is made of.
#[derive(Clone, Debug)]
pub struct Notification {
    pub receiver: String,
    pub reason: String,
    pub group_labels: BTreeMap<String, String>,
    pub route_labels: BTreeMap<String, String>,
    pub external_url: String,
    pub alerts: Vec<SourceAlert>,
    /// Decides which alerts are resolved.
    pub now: Time,
}

impl From<Notification> for Data {
    fn from(notification: Notification) -> Self {
        let common = |of: fn(&SourceAlert) -> &BTreeMap<String, String>| {
            let mut alerts = notification.alerts.iter().map(of);
            let mut common = alerts.next().cloned().unwrap_or_default();
            for labels in alerts {
                common.retain(|key, value| labels.get(key) == Some(value));
            }
            Kv::new(common)
        };
        let common_labels = common(|alert| &alert.labels);
        let common_annotations = common(|alert| &alert.annotations);
        let now = notification.now;
        let alerts: Vec<Alert> = notification
            .alerts
            .into_iter()
            .map(|alert| alert.at(&now))
            .collect();
        let is_firing = alerts.iter().any(|alert| alert.status == "firing");
        Self {
            receiver: quote_regex(&notification.receiver),
            status: (if is_firing { "firing" } else { "resolved" }).to_owned(),
            alerts: Some(alerts),
            notification_reason: notification.reason,
            group_labels: Kv::new(notification.group_labels),
            common_labels,
            common_annotations,
            route_labels: Kv::new(notification.route_labels),
            external_url: notification.external_url,
            route_labels_rendered: false,
        }
    }
}

impl SourceAlert {
    fn at(self, now: &Time) -> Alert {
        let is_resolved = !self.ends_at.is_zero() && self.ends_at.compare(now).is_le();
        Alert {
            status: (if is_resolved { "resolved" } else { "firing" }).to_owned(),
            labels: Kv::new(self.labels),
            annotations: Kv::new(self.annotations),
            starts_at: self.starts_at,
            ends_at: if is_resolved {
                self.ends_at
            } else {
                Time::ZERO
            },
            generator_url: self.generator_url,
            fingerprint: self.fingerprint,
        }
    }
}

/// Escapes the signs that mean something in Go's regular expressions.
fn quote_regex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Labels or annotations.
#[derive(Clone, Debug, Default)]
pub struct Kv(Option<Arc<BTreeMap<String, String>>>);

static NO_ENTRIES: BTreeMap<String, String> = BTreeMap::new();

impl Kv {
    pub fn new(entries: BTreeMap<String, String>) -> Self {
        Self(Some(Arc::new(entries)))
    }

    /// Go's nil map: `null` in JSON.
    pub fn nil() -> Self {
        Self(None)
    }

    pub fn entries(&self) -> &BTreeMap<String, String> {
        self.0.as_deref().unwrap_or(&NO_ENTRIES)
    }

    fn to_value(&self) -> Value {
        Value::object(self.clone())
    }

    /// By name, but `alertname` comes first.
    fn sorted_pairs(&self) -> Pairs {
        let is_name = |key: &str| key == "alertname";
        let (first, rest): (Vec<_>, Vec<_>) =
            self.entries().iter().partition(|(key, _)| is_name(key));
        let pairs = first
            .into_iter()
            .chain(rest)
            .map(|(key, value)| (key.clone(), value.clone()));
        Pairs(pairs.collect())
    }
}

impl Data {
    /// Stands for the types of the data: two alerts, one of each status, without labels.
    pub fn example() -> Self {
        let none = || Kv::new(BTreeMap::new());
        let alert = |status: &str| Alert {
            status: status.to_owned(),
            labels: none(),
            annotations: none(),
            starts_at: Time::ZERO,
            ends_at: Time::ZERO,
            generator_url: String::new(),
            fingerprint: String::new(),
        };
        Self {
            status: "firing".to_owned(),
            alerts: Some(vec![alert("firing"), alert("resolved")]),
            group_labels: none(),
            common_labels: none(),
            common_annotations: none(),
            route_labels: none(),
            ..Self::default()
        }
    }

    /// The dot, passed as a struct.
    pub fn to_value(&self) -> Value {
        self.value_of("template.Data")
    }

    /// The dot, passed as a pointer to the struct: error texts then name `*template.Data`.
    pub fn to_pointer(&self) -> Value {
        self.value_of("*template.Data")
    }

    fn value_of(&self, type_name: &'static str) -> Value {
        let alerts = Alerts {
            is_nil: self.alerts.is_none(),
            items: self.alerts.iter().flatten().map(Alert::to_value).collect(),
        };
        let text = |text: &str| Value::str(text);
        Value::object(Struct {
            type_name,
            fields: vec![
                Field {
                    name: "Receiver",
                    json: "receiver",
                    value: text(&self.receiver),
                },
                Field {
                    name: "Status",
                    json: "status",
                    value: text(&self.status),
                },
                Field {
                    name: "Alerts",
                    json: "alerts",
                    value: Value::object(alerts),
                },
                Field {
                    name: "NotificationReason",
                    json: "notification_reason",
                    value: text(&self.notification_reason),
                },
                Field {
                    name: "GroupLabels",
                    json: "groupLabels",
                    value: self.group_labels.to_value(),
                },
                Field {
                    name: "CommonLabels",
                    json: "commonLabels",
                    value: self.common_labels.to_value(),
                },
                Field {
                    name: "CommonAnnotations",
                    json: "commonAnnotations",
                    value: self.common_annotations.to_value(),
                },
                Field {
                    name: "RouteLabels",
                    json: "routeLabels",
                    value: self.route_labels.to_value(),
                },
                Field {
                    name: "ExternalURL",
                    json: "externalURL",
                    value: text(&self.external_url),
                },
                // Not exported: only printing the data as a whole shows it.
                Field {
                    name: "routeLabelsRendered",
                    json: "",
                    value: Value::Bool(self.route_labels_rendered),
                },
            ],
        })
    }
}

impl Alert {
    fn to_value(&self) -> Value {
        let text = |text: &str| Value::str(text);
        Value::object(Struct {
            type_name: "template.Alert",
            fields: vec![
                Field {
                    name: "Status",
                    json: "status",
                    value: text(&self.status),
                },
                Field {
                    name: "Labels",
                    json: "labels",
                    value: self.labels.to_value(),
                },
                Field {
                    name: "Annotations",
                    json: "annotations",
                    value: self.annotations.to_value(),
                },
                Field {
                    name: "StartsAt",
                    json: "startsAt",
                    value: Value::Time(self.starts_at.clone()),
                },
                Field {
                    name: "EndsAt",
                    json: "endsAt",
                    value: Value::Time(self.ends_at.clone()),
                },
                Field {
                    name: "GeneratorURL",
                    json: "generatorURL",
                    value: text(&self.generator_url),
                },
                Field {
                    name: "Fingerprint",
                    json: "fingerprint",
                    value: text(&self.fingerprint),
                },
            ],
        })
    }
}

#[derive(Debug)]
struct Struct {
    type_name: &'static str,
    fields: Vec<Field>,
}

impl Object for Struct {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn fields(&self) -> Vec<Field> {
        self.fields.clone()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.clone())
    }
}

fn constant(value: Value) -> Option<Function> {
    Some(Function::new(&[], move |_, _| Ok(value.clone())))
}

/// `template.Alerts`
#[derive(Debug)]
struct Alerts {
    is_nil: bool,
    items: Vec<Value>,
}

impl Alerts {
    fn with_status(&self, wanted: &str) -> Value {
        let has_status = |alert: &&Value| match alert {
            Value::Object(object) => object
                .field("Status")
                .and_then(|status| status.as_str())
                .is_some_and(|s| *s == *wanted),
            _ => false,
        };
        list_of_alerts(self.items.iter().filter(has_status).cloned().collect())
    }
}

fn list_of_alerts(items: Vec<Value>) -> Value {
    Value::List(List::flat(Type::Named(Arc::from("template.Alert")), items))
}

impl Object for Alerts {
    fn type_name(&self) -> &str {
        "template.Alerts"
    }

    fn underlying(&self) -> Option<Value> {
        Some(list_of_alerts(self.items.clone()))
    }

    fn is_nil(&self) -> bool {
        self.is_nil
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "Firing" => constant(self.with_status("firing")),
            "Resolved" => constant(self.with_status("resolved")),
            _ => None,
        }
    }
}

impl Object for Kv {
    fn type_name(&self) -> &str {
        "template.KV"
    }

    fn underlying(&self) -> Option<Value> {
        let entries = self.entries().iter();
        Some(Value::string_map(
            entries.map(|(key, value)| (key.as_str(), value.as_str())),
        ))
    }

    fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "SortedPairs" => constant(Value::object(self.sorted_pairs())),
            "Names" => constant(self.sorted_pairs().names()),
            "Values" => constant(self.sorted_pairs().values()),
            "String" => constant(Value::from(self.sorted_pairs().text())),
            "Remove" => {
                let kv = self.clone();
                let keys = Type::List(Arc::new(Type::String));
                Some(Function::new(&[keys], move |_, args| {
                    Ok(kv.without(args.first()))
                }))
            }
            _ => None,
        }
    }

    fn display(&self) -> Option<String> {
        Some(self.sorted_pairs().text())
    }
}

impl Kv {
    fn without(&self, keys: Option<&Value>) -> Value {
        let mut entries = self.entries().clone();
        let keys = keys.and_then(Value::as_list);
        for key in keys
            .iter()
            .flat_map(|list| list.items())
            .filter_map(Value::as_str)
        {
            entries.remove(key.as_ref());
        }
        Self::new(entries).to_value()
    }
}

/// `template.Pairs`
#[derive(Debug)]
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn names(&self) -> Value {
        Value::object(Strings(
            self.0.iter().map(|(name, _)| name.clone()).collect(),
        ))
    }

    fn values(&self) -> Value {
        Value::object(Strings(
            self.0.iter().map(|(_, value)| value.clone()).collect(),
        ))
    }

    fn text(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join(", ")
    }
}

impl Object for Pairs {
    fn type_name(&self) -> &str {
        "template.Pairs"
    }

    fn underlying(&self) -> Option<Value> {
        let pair = |(name, value): &(String, String)| {
            Value::object(Struct {
                type_name: "template.Pair",
                fields: vec![
                    Field {
                        name: "Name",
                        json: "Name",
                        value: Value::str(name.as_str()),
                    },
                    Field {
                        name: "Value",
                        json: "Value",
                        value: Value::str(value.as_str()),
                    },
                ],
            })
        };
        let elem = Type::Named(Arc::from("template.Pair"));
        Some(Value::List(List::flat(
            elem,
            self.0.iter().map(pair).collect(),
        )))
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "Names" => constant(self.names()),
            "Values" => constant(self.values()),
            "String" => constant(Value::from(self.text())),
            _ => None,
        }
    }

    fn display(&self) -> Option<String> {
        Some(self.text())
    }
}

/// `template.Strings`
#[derive(Debug)]
struct Strings(Vec<String>);

impl Object for Strings {
    fn type_name(&self) -> &str {
        "template.Strings"
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::strings(self.0.iter().map(String::as_str)))
    }

    fn method(&self, name: &str) -> Option<Function> {
        let items = self.0.clone();
        (name == "Join").then(|| {
            Function::new(&[Type::String], move |_, args| {
                let separator = args.first().and_then(Value::as_str).unwrap_or_default();
                Ok(Value::from(items.join(&separator)))
            })
        })
    }
}
