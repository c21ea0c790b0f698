//! The Prometheus text format, 0.0.4 and 1.0.0 (quoted names).

use model::sample::NORMAL_NAN;
use model::{Labels, MetricType, Timestamp};

use crate::error::{LabelsError, ParseError};
use crate::exposition::{Entry, Expected, Options, SeriesEntry, Step};
use crate::float::parse_float;
use crate::quote::quote_bytes;
use crate::text::cursor::{Utf8, lossy, unquoted};
use crate::text::labels::{LabelsContext, series_labels, unescape_text};
use crate::text::list::{Commas, Lex, ListOf, ListRules, check_list};
use crate::text::prometheus_lexer::{Lexer, State};
use crate::text::token::Token;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Series,
    Type,
    Help,
    Comment,
}

/// A cursor over a page.
#[derive(Debug)]
pub(crate) struct PrometheusText<'a> {
    lexer: Lexer<'a>,
    utf8: Utf8,
    /// Where the current entry starts.
    entry: usize,
    kind: Kind,
    /// Of a `HELP` or `TYPE` line.
    name: &'a [u8],
    text: &'a [u8],
    raw: &'a [u8],
    value: f64,
    time: Option<Timestamp>,
    /// Of the last `TYPE` line, also for series of other names, as in the peer.
    metric_type: MetricType,
    type_and_unit_labels: bool,
}

impl<'a> PrometheusText<'a> {
    pub(crate) fn new(body: &'a [u8], options: &Options) -> Self {
        Self {
            lexer: Lexer::new(body),
            utf8: check_utf8(body),
            entry: 0,
            kind: Kind::Comment,
            name: &[],
            text: &[],
            raw: &[],
            value: 0.0,
            time: None,
            metric_type: MetricType::Unknown,
            type_and_unit_labels: options.type_and_unit_labels,
        }
    }

    /// Moves to the next entry. If it is a series whose raw bytes are `expected`, they are not looked
    /// into again. `raw` is that of the last series that was given, until the next one is.
    #[inline]
    pub(crate) fn advance(&mut self, expected: Option<Expected<'_>>) -> Result<Step, ParseError> {
        self.entry = self.lexer.cursor.at;
        if let Some(expected) = expected
            && self.recognise(expected)
        {
            let token = self.lexer.next();
            self.series_suffix(token)?;
            return Ok(Step::Expected);
        }
        self.advance_parsing()
    }

    /// Whether the line starts with these series bytes and ends its series part there.
    #[inline]
    fn recognise(&mut self, expected: Expected<'_>) -> bool {
        let cursor = &mut self.lexer.cursor;
        let rest = cursor.body.get(cursor.at..).unwrap_or_default();
        let Some(length) = expected.length_in(rest, self.raw) else {
            return false;
        };
        let tail = rest.get(length..).unwrap_or_default();
        // Another blank could be followed by the braces of a longer series; that is left to the parser.
        if !matches!(tail, [b' ', next, ..] if !matches!(next, b' ' | b'\t' | b'{')) {
            return false;
        }
        let start = cursor.at;
        cursor.at += length;
        self.raw = cursor.slice(start, cursor.at);
        self.lexer.state = State::Value;
        true
    }

    fn advance_parsing(&mut self) -> Result<Step, ParseError> {
        loop {
            self.entry = self.lexer.cursor.at;
            let token = self.lexer.next();
            match token {
                Token::Eof => return Ok(Step::End),
                Token::Linebreak => continue,
                Token::Help | Token::Type => self.metadata(token)?,
                Token::Comment => {
                    self.text = self.lexer.cursor.token();
                    self.end_of_line("linebreak expected after comment")?;
                    self.kind = Kind::Comment;
                }
                Token::BraceOpen => {
                    let start = self.lexer.cursor.start;
                    let has_name = self.list(ListOf::UnnamedSeries)?;
                    self.raw = self.lexer.cursor.slice(start, self.lexer.cursor.at);
                    let token = self.lexer.next();
                    if !has_name {
                        return Err(self.lexer.cursor.wrong(self.entry, "metric name not set"));
                    }
                    self.series_suffix(token)?;
                }
                Token::MetricName => {
                    let start = self.lexer.cursor.start;
                    self.raw = self.lexer.cursor.token();
                    let mut token = self.lexer.next();
                    if token == Token::BraceOpen {
                        self.list(ListOf::NamedSeries)?;
                        self.raw = self.lexer.cursor.slice(start, self.lexer.cursor.at);
                        token = self.lexer.next();
                    }
                    self.series_suffix(token)?;
                }
                _ => return Err(self.unexpected("expected a valid start token", token)),
            }
            return Ok(Step::Entry);
        }
    }

