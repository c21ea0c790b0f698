//! The values templates work on. They carry their Go types, because types decide printing, comparison and
//! the text of errors.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::function::Function;
use crate::object::Object;
use crate::time::{Duration, Time};

/// How deep lists and maps may nest: printing and dropping them recurses.
const NESTING_MAX: usize = 64;

#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value: absent data, or an untyped nil.
    #[default]
    Nil,
    Bool(bool),
    Int(i64, IntKind),
    Uint(u64, UintKind),
    Float(f64),
    Str(Arc<str>),
    /// Text that a function vouches for: HTML escaping leaves it alone where it fits.
    Safe(SafeKind, Arc<str>),
    List(List),
    Map(Map),
    Time(Time),
    Duration(Duration),
    Func(Function),
    /// A struct, or a named type with methods.
    Object(Arc<dyn Object>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UintKind {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// The content types of `html/template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafeKind {
    Css,
    Html,
    HtmlAttr,
    Js,
    JsStr,
    Url,
    Srcset,
}

/// Go's slice.
#[derive(Clone, Debug)]
pub struct List {
    elem: Type,
    items: Arc<[Value]>,
    depth: usize,
}

/// Go's map with string keys.
#[derive(Clone, Debug)]
pub struct Map {
    elem: Type,
    entries: Arc<BTreeMap<Arc<str>, Value>>,
    depth: usize,
}

/// A Go type, as far as errors, zero values and assignability need it.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// A parameter that takes every value as it is, even none.
    Reflect,
    Bool,
    Int(IntKind),
    Uint(UintKind),
    Float64,
    String,
    Safe(SafeKind),
    Time,
    Duration,
    List(Arc<Self>),
    Map(Arc<Self>),
    Func,
    /// An [`Object`]'s type, by name.
    Named(Arc<str>),
}

/// What operations look at: the type without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    Bool,
    Int,
    Uint,
    Float,
    String,
    List,
    Map,
    Struct,
    Func,
}

impl Value {
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// A Go `int`.
    pub fn int(value: i64) -> Self {
        Self::Int(value, IntKind::Int)
    }

    pub fn html(text: impl Into<Arc<str>>) -> Self {
        Self::Safe(SafeKind::Html, text.into())
    }

    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Arc<str>>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(List::flat(Type::String, items))
    }

    /// A `map[string]string`.
    pub fn string_map<K: Into<Arc<str>>, V: Into<Arc<str>>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries
            .into_iter()
            .map(|(k, v)| (k.into(), Self::str(v)))
            .collect();
        Self::Map(Map {
            elem: Type::String,
            entries: Arc::new(entries),
            depth: 1,
        })
    }

    /// The type, or none for [`Value::Nil`].
    pub fn type_of(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_, kind) => Type::Int(*kind),
            Self::Uint(_, kind) => Type::Uint(*kind),
            Self::Float(_) => Type::Float64,
            Self::Str(_) => Type::String,
            Self::Safe(kind, _) => Type::Safe(*kind),
            Self::List(list) => Type::List(Arc::new(list.elem.clone())),
            Self::Map(map) => Type::Map(Arc::new(map.elem.clone())),
            Self::Time(_) => Type::Time,
            Self::Duration(_) => Type::Duration,
            Self::Func(_) => Type::Func,
            Self::Object(object) => Type::Named(Arc::from(object.type_name())),
        })
    }

    /// Go's name of the type, `<nil>` without one.
    pub fn type_name(&self) -> String {
        self.type_of()
            .map_or_else(|| "<nil>".to_owned(), |ty| ty.to_string())
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Nil,
            Self::Bool(_) => Kind::Bool,
            Self::Int(..) | Self::Duration(_) => Kind::Int,
            Self::Uint(..) => Kind::Uint,
            Self::Float(_) => Kind::Float,
            Self::Str(_) | Self::Safe(..) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Time(_) => Kind::Struct,
            Self::Func(_) => Kind::Func,
            Self::Object(object) => object
                .underlying()
                .map_or(Kind::Struct, |value| value.kind()),
        }
    }

    /// A named type's plain value; everything else as it is.
    pub(crate) fn plain(&self) -> Self {
        match self {
            Self::Object(object) => object.underlying().unwrap_or_else(|| self.clone()),
            Self::Safe(_, text) => Self::Str(text.clone()),
            Self::Duration(duration) => Self::Int(duration.nanoseconds(), IntKind::Int64),
            _ => self.clone(),
        }
    }

    /// The text of any string kind.
    pub fn as_str(&self) -> Option<Arc<str>> {
        match self {
            Self::Str(text) | Self::Safe(_, text) => Some(text.clone()),
            Self::Object(object) => object.underlying().and_then(|value| value.as_str()),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<List> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Object(object) => object.underlying().and_then(|value| value.as_list()),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<Map> {
        match self {
            Self::Map(map) => Some(map.clone()),
            Self::Object(object) => object.underlying().and_then(|value| value.as_map()),
            _ => None,
        }
    }

    /// Whether `if` takes the value for true: neither absent, nor zero, nor empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) => *value != 0,
            Self::Uint(value, _) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) | Self::Safe(_, text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Duration(duration) => duration.nanoseconds() != 0,
            Self::Time(_) | Self::Func(_) => true,
            Self::Object(object) => object.underlying().is_none_or(|value| value.truth()),
        }
    }

    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }
}

