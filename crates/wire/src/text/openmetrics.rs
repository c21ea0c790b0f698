//! OpenMetrics text, 1.0 and 0.0.1: exemplars, units, `_created` series, and the end marker.

use foldhash::fast::FixedState;
use model::labels::{BUCKET, QUANTILE};
use model::sample::NORMAL_NAN;
use model::{Exemplar, Labels, MetricType, Timestamp};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use crate::error::{LabelsError, ParseError};
use crate::exposition::{Entry, Expected, Options, SeriesEntry, Step};
use crate::float::parse_float;
use crate::quote::quote_bytes;
use crate::text::cursor::{Utf8, lossy, unquoted};
use crate::text::labels::{
    LabelsContext, RawItem, RawItems, assemble, series_labels, unescape, unescape_text,
};
use crate::text::list::{Commas, Lex, ListOf, ListRules, check_list};
use crate::text::openmetrics_lexer::{Lexer, State};
use crate::text::prometheus::check_utf8;
use crate::text::token::Token;

const CREATED: &[u8] = b"_created";

#[derive(Clone, Copy, Debug)]
enum Kind {
    Series,
    Type,
    Help,
    Unit,
}

/// An exemplar as it stands in the page.
#[derive(Clone, Copy, Debug)]
struct RawExemplar<'a> {
    /// Inside of the braces.
    list: &'a [u8],
    value: f64,
    time: Option<Timestamp>,
}

/// The next `_created` line of a family, or that there is none; good for all entries before `until`.
#[derive(Clone, Copy, Debug)]
struct NextCreated {
    until: usize,
    created: Option<(u64, Timestamp)>,
}

/// A cursor over a page. Copying it is cheap; looking ahead works on a copy.
#[derive(Clone, Debug)]
pub(crate) struct OpenMetricsText<'a> {
    lexer: Lexer<'a>,
    utf8: Utf8,
    entry: usize,
    kind: Kind,
    name: &'a [u8],
    text: &'a [u8],
    raw: &'a [u8],
    /// Of the last series that was given; those left out do not count.
    previous: &'a [u8],
    value: f64,
    time: Option<Timestamp>,
    exemplar: Option<RawExemplar<'a>>,
    metric_type: MetricType,
    /// Of the last `UNIT` line, also for series of other names, as in the peer.
    unit: &'a [u8],
    /// Name of the last metadata line.
    family: &'a [u8],
    type_and_unit_labels: bool,
    skip_created: bool,
    next_created: Option<NextCreated>,
    /// Series identity and start time that were found last.
    started: Option<(u64, Timestamp)>,
}

impl<'a> OpenMetricsText<'a> {
    pub(crate) fn new(body: &'a [u8], options: &Options) -> Self {
        Self {
            lexer: Lexer::new(body),
            utf8: check_utf8(body),
            entry: 0,
            kind: Kind::Help,
            name: &[],
            text: &[],
            raw: &[],
            previous: &[],
            value: 0.0,
            time: None,
            exemplar: None,
            metric_type: MetricType::Unknown,
            unit: &[],
            family: &[],
            type_and_unit_labels: options.type_and_unit_labels,
            skip_created: options.skip_created_series,
            next_created: None,
            started: None,
        }
    }

    /// As [`super::PrometheusText::advance`].
    #[inline]
    pub(crate) fn advance(&mut self, expected: Option<Expected<'_>>) -> Result<Step, ParseError> {
        self.entry = self.lexer.cursor.at;
        if let Some(expected) = expected
            && self.recognise(expected)
        {
            self.exemplar = None;
            let token = self.lexer.next();
            self.series_suffix(token)?;
            if !(self.skip_created && self.is_created()) {
                self.previous = self.raw;
                return Ok(Step::Expected);
            }
        }
        self.advance_parsing()
    }

    #[inline]
    fn recognise(&mut self, expected: Expected<'_>) -> bool {
        let cursor = &mut self.lexer.cursor;
        let rest = cursor.body.get(cursor.at..).unwrap_or_default();
        let Some(length) = expected.length_in(rest, self.previous) else {
            return false;
        };
        if self.lexer.state != State::Init || rest.get(length) != Some(&b' ') {
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
            self.exemplar = None;
            let token = self.lexer.next();
            match token {
                Token::EofWord => {
                    return match self.lexer.next() {
                        Token::Eof => Ok(Step::End),
                        _ => Err(self.error("unexpected data after # EOF")),
                    };
                }
                Token::Eof => return Err(self.no_end()),
                Token::Help | Token::Type | Token::Unit => {
                    self.metadata(token)?;
                    return Ok(Step::Entry);
                }
                Token::BraceOpen => {
                    let has_name = self.list(ListOf::UnnamedSeries)?;
                    self.raw = self.lexer.cursor.slice(self.entry, self.lexer.cursor.at);
                    let token = self.lexer.next();
                    if !has_name {
                        return Err(self.lexer.cursor.wrong(self.entry, "metric name not set"));
                    }
                    self.series_suffix(token)?;
                }
                Token::MetricName => {
                    self.raw = self.lexer.cursor.token();
                    let mut token = self.lexer.next();
                    if token == Token::BraceOpen {
                        self.list(ListOf::NamedSeries)?;
                        self.raw = self.lexer.cursor.slice(self.entry, self.lexer.cursor.at);
                        token = self.lexer.next();
                    }
                    self.series_suffix(token)?;
                }
                _ => return Err(self.unexpected("expected a valid start token", token)),
            }
            if !(self.skip_created && self.is_created()) {
                self.previous = self.raw;
                return Ok(Step::Entry);
            }
        }
    }

