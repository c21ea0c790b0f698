//! Remote write 2.0: `io.prometheus.write.v2.Request`. All texts are symbols, numbered per request.

use std::borrow::Cow;
use std::collections::HashMap;

use model::{Exemplar, Labels, Metadata, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Field, Fields, ProtoError};
use crate::proto::writer::Message;
use crate::remote::message::{
    WrittenHistogram, WrittenSample, collect_labels, decode_histogram, decode_sample, decode_type,
    encode_histogram, encode_sample, encode_type, label_size, push_bounded, push_label,
};
use crate::remote::write1::SeriesContent;

/// A request: symbols resolved, series still as bytes.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    symbols: Vec<&'a [u8]>,
    series: Vec<&'a [u8]>,
}

/// Name and value of a label; whether they are text is not known yet.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Why symbol references cannot be resolved; `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    #[error("invalid labelRefs length {0}")]
    OddCount(usize),
    #[error(
        "labelRefs {name_ref} (name) = {value_ref} (value) outside of symbols table (size {symbols})"
    )]
    OutOfBounds {
        name_ref: u32,
        value_ref: u32,
        symbols: usize,
    },
    /// `field` is `unit_ref` or `help_ref`.
    #[error("metadata {field} {reference} outside of symbols table (size {symbols})")]
    Metadata {
        field: &'static str,
        reference: u32,
        symbols: usize,
    },
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

/// One series of a request, meant to be reused.
#[derive(Clone, Debug, Default)]
pub struct Series<'a> {
    /// Names and values by turns.
    pub label_refs: Vec<u32>,
    pub samples: Vec<WrittenSample>,
    histogram_messages: Vec<&'a [u8]>,
    exemplar_messages: Vec<&'a [u8]>,
    type_number: u64,
    help_ref: u32,
    unit_ref: u32,
}

impl<'a> Request<'a> {
    /// `request`: decompressed.
    pub fn decode(request: &'a [u8]) -> Result<Self, ProtoError> {
        let mut decoded = Self::default();
        let mut fields = Fields::new(request);
        while let Some(field) = fields.next()? {
            match field.number {
                4 => push_bounded(&mut decoded.symbols, field.bytes()?)?,
                5 => push_bounded(&mut decoded.series, field.bytes()?)?,
                _ => {}
            }
        }
        Ok(decoded)
    }

    /// As text; bytes that are none are replaced.
    pub fn symbols(&self) -> Vec<Cow<'a, str>> {
        let texts = self.symbols.iter();
        texts.map(|text| String::from_utf8_lossy(text)).collect()
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Reads one series; false if there is no such.
    pub fn read(&self, index: usize, series: &mut Series<'a>) -> Result<bool, ProtoError> {
        match self.series.get(index) {
            Some(message) => series.decode(message).map(|()| true),
            None => Ok(false),
        }
    }

    /// Names and values that references stand for.
    fn pairs<'s>(
        &'s self,
        refs: &'s [u32],
    ) -> Result<impl Iterator<Item = Result<Pair<'a>, SymbolError>> + 's, SymbolError> {
        let (pairs, rest) = refs.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(SymbolError::OddCount(refs.len()));
        }
        let symbol = |reference: u32| self.symbols.get(reference as usize).copied();
        let symbols = self.symbols.len();
        Ok(pairs.iter().map(move |&[name_ref, value_ref]| {
            let pair = symbol(name_ref).zip(symbol(value_ref));
            pair.ok_or(SymbolError::OutOfBounds {
                name_ref,
                value_ref,
                symbols,
            })
        }))
    }

    /// The labels that references stand for, sorted.
    pub fn labels(&self, refs: &[u32]) -> Result<Labels, SymbolError> {
        let pairs: Vec<_> = self.pairs(refs)?.collect::<Result<_, _>>()?;
        Ok(collect_labels(&pairs)?)
    }

    /// How large the label bytes of a series are: a few references may stand for much text.
    pub fn label_bytes_size(&self, refs: &[u32]) -> Result<usize, SymbolError> {
        self.pairs(refs)?.try_fold(0usize, |size, pair| {
            let (name, value) = pair?;
            Ok(size.saturating_add(label_size(name, value)))
        })
    }

    /// The label bytes of a series, as version 1 has them in the request.
    pub fn label_bytes(&self, refs: &[u32], bytes: &mut Vec<u8>) -> Result<(), SymbolError> {
        bytes.clear();
        for pair in self.pairs(refs)? {
            let (name, value) = pair?;
            push_label(bytes, name, value);
        }
        Ok(())
    }

    fn metadata_text(&self, field: &'static str, reference: u32) -> Result<&'a [u8], SymbolError> {
        let text = self.symbols.get(reference as usize).copied();
        text.ok_or(SymbolError::Metadata {
            field,
            reference,
            symbols: self.symbols.len(),
        })
    }

    /// Whether the references of the metadata are good.
    pub fn check_metadata(&self, series: &Series<'_>) -> Result<(), SymbolError> {
        self.metadata_text("unit_ref", series.unit_ref)?;
        self.metadata_text("help_ref", series.help_ref)?;
        Ok(())
    }

    pub fn metadata(&self, series: &Series<'_>) -> Result<Metadata, SymbolError> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Metadata {
            metric_type: decode_type(series.type_number),
            unit: text(self.metadata_text("unit_ref", series.unit_ref)?),
            help: text(self.metadata_text("help_ref", series.help_ref)?),
        })
    }

    pub fn exemplars<'s>(
        &'s self,
        series: &'s Series<'a>,
    ) -> impl Iterator<Item = Result<Result<Exemplar, SymbolError>, ProtoError>> + 's {
        let messages = series.exemplar_messages.iter();
        messages.map(|message| self.exemplar(message))
    }

    fn exemplar(&self, message: &[u8]) -> Result<Result<Exemplar, SymbolError>, ProtoError> {
        let mut refs = Vec::new();
        let (mut value, mut time) = (0.0, 0);
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => push_refs(field, &mut refs)?,
                2 => value = field.double()?,
                3 => time = field.signed()?,
                _ => {}
            }
        }
        Ok(self.labels(&refs).map(|labels| Exemplar {
            labels,
            value,
            time: Some(Timestamp(time)),
        }))
    }
}

