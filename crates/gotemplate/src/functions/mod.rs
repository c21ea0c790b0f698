//! The functions Prometheus and Alertmanager add to Go's.

pub mod alertmanager;
mod base64;
mod hostport;
mod humanize;
pub mod prometheus;

use crate::function::Function;
use crate::regexp;
use crate::value::{SafeKind, Type, Value};

fn string(args: &[Value], at: usize) -> std::sync::Arc<str> {
    args.get(at).and_then(Value::as_str).unwrap_or_default()
}

/// A function of one string.
fn text_function(run: impl Fn(&str) -> String + Send + Sync + 'static) -> Function {
    Function::new(&[Type::String], move |_, args| {
        Ok(Value::from(run(&string(args, 0))))
    })
}

fn safe_function(kind: SafeKind) -> Function {
    Function::new(&[Type::String], move |_, args| {
        Ok(Value::Safe(kind, string(args, 0)))
    })
}

/// `match pattern text`
fn match_function() -> Function {
    Function::new(&[Type::String, Type::String], |scope, args| {
        scope.charge(regexp::COMPILE_STEPS)?;
        let regex = regexp::compile(&string(args, 0))?;
        Ok(Value::Bool(regex.is_match(&string(args, 1))))
    })
}

/// `reReplaceAll pattern replacement text`
fn replace_function() -> Function {
    Function::new(
        &[Type::String, Type::String, Type::String],
        |scope, args| {
            scope.charge(regexp::COMPILE_STEPS)?;
            let regex = regexp::must_compile(&string(args, 0))?;
            let limit = scope.text_bytes_max();
            regexp::replace_all(&regex, &string(args, 2), &string(args, 1), limit)
                .map(Value::from)
                .ok_or_else(|| "the text is too long".to_owned())
        },
    )
}
