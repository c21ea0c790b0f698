//! Remote write 1.0: `prometheus.WriteRequest`.

use model::{Exemplar, Labels, Metadata, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError};
use crate::proto::writer::Message;
use crate::remote::message::{
    LABEL, WrittenHistogram, WrittenSample, collect_labels, decode_histogram, decode_label,
    decode_sample, decode_type, encode_histogram, encode_labels, encode_sample, encode_type,
    labels_of, push_bounded, push_label,
};

/// Walks a request.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    fields: Fields<'a>,
}

/// Metadata of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyMetadata {
    pub family: String,
    pub metadata: Metadata,
}

/// One series of a request, meant to be reused.
#[derive(Clone, Debug, Default)]
pub struct Series<'a> {
    /// The labels at the start: all of them, unless a sender does not follow the order of fields.
    label_bytes: &'a [u8],
    late_label_messages: Vec<&'a [u8]>,
    pub samples: Vec<WrittenSample>,
    exemplar_messages: Vec<&'a [u8]>,
    histogram_messages: Vec<&'a [u8]>,
}

/// What [`Reader::next`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    End,
    /// The series that was given holds the content.
    Series,
    Metadata(Box<FamilyMetadata>),
}

impl<'a> Reader<'a> {
    /// `request`: decompressed.
    pub fn new(request: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(request),
        }
    }

    /// Reads the next item, a series into `series`.
    pub fn next(&mut self, series: &mut Series<'a>) -> Result<Item, ProtoError> {
        while let Some(field) = self.fields.next()? {
            match field.number {
                1 => {
                    series.decode(field.bytes()?)?;
                    return Ok(Item::Series);
                }
                3 => return Ok(Item::Metadata(Box::new(decode_metadata(field.bytes()?)?))),
                _ => {}
            }
        }
        Ok(Item::End)
    }
}

impl<'a> Series<'a> {
    pub(crate) fn decode(&mut self, message: &'a [u8]) -> Result<(), ProtoError> {
        self.late_label_messages.clear();
        self.samples.clear();
        self.exemplar_messages.clear();
        self.histogram_messages.clear();
        let mut fields = Fields::new(message);
        while fields.peek() == Some(LABEL) {
            fields.next()?;
        }
        let (labels, _) = message
            .split_at_checked(message.len() - fields.remaining())
            .unwrap_or_default();
        self.label_bytes = labels;
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.late_label_messages.push(field.bytes()?),
                2 => push_bounded(&mut self.samples, decode_sample(field.bytes()?)?)?,
                3 => self.exemplar_messages.push(field.bytes()?),
                4 => self.histogram_messages.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The labels as they stand in the request. Senders repeat them from request to request, so this is a
    /// key that needs no decoding. `spare` is for requests that do not have them in one place.
    pub fn label_bytes<'s>(&'s self, spare: &'s mut Vec<u8>) -> Result<&'s [u8], ProtoError> {
        if self.late_label_messages.is_empty() {
            return Ok(self.label_bytes);
        }
        spare.clear();
        spare.extend_from_slice(self.label_bytes);
        for message in &self.late_label_messages {
            let (name, value) = decode_label(message)?;
            push_label(spare, name, value);
        }
        Ok(spare)
    }

    /// Sorted; senders may give any order.
    pub fn labels(&self) -> Result<Result<Labels, LabelsError>, ProtoError> {
        labels_of(self.label_bytes(&mut Vec::new())?)
    }

    pub fn histograms(&self) -> impl Iterator<Item = Result<WrittenHistogram, ProtoError>> {
        self.histogram_messages
            .iter()
            .map(|message| decode_histogram(message))
    }

    pub fn exemplars(&self) -> impl Iterator<Item = Result<Exemplar, ProtoError>> {
        self.exemplar_messages
            .iter()
            .map(|message| decode_exemplar(message))
    }
}

/// Labels of an exemplar that cannot be used are left out, as exemplars never fail a request.
fn decode_exemplar(message: &[u8]) -> Result<Exemplar, ProtoError> {
    let mut labels = Vec::new();
    let (mut value, mut time) = (0.0, 0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => labels.push(decode_label(field.bytes()?)?),
            2 => value = field.double()?,
            3 => time = field.signed()?,
            _ => {}
        }
    }
    Ok(Exemplar {
        labels: collect_labels(&labels).unwrap_or_default(),
        value,
        time: Some(Timestamp(time)),
    })
}

