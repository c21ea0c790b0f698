//! What fuzzers run, as functions: the targets in `fuzz/` call them with bytes from libFuzzer, the tests
//! below with random bytes and with changes of the queries in `fuzz/corpus`.

use promql::{ParserOptions, parse, parse_metric_selector, parse_series_description};

use crate::compare::{Verdict, judge};
use crate::generate::{Choices, Kinds, case, dataset};
use crate::shrink::shrink;

/// Any text gives a tree or errors with places, and nothing panics.
pub(crate) fn parser(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for options in [ParserOptions::ALL, ParserOptions::default()] {
        if let Err(errors) = parse(&text, &options) {
            assert!((1..=100).contains(&errors.errors().len()));
            assert!(!errors.to_string().is_empty());
        }
    }
    let _ = parse_metric_selector(&text);
    let _ = parse_series_description(&text);
}

/// What reads prints as what reads the same.
pub(crate) fn round_trip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(expr) = parse(&text, &ParserOptions::ALL) {
        crate::round_trip::check(&expr);
    }
}

/// The engine agrees with the reference; the bytes are the choices of the generator.
pub(crate) fn differential(bytes: &[u8]) {
    let (seed, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut data = dataset(&mut Choices::seeded(0xf022, u64::from(*seed)), Kinds::All);
    data.truncate(12);
    let case = case(&mut Choices::of_bytes(rest), data);
    let is_different = |case: &_| matches!(judge(case), Verdict::Different(_));
    if is_different(&case) {
        let small = shrink(case, is_different);
        panic!("{:?}: {small:#?}", judge(&small));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const INPUTS: u64 = 20_000;

    fn corpus() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/queries");
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        assert!(paths.len() > 50);
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// A query of the corpus, changed in a few places.
    fn mutated(choices: &mut Choices, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = choices.pick(corpus);
        for _ in 0..1 + choices.below(4) {
            let at = choices.below(bytes.len() + 1);
            let end = at + choices.below((bytes.len() - at).min(12) + 1);
            match choices.below(6) {
                0 => {
                    bytes.drain(at..end);
                }
                1 => bytes.insert(at, choices.next() as u8),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                3 => {
                    let other = choices.pick(corpus);
                    let from = choices.below(other.len() + 1);
                    bytes.splice(at.., other[from..].iter().copied());
                }
                4 => {
                    let tokens: [&[u8]; 14] = [
                        b"(",
                        b")",
                        b"[",
                        b"]",
                        b"{",
                        b"}",
                        b"\"",
                        b"1e9",
                        b" offset ",
                        b"@",
                        b"=~",
                        b" by (",
                        b"\\",
                        b"\xff",
                    ];
                    bytes.splice(at..at, choices.pick(&tokens).iter().copied());
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << choices.below(8);
                    }
                }
            }
        }
        bytes
    }

    fn random(choices: &mut Choices, length_max: usize) -> Vec<u8> {
        (0..choices.below(length_max))
            .map(|_| choices.next() as u8)
            .collect()
    }

    /// Says which input failed.
    fn run(target: fn(&[u8]), number: u64, bytes: &[u8]) {
        let result = std::panic::catch_unwind(|| target(bytes));
        assert!(
            result.is_ok(),
            "input {number}: {:?}",
            String::from_utf8_lossy(bytes)
        );
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let corpus = corpus();
        for number in 0..INPUTS {
            let mut choices = Choices::seeded(1, number);
            let bytes = if number % 4 == 0 {
                random(&mut choices, 60)
            } else {
                mutated(&mut choices, &corpus)
            };
            run(parser, number, &bytes);
        }
    }

    #[test]
    fn what_reads_prints_as_what_reads_the_same() {
        let corpus = corpus();
        for (number, bytes) in (0..).zip(&corpus) {
            run(round_trip, number, bytes);
        }
        for number in 0..INPUTS {
            let bytes = mutated(&mut Choices::seeded(2, number), &corpus);
            run(round_trip, number, &bytes);
        }
    }

    #[test]
    fn bytes_as_choices_find_no_difference() {
        for number in 0..INPUTS {
            let bytes = random(&mut Choices::seeded(3, number), 50);
            run(differential, number, &bytes);
        }
    }
}
