//! The part of the Common Expression Language that validation rules of the operator's custom resources
//! use: fields, `has`, comparisons, `&&`, `||`, `!`, list literals, `filter` and `size`.

use crate::tree::Tree;

/// How deep expressions may nest.
const DEPTH_MAX: usize = 32;
/// How many operands may be looked at, counted through `filter`.
const STEPS_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
enum Token<'t> {
    Name(&'t str),
    Text(&'t str),
    Number(i64),
    Symbol(&'static str),
}

#[derive(Clone, Debug)]
enum Value<'t> {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Value<'t>>),
    Tree(Tree<'t>),
}

/// Whether the rule holds for `object`. `None` if it cannot be evaluated: unknown syntax, or a field that
/// is not there.
pub(crate) fn holds(rule: &str, object: Tree<'_>) -> Option<bool> {
    let tokens = tokens(rule)?;
    let mut evaluation = Evaluation {
        tokens: &tokens,
        at: 0,
        object,
        variable: None,
        depth: 0,
        steps: 0,
    };
    let value = evaluation.or();
    if evaluation.at < tokens.len() {
        return None;
    }
    as_bool(value)
}

const SYMBOLS: [&str; 15] = [
    "&&", "||", "==", "!=", ">=", "<=", ">", "<", "!", "(", ")", "[", "]", ",", ".",
];

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut rest = text.trim_start();
    let mut out = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol))
        {
            out.push(Token::Symbol(symbol));
            symbol.len()
        } else if first == '\'' || first == '"' {
            let end = rest.get(1..)?.find(first)?;
            out.push(Token::Text(rest.get(1..=end)?));
            end + 2
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            out.push(Token::Number(rest.get(..end)?.parse().ok()?));
            end
        } else if first.is_ascii_alphabetic() || first == '_' {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            out.push(Token::Name(rest.get(..end)?));
            end
        } else {
            return None;
        };
        rest = rest.get(length..)?.trim_start();
    }
    Some(out)
}

/// Evaluates while it reads; an operand that cannot be evaluated is `None` and may still be decided by
/// the other side.
struct Evaluation<'t, 's> {
    tokens: &'s [Token<'s>],
    at: usize,
    object: Tree<'t>,
    /// Name and value of the variable of `filter`.
    variable: Option<(&'s str, Value<'t>)>,
    depth: usize,
    steps: usize,
}

impl<'t, 's> Evaluation<'t, 's> {
    fn takes(&mut self, symbol: &str) -> bool {
        let is_next =
            matches!(self.tokens.get(self.at), Some(Token::Symbol(next)) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self) -> Option<Value<'t>> {
        let mut left = self.and();
        while self.takes("||") {
            let right = as_bool(self.and());
            left = match (as_bool(left), right) {
                (Some(true), _) | (_, Some(true)) => Some(Value::Bool(true)),
                (Some(false), Some(false)) => Some(Value::Bool(false)),
                _ => None,
            };
        }
        left
    }

