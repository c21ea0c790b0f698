//! The functions every Go template has. `and`, `or` and `call` are here for their signatures only: the
//! evaluator runs them itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::escape::{escape_html, escape_js, escape_query};
use crate::exec::printable;
use crate::format::{TooLong, sprint, sprintf, sprintln};
use crate::function::{Function, Scope};
use crate::value::{Kind, List, Type, UintKind, Value};

static BUILTINS: LazyLock<BTreeMap<&'static str, Function>> = LazyLock::new(|| {
    let value = Type::Reflect;
    let values = &[value.clone(), value.clone()];
    let any = &[Type::Any];
    let one = std::slice::from_ref(&value);
    let never = |_: &mut dyn Scope, _: &[Value]| Ok(Value::Nil);
    BTreeMap::from([
        ("and", Function::variadic(values, never)),
        ("or", Function::variadic(values, never)),
        ("call", Function::variadic(values, never)),
        (
            "not",
            Function::new(one, |_, args| Ok(Value::Bool(!arg(args, 0).truth()))),
        ),
        ("len", Function::new(one, |_, args| length(arg(args, 0)))),
        ("index", Function::variadic(values, |_, args| index(args))),
        ("slice", Function::variadic(values, |_, args| slice(args))),
        (
            "eq",
            Function::variadic(values, |_, args| equal(args).map(Value::Bool)),
        ),
        (
            "ne",
            Function::new(values, |_, args| {
                equal(args).map(|equal| Value::Bool(!equal))
            }),
        ),
        (
            "lt",
            Function::new(values, |_, args| less(args).map(Value::Bool)),
        ),
        (
            "le",
            Function::new(values, |_, args| less_or_equal(args).map(Value::Bool)),
        ),
        (
            "gt",
            Function::new(values, |_, args| {
                less_or_equal(args).map(|le| Value::Bool(!le))
            }),
        ),
        (
            "ge",
            Function::new(values, |_, args| less(args).map(|lt| Value::Bool(!lt))),
        ),
        (
            "print",
            Function::variadic(any, |scope, args| {
                text(sprint(args, scope.text_bytes_max()))
            }),
        ),
        (
            "println",
            Function::variadic(any, |scope, args| {
                text(sprintln(args, scope.text_bytes_max()))
            }),
        ),
        (
            "printf",
            Function::variadic(&[Type::String, Type::Any], |scope, args| {
                let format = arg(args, 0).as_str().unwrap_or_default();
                text(sprintf(
                    &format,
                    args.get(1..).unwrap_or(&[]),
                    scope.text_bytes_max(),
                ))
            }),
        ),
        ("html", escaper(escape_html)),
        ("js", escaper(escape_js)),
        ("urlquery", escaper(escape_query)),
    ])
});

pub(crate) fn get(name: &str) -> Option<&'static Function> {
    BUILTINS.get(name)
}

pub(crate) fn names() -> Vec<&'static str> {
    BUILTINS.keys().copied().collect()
}

fn arg(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Nil)
}

pub(crate) fn text(result: Result<String, TooLong>) -> Result<Value, String> {
    result
        .map(Value::from)
        .map_err(|TooLong| "the text is too long".to_owned())
}

fn escaper(escape: fn(&str) -> String) -> Function {
    Function::variadic(&[Type::Any], move |scope, args| {
        if let [Value::Str(text)] = args {
            return Ok(Value::from(escape(text)));
        }
        let args: Vec<Value> = args.iter().map(printable).collect();
        let joined = sprint(&args, scope.text_bytes_max());
        joined
            .map(|text| Value::from(escape(&text)))
            .map_err(|TooLong| "the text is too long".to_owned())
    })
}

fn length(item: &Value) -> Result<Value, String> {
    let length = match item.plain() {
        Value::Str(text) => text.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        _ => return Err(format!("len of type {}", item.type_name())),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// A position up to and including `max`.
fn position(index: &Value, max: usize) -> Result<usize, String> {
    let at = match index.plain() {
        Value::Int(at, _) => at,
        Value::Uint(at, _) => i64::try_from(at).unwrap_or(-1),
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        _ => {
            return Err(format!(
                "cannot index slice/array with type {}",
                index.type_name()
            ));
        }
    };
    match usize::try_from(at) {
        Ok(position) if position <= max => Ok(position),
        _ => Err(format!("index out of range: {at}")),
    }
}

fn index(args: &[Value]) -> Result<Value, String> {
    let mut item = arg(args, 0).clone();
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for index in args.iter().skip(1) {
        item = match item.plain() {
            Value::Str(text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at).ok_or(BEYOND_STRING)?;
                Value::Uint(u64::from(*byte), UintKind::Uint8)
            }
            Value::List(list) => {
                let at = position(index, list.items().len())?;
                list.items().get(at).cloned().ok_or(BEYOND_SLICE)?
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Nil => return Err("value is nil; should be of type string".to_owned()),
                    _ => {
                        return Err(format!(
                            "value has type {}; should be string",
                            index.type_name()
                        ));
                    }
                };
                map.get(key).cloned().unwrap_or_else(|| map.elem().zero())
            }
            Value::Nil => return Err("index of nil pointer".to_owned()),
            _ => return Err(format!("can't index item of type {}", item.type_name())),
        };
    }
    Ok(item)
}

