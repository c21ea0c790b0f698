//! `.A.B` on anything: methods, struct fields, map entries.

use super::{Exec, State};
use crate::ast::{Expr, ExprKind};
use crate::function::Function;
use crate::options::MissingKey;
use crate::quote::go_quote;
use crate::time::{duration_method, time_method};
use crate::value::{Type, Value};

/// What a step of a chain gave. The two kinds of nothing differ: a chain over absent data is absent, a
/// chain over a nil found in the data is an error.
enum Found {
    Value(Value),
    NilInterface,
    Absent,
}

impl Found {
    fn of(value: Value) -> Self {
        if matches!(value, Value::Nil) {
            Self::NilInterface
        } else {
            Self::Value(value)
        }
    }
}

/// Arguments of the last field of a chain.
struct Arguments<'p> {
    /// The first is the function itself.
    args: &'p [Expr],
    last: Option<Value>,
}

impl<'p> State<'p, '_> {
    pub(super) fn chain(
        &mut self,
        dot: &Value,
        node: &'p Expr,
        inner: &'p Expr,
        names: &'p [String],
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        self.at = Some(node);
        if matches!(inner.kind, ExprKind::Nil) {
            return Err(self.fail(format!("indirection through explicit nil in {node}")));
        }
        let value = self.argument(dot, None, inner)?;
        self.field_chain(dot, value, node, names, args, last)
    }

    /// Only the last field gets the arguments.
    pub(super) fn field_chain(
        &mut self,
        dot: &Value,
        receiver: Value,
        node: &'p Expr,
        names: &'p [String],
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        let mut found = match receiver {
            Value::Nil => Found::Absent,
            value => Found::Value(value),
        };
        let mut arguments = Some(Arguments { args, last });
        let count = names.len();
        for (i, name) in names.iter().enumerate() {
            let own = if i + 1 == count {
                arguments.take()
            } else {
                None
            };
            let own = own.unwrap_or(Arguments {
                args: &[],
                last: None,
            });
            found = self.field(dot, name, node, own, found)?;
        }
        Ok(match found {
            Found::Value(value) => value,
            Found::NilInterface | Found::Absent => Value::Nil,
        })
    }

    fn field(
        &mut self,
        dot: &Value,
        name: &str,
        node: &'p Expr,
        arguments: Arguments<'p>,
        receiver: Found,
    ) -> Exec<Found> {
        let missing_key = self.program.options().missing_key;
        let receiver = match receiver {
            Found::Value(value) => value,
            Found::Absent => {
                if missing_key == MissingKey::Error {
                    let name = go_quote(name);
                    return Err(self.fail(format!("nil data; no entry for key {name}")));
                }
                return Ok(Found::Absent);
            }
            Found::NilInterface => {
                return Err(self.fail(format!("nil pointer evaluating {}.{name}", Type::Any)));
            }
        };
        if let Some(method) = method(&receiver, name) {
            let Arguments { args, last } = arguments;
            return self
                .call(dot, &method, node, name, args, last)
                .map(Found::of);
        }
        let has_args = arguments.args.len() > 1 || arguments.last.is_some();
        if let Value::Object(object) = &receiver
            && let Some(value) = object.field(name)
        {
            if has_args {
                let message = format!("{name} has arguments but cannot be invoked as function");
                return Err(self.fail(message));
            }
            return Ok(Found::of(value));
        }
        let Some(map) = receiver.as_map() else {
            let ty = receiver.type_name();
            return Err(self.fail(format!("can't evaluate field {name} in type {ty}")));
        };
        if has_args {
            return Err(self.fail(format!("{name} is not a method but has arguments")));
        }
        if let Some(value) = map.get(name) {
            return Ok(Found::of(value.clone()));
        }
        match missing_key {
            MissingKey::Invalid => Ok(Found::Absent),
            MissingKey::Zero => Ok(Found::of(map.elem().zero())),
            MissingKey::Error => {
                Err(self.fail(format!("map has no entry for key {}", go_quote(name))))
            }
        }
    }
}

pub(crate) fn method(receiver: &Value, name: &str) -> Option<Function> {
    match receiver {
        Value::Time(time) => time_method(time, name),
        Value::Duration(duration) => duration_method(*duration, name),
        Value::Object(object) => object.method(name),
        _ => None,
    }
}
