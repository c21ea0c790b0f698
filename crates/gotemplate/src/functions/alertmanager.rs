//! The functions of Alertmanager's notification templates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    base64, humanize, match_function, replace_function, safe_function, string, text_function,
};
use crate::builtins::list_of;
use crate::data::alertmanager::Data;
use crate::error::ExecError;
use crate::escape::unescape_query;
use crate::function::{Function, FunctionTable};
use crate::json::to_json;
use crate::set::TemplateSet;
use crate::time::Time;
use crate::title::{Rest, title};
use crate::value::{Map, SafeKind, Type, Value};

/// The table with a fixed time for `now` and `since`. `routeLabels` gives nothing: see [`render`].
pub fn functions(now: Time) -> FunctionTable {
    let strings = Type::List(Arc::new(Type::String));
    let anything = Type::List(Arc::new(Type::Any));
    FunctionTable::new()
        .with("toUpper", text_function(|text| text.to_uppercase()))
        .with("toLower", text_function(|text| text.to_lowercase()))
        .with("title", text_function(|text| title(text, Rest::Lower)))
        .with("trimSpace", text_function(|text| text.trim().to_owned()))
        .with(
            "join",
            Function::new(&[Type::String, strings], |scope, args| {
                join(scope.text_bytes_max(), args)
            }),
        )
        .with("match", match_function())
        .with("safeHtml", safe_function(SafeKind::Html))
        .with("safeUrl", safe_function(SafeKind::Url))
        .with(
            "urlUnescape",
            Function::new(&[Type::String], |_, args| {
                unescape_query(&string(args, 0)).map(Value::from)
            }),
        )
        .with("reReplaceAll", replace_function())
        .with(
            "stringSlice",
            Function::variadic(&[Type::String], |_, args| {
                Ok(Value::strings(args.iter().filter_map(Value::as_str)))
            }),
        )
        .with(
            "routeLabels",
            Function::new(&[Type::String], |_, _| Ok(Value::str(""))),
        )
        .with(
            "date",
            Function::new(&[Type::String, Type::Time], |_, args| date(args)),
        )
        .with(
            "tz",
            Function::new(&[Type::String, Type::Time], |_, args| zone(args)),
        )
        .with("now", constant(Value::Time(now.clone())))
        .with(
            "since",
            Function::new(&[Type::Time], move |_, args| since(&now, args)),
        )
        .with(
            "humanizeDuration",
            Function::new(&[Type::Any], |_, args| {
                let value = humanize::to_float(args.first().unwrap_or(&Value::Nil))?;
                Ok(Value::from(humanize::humanize_duration(value)))
            }),
        )
        .with(
            "toDate",
            Function::new(&[Type::String, Type::String], |_, args| {
                let time = Time::parse(&string(args, 0), &string(args, 1));
                Ok(Value::Time(time.unwrap_or(Time::ZERO)))
            }),
        )
        .with(
            "mustToDate",
            Function::new(&[Type::String, Type::String], |_, args| {
                let time = Time::parse(&string(args, 0), &string(args, 1));
                time.map(Value::Time).map_err(|error| error.to_string())
            }),
        )
        .with(
            "toJson",
            Function::new(&[Type::Any], |scope, args| {
                to_json(args.first().unwrap_or(&Value::Nil), scope.text_bytes_max())
                    .map(Value::from)
            }),
        )
        .with(
            "base64encode",
            text_function(|text| base64::encode(text.as_bytes())),
        )
        .with(
            "base64decode",
            Function::new(&[Type::String], |_, args| {
                let bytes = base64::decode(&string(args, 0))?;
                Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
            }),
        )
        .with(
            "list",
            Function::variadic(&[Type::Any], |_, args| list_of(args.to_vec())),
        )
        .with(
            "append",
            Function::variadic(&[anything, Type::Any], |_, args| {
                let (list, more) = args.split_first().unwrap_or((&Value::Nil, &[]));
                let mut items = list
                    .as_list()
                    .map(|list| list.items().to_vec())
                    .unwrap_or_default();
                items.extend_from_slice(more);
                list_of(items)
            }),
        )
        .with(
            "dict",
            Function::variadic(&[Type::Any], |_, args| dict(args)),
        )
}