    fn list(&mut self, of: ListOf) -> Result<bool, ParseError> {
        let rules = ListRules {
            of,
            commas: Commas::Required,
            utf8: self.utf8,
        };
        check_list(&mut self.lexer, self.entry, rules)
    }

    #[cold]
    fn unexpected(&self, wanted: &str, got: Token) -> ParseError {
        self.lexer.cursor.unexpected(self.entry, wanted, got)
    }

    #[cold]
    fn error(&self, message: &str) -> ParseError {
        self.lexer.cursor.error(self.entry, message.to_owned())
    }

    #[cold]
    fn no_end(&self) -> ParseError {
        self.error("data does not end with # EOF")
    }

    fn metadata(&mut self, keyword: Token) -> Result<(), ParseError> {
        let token = self.lexer.next();
        if token != Token::MetricName {
            let wanted = format!("expected metric name after {}", keyword.as_str());
            return Err(self.unexpected(&wanted, token));
        }
        self.name = unquoted(self.lexer.cursor.token());
        self.family = self.name;
        if self.lexer.next() != Token::Text {
            return Err(self.error(&format!("expected text in {}", keyword.as_str())));
        }
        let text = self.lexer.cursor.token();
        self.text = text.get(1..text.len() - 1).unwrap_or_default();
        match keyword {
            Token::Type => self.type_line(),
            Token::Unit => self.unit_line(),
            _ => self.help_line(),
        }
    }

    fn type_line(&mut self) -> Result<(), ParseError> {
        self.kind = Kind::Type;
        self.metric_type = match self.text {
            b"counter" => MetricType::Counter,
            b"gauge" => MetricType::Gauge,
            b"histogram" => MetricType::Histogram,
            b"gaugehistogram" => MetricType::GaugeHistogram,
            b"summary" => MetricType::Summary,
            b"info" => MetricType::Info,
            b"stateset" => MetricType::StateSet,
            b"unknown" => MetricType::Unknown,
            other => {
                return Err(self.error(&format!("invalid metric type {}", quote_bytes(other))));
            }
        };
        Ok(())
    }

    fn unit_line(&mut self) -> Result<(), ParseError> {
        self.kind = Kind::Unit;
        self.unit = self.text;
        let is_suffix = self.unit.is_empty()
            || self
                .name
                .strip_suffix(self.unit)
                .is_some_and(|stem| stem.ends_with(b"_"));
        if is_suffix {
            return Ok(());
        }
        let (unit, name) = (quote_bytes(self.unit), quote_bytes(self.name));
        Err(self.error(&format!("unit {unit} not a suffix of metric {name}")))
    }

    fn help_line(&mut self) -> Result<(), ParseError> {
        self.kind = Kind::Help;
        if self.utf8 == Utf8::Unchecked && std::str::from_utf8(self.text).is_err() {
            let text = quote_bytes(self.text);
            return Err(self.error(&format!("help text {text} is not a valid utf8 string")));
        }
        Ok(())
    }

    #[inline]
    fn float(&self, token: Token, after: &str) -> Result<f64, ParseError> {
        if token != Token::Value {
            return Err(self.unexpected(&format!("expected value after {after}"), token));
        }
        let value = self.number()?;
        Ok(if value.is_nan() { NORMAL_NAN } else { value })
    }

    /// The current token without its leading space.
    #[inline]
    fn number(&self) -> Result<f64, ParseError> {
        let text = self.lexer.cursor.token().get(1..).unwrap_or_default();
        parse_float(text).map_err(|error| self.lexer.cursor.wrong(self.entry, &error.to_string()))
    }

    /// The current token as seconds.
    fn timestamp(&self, what: &str) -> Result<Timestamp, ParseError> {
        let seconds = self.number()?;
        if !seconds.is_finite() {
            let text = model::format::float_plain(seconds);
            return Err(self.error(&format!("invalid {what} {text}")));
        }
        Ok(millis(seconds))
    }

