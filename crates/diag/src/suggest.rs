//! "Did you mean …?"

const WORD_LENGTH_MAX: usize = 100;

/// The candidate closest to `word` by edit distance, if it is close enough to be a likely typo: at most
/// a third of the word's length, and at least one edit is always allowed.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Comparing takes time with the product of the lengths, and nobody mistypes a novel.
    if word.len() > WORD_LENGTH_MAX {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, candidate)| {
            *edits <= limit && *edits > 0 && *edits < candidate.chars().count()
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein distance with adjacent transpositions, in characters.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let substituted = last[j] + usize::from(ca != cb);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn suggests_typos_only() {
        let known = ["scrape_timeout", "rate", "irate", "sum"];
        assert_eq!(did_you_mean("scrap_timeout", known), Some("scrape_timeout"));
        assert_eq!(did_you_mean("rte", known), Some("rate"));
        assert_eq!(did_you_mean("completely", known), None);
        assert_eq!(did_you_mean("sum", ["sum"]), None);
    }
}
