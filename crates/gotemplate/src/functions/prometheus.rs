//! The functions of Prometheus rule templates and consoles, and the expansion of such templates.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::hostport::{strip_domain, strip_port};
use super::{humanize, match_function, replace_function, safe_function, string, text_function};
use crate::data::prometheus::{QUERY_RESULT, SAMPLE, Sample, query_result, sample_value, samples};
use crate::error::ExecError;
use crate::escape::escape_query;
use crate::function::{Function, FunctionTable};
use crate::options::Options;
use crate::set::{Flavour, TemplateSet};
use crate::time::Duration;
use crate::title::{Rest, title};
use crate::value::{Map, SafeKind, Type, Value};

/// Runs the queries of a template at the time it is expanded for.
pub trait Query: fmt::Debug + Send + Sync {
    /// The samples of an instant vector, or the error's text.
    fn query(&self, expression: &str) -> Result<Vec<Sample>, String>;
}

/// What one expansion is about.
#[derive(Clone, Debug)]
pub struct Context {
    /// For error texts: `__alert_Name`, a console's path.
    pub name: String,
    /// `now`, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// For `externalURL` and `pathPrefix`, which fail without it: promtool's tests of rules have none.
    pub external_url: Option<String>,
    pub query: Arc<dyn Query>,
    pub options: Options,
}

/// An expansion failed. Prints with the prefix the peers use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    #[error("error parsing template {name}: {source}")]
    Parse {
        name: String,
        source: crate::ParseError,
    },
    #[error("error parsing template files for {name}: {source}")]
    ParseFiles {
        name: String,
        source: crate::ParseError,
    },
    #[error("error executing template {name}: {source}")]
    Execute { name: String, source: ExecError },
}

/// Expands a rule's label or annotation.
pub fn expand(text: &str, data: &Value, context: &Context) -> Result<String, ExpandError> {
    let name = context.name.clone();
    let mut set = TemplateSet::new(Flavour::Text, functions(context), context.options.clone());
    set.parse(&name, text)
        .map_err(|source| ExpandError::Parse {
            name: name.clone(),
            source,
        })?;
    set.execute(&name, data)
        .map_err(|source| ExpandError::Execute { name, source })
}

/// Expands a console page; `libraries` are further files, as name and text.
pub fn expand_html(
    text: &str,
    data: &Value,
    context: &Context,
    libraries: &[(String, String)],
) -> Result<String, ExpandError> {
    let name = context.name.clone();
    let functions = functions(context).with("tmpl", tmpl_function());
    let mut set = TemplateSet::new(Flavour::Html, functions, context.options.clone());
    set.parse(&name, text)
        .map_err(|source| ExpandError::Parse {
            name: name.clone(),
            source,
        })?;
    for (file, text) in libraries {
        let parsed = set.parse(file, text);
        parsed.map_err(|source| ExpandError::ParseFiles {
            name: name.clone(),
            source,
        })?;
    }
    set.execute(&name, data)
        .map_err(|source| ExpandError::Execute { name, source })
}