    /// Value, timestamp, exemplar and line end, from the token after the series.
    #[inline]
    fn series_suffix(&mut self, token: Token) -> Result<(), ParseError> {
        self.value = self.float(token, "metric")?;
        self.time = None;
        self.kind = Kind::Series;
        match self.lexer.next() {
            Token::Eof => Err(self.no_end()),
            Token::Linebreak => Ok(()),
            Token::Comment => self.exemplar_part(),
            Token::Timestamp => {
                self.time = Some(self.timestamp("timestamp")?);
                match self.lexer.next() {
                    Token::Linebreak => Ok(()),
                    Token::Comment => self.exemplar_part(),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            // The sample counts; what follows it is found wrong when the next entry is read.
            _ => Ok(()),
        }
    }

    fn exemplar_part(&mut self) -> Result<(), ParseError> {
        let start = self.lexer.cursor.at;
        self.list(ListOf::Exemplar)?;
        let list = self.lexer.cursor.slice(start, self.lexer.cursor.at - 1);
        let token = self.lexer.next();
        let mut exemplar = RawExemplar {
            list,
            value: self.float(token, "exemplar labels")?,
            time: None,
        };
        match self.lexer.next() {
            Token::Eof => return Err(self.no_end()),
            Token::Linebreak => {}
            Token::Timestamp => {
                exemplar.time = Some(self.timestamp("exemplar timestamp")?);
                let token = self.lexer.next();
                if token != Token::Linebreak {
                    let wanted = "expected next entry after exemplar timestamp";
                    return Err(self.unexpected(wanted, token));
                }
            }
            token => return Err(self.unexpected("expected timestamp or comment", token)),
        }
        self.exemplar = Some(exemplar);
        Ok(())
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
            Kind::Unit => Entry::Unit {
                name: lossy(self.name),
                unit: lossy(self.text),
            },
            Kind::Help => Entry::Help {
                name: lossy(self.name),
                // Checked while scanning.
                help: unescape_text(
                    std::str::from_utf8(self.text).unwrap_or_default(),
                    &[('"', '"'), ('\\', '\\'), ('n', '\n')],
                ),
            },
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    pub(crate) fn labels(&self) -> Result<Labels, LabelsError> {
        let context = LabelsContext {
            metric_type: self.metric_type,
            unit: self.unit,
            type_and_unit_labels: self.type_and_unit_labels,
        };
        series_labels(self.raw, context)
    }

    pub(crate) fn has_exemplar(&self) -> bool {
        self.exemplar.is_some()
    }

    /// The exemplar of the current series; one with labels that cannot be used is left out.
    pub(crate) fn exemplar(&self) -> Option<Exemplar> {
        let raw = self.exemplar?;
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for item in RawItems::list(raw.list) {
            if let RawItem::Label(name, value) = item {
                pairs.push((unescape(name).ok()?, unescape(value).ok()?));
            }
        }
        Some(Exemplar {
            labels: assemble(&mut pairs).ok()?,
            value: raw.value,
            time: raw.time,
        })
    }

    fn has_start_time(&self) -> bool {
        matches!(
            self.metric_type,
            MetricType::Counter | MetricType::Summary | MetricType::Histogram
        )
    }

    fn is_created(&self) -> bool {
        self.has_start_time() && series_name(self.raw).ends_with(CREATED)
    }

    /// Which series of its family this is, whatever the suffix, bucket and quantile: `name` and the
    /// other labels.
    fn identity(&self, name: &[u8]) -> u64 {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        for item in RawItems::series(self.raw) {
            let RawItem::Label(label, value) = item else {
                continue;
            };
            let is_magic = match self.metric_type {
                MetricType::Summary => label == QUANTILE.as_bytes(),
                MetricType::Histogram => label == BUCKET.as_bytes(),
                _ => false,
            };
            if !is_magic {
                hasher.write(label);
                hasher.write(value);
            }
        }
        hasher.write(name);
        hasher.finish()
    }

    /// When the current series started, from the `_created` line of its family that comes next. As in
    /// the peer, one that stands before the series does not count, and asking turns such lines from
    /// series into metadata.
    pub(crate) fn start_time(&mut self) -> Option<Timestamp> {
        if !self.has_start_time() {
            self.started = None;
            return None;
        }
        self.skip_created = true;
        let name = series_name(self.raw);
        let identity = self.identity(name.get(..self.family.len()).unwrap_or(name));
        if let Some((known, time)) = self.started
            && known == identity
        {
            return Some(time);
        }
        let next = match self.next_created {
            Some(next) if self.lexer.cursor.at <= next.until => next,
            _ => self.look_ahead(),
        };
        self.next_created = Some(next);
        self.started = next.created.filter(|(found, _)| *found == identity);
        self.started.map(|(_, time)| time)
    }

    /// Reads on a copy up to the next `_created` line or the end of the family. Each line is looked at
    /// once, because the result is kept until that place is reached.
    fn look_ahead(&self) -> NextCreated {
        let mut ahead = self.clone();
        ahead.skip_created = false;
        loop {
            let until = ahead.lexer.cursor.at;
            let is_series = matches!(ahead.advance(None), Ok(Step::Entry))
                && matches!(ahead.kind, Kind::Series);
            if !is_series {
                return NextCreated {
                    until,
                    created: None,
                };
            }
            if let Some(name) = series_name(ahead.raw).strip_suffix(CREATED) {
                let created = Some((ahead.identity(name), millis(ahead.value)));
                return NextCreated { until, created };
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn millis(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0) as i64)
}

/// The metric name as it stands in raw series bytes.
fn series_name(raw: &[u8]) -> &[u8] {
    RawItems::series(raw)
        .find_map(|item| match item {
            RawItem::Name(name) => Some(name),
            RawItem::Label(..) => None,
        })
        .unwrap_or_default()
}
