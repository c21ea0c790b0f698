//! Natural order of texts: runs of digits compare as numbers, so that `a2` comes before `a10`.

use std::cmp::Ordering;

/// Splits off the next run of digits or of other characters.
fn next_run(text: &str) -> (&str, &str, bool) {
    let is_digit = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let end = text
        .bytes()
        .position(|byte| byte.is_ascii_digit() != is_digit)
        .unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    (run, rest, is_digit)
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.is_empty(), b.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (run_a, rest_a, digits_a) = next_run(a);
        let (run_b, rest_b, digits_b) = next_run(b);
        let order = if digits_a && digits_b {
            let (trimmed_a, trimmed_b) =
                (run_a.trim_start_matches('0'), run_b.trim_start_matches('0'));
            trimmed_a
                .len()
                .cmp(&trimmed_b.len())
                .then_with(|| trimmed_a.cmp(trimmed_b))
                .then_with(|| run_a.len().cmp(&run_b.len()))
        } else {
            run_a.cmp(run_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_value() {
        let mut names = vec!["node10", "node2", "node", "a1b20", "a1b3", "1", "01"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            ["1", "01", "a1b3", "a1b20", "node", "node2", "node10"]
        );
    }
}
