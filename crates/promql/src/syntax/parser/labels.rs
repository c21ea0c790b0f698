//! What stands in braces and in grouping lists: matchers, labels, label names.

use model::format::go_quote;
use model::{Labels, LabelsBuilder, MatchOp, Matcher};

use super::super::ast::{Boundary, DurationArg, VectorSelector};
use super::super::error::ParseErrorKind;
use super::super::lexer::{Kind, Token};
use super::super::literal;
use super::{Parsed, Parser, REGEXES_MAX, Unwind};
use diag::Span;
use model::labels::METRIC_NAME;

const MATCHING: &str = "label matching";
const LABEL_SET: &str = "label set";
const GROUPING: &str = "grouping opts";
const COMMA_OR_BRACE: &str = "\",\" or \"}\"";
const NAME_OR_BRACE: &str = "identifier or \"}\"";

impl Parser<'_> {
    /// `name`, `name{…}` or `{…}`.
    pub(super) fn selector(&mut self) -> Parsed<VectorSelector> {
        loop {
            match self.peek() {
                Kind::LeftBrace => {
                    let (matchers, span) = self.matchers()?;
                    return Ok(new_selector(String::new(), matchers, span));
                }
                kind if kind.is_metric_name() => {
                    let name = self.bump();
                    return self.selector_named(name);
                }
                _ => self.drop_unfit()?,
            }
        }
    }

    /// After the name.
    pub(super) fn selector_named(&mut self, name: Token) -> Parsed<VectorSelector> {
        let text = self.text(name);
        let (mut matchers, span) = match self.peek() {
            Kind::LeftBrace => {
                let (matchers, span) = self.matchers()?;
                (matchers, name.span.join(span))
            }
            _ => (Vec::with_capacity(1), name.span),
        };
        matchers.push(Matcher::equal(METRIC_NAME, text));
        Ok(new_selector(text.to_owned(), matchers, span))
    }

    /// `{a="b", "metric.name", …}`
    fn matchers(&mut self) -> Parsed<(Vec<Matcher>, Span)> {
        let open = self.bump();
        let mut matchers = Vec::new();
        loop {
            // At the start, or after a comma.
            match self.peek() {
                Kind::RightBrace => return Ok((matchers, open.span.join(self.bump().span))),
                Kind::Identifier | Kind::String => {
                    if let Some(matcher) = self.matcher()? {
                        matchers.push(matcher);
                    }
                }
                _ if self.recovers() => {
                    self.drop_unfit()?;
                    continue;
                }
                _ => self.unexpected(MATCHING, NAME_OR_BRACE),
            }
            // After a matcher.
            loop {
                match self.peek() {
                    Kind::Comma => {
                        self.bump();
                        break;
                    }
                    Kind::RightBrace => return Ok((matchers, open.span.join(self.bump().span))),
                    _ if self.recovers() => self.drop_unfit()?,
                    _ => self.unexpected(MATCHING, COMMA_OR_BRACE),
                }
            }
        }
    }

    /// At a name. None if it is wrong, which is then reported.
    fn matcher(&mut self) -> Parsed<Option<Matcher>> {
        let name = self.bump();
        let op = loop {
            match self.peek() {
                Kind::Equal => break MatchOp::Equal,
                Kind::NotEqual => break MatchOp::NotEqual,
                Kind::EqualRegex => break MatchOp::Regex,
                Kind::NotEqualRegex => break MatchOp::NotRegex,
                // A quoted metric name.
                _ if name.kind == Kind::String => {
                    let value = literal::unquote(self.text(name));
                    return Ok(Some(Matcher::equal(METRIC_NAME, value)));
                }
                _ if self.recovers() => self.drop_unfit()?,
                _ => {
                    self.unexpected(MATCHING, "label matching operator");
                    return Ok(None);
                }
            }
        };
        self.bump();
        let Some(value) = self.string_token(MATCHING)? else {
            return Ok(None);
        };
        self.count_regex(op)?;
        let label = self.name_text(name);
        let matcher = Matcher::new(op, label, literal::unquote(self.text(value)));
        match matcher {
            Ok(matcher) => Ok(Some(matcher)),
            Err(error) => {
                let span = Span::new(name.span.start, value.span.end);
                self.syntax_error(span, error.to_string());
                Ok(None)
            }
        }
    }

    fn count_regex(&mut self, op: MatchOp) -> Parsed<()> {
        self.regexes += usize::from(matches!(op, MatchOp::Regex | MatchOp::NotRegex));
        if self.regexes <= REGEXES_MAX {
            return Ok(());
        }
        let message = format!("query has more than {REGEXES_MAX} regular expressions");
        self.report(ParseErrorKind::Limit, self.latest.span, message);
        Err(Unwind::Abort)
    }

    fn string_token(&mut self, context: &str) -> Parsed<Option<Token>> {
        loop {
            match self.peek() {
                Kind::String => return Ok(Some(self.bump())),
                _ if self.recovers() => self.drop_unfit()?,
                _ => {
                    self.unexpected(context, "string");
                    return Ok(None);
                }
            }
        }
    }

    fn name_text(&self, name: Token) -> String {
        match name.kind {
            Kind::String => literal::unquote(self.text(name)),
            _ => self.text(name).to_owned(),
        }
    }

    /// A series: `name{a="b"}`, `name`, `{a="b"}`, or nothing at all.
    pub(super) fn metric(&mut self) -> Parsed<Labels> {
        let mut builder = LabelsBuilder::new();
        let name = match self.peek() {
            kind if kind.is_metric_name() => Some(self.bump()),
            _ => None,
        };
        if self.peek() == Kind::LeftBrace {
            self.label_set(&mut builder)?;
        }
        if let Some(name) = name {
            builder.set(METRIC_NAME, self.text(name));
        }
        Ok(builder.build())
    }

    /// `{a="b", …}`
    fn label_set(&mut self, builder: &mut LabelsBuilder) -> Parsed<()> {
        self.bump();
        loop {
            match self.peek() {
                Kind::RightBrace => {
                    self.bump();
                    return Ok(());
                }
                Kind::Identifier | Kind::String => self.label(builder)?,
                _ if self.recovers() => {
                    self.drop_unfit()?;
                    continue;
                }
                _ => self.unexpected(LABEL_SET, NAME_OR_BRACE),
            }
            loop {
                match self.peek() {
                    Kind::Comma => {
                        self.bump();
                        break;
                    }
                    Kind::RightBrace => {
                        self.bump();
                        return Ok(());
                    }
                    _ if self.recovers() => self.drop_unfit()?,
                    _ => self.unexpected(LABEL_SET, COMMA_OR_BRACE),
                }
            }
        }
    }

    fn label(&mut self, builder: &mut LabelsBuilder) -> Parsed<()> {
        let name = self.bump();
        loop {
            match self.peek() {
                Kind::Equal => break,
                // A quoted metric name.
                _ if name.kind == Kind::String => {
                    builder.set(METRIC_NAME, literal::unquote(self.text(name)));
                    return Ok(());
                }
                _ if self.recovers() => self.drop_unfit()?,
                _ => {
                    self.unexpected(LABEL_SET, "\"=\"");
                    return Ok(());
                }
            }
        }
        self.bump();
        if let Some(value) = self.string_token(LABEL_SET)? {
            let value = literal::unquote(self.text(value));
            builder.set(self.name_text(name), value);
        }
        Ok(())
    }

    /// `(a, "b.c")`
    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        loop {
            match self.peek() {
                Kind::LeftParen => break,
                _ if self.recovers() => self.drop_unfit()?,
                _ => {
                    self.unexpected(GROUPING, "\"(\"");
                    return Ok(Vec::new());
                }
            }
        }
        self.bump();
        let mut names = Vec::new();
        loop {
            match self.peek() {
                Kind::RightParen => {
                    self.bump();
                    return Ok(names);
                }
                kind if kind == Kind::String || kind.is_grouping_label() => {
                    let token = self.bump();
                    let name = self.name_text(token);
                    if name.is_empty() {
                        let message =
                            format!("invalid label name for grouping: {}", go_quote(&name));
                        self.syntax_error(token.span, message);
                    }
                    names.push(name);
                }
                _ if self.recovers() => {
                    self.drop_unfit()?;
                    continue;
                }
                _ => self.unexpected(GROUPING, "label"),
            }
            loop {
                match self.peek() {
                    Kind::Comma => {
                        self.bump();
                        break;
                    }
                    Kind::RightParen => {
                        self.bump();
                        return Ok(names);
                    }
                    _ if self.recovers() => self.drop_unfit()?,
                    _ => self.unexpected(GROUPING, "\",\" or \")\""),
                }
            }
        }
    }

    /// After `group_left`: labels, or directly what follows.
    pub(super) fn optional_grouping_labels(&mut self) -> Parsed<Vec<String>> {
        match self.peek() {
            Kind::LeftParen => self.grouping_labels(),
            kind if kind.starts_expression() => Ok(Vec::new()),
            _ => self.grouping_labels(),
        }
    }
}

fn new_selector(name: String, matchers: Vec<Matcher>, span: Span) -> VectorSelector {
    VectorSelector {
        name,
        matchers,
        offset: DurationArg::ZERO,
        at: None,
        boundary: Boundary::Plain,
        span,
    }
}
