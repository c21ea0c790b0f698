//! Remote write 2.0: `io.prometheus.write.v2.Request`. All texts are symbols, numbered per request.

use std::collections::HashMap;

use model::{Exemplar, Labels, Metadata, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Field, Fields, ProtoError};
use crate::proto::writer::Message;
use crate::remote::message::{
    WrittenHistogram, WrittenSample, collect_labels, decode_histogram, decode_sample, decode_type,
    encode_histogram, encode_sample, encode_type,
};
use crate::remote::write1::SeriesContent;

/// A request: symbols resolved, series still as bytes.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    symbols: Vec<&'a str>,
    series: Vec<&'a [u8]>,
}

/// Why symbol references cannot be resolved; `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    #[error("invalid labelRefs length {0}")]
    OddCount(usize),
    #[error("labelRefs {name} (name) = {name_ref} (value) = {value_ref} out of symbols bounds {symbols}", name = .index)]
    OutOfBounds {
        index: usize,
        name_ref: u32,
        value_ref: u32,
        symbols: usize,
    },
    #[error("symbol reference {reference} is out of bounds {symbols}")]
    TextOutOfBounds { reference: u32, symbols: usize },
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
                4 => decoded.symbols.push(field.text()?),
                5 => decoded.series.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(decoded)
    }

    pub fn symbols(&self) -> &[&'a str] {
        &self.symbols
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

    /// The labels that references stand for, sorted.
    pub fn labels(&self, refs: &[u32]) -> Result<Labels, SymbolError> {
        let (pairs, rest) = refs.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(SymbolError::OddCount(refs.len()));
        }
        let symbol = |reference: u32| self.symbols.get(reference as usize).copied();
        let mut resolved = Vec::with_capacity(pairs.len());
        for (index, [name_ref, value_ref]) in pairs.iter().enumerate() {
            let pair = symbol(*name_ref).zip(symbol(*value_ref));
            resolved.push(pair.ok_or(SymbolError::OutOfBounds {
                index: index * 2,
                name_ref: *name_ref,
                value_ref: *value_ref,
                symbols: self.symbols.len(),
            })?);
        }
        Ok(collect_labels(resolved.into_iter())?)
    }

    fn text(&self, reference: u32) -> Result<&'a str, SymbolError> {
        let symbols = self.symbols.len();
        self.symbols
            .get(reference as usize)
            .copied()
            .ok_or(SymbolError::TextOutOfBounds { reference, symbols })
    }

    pub fn metadata(&self, series: &Series<'_>) -> Result<Metadata, SymbolError> {
        Ok(Metadata {
            metric_type: decode_type(series.type_number),
            help: self.text(series.help_ref)?.to_owned(),
            unit: self.text(series.unit_ref)?.to_owned(),
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
                2 => self.samples.push(decode_sample(field.bytes()?)?),
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
            series.message(2, &encode_sample(sample));
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
        assert_eq!(request.labels(&series.label_refs), Ok(labels));
        assert_eq!(request.metadata(&series), Ok(Metadata::default()));
        assert_eq!(request.labels(&[1]), Err(SymbolError::OddCount(1)));
        assert!(matches!(
            request.labels(&[1, 9]),
            Err(SymbolError::OutOfBounds { value_ref: 9, .. })
        ));
        assert_eq!(request.read(1, &mut series), Ok(false));
    }
}
