//! Contextual escaping: every action of an HTML template gets the escapers of the place its value appears
//! in.
//!
//! The analysis follows the markup through all templates that the executed one calls; a template called in
//! another context than plain text gets a copy for that context. The escapers are ordinary functions,
//! appended to the pipelines.

mod analysis;
mod attr;
mod context;
mod css;
mod entities;
mod js;
mod markup;
mod pipeline;
mod scan;
mod stringify;
mod text;
mod transition;
mod url;

pub(crate) use analysis::escape;

use crate::builtins;
use crate::format::sprint;
use crate::function::{Function, FunctionTable};
use crate::value::{Type, Value};
use stringify::{Content, stringify};

/// Stands for a value that cannot be made safe.
const FAILSAFE: &str = "ZgotmplZ";

/// An escaper as the analysis names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escaper {
    Attr,
    Comment,
    Css,
    CssValue,
    Html,
    HtmlName,
    JsRegexp,
    JsString,
    JsTemplate,
    JsValue,
    Nospace,
    RcData,
    Srcset,
    Url,
    UrlFilter,
    UrlNormalizer,
}

const ESCAPERS: [Escaper; 16] = [
    Escaper::Attr,
    Escaper::Comment,
    Escaper::Css,
    Escaper::CssValue,
    Escaper::Html,
    Escaper::HtmlName,
    Escaper::JsRegexp,
    Escaper::JsString,
    Escaper::JsTemplate,
    Escaper::JsValue,
    Escaper::Nospace,
    Escaper::RcData,
    Escaper::Srcset,
    Escaper::Url,
    Escaper::UrlFilter,
    Escaper::UrlNormalizer,
];

/// Joins the arguments of a pipeline that ended in a predefined escaper with several arguments.
const JOIN_ARGUMENTS: &str = "_eval_args_";

impl Escaper {
    /// No template can spell these: they are not in the table that parsing checks.
    fn function_name(self) -> &'static str {
        match self {
            Self::Attr => "_html_template_attrescaper",
            Self::Comment => "_html_template_commentescaper",
            Self::Css => "_html_template_cssescaper",
            Self::CssValue => "_html_template_cssvaluefilter",
            Self::Html => "_html_template_htmlescaper",
            Self::HtmlName => "_html_template_htmlnamefilter",
            Self::JsRegexp => "_html_template_jsregexpescaper",
            Self::JsString => "_html_template_jsstrescaper",
            Self::JsTemplate => "_html_template_jstmpllitescaper",
            Self::JsValue => "_html_template_jsvalescaper",
            Self::Nospace => "_html_template_nospaceescaper",
            Self::RcData => "_html_template_rcdataescaper",
            Self::Srcset => "_html_template_srcsetescaper",
            Self::Url => "_html_template_urlescaper",
            Self::UrlFilter => "_html_template_urlfilter",
            Self::UrlNormalizer => "_html_template_urlnormalizer",
        }
    }

    fn run(self) -> fn(&Content) -> String {
        match self {
            Self::Attr => markup::attr_escaper,
            Self::Comment => |_| String::new(),
            Self::Css => css::string_escaper,
            Self::CssValue => css::value_filter,
            Self::Html => markup::text_escaper,
            Self::HtmlName => markup::name_filter,
            Self::JsRegexp => js::regexp_escaper,
            Self::JsString | Self::JsValue => js::string_escaper,
            Self::JsTemplate => js::template_escaper,
            Self::Nospace => markup::nospace_escaper,
            Self::RcData => markup::rcdata_escaper,
            Self::Srcset => url::srcset_escaper,
            Self::Url => url::escaper,
            Self::UrlFilter => url::filter,
            Self::UrlNormalizer => url::normalizer,
        }
    }

    fn function(self) -> Function {
        let any = &[Type::Any];
        if self == Self::JsValue {
            return Function::variadic(any, |scope, args| {
                js::value_escaper(args, scope.text_bytes_max()).map(Value::from)
            });
        }
        let run = self.run();
        Function::variadic(any, move |scope, args| {
            let content = stringify(args, scope.text_bytes_max());
            builtins::text(content.map(|content| run(&content)))
        })
    }
}

/// The functions that escaped templates call, on top of their own.
pub(crate) fn with_escapers(functions: &FunctionTable) -> FunctionTable {
    let mut table = functions.clone();
    for escaper in ESCAPERS {
        table.insert(escaper.function_name(), escaper.function());
    }
    let join = Function::variadic(&[Type::Any], |scope, args| {
        if let [Value::Str(text)] = args {
            return Ok(Value::Str(text.clone()));
        }
        builtins::text(sprint(args, scope.text_bytes_max()))
    });
    table.insert(JOIN_ARGUMENTS, join);
    table
}
