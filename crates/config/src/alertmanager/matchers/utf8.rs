//! The UTF-8 syntax: any name in quotes, values with Go's escapes.

use model::{MatchOp, Matcher};

use super::lexer::{Kind, Lexer, Token};
use super::new_matcher;

const NO_NAME: &str = "expected label name";
const NO_OPERATOR: &str = "expected an operator such as '=', '!=', '=~' or '!~'";
const NO_VALUE: &str = "expected label value";
const NO_COMMA: &str = "expected a comma or close brace";
const NO_CLOSE_BRACE: &str = "expected close brace";
const NO_OPEN_BRACE: &str = "expected opening brace";

pub(super) fn parse_list(text: &str) -> Result<Vec<Matcher>, String> {
    let mut lexer = Lexer::new(text);
    let mut matchers = Vec::new();
    let first = lexer.peek()?;
    if first.kind == Kind::End {
        return Ok(matchers);
    }
    let is_braced = first.kind == Kind::OpenBrace;
    if is_braced {
        lexer.scan()?;
    }
    let next = lexer.peek()?;
    if next.kind == Kind::End {
        return Err(format!(
            "0:{}: end of input: {NO_CLOSE_BRACE}",
            lexer.column()
        ));
    }
    if next.kind != Kind::CloseBrace {
        list(&mut lexer, &mut matchers)?;
    }
    close(&mut lexer, is_braced)?;
    let last = lexer.scan()?;
    if last.kind != Kind::End {
        return Err(format!(
            "{}:{}: {}: expected end of input",
            last.start, last.end, last.text
        ));
    }
    Ok(matchers)
}

fn list(lexer: &mut Lexer, matchers: &mut Vec<Matcher>) -> Result<(), String> {
    loop {
        matchers.push(matcher(lexer)?);
        let next = lexer
            .peek()
            .map_err(|problem| format!("{problem}: {NO_COMMA}"))?;
        match next.kind {
            Kind::Comma => {}
            Kind::End | Kind::CloseBrace => return Ok(()),
            _ => return Err(format!("{}: {NO_COMMA}", unexpected(&next))),
        }
        lexer.scan()?;
        const NO_MATCHER: &str = "expected a matcher or close brace after comma";
        let next = lexer
            .peek()
            .map_err(|problem| format!("{problem}: {NO_MATCHER}"))?;
        match next.kind {
            Kind::End | Kind::CloseBrace => return Ok(()),
            Kind::Quoted | Kind::Unquoted => {}
            _ => return Err(format!("{}: {NO_MATCHER}", unexpected(&next))),
        }
    }
}

fn close(lexer: &mut Lexer, is_braced: bool) -> Result<(), String> {
    let next = lexer.peek();
    if !is_braced {
        if next.is_ok_and(|token| token.kind == Kind::CloseBrace) {
            lexer.scan()?;
            return Err(format!("0:{}: }}: {NO_OPEN_BRACE}", lexer.column()));
        }
        return Ok(());
    }
    let token = lexer.scan();
    let problem = match token {
        Ok(token) if token.kind == Kind::CloseBrace => return Ok(()),
        Ok(token) => unexpected(&token),
        Err(problem) => problem,
    };
    Err(format!("0:{}: {problem}: {NO_CLOSE_BRACE}", lexer.column()))
}

fn matcher(lexer: &mut Lexer) -> Result<Matcher, String> {
    let name = text(lexer, NO_NAME)?;
    let token = lexer
        .scan()
        .map_err(|problem| format!("{problem}: {NO_OPERATOR}"))?;
    let Kind::Operator(op) = token.kind else {
        return Err(format!("{}: {NO_OPERATOR}", unexpected(&token)));
    };
    let value = text(lexer, NO_VALUE)?;
    create(op, &name, &value)
}

fn create(op: MatchOp, name: &str, value: &str) -> Result<Matcher, String> {
    new_matcher(op, name, value).map_err(|problem| format!("failed to create matcher: {problem}"))
}

/// A name or a value.
fn text(lexer: &mut Lexer, missing: &str) -> Result<String, String> {
    let token = lexer
        .scan()
        .map_err(|problem| format!("{problem}: {missing}"))?;
    match token.kind {
        Kind::Unquoted => Ok(token.text),
        Kind::Quoted => unquote(&token.text).ok_or_else(|| {
            format!(
                "{}:{}: {}: invalid input",
                token.start, token.end, token.text
            )
        }),
        _ => Err(format!("{}: {missing}", unexpected(&token))),
    }
}

fn unexpected(token: &Token) -> String {
    match token.kind {
        Kind::End => "end of input".to_owned(),
        _ => format!("{}:{}: unexpected {}", token.start, token.end, token.text),
    }
}

/// The text of a string literal in Go's syntax; `None` if it is not one, or not UTF-8.
fn unquote(literal: &str) -> Option<String> {
    let body = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c == '\n' || c == '"' {
            return None;
        }
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let digits = |count: usize, radix: u32, chars: &mut std::str::Chars<'_>| {
            let text: String = chars.by_ref().take(count).collect();
            let is_complete =
                text.chars().count() == count && text.chars().all(|c| c.is_digit(radix));
            if is_complete {
                u32::from_str_radix(&text, radix).ok()
            } else {
                None
            }
        };
        match chars.next()? {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            '\\' => bytes.push(b'\\'),
            '"' => bytes.push(b'"'),
            'x' => bytes.push(u8::try_from(digits(2, 16, &mut chars)?).ok()?),
            sign @ ('u' | 'U') => {
                let count = if sign == 'u' { 4 } else { 8 };
                let c = char::from_u32(digits(count, 16, &mut chars)?)?;
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
            first @ '0'..='7' => {
                let rest = digits(2, 8, &mut chars)?;
                bytes.push(u8::try_from(first.to_digit(8)? * 64 + rest).ok()?);
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}
