//! How well a name fits what somebody types: a number up to 1, as the peer computes it.
//!
//! Characters are those of Unicode. Cost of one name: its length times the places where the first character of
//! the term stands ([`subsequence`]), or the product of both lengths ([`jaro_winkler`]); both lengths are cut
//! at [`CHARACTERS_MAX`].

/// Longer names are scored by their beginning.
const CHARACTERS_MAX: usize = 1024;
/// What is not the very term scores a little below 1.
const NOT_EXACT: f64 = 0.999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// The characters of the term in their order, with anything between them.
    Subsequence,
    /// Contains the term, or is similar to it.
    JaroWinkler,
}

impl Algorithm {
    pub(super) const ALL: [(&'static str, Self); 2] = [
        ("subsequence", Self::Subsequence),
        ("jarowinkler", Self::JaroWinkler),
    ];
}

/// What is searched for. A name that fits any of the terms is found.
#[derive(Clone, Debug)]
pub(super) struct Search {
    terms: Vec<Vec<char>>,
    algorithm: Algorithm,
    /// Below it nothing counts as similar.
    threshold: f64,
    folds_case: bool,
}

/// How terms are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    pub(super) algorithm: Algorithm,
    /// Hundredths.
    pub(super) threshold: u8,
    pub(super) folds_case: bool,
}

impl Search {
    pub(super) fn new<'t>(terms: impl Iterator<Item = &'t str>, how: Comparison) -> Self {
        let characters = |term: &str| characters(term, how.folds_case);
        Self {
            terms: terms
                .filter(|term| !term.is_empty())
                .map(characters)
                .collect(),
            algorithm: how.algorithm,
            threshold: f64::from(how.threshold) / 100.0,
            folds_case: how.folds_case,
        }
    }

    /// The best score; `None` if the name fits no term.
    pub(super) fn score(&self, name: &str) -> Option<f64> {
        if self.terms.is_empty() {
            return Some(1.0);
        }
        let name = characters(name, self.folds_case);
        let scores = self
            .terms
            .iter()
            .filter_map(|term| self.of_term(term, &name));
        scores.reduce(f64::max)
    }

    fn of_term(&self, term: &[char], name: &[char]) -> Option<f64> {
        match self.algorithm {
            Algorithm::Subsequence if name.starts_with(term) => Some(1.0),
            Algorithm::Subsequence => {
                subsequence(term, name).filter(|score| *score > 0.0 && *score >= self.threshold)
            }
            Algorithm::JaroWinkler => substring(term, name).or_else(|| {
                let similarity = jaro_winkler(term, name);
                (self.threshold > 0.0 && similarity >= self.threshold).then_some(similarity)
            }),
        }
    }
}

fn characters(text: &str, folds_case: bool) -> Vec<char> {
    let text = text.chars().take(CHARACTERS_MAX);
    if folds_case {
        text.flat_map(char::to_lowercase).collect()
    } else {
        text.collect()
    }
}

/// 1 at the beginning, down to a tenth at the end.
#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
fn substring(term: &[char], name: &[char]) -> Option<f64> {
    let at = name.windows(term.len()).position(|window| window == term)?;
    if at == 0 {
        return Some(1.0);
    }
    Some(1.0 - 0.9 * at as f64 / (name.len() - term.len()) as f64)
}

/// Each run of characters that follow each other counts with the square of its length; gaps take away what
/// part of the name they are, the last one half of that. The best of all places to begin.
#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
fn subsequence(term: &[char], name: &[char]) -> Option<f64> {
    if term == name {
        return Some(1.0);
    }
    let first = term.first()?;
    let starts = name.iter().enumerate().filter(|(_, found)| *found == first);
    let mut best: Option<f64> = None;
    for (start, _) in starts {
        // Where the term does not fit from here, it fits from no later place.
        let Some(score) = from_start(term, name, start) else {
            break;
        };
        best = Some(best.map_or(score, |best| best.max(score)));
    }
    let best = best.filter(|best| *best >= 0.0)?;
    Some(best / (term.len() * term.len()) as f64 * NOT_EXACT)
}

