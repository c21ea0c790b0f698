//! Both versions of the message behind one interface.

use model::{Exemplar, Labels};
use wire::remote::{ProtoError, WrittenHistogram, WrittenSample, labels_of, write1, write2};

use super::protocol::MessageType;

/// A decoded message: its fields still as bytes.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    V1(&'a [u8]),
    V2(write2::Request<'a>),
}

/// One series of a request.
pub(crate) struct SeriesContent<'s> {
    /// Its place in the request.
    pub(crate) number: u32,
    /// What is wrong with it already: references to symbols that are not there.
    pub(crate) reference_problem: Option<ReferenceProblem>,
    pub(crate) label_bytes: &'s [u8],
    pub(crate) samples: &'s [WrittenSample],
    pub(crate) histograms: &'s mut dyn Iterator<Item = Result<WrittenHistogram, ProtoError>>,
    pub(crate) exemplars: &'s mut dyn Iterator<Item = Result<Result<Exemplar, String>, ProtoError>>,
}

/// In the peer's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReferenceProblem {
    Labels(String),
    Metadata(String),
    /// The label bytes would be larger than what is left of the limit.
    LabelsSize,
}

/// All label bytes of a request together: a few references may stand for much text.
pub(crate) const LABEL_BYTES_MAX: usize = 512 << 20;
/// A request of the largest size that has more series holds nothing in them.
const SERIES_MAX: u32 = 1 << 22;

impl<'a> Request<'a> {
    pub(crate) fn decode(message: MessageType, content: &'a [u8]) -> Result<Self, ProtoError> {
        Ok(match message {
            MessageType::V1 => Self::V1(content),
            MessageType::V2 => Self::V2(write2::Request::decode(content)?),
        })
    }

    pub(crate) fn message(&self) -> MessageType {
        match self {
            Self::V1(_) => MessageType::V1,
            Self::V2(_) => MessageType::V2,
        }
    }

    /// Gives the series one by one.
    pub(crate) fn each_series<E: From<ProtoError>>(
        &self,
        mut each: impl FnMut(SeriesContent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut label_bytes = Vec::new();
        match self {
            Self::V1(content) => {
                let mut reader = write1::Reader::new(content);
                let mut series = write1::Series::default();
                let mut number = 0;
                loop {
                    match reader.next(&mut series)? {
                        write1::Item::End => return Ok(()),
                        // As in the peer: metadata of its own is not kept.
                        write1::Item::Metadata(_) => {}
                        write1::Item::Series => {
                            if number >= SERIES_MAX {
                                return Err(ProtoError::TooMany(SERIES_MAX as usize).into());
                            }
                            each(SeriesContent {
                                number,
                                reference_problem: None,
                                label_bytes: series.label_bytes(&mut label_bytes)?,
                                samples: &series.samples,
                                histograms: &mut series.histograms(),
                                exemplars: &mut series
                                    .exemplars()
                                    .map(|exemplar| Ok(Ok(exemplar?))),
                            })?;
                            number += 1;
                        }
                    }
                }
            }
            Self::V2(request) => {
                let mut series = write2::Series::default();
                let mut label_bytes_left = LABEL_BYTES_MAX;
                let mut number = 0;
                while request.read(number as usize, &mut series)? {
                    let reference_problem =
                        resolved(request, &series, &mut label_bytes, &mut label_bytes_left).err();
                    each(SeriesContent {
                        number,
                        reference_problem,
                        label_bytes: &label_bytes,
                        samples: &series.samples,
                        histograms: &mut series.histograms(),
                        exemplars: &mut request
                            .exemplars(&series)
                            .map(|exemplar| Ok(exemplar?.map_err(|error| error.to_string()))),
                    })?;
                    number += 1;
                }
                Ok(())
            }
        }
    }

    /// Gives number, label bytes and labels of some series, by their numbers in ascending order. For
    /// requests that were read to their end before: whatever is broken now is left out.
    pub(crate) fn each_of(&self, numbers: &[u32], mut each: impl FnMut(u32, &[u8], Labels)) {
        let mut wanted = numbers.iter().copied().peekable();
        let _ = self.each_series(|series| -> Result<(), ProtoError> {
            if wanted.next_if_eq(&series.number).is_some()
                && let Ok(labels) = labels_of(series.label_bytes)?
            {
                each(series.number, series.label_bytes, labels);
            }
            Ok(())
        });
    }
}

fn resolved(
    request: &write2::Request<'_>,
    series: &write2::Series<'_>,
    label_bytes: &mut Vec<u8>,
    label_bytes_left: &mut usize,
) -> Result<(), ReferenceProblem> {
    let refs = &series.label_refs;
    let labels = |error: write2::SymbolError| {
        ReferenceProblem::Labels(format!(
            "parsing labels for series {}: {error}",
            shown(refs)
        ))
    };
    label_bytes.clear();
    let size = request.label_bytes_size(refs).map_err(labels)?;
    *label_bytes_left = label_bytes_left
        .checked_sub(size)
        .ok_or(ReferenceProblem::LabelsSize)?;
    request.label_bytes(refs, label_bytes).map_err(labels)?;
    request.check_metadata(series).map_err(|error| {
        ReferenceProblem::Metadata(format!(
            "parsing metadata for series {}: {error}",
            shown(refs)
        ))
    })
}

/// As Go prints a list; the text is cut later, so the end of a long one does not matter.
fn shown(refs: &[u32]) -> String {
    let numbers: Vec<String> = refs.iter().take(1000).map(u32::to_string).collect();
    format!("[{}]", numbers.join(" "))
}
