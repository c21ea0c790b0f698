//! `tsdb analyze`: which labels and metrics a block is made of, and which of its series come and go.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use config::GoDuration;
use model::Matcher;
use model::labels::METRIC_NAME;
use tsdb::RealDisk;
use tsdb::block::{Block, BlockError, SeriesInfo};

use super::distribution::distribution;
use super::ulids;

/// What is to be told of a block.
#[derive(Clone, Copy, Debug)]
pub struct AnalyzeOptions<'a> {
    /// Its name; without it the newest block.
    pub block: Option<&'a str>,
    /// Rows of each list.
    pub limit: usize,
    /// Only series that match; the text is shown.
    pub selector: Option<(&'a str, &'a [Matcher])>,
    pub chunks: Chunks,
}

/// Whether all chunks are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    Skipped,
    Read,
}

/// The text about a block of the folder.
pub fn analyze(dir: &Path, options: &AnalyzeOptions<'_>) -> Result<String, String> {
    let name = match options.block {
        Some(name) => name.to_owned(),
        None => ulids(dir)?.last().ok_or("no blocks found")?.to_string(),
    };
    let block = Block::open(&RealDisk, &dir.join(name)).map_err(|error| error.to_string())?;
    let text = labels_text(&block, options);
    let mut text = text.map_err(|error| error.to_string())?;
    if options.chunks == Chunks::Read {
        text += &chunks_text(&block, options).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// Of a label with one value.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    series: u64,
    /// Milliseconds of the block that its series do not cover, summed up.
    uncovered: u64,
}

fn labels_text(block: &Block, options: &AnalyzeOptions<'_>) -> Result<String, BlockError> {
    let meta = block.meta();
    let span = meta.max_time.saturating_sub(meta.min_time);
    let matchers = options.selector.map_or(&[][..], |(_, matchers)| matchers);
    let mut labels: BTreeMap<String, BTreeMap<String, Pair>> = BTreeMap::new();
    let mut entries: u64 = 0;
    let matched = block.for_each_span(matchers, |series, covered| {
        let covered = covered.map_or(0, |range| range.end.since(range.start).millis());
        let uncovered = span.saturating_sub(covered).unsigned_abs();
        for (name, value) in series {
            entries += 1;
            if !labels.contains_key(name) {
                labels.insert(name.to_owned(), BTreeMap::new());
            }
            let Some(values) = labels.get_mut(name) else {
                continue;
            };
            let pair = match values.get_mut(value) {
                Some(pair) => pair,
                None => values.entry(value.to_owned()).or_default(),
            };
            pair.series += 1;
            pair.uncovered += uncovered;
        }
    })?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Block ID: {}", meta.ulid);
    let _ = writeln!(
        text,
        "Duration: {}",
        GoDuration(span.saturating_mul(1_000_000))
    );
    let _ = writeln!(text, "Total Series: {}", meta.stats.num_series);
    if let Some((selector, _)) = options.selector {
        let _ = writeln!(text, "Matcher: {selector}");
    }
    let _ = writeln!(text, "Label names: {}", labels.len());
    if options.selector.is_some() {
        let _ = writeln!(text, "Matched series: {matched}");
    }
    let distinct: usize = labels.values().map(BTreeMap::len).sum();
    let _ = writeln!(text, "Postings (unique label pairs): {distinct}");
    let _ = writeln!(text, "Postings entries (total label pairs): {entries}");
    let mut section = |title: &str, rows: Vec<(String, u64)>| {
        let _ = writeln!(text, "\n{title}:");
        text += &top(rows, options.limit);
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of positive times, rounded down as the peer does"
    )]
    let share = |uncovered: u64| (uncovered as f64 / span.max(1) as f64) as u64;
    let pairs = || {
        labels.iter().flat_map(|(name, values)| {
            let pair = move |(value, pair): (&String, &Pair)| (format!("{name}={value}"), *pair);
            values.iter().map(pair)
        })
    };
    section(
        "Label pairs most involved in churning",
        pairs()
            .map(|(key, pair)| (key, share(pair.uncovered)))
            .collect(),
    );
    let by_name = |number: &dyn Fn(&BTreeMap<String, Pair>) -> u64| {
        let row =
            |(name, values): (&String, &BTreeMap<String, Pair>)| (name.clone(), number(values));
        labels.iter().map(row).collect::<Vec<_>>()
    };
    section(
        "Label names most involved in churning",
        by_name(&|values| share(values.values().map(|pair| pair.uncovered).sum())),
    );
    section(
        "Most common label pairs",
        pairs().map(|(key, pair)| (key, pair.series)).collect(),
    );
    section(
        "Label names with highest cumulative label value length",
        by_name(&|values| values.keys().map(|value| value.len() as u64).sum()),
    );
    section(
        "Highest cardinality labels",
        by_name(&|values| values.len() as u64),
    );
    let metrics = labels.get(METRIC_NAME).into_iter().flatten();
    section(
        "Highest cardinality metric names",
        metrics
            .map(|(name, pair)| (name.clone(), pair.series))
            .collect(),
    );
    Ok(text)
}

/// The largest rows; equal ones by name, where the peer has no order.
fn top(mut rows: Vec<(String, u64)>, limit: usize) -> String {
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rows = rows.into_iter().take(limit);
    rows.map(|(key, number)| format!("{number} {key}\n"))
        .collect()
}

fn chunks_text(block: &Block, options: &AnalyzeOptions<'_>) -> Result<String, BlockError> {
    let matchers = options.selector.map_or(&[][..], |(_, matchers)| matchers);
    let (mut floats, mut histograms) = (Numbers::default(), Numbers::default());
    let mut total = 0;
    block.for_each_matching(matchers, |series: SeriesInfo| {
        for chunk in &series.chunks {
            let numbers = if chunk.encoding.is_float() {
                &mut floats
            } else {
                &mut histograms
            };
            numbers.samples.push(chunk.samples);
            numbers.bytes.push(chunk.length);
            numbers.buckets.push(chunk.buckets);
            total += 1;
        }
        Ok::<(), BlockError>(())
    })?;
    let mut text = "\nCompaction analysis:\n\n".to_owned();
    text += &distribution("samples per float chunk", floats.samples, total);
    text += &distribution("bytes per float chunk", floats.bytes, total);
    text += &distribution("samples per histogram chunk", histograms.samples, total);
    text += &distribution("bytes per histogram chunk", histograms.bytes, total);
    text += &distribution("buckets per histogram chunk", histograms.buckets, total);
    Ok(text)
}

#[derive(Debug, Default)]
struct Numbers {
    samples: Vec<usize>,
    bytes: Vec<usize>,
    buckets: Vec<usize>,
}
