//! Pipelines, commands and constants.

use std::sync::Arc;

use super::{Exec, State};
use crate::ast::{Command, Expr, ExprKind, Pipe};
use crate::number::Number;
use crate::time::Duration;
use crate::value::{Type, Value};

impl<'p> State<'p, '_> {
    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'p Pipe) -> Exec<Value> {
        self.at = Some(pipe);
        self.deeper(|state| {
            let mut value = None;
            for command in &pipe.commands {
                state.step(1)?;
                value = Some(state.command(dot, command, value)?);
            }
            let value = value.unwrap_or_default();
            for name in &pipe.decl {
                if pipe.is_assign {
                    state.set_var(name, value.clone())?;
                } else {
                    state.vars.push((name.clone(), value.clone()));
                }
            }
            Ok(value)
        })
    }

    /// `last` is what the command before gave: it becomes the final argument.
    fn command(&mut self, dot: &Value, command: &'p Command, last: Option<Value>) -> Exec<Value> {
        let Some(first) = command.args.first() else {
            return Err(self.fail("empty command"));
        };
        let args = command.args.as_slice();
        match &first.kind {
            ExprKind::Field(names) => {
                self.at = Some(first);
                return self.field_chain(dot, dot.clone(), first, names, args, last);
            }
            ExprKind::Chain(node, names) => return self.chain(dot, first, node, names, args, last),
            ExprKind::Identifier(name) => {
                self.at = Some(first);
                return self.function(dot, name, command, args, last);
            }
            ExprKind::Pipe(pipe) => {
                self.not_a_function(args, last.as_ref())?;
                return self.pipeline(dot, pipe);
            }
            ExprKind::Variable(names) => return self.variable(dot, first, names, args, last),
            _ => {}
        }
        self.at = Some(first);
        self.not_a_function(args, last.as_ref())?;
        match &first.kind {
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Number(number) => self.ideal_constant(number),
            ExprKind::String(_, text) => Ok(Value::Str(text.clone())),
            _ => Err(self.fail("nil is not a command")),
        }
    }

    pub(super) fn not_a_function(&self, args: &[Expr], last: Option<&Value>) -> Exec<()> {
        match args.first() {
            Some(first) if args.len() > 1 || last.is_some() => {
                Err(self.fail(format!("can't give argument to non-function {first}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn variable(
        &mut self,
        dot: &Value,
        node: &'p Expr,
        names: &'p [String],
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        self.at = Some(node);
        let (name, fields) = names
            .split_first()
            .map_or(("", names), |(name, rest)| (name.as_str(), rest));
        let Some(value) = self.vars.iter().rev().find(|(known, _)| known == name) else {
            return Err(self.fail(format!("undefined variable: {name}")));
        };
        let value = value.1.clone();
        if fields.is_empty() {
            self.not_a_function(args, last.as_ref())?;
            return Ok(value);
        }
        self.field_chain(dot, value, node, fields, args, last)
    }

    /// The value of a constant where nothing asks for a type.
    fn ideal_constant(&mut self, number: &Number) -> Exec<Value> {
        if number.looks_float()
            && let Some(float) = number.float
        {
            return Ok(Value::Float(float));
        }
        match number.int {
            Some(int) => Ok(Value::int(int)),
            None => Err(self.fail(format!("{} overflows int", number.text))),
        }
    }

    /// An argument for a parameter of type `ty`; without a type anything goes.
    pub(super) fn argument(
        &mut self,
        dot: &Value,
        ty: Option<&Type>,
        node: &'p Expr,
    ) -> Exec<Value> {
        self.at = Some(node);
        let value = match &node.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil => {
                return match ty {
                    Some(ty) if !ty.can_be_nil() => {
                        Err(self.fail(format!("cannot assign nil to {ty}")))
                    }
                    Some(ty) => Ok(ty.zero()),
                    None => Ok(Value::Nil),
                };
            }
            ExprKind::Field(names) => self.field_chain(
                dot,
                dot.clone(),
                node,
                names,
                std::slice::from_ref(node),
                None,
            )?,
            ExprKind::Variable(names) => self.variable(dot, node, names, &[], None)?,
            ExprKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            ExprKind::Identifier(name) => self.function(dot, name, node, &[], None)?,
            ExprKind::Chain(inner, names) => self.chain(dot, node, inner, names, &[], None)?,
            ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(..) => {
                return self.constant(ty.unwrap_or(&Type::Any), node);
            }
        };
        self.checked(value, ty)
    }

    /// A literal as a value of the wanted type.
    fn constant(&mut self, ty: &Type, node: &'p Expr) -> Exec<Value> {
        let number = match &node.kind {
            ExprKind::Number(number) => Some(number),
            _ => None,
        };
        let found = match ty {
            Type::Any | Type::Reflect => {
                return match &node.kind {
                    ExprKind::Bool(value) => Ok(Value::Bool(*value)),
                    ExprKind::String(_, text) => Ok(Value::Str(text.clone())),
                    ExprKind::Number(number) => self.ideal_constant(number),
                    _ => Ok(Value::Nil),
                };
            }
            Type::Bool => match &node.kind {
                ExprKind::Bool(value) => Ok(Value::Bool(*value)),
                _ => Err("bool"),
            },
            Type::Float64 => number
                .and_then(|n| n.float)
                .map(Value::Float)
                .ok_or("float"),
            Type::Int(kind) => number
                .and_then(|n| n.int)
                .map(|int| Value::Int(int, *kind))
                .ok_or("integer"),
            Type::Duration => number.and_then(|n| n.int).map(nanoseconds).ok_or("integer"),
            Type::Uint(kind) => number
                .and_then(|n| n.uint)
                .map(|uint| Value::Uint(uint, *kind))
                .ok_or("unsigned integer"),
            Type::String | Type::Safe(_) => match &node.kind {
                ExprKind::String(_, text) => Ok(match ty {
                    Type::Safe(kind) => Value::Safe(*kind, Arc::clone(text)),
                    _ => Value::Str(text.clone()),
                }),
                _ => Err("string"),
            },
            _ => return Err(self.fail(format!("can't handle {node} for arg of type {ty}"))),
        };
        found.map_err(|wanted| self.fail(format!("expected {wanted}; found {node}")))
    }

    /// Refuses a value that Go could not assign to the type.
    pub(super) fn checked(&self, value: Value, ty: Option<&Type>) -> Exec<Value> {
        let Some(ty) = ty else {
            return Ok(value);
        };
        if matches!(value, Value::Nil) {
            if ty.can_be_nil() {
                return Ok(ty.zero());
            }
            return Err(self.fail(format!("invalid value; expected {ty}")));
        }
        if !ty.accepts(&value) {
            let got = value.type_name();
            return Err(self.fail(format!("wrong type for value; expected {ty}; got {got}")));
        }
        Ok(value)
    }
}

fn nanoseconds(int: i64) -> Value {
    Value::Duration(Duration::from_nanoseconds(int))
}