/// The names that rule templates find prepared.
pub const RULE_PREAMBLE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
     {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// For tables of which only the names matter.
#[derive(Debug)]
struct NoQuery;

impl Query for NoQuery {
    fn query(&self, _: &str) -> Result<Vec<Sample>, String> {
        Err("there is nothing to query".to_owned())
    }
}

/// The names of [`functions`], sorted.
pub fn function_names() -> Vec<String> {
    let context = Context {
        name: String::new(),
        time_ms: 0,
        external_url: Some(String::new()),
        query: Arc::new(NoQuery),
        options: Options::default(),
    };
    functions(&context).names().map(str::to_owned).collect()
}

/// The table of rule templates. Consoles have `tmpl` besides.
pub fn functions(context: &Context) -> FunctionTable {
    let result = Type::Named(Arc::from(QUERY_RESULT));
    let sample = Type::Named(Arc::from(SAMPLE));
    let query = context.query.clone();
    let (time_ms, url) = (context.time_ms, context.external_url.clone());
    let path = url.as_deref().map(|url| url_path(url).to_owned());
    FunctionTable::new()
        .with(
            "query",
            Function::new(&[Type::String], move |_, args| {
                query.query(&string(args, 0)).map(query_result)
            }),
        )
        .with(
            "first",
            Function::new(std::slice::from_ref(&result), |_, args| first(args)),
        )
        .with(
            "label",
            Function::new(&[Type::String, sample.clone()], |_, args| {
                label(&string(args, 0), args.get(1))
            }),
        )
        .with(
            "value",
            Function::new(std::slice::from_ref(&sample), |_, args| value(args)),
        )
        .with(
            "strvalue",
            Function::new(&[sample], |_, args| label("__value__", args.first())),
        )
        .with(
            "sortByLabel",
            Function::new(&[Type::String, result], |_, args| sort_by_label(args)),
        )
        .with(
            "args",
            Function::variadic(&[Type::Any], |_, args| numbered(args)),
        )
        .with("reReplaceAll", replace_function())
        .with("safeHtml", safe_function(SafeKind::Html))
        .with("match", match_function())
        .with("title", text_function(|text| title(text, Rest::Keep)))
        .with("toUpper", text_function(|text| text.to_uppercase()))
        .with("toLower", text_function(|text| text.to_lowercase()))
        .with("graphLink", text_function(|expression| link(expression, 0)))
        .with("tableLink", text_function(|expression| link(expression, 1)))
        .with("stripPort", text_function(strip_port))
        .with("stripDomain", text_function(strip_domain))
        .with(
            "humanize",
            number_function(|value| Ok(humanize::humanize(value).into())),
        )
        .with(
            "humanize1024",
            number_function(|value| Ok(humanize::humanize_1024(value).into())),
        )
        .with(
            "humanizeDuration",
            number_function(|value| Ok(humanize::humanize_duration(value).into())),
        )
        .with(
            "humanizePercentage",
            number_function(|value| Ok(humanize::humanize_percentage(value).into())),
        )
        .with(
            "humanizeTimestamp",
            number_function(|value| humanize::humanize_timestamp(value).map(Value::from)),
        )
        .with(
            "toTime",
            number_function(|value| {
                let time = humanize::to_time(value)?;
                time.map(Value::Time)
                    .ok_or_else(|| "value is NaN or Inf".to_owned())
            }),
        )
        .with(
            "toDuration",
            number_function(|value| Ok(Value::Duration(seconds(value)))),
        )
        .with(
            "now",
            Function::new(&[], move |_, _| Ok(Value::Float(time_ms as f64 / 1000.0))),
        )
        .with(
            "pathPrefix",
            Function::new(&[], move |_, _| of_url(path.as_deref())),
        )
        .with(
            "externalURL",
            Function::new(&[], move |_, _| of_url(url.as_deref())),
        )
        .with(
            "parseDuration",
            Function::new(&[Type::String], |_, args| {
                humanize::parse_duration(&string(args, 0)).map(Value::Float)
            }),
        )
        .with("urlQueryEscape", text_function(escape_query))
}

/// A part of the external URL; without one the peer's words.
fn of_url(part: Option<&str>) -> Result<Value, String> {
    let missing = || "runtime error: invalid memory address or nil pointer dereference".to_owned();
    part.map(Value::str).ok_or_else(missing)
}

/// `tmpl name data`: a template by a computed name, as safe HTML.
fn tmpl_function() -> Function {
    Function::new(&[Type::String, Type::Any], |scope, args| {
        let text = scope.execute(&string(args, 0), args.get(1).unwrap_or(&Value::Nil));
        text.map(Value::html).map_err(|error| error.to_string())
    })
}

fn number_function(run: impl Fn(f64) -> Result<Value, String> + Send + Sync + 'static) -> Function {
    Function::new(&[Type::Any], move |_, args| {
        run(humanize::to_float(args.first().unwrap_or(&Value::Nil))?)
    })
}

/// Go converts out-of-range floats to the smallest integer.
fn seconds(value: f64) -> Duration {
    let ns = value * 1e9;
    let in_range = ns.abs() < 9_223_372_036_854_775_808.0;
    Duration::from_nanoseconds(if in_range { ns as i64 } else { i64::MIN })
}

fn first(args: &[Value]) -> Result<Value, String> {
    let list = args.first().and_then(Value::as_list);
    let first = list.as_ref().and_then(|list| list.items().first());
    first
        .cloned()
        .ok_or_else(|| "first() called on vector with no elements".to_owned())
}

const NIL_SAMPLE: &str = "runtime error: invalid memory address or nil pointer dereference";

fn label(name: &str, sample: Option<&Value>) -> Result<Value, String> {
    let labels = sample.and_then(samples::labels).ok_or(NIL_SAMPLE)?;
    Ok(labels.get(name).cloned().unwrap_or_else(|| Value::str("")))
}

fn value(args: &[Value]) -> Result<Value, String> {
    args.first()
        .and_then(sample_value)
        .ok_or_else(|| NIL_SAMPLE.to_owned())
}

/// Stable, and a missing label sorts as an empty one.
fn sort_by_label(args: &[Value]) -> Result<Value, String> {
    let name = string(args, 0);
    let list = args.get(1).and_then(Value::as_list);
    let mut items: Vec<Value> = list.map(|list| list.items().to_vec()).unwrap_or_default();
    let key = |item: &Value| {
        let labels = samples::labels(item);
        labels
            .and_then(|labels| labels.get(&name).and_then(Value::as_str))
            .unwrap_or_default()
    };
    items.sort_by_cached_key(key);
    Ok(samples::result_of(items))
}

fn numbered(args: &[Value]) -> Result<Value, String> {
    let entries = args
        .iter()
        .enumerate()
        .map(|(i, arg)| (Arc::from(format!("arg{i}")), arg.clone()));
    let map = Map::new(Type::Any, entries.collect::<BTreeMap<_, _>>());
    map.map(Value::Map).map_err(str::to_owned)
}

fn link(expression: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape_query(expression))
}

/// The path of an absolute URL, without query and fragment.
fn url_path(url: &str) -> &str {
    let after_scheme = url
        .find("://")
        .and_then(|at| url.get(at + 3..))
        .unwrap_or(url);
    let path = after_scheme
        .find('/')
        .and_then(|at| after_scheme.get(at..))
        .unwrap_or("");
    path.split(['?', '#']).next().unwrap_or("")
}