/// References beyond 32 bits are out of any bounds.
fn push_refs(field: Field<'_>, refs: &mut Vec<u32>) -> Result<(), ProtoError> {
    field.each_varint(|value| refs.push(u32::try_from(value).unwrap_or(u32::MAX)))
}

impl<'a> Series<'a> {
    fn decode(&mut self, message: &'a [u8]) -> Result<(), ProtoError> {
        self.label_refs.clear();
        self.samples.clear();
        self.histogram_messages.clear();
        self.exemplar_messages.clear();
        (self.type_number, self.help_ref, self.unit_ref) = (0, 0, 0);
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => push_refs(field, &mut self.label_refs)?,
                2 => push_bounded(&mut self.samples, decode_sample(field.bytes()?)?)?,
                3 => self.histogram_messages.push(field.bytes()?),
                4 => self.exemplar_messages.push(field.bytes()?),
                5 => self.decode_metadata(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn decode_metadata(&mut self, message: &[u8]) -> Result<(), ProtoError> {
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.type_number = field.unsigned()?,
                3 => self.help_ref = field.unsigned32()?,
                4 => self.unit_ref = field.unsigned32()?,
                _ => {}
            }
        }
        Ok(())
    }

    pub fn histograms(&self) -> impl Iterator<Item = Result<WrittenHistogram, ProtoError>> {
        self.histogram_messages
            .iter()
            .map(|message| decode_histogram(message))
    }

    pub fn has_samples(&self) -> bool {
        !self.samples.is_empty() || !self.histogram_messages.is_empty()
    }
}

/// Builds a request. Symbol 0 is the empty text, as the format demands.
#[derive(Clone, Debug)]
pub struct Writer {
    symbols: HashMap<String, u32>,
    /// In order of their numbers.
    names: Vec<String>,
    series: Vec<Message>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    pub fn new() -> Self {
        Self {
            symbols: HashMap::from([(String::new(), 0)]),
            names: vec![String::new()],
            series: Vec::new(),
        }
    }

    fn symbol(&mut self, text: &str) -> u64 {
        if let Some(known) = self.symbols.get(text) {
            return u64::from(*known);
        }
        // A request of 2^32 symbols does not fit into memory.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(text.to_owned());
        self.symbols.insert(text.to_owned(), number);
        u64::from(number)
    }

    fn label_refs(&mut self, message: &mut Message, labels: &Labels) {
        let mut refs = Vec::with_capacity(labels.len() * 2);
        for (name, value) in labels {
            refs.push(self.symbol(name));
            refs.push(self.symbol(value));
        }
        message.packed_varints(1, refs);
    }

    pub fn series(&mut self, content: &SeriesContent<'_>, metadata: &Metadata) {
        let mut series = Message::new();
        self.label_refs(&mut series, content.labels);
        for sample in content.samples {
            encode_sample(&mut series, 2, sample);
        }
        for histogram in content.histograms {
            series.message(3, &encode_histogram(histogram));
        }
        for exemplar in content.exemplars {
            let mut message = Message::new();
            self.label_refs(&mut message, &exemplar.labels);
            message.double(2, exemplar.value);
            message.signed(3, exemplar.time.map_or(0, |time| time.0));
            series.message(4, &message);
        }
        let mut message = Message::new();
        message.unsigned(1, encode_type(metadata.metric_type));
        message.unsigned(3, self.symbol(&metadata.help));
        message.unsigned(4, self.symbol(&metadata.unit));
        series.message(5, &message);
        self.series.push(series);
    }

    /// The request, not compressed.
    pub fn finish(self) -> Vec<u8> {
        let mut request = Message::new();
        for name in &self.names {
            request.present_bytes(4, name.as_bytes());
        }
        for series in &self.series {
            request.message(5, series);
        }
        request.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::labels_of;

    #[test]
    fn bad_references_are_refused() {
        let mut writer = Writer::new();
        let labels = Labels::from_name("m");
        writer.series(
            &SeriesContent {
                labels: &labels,
                samples: &[],
                histograms: &[],
                exemplars: &[],
            },
            &Metadata::default(),
        );
        let bytes = writer.finish();
        let request = Request::decode(&bytes).unwrap();
        assert_eq!(request.symbols(), ["", "__name__", "m"]);
        let mut series = Series::default();
        assert_eq!(request.read(0, &mut series), Ok(true));
        assert!(!series.has_samples());
        assert_eq!(request.labels(&series.label_refs), Ok(labels.clone()));
        let mut bytes = Vec::new();
        request.label_bytes(&series.label_refs, &mut bytes).unwrap();
        assert_eq!(labels_of(&bytes).unwrap(), Ok(labels));
        assert_eq!(
            request.label_bytes_size(&series.label_refs),
            Ok(bytes.len())
        );
        assert_eq!(request.metadata(&series), Ok(Metadata::default()));
        assert_eq!(request.labels(&[1]), Err(SymbolError::OddCount(1)));
        assert!(matches!(
            request.labels(&[1, 9]),
            Err(SymbolError::OutOfBounds { value_ref: 9, .. })
        ));
        assert_eq!(request.read(1, &mut series), Ok(false));
    }
}