fn constant(value: Value) -> Function {
    Function::new(&[], move |_, _| Ok(value.clone()))
}

fn join(limit: usize, args: &[Value]) -> Result<Value, String> {
    let separator = string(args, 0);
    let items = args.get(1).and_then(Value::as_list);
    let mut out = String::new();
    for (i, item) in items.iter().flat_map(|list| list.items()).enumerate() {
        if i > 0 {
            out.push_str(&separator);
        }
        out.push_str(&item.as_str().unwrap_or_default());
        if out.len() > limit {
            return Err("the text is too long".to_owned());
        }
    }
    Ok(Value::from(out))
}

fn date(args: &[Value]) -> Result<Value, String> {
    match args.get(1) {
        Some(Value::Time(time)) => Ok(Value::from(time.format(&string(args, 0)))),
        _ => Err("not a time".to_owned()),
    }
}

fn zone(args: &[Value]) -> Result<Value, String> {
    match args.get(1) {
        Some(Value::Time(time)) => time.in_zone(&string(args, 0)).map(Value::Time),
        _ => Err("not a time".to_owned()),
    }
}

fn since(now: &Time, args: &[Value]) -> Result<Value, String> {
    match args.first() {
        Some(Value::Time(time)) => Ok(Value::Duration(now.since(time))),
        _ => Err("not a time".to_owned()),
    }
}

fn dict(args: &[Value]) -> Result<Value, String> {
    if !args.len().is_multiple_of(2) {
        return Err("dict requires an even number of arguments".to_owned());
    }
    let mut entries = BTreeMap::new();
    for pair in args.chunks(2) {
        let [Value::Str(key), value] = pair else {
            return Err("dict keys must be strings".to_owned());
        };
        entries.insert(key.clone(), value.clone());
    }
    Map::new(Type::Any, entries)
        .map(Value::Map)
        .map_err(str::to_owned)
}

/// Renders a text against notification data: `routeLabels` renders the route's labels, which may be
/// templates themselves, and each at most once.
pub fn render(set: &TemplateSet, text: &str, data: &Data, now: Time) -> Result<String, ExecError> {
    let value = data.to_value();
    let labels = RouteLabels::new(data, value.clone());
    set.render_with(
        text,
        &value,
        &functions(now).with("routeLabels", labels.function()),
    )
}

struct RouteLabels {
    raw: BTreeMap<String, String>,
    is_rendered: bool,
    data: Value,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    done: BTreeMap<String, String>,
    /// Labels being rendered, outermost first: to name a cycle.
    stack: Vec<String>,
}

impl RouteLabels {
    fn new(data: &Data, value: Value) -> Arc<Self> {
        Arc::new(Self {
            raw: data.route_labels.entries().clone(),
            is_rendered: data.route_labels_rendered,
            data: value,
            progress: Mutex::default(),
        })
    }

    fn function(self: Arc<Self>) -> Function {
        Function::new(&[Type::String], move |scope, args| {
            let name = string(args, 0);
            let Some(raw) = self.raw.get(name.as_ref()) else {
                return Ok(Value::str(""));
            };
            if self.is_rendered {
                return Ok(Value::str(raw.as_str()));
            }
            // The lock is never held while rendering: rendering comes back here.
            {
                let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(text) = progress.done.get(name.as_ref()) {
                    return Ok(Value::str(text.as_str()));
                }
                if progress.stack.iter().any(|busy| **busy == *name) {
                    let cycle = progress.stack.join(" -> ");
                    return Err(format!("route label cycle detected: {cycle} -> {name}"));
                }
                progress.stack.push(name.to_string());
            }
            let result = scope.render(raw, &self.data);
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.stack.pop();
            let text = result.map_err(|error| error.to_string())?;
            progress.done.insert(name.to_string(), text.clone());
            Ok(Value::from(text))
        })
    }
}
