//! Series descriptions: the values after a series.

use std::sync::Arc;

use model::FloatHistogram;
use model::format::go_quote;
use model::sample::STALE_NAN;

use super::super::error::{ParseErrorKind, ParseErrors};
use super::super::lexer::{Kind, Lexer, Token};
use super::super::series::{SERIES_VALUES_MAX, SequenceValue, SeriesDescription};
use super::histogram::{DescribedHistogram, Direction, combine};
use super::{Parsed, Parser, ParserOptions, Unwind};

pub(in crate::syntax) fn parse_series_description(
    text: &str,
) -> Result<SeriesDescription, ParseErrors> {
    let options = ParserOptions::default();
    let mut parser = Parser::new(Lexer::for_series(text), &options);
    let outcome = parser.series_description();
    let description = parser.finish(outcome);
    parser.into_result(description)
}

impl Parser<'_> {
    fn series_description(&mut self) -> Parsed<SeriesDescription> {
        let labels = self.metric()?;
        let mut values = Vec::new();
        if self.peek() != Kind::Space && !self.peek().is_end() {
            self.unexpected("series values", "");
        }
        // Whatever else follows the values is for the caller to refuse.
        while self.peek() == Kind::Space {
            self.bump();
            match self.series_item(&mut values) {
                Ok(()) => {}
                Err(Unwind::Syntax) => {
                    self.unexpected("series values", "");
                    values.clear();
                }
                Err(Unwind::Abort) => return Err(Unwind::Abort),
            }
        }
        Ok(SeriesDescription { labels, values })
    }

    fn series_item(&mut self, values: &mut Vec<SequenceValue>) -> Parsed<()> {
        match self.peek() {
            Kind::Blank => {
                self.bump();
                let times = self.times()?.map_or(1, |times| times);
                self.repeat(values, &SequenceValue::Omitted, times)
            }
            Kind::OpenHistogram => self.histogram_item(values),
            Kind::Identifier => {
                let word = self.bump();
                if self.text(word) != "stale" {
                    self.report_unexpected("series values", "number or \"stale\"");
                }
                self.float_item(values, STALE_NAN)
            }
            kind if kind.is_number() || kind.is_sign() => {
                let first = self.signed_number()?;
                self.float_item(values, first)
            }
            // Nothing between two spaces.
            _ => Ok(()),
        }
    }

    /// After the first value: `x3`, `+2x3`, or nothing.
    fn float_item(&mut self, values: &mut Vec<SequenceValue>, first: f64) -> Parsed<()> {
        let step = match self.peek() {
            kind if kind.is_sign() => Some(self.signed_number()?),
            _ => None,
        };
        let times = match step {
            Some(_) => Some(self.times_required()?),
            None => self.times()?,
        };
        let Some(times) = times else {
            return self.repeat(values, &SequenceValue::Float(first), 1);
        };
        self.check_room(values, times.saturating_add(1))?;
        let mut value = first;
        for _ in 0..=times {
            values.push(SequenceValue::Float(value));
            value += step.unwrap_or(0.0);
        }
        Ok(())
    }

    fn histogram_item(&mut self, values: &mut Vec<SequenceValue>) -> Parsed<()> {
        let first = self.described_histogram()?;
        let direction = match self.peek() {
            Kind::Add => Direction::Increase,
            Kind::Sub => Direction::Decrease,
            _ => {
                let times = self.times()?.unwrap_or(0);
                return self.repeat(values, &sequence_value(first), times.saturating_add(1));
            }
        };
        self.bump();
        let step = self.described_histogram()?;
        let times = self.times_required()?;
        self.check_room(values, times.saturating_add(1))?;
        let has_hint = step.has_counter_reset_hint;
        let mut push = |histogram: FloatHistogram| {
            values.push(SequenceValue::Histogram {
                histogram: Arc::new(histogram),
                has_counter_reset_hint: has_hint,
            });
        };
        let mut current = first.histogram;
        push(current.clone());
        for _ in 0..times {
            match combine(&current, &step.histogram, direction) {
                Ok(next) => current = next,
                Err(message) => {
                    let span = self.latest.span;
                    self.report(ParseErrorKind::Type, span, message);
                    break;
                }
            }
            push(current.clone());
        }
        Ok(())
    }

    /// `x3`, if it is there.
    fn times(&mut self) -> Parsed<Option<u64>> {
        match self.peek() {
            Kind::Times => self.times_required().map(Some),
            _ => Ok(None),
        }
    }

    fn times_required(&mut self) -> Parsed<u64> {
        self.expect(Kind::Times)?;
        self.uint()
    }

    pub(super) fn uint(&mut self) -> Parsed<u64> {
        let token: Token = self.expect(Kind::Number)?;
        let text = self.text(token);
        let problem = match text.parse() {
            Ok(value) => return Ok(value),
            Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => "value out of range",
            Err(_) => "invalid syntax",
        };
        let message = format!(
            "invalid repetition in series values: strconv.ParseUint: parsing {}: {problem}",
            go_quote(text)
        );
        self.syntax_error(token.span, message);
        Ok(0)
    }

    fn repeat(
        &mut self,
        values: &mut Vec<SequenceValue>,
        value: &SequenceValue,
        times: u64,
    ) -> Parsed<()> {
        self.check_room(values, times)?;
        for _ in 0..times {
            values.push(value.clone());
        }
        Ok(())
    }

    fn check_room(&mut self, values: &[SequenceValue], more: u64) -> Parsed<()> {
        let room = SERIES_VALUES_MAX.saturating_sub(values.len());
        if usize::try_from(more).is_ok_and(|more| more <= room) {
            return Ok(());
        }
        let message = format!("series has more than {SERIES_VALUES_MAX} values");
        self.report(ParseErrorKind::Limit, self.latest.span, message);
        Err(Unwind::Abort)
    }
}

fn sequence_value(described: DescribedHistogram) -> SequenceValue {
    SequenceValue::Histogram {
        histogram: Arc::new(described.histogram),
        has_counter_reset_hint: described.has_counter_reset_hint,
    }
}
