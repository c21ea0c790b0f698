//! Go's `fmt`: `Print`, `Println`, `Printf` on template values.

mod float;
mod printf;
mod verbs;

pub(crate) use float::format_float;

use crate::value::{Kind, Value};
use verbs::Flags;

/// The text grew past the limit on what a template may produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Text being built, with its limit. Past the limit nothing is added and `finish` fails.
#[derive(Debug)]
pub(crate) struct Printer {
    out: String,
    limit: usize,
    is_over: bool,
}

impl Printer {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            out: String::new(),
            limit,
            is_over: false,
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        if self.is_over || text.len() > self.limit - self.out.len() {
            self.is_over = true;
        } else {
            self.out.push_str(text);
        }
    }

    fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    /// Whether further work is useless.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) fn finish(self) -> Result<String, TooLong> {
        if self.is_over {
            Err(TooLong)
        } else {
            Ok(self.out)
        }
    }
}

/// Operands in default form; spaces between two operands of which neither is a string.
pub(crate) fn sprint(args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut printer = Printer::new(limit);
    let mut previous_was_string = true;
    for (i, arg) in args.iter().enumerate() {
        let is_string = arg.kind() == Kind::String;
        if i > 0 && !is_string && !previous_was_string {
            printer.push(" ");
        }
        printer.value(arg, 'v', &Flags::default(), 0);
        previous_was_string = is_string;
    }
    printer.finish()
}

/// Operands in default form, always with spaces between, and a newline.
pub(crate) fn sprintln(args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut printer = Printer::new(limit);
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            printer.push(" ");
        }
        printer.value(arg, 'v', &Flags::default(), 0);
    }
    printer.push("\n");
    printer.finish()
}

pub(crate) fn sprintf(format: &str, args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut printer = Printer::new(limit);
    printf::printf(&mut printer, format, args);
    printer.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::value::{List, Map, Type, UintKind};

    fn f(format: &str, args: &[Value]) -> String {
        sprintf(format, args, 10_000).unwrap()
    }

    fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(Type::Any, items).unwrap())
    }

    #[test]
    fn prints_with_gos_spacing() {
        let args = [
            Value::str("a"),
            Value::int(1),
            Value::int(2),
            Value::str("b"),
            Value::str("c"),
            Value::Float(3.5),
            Value::Nil,
            Value::Nil,
            Value::Bool(true),
        ];
        assert_eq!(sprint(&args, 100).unwrap(), "a1 2bc3.5 <nil> <nil> true");
        assert_eq!(sprintln(&args[..2], 100).unwrap(), "a 1\n");
        assert_eq!(sprint(&args, 5), Err(TooLong));
    }

    #[test]
    fn verbs_and_flags() {
        let (a, b, i) = (Value::str("a"), Value::str("b"), Value::int);
        assert_eq!(
            f("%05s|%-5s|%05d|%+d", &[a.clone(), b, i(-3), i(5)]),
            "0000a|b    |-0003|+5"
        );
        assert_eq!(
            f(
                "%x|%X|%#x|% x",
                &[Value::str("hi"), i(255), i(255), Value::str("abc")]
            ),
            "6869|FF|0xff|61 62 63"
        );
        assert_eq!(
            f(
                "%08.3f|%+.2e|%6.2f%%",
                &[3.24159.into(), 12345.678.into(), 99.5.into()]
            ),
            "0003.242|+1.23e+04| 99.50%"
        );
        assert_eq!(
            f(
                "%q|%#q|%+q|%c|%U|%#U|% d",
                &[
                    Value::str("a\"b"),
                    Value::str("ab"),
                    Value::str("é"),
                    i(120),
                    i(120),
                    i(0x2318),
                    i(5)
                ]
            ),
            "\"a\\\"b\"|`ab`|\"\\u00e9\"|x|U+0078|U+2318 '⌘'| 5"
        );
        assert_eq!(
            f(
                "%[2]d %[1]d|%*d|%.*f",
                &[i(1), i(2), i(5), i(42), i(2), 3.24159.into()]
            ),
            "2 1| 5|%!f(int=000000000000000000000000000000000000000002)"
        );
        assert_eq!(
            f(
                "%.3s|%5.1s|%o|%b|%6.3v|%08v",
                &[
                    Value::str("abcdef"),
                    Value::str("xyz"),
                    i(8),
                    i(5),
                    3.24159.into(),
                    i(3)
                ]
            ),
            "abc|    x|10|101|  3.24|00000003"
        );
    }

    #[test]
    fn mistakes_show_in_the_text() {
        let s = Value::str("s");
        assert_eq!(
            f("%d|%s|%t", &[s.clone(), Value::int(3), Value::int(1)]),
            "%!d(string=s)|%!s(int=3)|%!t(int=1)"
        );
        assert_eq!(f("%d", &[]), "%!d(MISSING)");
        assert_eq!(f("x", std::slice::from_ref(&s)), "x%!(EXTRA string=s)");
        assert_eq!(f("%", &[s]), "%!(NOVERB)%!(EXTRA string=s)");
        assert_eq!(
            f(
                "%s|%d|%v|%5t",
                &[Value::Nil, Value::Nil, Value::Nil, Value::Bool(true)]
            ),
            "%!s(<nil>)|%!d(<nil>)|<nil>| true"
        );
    }

    #[test]
    fn composites() {
        let map = Map::new(
            Type::Any,
            BTreeMap::from([("b".into(), Value::int(1)), ("a".into(), Value::Nil)]),
        );
        let map = Value::Map(map.unwrap());
        assert_eq!(
            f("%v %#v", &[map.clone(), map]),
            "map[a:<nil> b:1] map[string]interface {}{\"a\":interface {}(nil), \"b\":1}"
        );
        let items = list(vec![Value::Nil, Value::int(1), Value::str("a"), 1.0.into()]);
        assert_eq!(
            f("%v %#v", &[items.clone(), items]),
            "[<nil> 1 a 1] []interface {}{interface {}(nil), 1, \"a\", 1}"
        );
        assert_eq!(
            f(
                "%s %d %T",
                &[
                    Value::strings(["a", "b"]),
                    list(vec![Value::int(1)]),
                    Value::strings(["a"])
                ]
            ),
            "[a b] [1] []string"
        );
        assert_eq!(
            f(
                "%#v %v",
                &[
                    Value::Uint(3, UintKind::Uint8),
                    Value::Uint(3, UintKind::Uint8)
                ]
            ),
            "0x3 3"
        );
    }
}