const TOO_DEEP: &str = "lists and maps are nested too deeply";

impl List {
    /// Fails if the items already nest to the limit.
    pub fn new(elem: Type, items: Vec<Value>) -> Result<Self, &'static str> {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        if depth > NESTING_MAX {
            return Err(TOO_DEEP);
        }
        Ok(Self {
            elem,
            items: items.into(),
            depth,
        })
    }

    /// For items that hold no lists or maps.
    pub(crate) fn flat(elem: Type, items: Vec<Value>) -> Self {
        Self {
            elem,
            items: items.into(),
            depth: 1,
        }
    }

    pub fn elem(&self) -> &Type {
        &self.elem
    }

    pub fn items(&self) -> &[Value] {
        &self.items
    }

    pub(crate) fn slice(&self, start: usize, end: usize) -> Self {
        let items = self.items.get(start..end).unwrap_or(&[]).into();
        Self {
            elem: self.elem.clone(),
            items,
            depth: self.depth,
        }
    }
}

impl Map {
    /// Fails if the values already nest to the limit.
    pub fn new(elem: Type, entries: BTreeMap<Arc<str>, Value>) -> Result<Self, &'static str> {
        let depth = 1 + entries.values().map(Value::depth).max().unwrap_or(0);
        if depth > NESTING_MAX {
            return Err(TOO_DEEP);
        }
        Ok(Self {
            elem,
            entries: Arc::new(entries),
            depth,
        })
    }

    pub fn elem(&self) -> &Type {
        &self.elem
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl SafeKind {
    fn name(self) -> &'static str {
        match self {
            Self::Css => "template.CSS",
            Self::Html => "template.HTML",
            Self::HtmlAttr => "template.HTMLAttr",
            Self::Js => "template.JS",
            Self::JsStr => "template.JSStr",
            Self::Url => "template.URL",
            Self::Srcset => "template.Srcset",
        }
    }
}

impl IntKind {
    fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }
}

impl UintKind {
    fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int(kind) => kind.name(),
            Self::Uint(kind) => kind.name(),
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Safe(kind) => kind.name(),
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::List(elem) => return write!(f, "[]{elem}"),
            Self::Map(elem) => return write!(f, "map[string]{elem}"),
            Self::Func => "func()",
            Self::Named(name) => name,
        })
    }
}

impl Type {
    /// The value of a variable nobody set.
    pub(crate) fn zero(&self) -> Value {
        match self {
            Self::Any | Self::Reflect | Self::Func | Self::Named(_) => Value::Nil,
            Self::Bool => Value::Bool(false),
            Self::Int(kind) => Value::Int(0, *kind),
            Self::Uint(kind) => Value::Uint(0, *kind),
            Self::Float64 => Value::Float(0.0),
            Self::String => Value::str(""),
            Self::Safe(kind) => Value::Safe(*kind, Arc::from("")),
            Self::Time => Value::Time(Time::ZERO),
            Self::Duration => Value::Duration(Duration::from_nanoseconds(0)),
            Self::List(elem) => Value::List(List::flat(elem.as_ref().clone(), Vec::new())),
            Self::Map(elem) => Value::Map(Map {
                elem: elem.as_ref().clone(),
                entries: Arc::default(),
                depth: 1,
            }),
        }
    }

    pub(crate) fn can_be_nil(&self) -> bool {
        matches!(
            self,
            Self::Any | Self::Reflect | Self::List(_) | Self::Map(_) | Self::Func | Self::Named(_)
        )
    }

    /// Whether Go would accept the value for a variable of this type.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        let Some(ty) = value.type_of() else {
            return self.can_be_nil();
        };
        if matches!(self, Self::Any | Self::Reflect) || *self == ty {
            return true;
        }
        match (self, value) {
            // A named slice or map goes where its plain form is wanted.
            (Self::List(_) | Self::Map(_), Value::Object(object)) => object
                .underlying()
                .and_then(|plain| plain.type_of())
                .is_some_and(|ty| ty == *self),
            // `*T` for `T` and back.
            (Self::Named(name), Value::Object(object)) => {
                name.trim_start_matches('*') == object.type_name().trim_start_matches('*')
            }
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Time(value)
    }
}

impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self::Duration(value)
    }
}