    fn list(&mut self, of: ListOf) -> Result<bool, ParseError> {
        let rules = ListRules {
            of,
            commas: Commas::Optional,
            utf8: self.utf8,
        };
        check_list(&mut self.lexer, self.entry, rules)
    }

    #[cold]
    fn unexpected(&self, wanted: &str, got: Token) -> ParseError {
        self.lexer.cursor.unexpected(self.entry, wanted, got)
    }

    fn end_of_line(&mut self, wanted: &str) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            token => Err(self.unexpected(wanted, token)),
        }
    }

    fn metadata(&mut self, keyword: Token) -> Result<(), ParseError> {
        let token = self.lexer.next();
        if token != Token::MetricName {
            let wanted = format!("expected metric name after {}", keyword.as_str());
            return Err(self.unexpected(&wanted, token));
        }
        self.name = unquoted(self.lexer.cursor.token());
        let token = self.lexer.next();
        if token != Token::Text {
            let message = format!(
                "expected text in {}, got {}",
                keyword.as_str(),
                token.as_str()
            );
            return Err(self.lexer.cursor.error(self.entry, message));
        }
        self.text = self.lexer.cursor.token().get(1..).unwrap_or_default();
        if keyword == Token::Type {
            self.metric_type = match self.text {
                b"counter" => MetricType::Counter,
                b"gauge" => MetricType::Gauge,
                b"histogram" => MetricType::Histogram,
                b"summary" => MetricType::Summary,
                b"untyped" => MetricType::Unknown,
                other => {
                    let message = format!("invalid metric type {}", quote_bytes(other));
                    return Err(self.lexer.cursor.error(self.entry, message));
                }
            };
            self.kind = Kind::Type;
        } else {
            if self.utf8 == Utf8::Unchecked && std::str::from_utf8(self.text).is_err() {
                let text = quote_bytes(self.text);
                let message = format!("help text {text} is not a valid utf8 string");
                return Err(self.lexer.cursor.error(self.entry, message));
            }
            self.kind = Kind::Help;
        }
        self.end_of_line("linebreak expected after metadata")
    }

    /// Value, timestamp and line end, from the token after the series.
    #[inline]
    fn series_suffix(&mut self, token: Token) -> Result<(), ParseError> {
        if token != Token::Value {
            return Err(self.unexpected("expected value after metric", token));
        }
        let value = parse_float(self.lexer.cursor.token())
            .map_err(|error| self.lexer.cursor.wrong(self.entry, &error.to_string()))?;
        self.value = if value.is_nan() { NORMAL_NAN } else { value };
        self.time = None;
        self.kind = Kind::Series;
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                self.time = Some(self.timestamp()?);
                self.end_of_line("expected next entry after timestamp")
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    fn timestamp(&self) -> Result<Timestamp, ParseError> {
        let token = self.lexer.cursor.token();
        let millis = token.iter().try_fold(0i64, |millis, digit| {
            millis
                .checked_mul(10)?
                .checked_add(i64::from(digit.wrapping_sub(b'0')))
        });
        millis.map(Timestamp).ok_or_else(|| {
            let text = quote_bytes(token);
            let problem = format!("strconv.ParseInt: parsing {text}: value out of range");
            self.lexer.cursor.wrong(self.entry, &problem)
        })
    }

    #[inline]
    pub(crate) fn entry(&self) -> Entry<'_> {
        match self.kind {
            Kind::Series => Entry::Series(SeriesEntry {
                raw: self.raw,
                value: self.value,
                time: self.time,
            }),
            Kind::Type => Entry::Type {
                name: lossy(self.name),
                metric_type: self.metric_type,
            },
            Kind::Help => Entry::Help {
                name: lossy(self.name),
                // Checked while scanning.
                help: unescape_text(
                    std::str::from_utf8(self.text).unwrap_or_default(),
                    &[('\\', '\\'), ('n', '\n')],
                ),
            },
            Kind::Comment => Entry::Comment(self.text),
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    pub(crate) fn labels(&self) -> Result<Labels, LabelsError> {
        let context = LabelsContext {
            metric_type: self.metric_type,
            unit: &[],
            type_and_unit_labels: self.type_and_unit_labels,
        };
        series_labels(self.raw, context)
    }
}

pub(crate) fn check_utf8(body: &[u8]) -> Utf8 {
    if std::str::from_utf8(body).is_ok() {
        Utf8::Checked
    } else {
        Utf8::Unchecked
    }
}