/// The position just past the end passes Go's own check and fails in its runtime.
const BEYOND_SLICE: &str = "reflect: slice index out of range";
const BEYOND_STRING: &str = "reflect: string index out of range";

fn slice(args: &[Value]) -> Result<Value, String> {
    let item = arg(args, 0);
    let indexes = args.get(1..).unwrap_or(&[]);
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let plain = item.plain();
    let length = match &plain {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        Value::Str(_) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::Str(text) => text.len(),
        Value::List(list) => list.items().len(),
        _ => return Err(format!("can't slice item of type {}", item.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [start, end, capacity] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if indexes.len() == 3 && end > capacity {
        return Err(format!("invalid slice index: {end} > {capacity}"));
    }
    Ok(match plain {
        Value::List(list) => Value::List(list.slice(start, end)),
        Value::Str(text) => {
            let bytes = text.as_bytes().get(start..end).unwrap_or(&[]);
            Value::from(String::from_utf8_lossy(bytes).into_owned())
        }
        other => other,
    })
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    )
}

/// Whether the first equals any of the others.
fn equal(args: &[Value]) -> Result<bool, String> {
    let Some((first, others)) = args.split_first() else {
        return Err("missing argument for comparison".to_owned());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal_pair(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_pair(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(match (a.plain(), b.plain()) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, _), Value::Int(b, _)) => a == b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a == b,
        (Value::Int(a, _), Value::Uint(b, _)) | (Value::Uint(b, _), Value::Int(a, _)) => {
            u64::try_from(a) == Ok(b)
        }
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Object(a), Value::Object(b)) if a.type_name().starts_with('*') => {
            std::sync::Arc::ptr_eq(&a, &b)
        }
        (plain_a, plain_b) => {
            if basic(plain_a.kind()) || basic(plain_b.kind()) {
                return Err(incompatible(a, b));
            }
            let shown =
                |value| sprint(std::slice::from_ref(value), SHOWN_BYTES_MAX).unwrap_or_default();
            let (shown_b, type_b) = (shown(b), b.type_name());
            if plain_a.kind() != plain_b.kind() {
                let (shown_a, type_a) = (shown(a), a.type_name());
                return Err(format!(
                    "non-comparable types {shown_a}: {type_a}, {type_b}: {shown_b}"
                ));
            }
            return Err(format!("non-comparable type {shown_b}: {type_b}"));
        }
    })
}

/// Of a value in an error's text.
const SHOWN_BYTES_MAX: usize = 1 << 16;

fn basic(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Float | Kind::String
    )
}

fn less(args: &[Value]) -> Result<bool, String> {
    const BAD: &str = "invalid type for comparison";
    let (a, b) = (arg(args, 0), arg(args, 1));
    if !basic(a.kind()) || !basic(b.kind()) {
        return Err(BAD.to_owned());
    }
    Ok(match (a.plain(), b.plain()) {
        (Value::Bool(_), Value::Bool(_)) => return Err(BAD.to_owned()),
        (Value::Int(a, _), Value::Int(b, _)) => a < b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a < b,
        (Value::Int(a, _), Value::Uint(b, _)) => i128::from(a) < i128::from(b),
        (Value::Uint(a, _), Value::Int(b, _)) => i128::from(a) < i128::from(b),
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ => return Err(incompatible(a, b)),
    })
}

fn less_or_equal(args: &[Value]) -> Result<bool, String> {
    Ok(less(args)? || equal(args)?)
}

/// A list of anything, charged against the nesting limit.
pub(crate) fn list_of(items: Vec<Value>) -> Result<Value, String> {
    List::new(Type::Any, items)
        .map(Value::List)
        .map_err(str::to_owned)
}