/// Metadata with broken text must not cost the request its samples.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn decode_metadata(message: &[u8]) -> Result<FamilyMetadata, ProtoError> {
    let mut family = String::new();
    let mut metadata = Metadata::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => metadata.metric_type = decode_type(field.unsigned()?),
            2 => family = lossy(field.bytes()?),
            4 => metadata.help = lossy(field.bytes()?),
            5 => metadata.unit = lossy(field.bytes()?),
            _ => {}
        }
    }
    Ok(FamilyMetadata { family, metadata })
}

/// Builds a request.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    message: Message,
}

/// The content of one series.
#[derive(Clone, Copy, Debug)]
pub struct SeriesContent<'a> {
    pub labels: &'a Labels,
    pub samples: &'a [WrittenSample],
    pub histograms: &'a [WrittenHistogram],
    pub exemplars: &'a [Exemplar],
}

impl Writer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Start times are left out; version 1 has none.
    pub fn series(&mut self, content: &SeriesContent<'_>) {
        self.message.message(1, &encode_series(content));
    }

    pub fn metadata(&mut self, entry: &FamilyMetadata) {
        let mut message = Message::new();
        message.unsigned(1, encode_type(entry.metadata.metric_type));
        message.text(2, &entry.family);
        message.text(4, &entry.metadata.help);
        message.text(5, &entry.metadata.unit);
        self.message.message(3, &message);
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.message.len()
    }

    /// The request, not compressed.
    pub fn finish(self) -> Vec<u8> {
        self.message.into_bytes()
    }
}

/// `prometheus.TimeSeries`.
pub(crate) fn encode_series(content: &SeriesContent<'_>) -> Message {
    let mut series = Message::new();
    encode_labels(&mut series, 1, content.labels);
    for sample in content.samples {
        let sample = WrittenSample {
            start_time: None,
            ..*sample
        };
        encode_sample(&mut series, 2, &sample);
    }
    for exemplar in content.exemplars {
        let mut message = Message::new();
        encode_labels(&mut message, 1, &exemplar.labels);
        message.double(2, exemplar.value);
        message.signed(3, exemplar.time.map_or(0, |time| time.0));
        series.message(3, &message);
    }
    for histogram in content.histograms {
        let histogram = WrittenHistogram {
            start_time: None,
            ..histogram.clone()
        };
        series.message(4, &encode_histogram(&histogram));
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let labels = Labels::from_pairs([("__name__", "m"), ("a", "1")]);
        let samples = [WrittenSample {
            time: Timestamp(5),
            value: 1.5,
            start_time: None,
        }];
        let mut writer = Writer::new();
        for _ in 0..2 {
            writer.series(&SeriesContent {
                labels: &labels,
                samples: &samples,
                histograms: &[],
                exemplars: &[],
            });
        }
        let request = writer.finish();
        let mut reader = Reader::new(&request);
        let mut series = Series::default();
        assert_eq!(reader.next(&mut series), Ok(Item::Series));
        let mut spare = Vec::new();
        let key = series.label_bytes(&mut spare).unwrap().to_vec();
        assert!(!key.is_empty());
        assert_eq!(series.labels().unwrap().unwrap(), labels);
        assert_eq!(series.samples, samples);
        assert_eq!(reader.next(&mut series), Ok(Item::Series));
        assert_eq!(series.label_bytes(&mut spare), Ok(&*key));
        assert_eq!(reader.next(&mut series), Ok(Item::End));
    }

    #[test]
    fn labels_after_samples_count_too() {
        let mut message = Vec::new();
        push_label(&mut message, b"z", b"1");
        message.extend_from_slice(&[0x12, 2, 0x10, 7]);
        push_label(&mut message, b"__name__", &[b'm'; 200]);
        let mut series = Series::default();
        series.decode(&message).unwrap();
        let wanted = Labels::from_pairs([("z", "1".to_owned()), ("__name__", "m".repeat(200))]);
        assert_eq!(series.labels().unwrap(), Ok(wanted));
        assert_eq!(series.samples[0].time, Timestamp(7));
        assert_eq!(series.samples[0].value, 0.0);
    }

    #[test]
    fn labels_that_are_not_text_refuse_the_series_only() {
        let mut message = Vec::new();
        push_label(&mut message, b"a", b"\xff");
        let mut series = Series::default();
        series.decode(&message).unwrap();
        let problem = LabelsError::Utf8(r#""\xff""#.to_owned());
        assert_eq!(series.labels().unwrap(), Err(problem));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(request in proptest::collection::vec(proptest::num::u8::ANY, 0..128)) {
            let mut reader = Reader::new(&request);
            let mut series = Series::default();
            while let Ok(Item::Series | Item::Metadata(_)) = reader.next(&mut series) {
                let _ = series.labels();
                let _ = (series.histograms().count(), series.exemplars().count());
            }
        }
    }
}