#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
fn from_start(term: &[char], name: &[char], start: usize) -> Option<f64> {
    let part = 1.0 / name.len() as f64;
    let mut wanted = term.iter().peekable();
    let (mut score, mut run) = (0.0, 0usize);
    // After the last character that fitted.
    let mut end = 0;
    for (at, found) in name.iter().enumerate().skip(start) {
        if wanted.next_if_eq(&found).is_some() {
            score -= (at - end) as f64 * part;
            if at > end {
                score += (run * run) as f64;
                run = 0;
            }
            run += 1;
            end = at + 1;
        } else if wanted.peek().is_none() {
            break;
        }
    }
    if wanted.peek().is_some() {
        return None;
    }
    score += (run * run) as f64;
    Some(score - (name.len() - end) as f64 * part * 0.5)
}

/// The similarity of Jaro, raised for a common beginning as Winkler proposed.
#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
fn jaro_winkler(term: &[char], name: &[char]) -> f64 {
    if term == name {
        return 1.0;
    }
    let (short, long) = if term.len() > name.len() {
        (name, term)
    } else {
        (term, name)
    };
    let reach = (long.len() / 2).saturating_sub(1);
    let mut is_taken = vec![false; long.len()];
    let mut matched = Vec::new();
    for (at, wanted) in short.iter().enumerate() {
        let near = at.saturating_sub(reach)..(at + reach + 1).min(long.len());
        let found = near
            .into_iter()
            .find(|place| is_taken.get(*place) == Some(&false) && long.get(*place) == Some(wanted));
        if let Some(taken) = found.and_then(|place| is_taken.get_mut(place)) {
            *taken = true;
            matched.push(*wanted);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let of_long = long
        .iter()
        .zip(&is_taken)
        .filter(|(_, is_taken)| **is_taken);
    let swapped = of_long.zip(&matched).filter(|((a, _), b)| a != b).count();
    let matches = matched.len() as f64;
    let jaro = (matches * (1.0 / short.len() as f64)
        + matches * (1.0 / long.len() as f64)
        + (matches - swapped as f64 * 0.5) / matches)
        / 3.0;
    let common = short
        .iter()
        .zip(long)
        .take(4)
        .take_while(|(a, b)| a == b)
        .count();
    jaro + common as f64 * 0.1 * (1.0 - jaro)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(term: &str, name: &str, how: Comparison) -> Option<f64> {
        Search::new(std::iter::once(term), how).score(name)
    }

    const SUBSEQUENCE: Comparison = Comparison {
        algorithm: Algorithm::Subsequence,
        threshold: 0,
        folds_case: false,
    };

    fn is_near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found - wanted).abs() < 1e-9)
    }

    /// Worked out by hand from the peer's formula.
    #[test]
    fn subsequences() {
        for (term, name, wanted) in [
            ("http", "http_requests_total", 1.0),
            ("up", "up", 1.0),
            // One run of two, after one of three characters, nothing behind it.
            ("bc", "abc", (4.0 - 1.0 / 3.0) / 4.0 * 0.999),
            // Two runs of one, a gap of one between them, one character behind.
            ("ac", "abcd", (2.0 - 1.0 / 4.0 - 0.5 / 4.0) / 4.0 * 0.999),
            // The better beginning is the second one.
            ("ab", "acab", (4.0 - 2.0 / 4.0) / 4.0 * 0.999),
        ] {
            let found = score(term, name, SUBSEQUENCE);
            assert!(
                is_near(found, wanted),
                "{term} in {name}: {found:?}, wanted {wanted}"
            );
        }
        assert_eq!(score("ba", "abc", SUBSEQUENCE), None);
        assert_eq!(score("HTTP", "http", SUBSEQUENCE), None);
        let folding = Comparison {
            folds_case: true,
            ..SUBSEQUENCE
        };
        assert_eq!(score("HTTP", "http_x", folding), Some(1.0));
        let strict = Comparison {
            threshold: 50,
            ..SUBSEQUENCE
        };
        assert_eq!(score("ac", "abcd", strict), None);
        assert_eq!(score("", "anything", SUBSEQUENCE), Some(1.0));
    }

    #[test]
    fn similar_names() {
        let how = Comparison {
            algorithm: Algorithm::JaroWinkler,
            threshold: 80,
            folds_case: false,
        };
        assert_eq!(score("up", "upload", how), Some(1.0));
        assert!(is_near(score("load", "upload", how), 0.1));
        // The examples of Winkler's paper.
        assert!(is_near(
            score("MARTHA", "MARHTA", how),
            0.961_111_111_111_111_1
        ));
        assert!(is_near(score("DWAYNE", "DUANE", how), 0.84));
        assert_eq!(score("abc", "xyz", how), None);
        let off = Comparison {
            threshold: 0,
            ..how
        };
        assert_eq!(score("MARTHA", "MARHTA", off), None);
    }
}
