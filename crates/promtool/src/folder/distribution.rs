//! How numbers are spread, drawn with a row of `#` per bucket.

/// A picture of the numbers; `total` is what the shares are of.
pub(super) fn distribution(what: &str, mut numbers: Vec<usize>, total: usize) -> String {
    numbers.sort_unstable();
    let (Some(&least), Some(&most)) = (numbers.first(), numbers.last()) else {
        return format!("{what}: N/A\n\n");
    };
    let (start, end, step) = buckets(least, most);
    let mut counts = vec![0_usize; (end - start) / step + 1];
    for number in &numbers {
        if let Some(count) = counts.get_mut((number - start) / step) {
            *count += 1;
        }
    }
    let average = numbers.iter().sum::<usize>() / numbers.len();
    let mut text = format!("{what} (min/avg/max): {least}/{average}/{most}\n");
    let width = |number: usize| number.to_string().len();
    let (left, right) = (width(end), width(end + step));
    let count_width = width(counts.iter().copied().max().unwrap_or(0));
    for (at, count) in counts.iter().enumerate() {
        let share = "#".repeat(100 * count / total.max(1));
        let (from, to) = (at * step + start + 1, (at + 1) * step + start);
        text += &format!("[{from:left$}, {to:right$}]: {count:count_width$} {share}\n");
    }
    text + "\n"
}

/// Start, end and width of the buckets: some ten of them.
fn buckets(least: usize, most: usize) -> (usize, usize, usize) {
    let wanted = (most - least) / 10;
    let mut step = 10;
    while step < wanted && step <= 10_000 {
        step *= 10;
    }
    (least - least % step, most - most % step + step, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As promtool 2.42 draws the same numbers.
    #[test]
    fn a_picture() {
        assert_eq!(
            distribution("samples", vec![3, 25, 8], 4),
            "samples (min/avg/max): 3/12/25\n[ 1, 10]: 2 ##################################################\n\
             [11, 20]: 0 \n[21, 30]: 1 #########################\n[31, 40]: 0 \n\n"
        );
        assert_eq!(distribution("x", vec![], 4), "x: N/A\n\n");
        assert_eq!(buckets(5, 100_000), (0, 110_000, 10_000));
    }
}
