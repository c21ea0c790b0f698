//! The format string: flags, width, precision, argument numbers.

use super::Printer;
use super::verbs::Flags;
use crate::value::Value;

/// Wider or more precise than this is a mistake.
const NUMBER_MAX: usize = 1_000_000;

struct Arguments<'a> {
    args: &'a [Value],
    next: usize,
    /// `%[n]` was used somewhere: then left-over arguments are not reported.
    is_reordered: bool,
    is_good: bool,
}

pub(super) fn printf(printer: &mut Printer, format: &str, args: &[Value]) {
    let mut arguments = Arguments {
        args,
        next: 0,
        is_reordered: false,
        is_good: true,
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (text, directive) = rest.split_at(at);
        printer.push(text);
        rest = verb(printer, directive.get(1..).unwrap_or(""), &mut arguments);
        if printer.is_over() {
            return;
        }
    }
    printer.push(rest);
    if !arguments.is_reordered && arguments.next < args.len() {
        extra(printer, args.get(arguments.next..).unwrap_or(&[]));
    }
}

fn extra(printer: &mut Printer, args: &[Value]) {
    printer.push("%!(EXTRA ");
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            printer.push(", ");
        }
        if matches!(arg, Value::Nil) {
            printer.push("<nil>");
        } else {
            printer.push(&arg.type_name());
            printer.push("=");
            printer.value(arg, 'v', &Flags::default(), 0);
        }
    }
    printer.push(")");
}

/// One directive without its `%`; gives the text after it.
fn verb<'f>(printer: &mut Printer, directive: &'f str, arguments: &mut Arguments<'_>) -> &'f str {
    let mut flags = Flags::default();
    let mut rest = directive;
    while let Some(c) = rest.chars().next() {
        match c {
            '#' => flags.sharp = true,
            '0' => flags.zero = true,
            '+' => flags.plus = true,
            '-' => flags.minus = true,
            ' ' => flags.space = true,
            _ => break,
        }
        rest = rest.get(1..).unwrap_or("");
    }
    let mut after_index;
    (rest, after_index) = arguments.number(rest);
    if let Some(tail) = rest.strip_prefix('*') {
        rest = tail;
        match arguments.star() {
            Some(width) => {
                flags.minus |= width < 0;
                flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
            None => printer.push("%!(BADWIDTH)"),
        }
        after_index = false;
    } else {
        let (width, tail) = digits(rest);
        flags.width = width;
        if after_index && width.is_some() {
            arguments.is_good = false;
        }
        rest = tail;
    }
    if let Some(tail) = rest.strip_prefix('.') {
        if after_index {
            arguments.is_good = false;
        }
        (rest, after_index) = arguments.number(tail);
        if let Some(tail) = rest.strip_prefix('*') {
            rest = tail;
            match arguments.star() {
                Some(precision) => flags.precision = usize::try_from(precision).ok(),
                None => printer.push("%!(BADPREC)"),
            }
            after_index = false;
        } else {
            let (precision, tail) = digits(rest);
            flags.precision = Some(precision.unwrap_or(0));
            rest = tail;
        }
    }
    if !after_index {
        (rest, _) = arguments.number(rest);
    }
    let Some(verb) = rest.chars().next() else {
        printer.push("%!(NOVERB)");
        return "";
    };
    rest = rest.get(verb.len_utf8()..).unwrap_or("");
    let is_good = std::mem::replace(&mut arguments.is_good, true);
    if verb == '%' {
        printer.push("%");
    } else if !is_good {
        printer.push(&format!("%!{verb}(BADINDEX)"));
    } else if let Some(arg) = arguments.args.get(arguments.next) {
        arguments.next += 1;
        if flags.minus {
            flags.zero = false;
        }
        if verb == 'v' {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        printer.value(arg, verb, &flags, 0);
    } else {
        printer.push(&format!("%!{verb}(MISSING)"));
    }
    rest
}

impl Arguments<'_> {
    /// `[n]`: the next argument is the n-th. Says whether there was one.
    fn number<'f>(&mut self, rest: &'f str) -> (&'f str, bool) {
        let Some(inner) = rest.strip_prefix('[') else {
            return (rest, false);
        };
        self.is_reordered = true;
        let Some((number, tail)) = inner.split_once(']') else {
            self.is_good = false;
            return (inner, false);
        };
        match number.parse::<usize>() {
            Ok(number) if (1..=self.args.len()).contains(&number) => {
                self.next = number - 1;
                (tail, true)
            }
            _ => {
                self.is_good = false;
                (tail, true)
            }
        }
    }

    /// An integer argument for `*`.
    fn star(&mut self) -> Option<i64> {
        let value = match self.args.get(self.next)? {
            Value::Int(value, _) => Some(*value),
            Value::Uint(value, _) => i64::try_from(*value).ok(),
            _ => None,
        };
        self.next += 1;
        value.filter(|value| value.unsigned_abs() <= NUMBER_MAX as u64)
    }
}

/// Leading digits as a number; none if there are none or it is too large.
fn digits(rest: &str) -> (Option<usize>, &str) {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, tail) = rest.split_at(length);
    (
        number.parse().ok().filter(|number| *number <= NUMBER_MAX),
        tail,
    )
}