    fn and(&mut self) -> Option<Value<'t>> {
        let mut left = self.comparison();
        while self.takes("&&") {
            let right = as_bool(self.comparison());
            left = match (as_bool(left), right) {
                (Some(false), _) | (_, Some(false)) => Some(Value::Bool(false)),
                (Some(true), Some(true)) => Some(Value::Bool(true)),
                _ => None,
            };
        }
        left
    }

    fn comparison(&mut self) -> Option<Value<'t>> {
        let left = self.unary();
        let operators = ["==", "!=", ">=", "<=", ">", "<"];
        let Some(operator) = operators.into_iter().find(|operator| self.takes(operator)) else {
            return left;
        };
        let right = self.unary();
        let (left, right) = (left?, right?);
        let order = match (as_int(&left), as_int(&right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => as_text(&left)?.cmp(&as_text(&right)?),
        };
        Some(Value::Bool(match operator {
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            ">=" => order.is_ge(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_lt(),
        }))
    }

    fn unary(&mut self) -> Option<Value<'t>> {
        self.depth += 1;
        let value = if self.depth > DEPTH_MAX {
            self.at = self.tokens.len() + 1;
            None
        } else if self.takes("!") {
            as_bool(self.unary()).map(|value| Value::Bool(!value))
        } else {
            self.postfix()
        };
        self.depth -= 1;
        value
    }

    fn postfix(&mut self) -> Option<Value<'t>> {
        let mut value = self.primary();
        while self.takes(".") {
            let Some(Token::Name(name)) = self.tokens.get(self.at) else {
                return self.give_up();
            };
            self.at += 1;
            if !self.takes("(") {
                value = match value {
                    Some(Value::Tree(tree)) => child(tree.at(name)),
                    _ => None,
                };
                continue;
            }
            value = match *name {
                "size" if self.takes(")") => size(value),
                "filter" => self.filter(value),
                _ => return self.give_up(),
            };
        }
        value
    }

    /// Behind `filter(`: a variable, a comma, a condition, a parenthesis.
    fn filter(&mut self, list: Option<Value<'t>>) -> Option<Value<'t>> {
        let Some(Token::Name(name)) = self.tokens.get(self.at) else {
            return self.give_up();
        };
        self.at += 1;
        if !self.takes(",") {
            return self.give_up();
        }
        let start = self.at;
        let Some(Value::List(items)) = list else {
            return self.give_up();
        };
        let mut kept = Some(Vec::new());
        for item in items {
            self.at = start;
            self.variable = Some((name, item.clone()));
            match as_bool(self.or()) {
                Some(true) => kept.iter_mut().for_each(|kept| kept.push(item.clone())),
                Some(false) => {}
                None => kept = None,
            }
        }
        self.variable = None;
        if !self.takes(")") {
            return self.give_up();
        }
        kept.map(Value::List)
    }

    fn primary(&mut self) -> Option<Value<'t>> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return self.give_up();
        }
        match token {
            Token::Text(text) => Some(Value::Text((*text).to_owned())),
            Token::Number(number) => Some(Value::Int(*number)),
            Token::Symbol("(") => {
                let value = self.or();
                if self.takes(")") {
                    value
                } else {
                    self.give_up()
                }
            }
            Token::Symbol("[") => {
                let mut items = Vec::new();
                while !self.takes("]") {
                    items.push(self.or()?);
                    if !self.takes(",") && self.tokens.get(self.at) != Some(&Token::Symbol("]")) {
                        return self.give_up();
                    }
                }
                Some(Value::List(items))
            }
            Token::Name("true") => Some(Value::Bool(true)),
            Token::Name("false") => Some(Value::Bool(false)),
            Token::Name("self") => Some(Value::Tree(self.object)),
            Token::Name("has") if self.takes("(") => {
                let is_there = self.or().is_some();
                if self.takes(")") {
                    Some(Value::Bool(is_there))
                } else {
                    self.give_up()
                }
            }
            Token::Name(name) => match &self.variable {
                Some((variable, value)) if variable == name => Some(value.clone()),
                _ => self.give_up(),
            },
            Token::Symbol(_) => self.give_up(),
        }
    }

    /// Unknown syntax: nothing behind it can be read.
    fn give_up(&mut self) -> Option<Value<'t>> {
        self.at = self.tokens.len() + 1;
        None
    }
}

fn child(tree: Tree<'_>) -> Option<Value<'_>> {
    tree.is_set().then_some(Value::Tree(tree))
}

fn size<'t>(value: Option<Value<'t>>) -> Option<Value<'t>> {
    let size = match value? {
        Value::List(items) => items.len(),
        Value::Text(text) => text.chars().count(),
        Value::Tree(tree) if tree.is_sequence() => tree.items().len(),
        Value::Tree(tree) if tree.is_mapping() => tree.entries().len(),
        Value::Tree(tree) => tree.text()?.chars().count(),
        _ => return None,
    };
    i64::try_from(size).ok().map(Value::Int)
}

fn as_bool(value: Option<Value<'_>>) -> Option<bool> {
    match value? {
        Value::Bool(value) => Some(value),
        Value::Tree(tree) => tree.flag(),
        _ => None,
    }
}

fn as_int(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Tree(tree) => tree.int(),
        _ => None,
    }
}

fn as_text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Tree(tree) => tree.text().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use diag::{Diagnostics, Source};

    use super::*;

    #[test]
    fn rules_of_the_operator_are_evaluated() {
        let source = Source::new(
            "object",
            "{mode: DaemonSet, shards: 2, auth: {basic: x}, zones: [a, b, c]}",
        );
        let node = yaml::parse(&source, &mut Diagnostics::new()).unwrap();
        let check = |rule: &str| holds(rule, Tree::of(&node));
        assert_eq!(
            check("!(has(self.mode) && self.mode == 'DaemonSet' && has(self.replicas))"),
            Some(true)
        );
        assert_eq!(
            check("!(has(self.mode) && self.mode == 'DaemonSet' && has(self.shards))"),
            Some(false)
        );
        assert_eq!(
            check("!has(self.a) || !has(self.a.b) || self.a.b != 'x'"),
            Some(true)
        );
        assert_eq!(check("self.shards >= self.zones.size()"), Some(false));
        assert_eq!(
            check("[has(self.auth.basic), has(self.mode), has(self.x)].filter(x, x).size() <= 1"),
            Some(false)
        );
        assert_eq!(check("self.unknown == 'x'"), None);
        assert_eq!(check("self.mode.matches('x')"), None);
        assert_eq!(check(&"(".repeat(1000)), None);
    }
}
