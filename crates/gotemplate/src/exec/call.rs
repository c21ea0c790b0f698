//! Calling functions and methods: counting and checking arguments.

use super::{Exec, State};
use crate::ast::{Expr, Located};
use crate::builtins;
use crate::function::Function;
use crate::quote::go_quote;
use crate::value::{Type, Value};

/// A list that a function gives costs a step for so many items.
const ITEMS_PER_STEP: usize = 16;
/// Long texts cost by their length.
const BYTES_PER_STEP: usize = 64;

impl<'p> State<'p, '_> {
    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &'p str,
        node: &'p dyn Located,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        let args = if args.is_empty() {
            args
        } else {
            args.get(1..).unwrap_or(&[])
        };
        if let Some(function) = self.program.functions.get(name).cloned() {
            return self.invoke(dot, &function, node, name, args, last);
        }
        if name == "and" || name == "or" {
            return self.and_or(dot, name, args, last);
        }
        let Some(function) = builtins::get(name).cloned() else {
            let name = go_quote(name);
            return Err(self.fail(format!("{name} is not a defined function")));
        };
        if name == "call" {
            return self.call_value(dot, &function, node, args, last);
        }
        self.invoke(dot, &function, node, name, args, last)
    }

    /// `args` starts with the callee itself, or is empty.
    pub(super) fn call(
        &mut self,
        dot: &Value,
        function: &Function,
        node: &'p dyn Located,
        name: &str,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        self.invoke(
            dot,
            function,
            node,
            name,
            args.get(1..).unwrap_or(&[]),
            last,
        )
    }

    fn invoke(
        &mut self,
        dot: &Value,
        function: &Function,
        node: &'p dyn Located,
        name: &str,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        let values = self.arguments(dot, function, name, args, last)?;
        self.run(function, node, name, &values)
    }

    fn arguments(
        &mut self,
        dot: &Value,
        function: &Function,
        name: &str,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Vec<Value>> {
        let params = function.params();
        let given = args.len() + usize::from(last.is_some());
        if function.is_variadic() {
            let least = params.len().saturating_sub(1);
            if given < least {
                let got = args.len();
                let message =
                    format!("wrong number of args for {name}: want at least {least} got {got}");
                return Err(self.fail(message));
            }
        } else if given != params.len() {
            let want = params.len();
            return Err(self.fail(format!(
                "wrong number of args for {name}: want {want} got {given}"
            )));
        }
        let param = |index: usize| params.get(index).or(params.last());
        let mut values = Vec::with_capacity(given);
        for (index, arg) in args.iter().enumerate() {
            let value = self.argument(dot, param(index), arg)?;
            values.push(value);
        }
        if let Some(last) = last {
            let value = self.checked(last, param(args.len()))?;
            values.push(value);
        }
        Ok(values)
    }

    fn run(
        &mut self,
        function: &Function,
        node: &'p dyn Located,
        name: &str,
        args: &[Value],
    ) -> Exec<Value> {
        let bytes: usize = args
            .iter()
            .filter_map(Value::as_str)
            .map(|text| text.len())
            .sum();
        self.step(bytes / BYTES_PER_STEP)?;
        let at = self.at;
        // Functions that execute templates are nested executions with their own position.
        let result = function.call(self, args);
        self.at = at;
        let value = result.map_err(|message| {
            self.at = Some(node);
            self.fail(format!("error calling {name}: {message}"))
        })?;
        match &value {
            Value::Str(text) | Value::Safe(_, text)
                if text.len() > self.program.options().limits.output_bytes_max =>
            {
                return Err(self.fail(format!("error calling {name}: the text is too long")));
            }
            Value::List(list) => self.step(list.items().len() / ITEMS_PER_STEP)?,
            _ => {}
        }
        Ok(value)
    }

    /// Evaluates only as far as needed and gives the argument that decided.
    fn and_or(
        &mut self,
        dot: &Value,
        name: &str,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        if args.is_empty() && last.is_none() {
            let message = format!("wrong number of args for {name}: want at least 1 got 0");
            return Err(self.fail(message));
        }
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(dot, Some(&Type::Reflect), arg)?;
            if value.truth() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// `call f x`: the function is the value of the first argument.
    fn call_value(
        &mut self,
        dot: &Value,
        builtin: &Function,
        node: &'p dyn Located,
        args: &'p [Expr],
        last: Option<Value>,
    ) -> Exec<Value> {
        let callee_name = match (args.first(), &last) {
            (Some(arg), _) => arg.to_string(),
            (None, Some(last)) => self.sprint(last)?,
            (None, None) => String::new(),
        };
        let mut values = self
            .arguments(dot, builtin, "call", args, last)?
            .into_iter();
        let callee = values.next().unwrap_or_default();
        let values: Vec<Value> = values.collect();
        let problem = match &callee {
            Value::Nil => "call of nil".to_owned(),
            Value::Func(function) => match bad_argument(function, &callee_name, &values) {
                None => return self.run(&function.clone(), node, "call", &values),
                Some(problem) => problem,
            },
            other => format!("non-function {callee_name} of type {}", other.type_name()),
        };
        self.at = Some(node);
        Err(self.fail(format!("error calling call: {problem}")))
    }
}

fn bad_argument(function: &Function, name: &str, values: &[Value]) -> Option<String> {
    let params = function.params();
    let got = values.len();
    if function.is_variadic() {
        let least = params.len().saturating_sub(1);
        if got < least {
            return Some(format!(
                "wrong number of args for {name}: got {got} want at least {least}"
            ));
        }
    } else if got != params.len() {
        return Some(format!(
            "wrong number of args for {name}: got {got} want {}",
            params.len()
        ));
    }
    values.iter().enumerate().find_map(|(i, value)| {
        let ty = params.get(i).or(params.last())?;
        if ty.accepts(value) {
            return None;
        }
        Some(match value {
            Value::Nil => format!("arg {i}: value is nil; should be of type {ty}"),
            _ => format!(
                "arg {i}: value has type {}; should be {ty}",
                value.type_name()
            ),
        })
    })
}
