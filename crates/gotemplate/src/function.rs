//! Functions and methods that templates can call, and the tables that name them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::ExecError;
use crate::options::Limits;
use crate::value::{Type, Value};

/// What a running function may ask of the execution that calls it.
pub trait Scope {
    /// Executes another template of the set.
    fn execute(&mut self, name: &str, dot: &Value) -> Result<String, ExecError>;

    /// Parses and executes a text with the same definitions and functions.
    fn render(&mut self, text: &str, dot: &Value) -> Result<String, ExecError>;

    /// Counts work that takes longer than a few microseconds against the step limit.
    fn charge(&mut self, _steps: usize) -> Result<(), String> {
        Ok(())
    }

    /// The longest text a function may build.
    fn text_bytes_max(&self) -> usize {
        Limits::default().output_bytes_max
    }
}

type Run = dyn Fn(&mut dyn Scope, &[Value]) -> Result<Value, String> + Send + Sync;

/// A callable with a Go signature. Arguments are checked before the call: there are as many as declared and
/// each is of its declared type.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    params: Vec<Type>,
    is_variadic: bool,
    run: Box<Run>,
}

impl Function {
    /// A function of exactly these parameters. An error's text becomes `error calling NAME: text`.
    pub fn new(
        params: &[Type],
        run: impl Fn(&mut dyn Scope, &[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            params: params.to_vec(),
            is_variadic: false,
            run: Box::new(run),
        }))
    }

    /// The last parameter type may come any number of times, also none.
    pub fn variadic(
        params: &[Type],
        run: impl Fn(&mut dyn Scope, &[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            params: params.to_vec(),
            is_variadic: true,
            run: Box::new(run),
        }))
    }

    pub(crate) fn params(&self) -> &[Type] {
        &self.0.params
    }

    pub(crate) fn is_variadic(&self) -> bool {
        self.0.is_variadic
    }

    pub(crate) fn call(&self, scope: &mut dyn Scope, args: &[Value]) -> Result<Value, String> {
        (self.0.run)(scope, args)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("params", &self.0.params)
            .field("is_variadic", &self.0.is_variadic)
            .finish_non_exhaustive()
    }
}

/// Functions by name. Cloning is cheap. Go's own functions (`printf`, `index`, `eq`, …) are always there
/// and need no entry; an entry of the same name takes precedence.
#[derive(Clone, Debug, Default)]
pub struct FunctionTable(Arc<BTreeMap<String, Function>>);

impl FunctionTable {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a function.
    pub fn insert(&mut self, name: impl Into<String>, function: Function) {
        Arc::make_mut(&mut self.0).insert(name.into(), function);
    }

    #[must_use]
    pub fn with(mut self, name: impl Into<String>, function: Function) -> Self {
        self.insert(name, function);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
