//! `tsdb dump` and `tsdb dump-openmetrics`: all samples of a folder, those of its log too, a line each.

use std::io::{BufWriter, ErrorKind, Write};
use std::sync::Arc;

use model::format::{float_general, go_quote};
use model::labels::METRIC_NAME;
use model::storage::{
    Projection, ReadError, SelectRequest, SeriesBatch, SeriesList, SeriesReader, TimeRange,
};
use model::{Labels, Matcher};

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpFormat {
    /// `{labels} value milliseconds`.
    Samples,
    /// The labels of each series as JSON, without samples.
    SeriesJson,
    /// OpenMetrics; native histograms have no place in it.
    OpenMetrics,
}

/// What is dumped.
#[derive(Clone, Copy, Debug)]
pub struct DumpRequest<'a> {
    pub range: TimeRange,
    /// Series that match any of these.
    pub selectors: &'a [Vec<Matcher>],
    pub format: DumpFormat,
}

/// Why a dump ended early.
#[derive(Debug)]
enum DumpError {
    Read(ReadError),
    Write(std::io::Error),
}

/// Writes the samples, series by series, in the order of their labels. If the reader of the output goes away,
/// that is the end and no error.
pub fn dump(
    out: &mut dyn Write,
    reader: &dyn SeriesReader,
    request: &DumpRequest<'_>,
) -> Result<(), String> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let result = write_all(&mut out, reader, request);
    let result = result.and_then(|()| out.flush().map_err(DumpError::Write));
    match result {
        Ok(()) => Ok(()),
        Err(DumpError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(DumpError::Write(error)) => Err(format!("writing the output: {error}")),
        Err(DumpError::Read(error)) => Err(error.to_string()),
    }
}

fn write_all(
    out: &mut dyn Write,
    reader: &dyn SeriesReader,
    request: &DumpRequest<'_>,
) -> Result<(), DumpError> {
    let mut rows: Vec<(Labels, Arc<dyn SeriesList>, usize)> = Vec::new();
    for selector in request.selectors {
        let list = reader.select(&SelectRequest {
            range: request.range,
            matchers: selector,
            projection: Projection::All,
        });
        let list = list.map_err(DumpError::Read)?;
        rows.extend((0..list.len()).map(|row| (list.labels(row), Arc::clone(&list), row)));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    // A series that several selectors found is the same in each list.
    rows.dedup_by(|a, b| a.0 == b.0);
    let mut batch = SeriesBatch::new();
    for (labels, list, row) in rows {
        if request.format == DumpFormat::SeriesJson {
            writeln!(out, "{}", json(&labels)).map_err(DumpError::Write)?;
            continue;
        }
        batch.clear();
        list.read(row..row + 1, &mut batch)
            .map_err(DumpError::Read)?;
        let written = match request.format {
            DumpFormat::OpenMetrics => write_openmetrics(out, &labels, &batch),
            _ => write_samples(out, &labels, &batch),
        };
        written.map_err(DumpError::Write)?;
    }
    if request.format == DumpFormat::OpenMetrics {
        writeln!(out, "# EOF").map_err(DumpError::Write)?;
    }
    Ok(())
}

fn write_samples(out: &mut dyn Write, labels: &Labels, batch: &SeriesBatch) -> std::io::Result<()> {
    let labels = labels.to_string();
    let mut histograms = batch.histograms_of(0).iter().peekable();
    for at in batch.positions(0) {
        let (Some(time), Some(value)) = (batch.times.get(at), batch.values.get(at)) else {
            continue;
        };
        match histograms.next_if(|(own, _)| *own == at) {
            Some((_, histogram)) => writeln!(out, "{labels} {histogram} {time}")?,
            None => writeln!(out, "{labels} {} {time}", float_general(*value))?,
        }
    }
    Ok(())
}

fn write_openmetrics(
    out: &mut dyn Write,
    labels: &Labels,
    batch: &SeriesBatch,
) -> std::io::Result<()> {
    let name = labels.metric_name();
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != METRIC_NAME)
        .map(|(name, value)| format!("{name}={}", go_quote(value)))
        .collect();
    let series = format!("{name}{{{}}}", pairs.join(","));
    // As in the peer, the first histogram ends the series.
    let end = batch.histograms_of(0).first().map(|(at, _)| *at);
    for at in batch.positions(0).take_while(|at| Some(*at) != end) {
        let (Some(time), Some(value)) = (batch.times.get(at), batch.values.get(at)) else {
            continue;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds, as the peer computes them"
        )]
        let seconds = *time as f64 / 1000.0;
        writeln!(out, "{series} {} {seconds:.3}", float_general(*value))?;
    }
    Ok(())
}

/// As Go writes JSON: sorted, and safe to stand in HTML.
fn json(labels: &Labels) -> String {
    let text = serde_json::to_string(&labels.to_map()).unwrap_or_default();
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use model::Value;
    use model::sample::STALE_NAN;
    use promql::testing::memory::MemoryStorage;

    use super::*;

    fn dumped(format: DumpFormat, range: TimeRange, selectors: &[&str]) -> String {
        let mut memory = MemoryStorage::new();
        let series = |name: &str| Labels::from_pairs([("__name__", name), ("a", "<\"b\">")]);
        memory.add(&series("z"), 1000, Value::Float(1e7));
        memory.add(&series("z"), 2500, Value::Float(f64::NEG_INFINITY));
        memory.add(&series("b"), 2000, Value::Float(STALE_NAN));
        let selectors: Vec<_> = selectors
            .iter()
            .map(|text| promql::parse_metric_selector(text).unwrap())
            .collect();
        let request = DumpRequest {
            range,
            selectors: &selectors,
            format,
        };
        let mut out = Vec::new();
        dump(&mut out, &memory, &request).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_the_peers() {
        let all = ["{__name__=~\".*\"}", "z"];
        assert_eq!(
            dumped(DumpFormat::Samples, TimeRange::ALL, &all),
            "{__name__=\"b\", a=\"<\\\"b\\\">\"} NaN 2000\n{__name__=\"z\", a=\"<\\\"b\\\">\"} 1e+07 1000\n\
             {__name__=\"z\", a=\"<\\\"b\\\">\"} -Inf 2500\n"
        );
        assert_eq!(
            dumped(DumpFormat::OpenMetrics, TimeRange::ALL, &["z"]),
            "z{a=\"<\\\"b\\\">\"} 1e+07 1.000\nz{a=\"<\\\"b\\\">\"} -Inf 2.500\n# EOF\n"
        );
        assert_eq!(
            dumped(DumpFormat::SeriesJson, TimeRange::ALL, &["b"]),
            "{\"__name__\":\"b\",\"a\":\"\\u003c\\\"b\\\"\\u003e\"}\n"
        );
        let late = TimeRange::new(model::Timestamp(2500), model::Timestamp(9000));
        assert_eq!(dumped(DumpFormat::Samples, late, &all).lines().count(), 1);
    }

    /// Output that nobody reads any more ends the dump without a complaint; a full disk is one.
    #[test]
    fn output_can_end() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut memory = MemoryStorage::new();
        memory.add(&Labels::from_name("a"), 1, Value::Float(1.0));
        let request = DumpRequest {
            range: TimeRange::ALL,
            selectors: &[vec![]],
            format: DumpFormat::Samples,
        };
        assert_eq!(
            dump(&mut Broken(ErrorKind::BrokenPipe), &memory, &request),
            Ok(())
        );
        let error = dump(&mut Broken(ErrorKind::StorageFull), &memory, &request).unwrap_err();
        assert!(error.starts_with("writing the output: "), "{error}");
    }
}
