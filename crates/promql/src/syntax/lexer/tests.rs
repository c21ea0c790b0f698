//! What the lexer makes of query texts: tokens, or the first error.

use super::*;

/// The texts of all tokens, and the error message if there is one.
fn tokens(input: &str) -> (Vec<String>, Option<String>) {
    let mut lexer = Lexer::new(input);
    let mut texts = Vec::new();
    loop {
        let token = lexer.next_token();
        match token.kind {
            Kind::Eof => return (texts, None),
            Kind::Error => return (texts, Some(lexer.error().1.to_owned())),
            _ => texts.push(lexer.text(token.span).to_owned()),
        }
    }
}

#[test]
fn splits_a_query() {
    let (texts, error) = tokens("sum by(a)(rate(x{b=~\"c\\\"\"}[5m:1m]))>=1e-3 # why");
    assert_eq!(error, None);
    let expected = [
        "sum",
        "by",
        "(",
        "a",
        ")",
        "(",
        "rate",
        "(",
        "x",
        "{",
        "b",
        "=~",
        "\"c\\\"\"",
        "}",
        "[",
        "5m",
        ":",
        "1m",
        "]",
        ")",
        ")",
        ">=",
        "1e-3",
        "# why",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn messages() {
    for (input, message) in [
        ("x !", "unexpected character after '!': '\u{fffd}'"),
        ("x{a'", "unterminated quoted string"),
        ("'\\'", "unterminated quoted string"),
        ("'\\", "escape sequence not terminated"),
        (
            "'\\ud800'",
            "escape sequence is an invalid Unicode code point",
        ),
        ("x[5m", "unclosed left bracket"),
        (
            "x[:5m]",
            "unexpected colon before duration in duration expression",
        ),
        ("x[5m:5m:", "unexpected colon ':'"),
        ("1_", "bad number or duration syntax: \"1_\""),
        ("0x1.5", "bad number or duration syntax: \"0x1.\""),
        ("ä", "unexpected character: 'ä'"),
    ] {
        assert_eq!(tokens(input).1.as_deref(), Some(message), "{input}");
    }
}

#[test]
fn fill_is_a_name_unless_called() {
    let kinds = |input| Lexer::new(input).next_token().kind;
    assert_eq!(kinds("fill + 1"), Kind::Identifier);
    assert_eq!(kinds("fill \n (1)"), Kind::Fill);
    assert_eq!(kinds("FILL_left(1)"), Kind::FillLeft);
}
