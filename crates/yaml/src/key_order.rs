//! The order in which the peers print the keys of maps.

use std::cmp::Ordering;

/// Letters after everything else, runs of digits by their number, otherwise by character.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (Some(x), Some(y)) = (a.get(common), b.get(common)) else {
        return a.len().cmp(&b.len());
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A difference in zeros within a number counts as a difference behind its leading digits.
    let in_number = (*x == '0' || *y == '0')
        && a[..common]
            .iter()
            .rev()
            .take_while(|c| c.is_numeric())
            .any(|c| *c != '0');
    let seed = u64::from(in_number);
    let (number_a, end_a) = number(&a[common..], seed);
    let (number_b, end_b) = number(&b[common..], seed);
    number_a
        .cmp(&number_b)
        .then(end_a.cmp(&end_b))
        .then(x.cmp(y))
}

fn number(text: &[char], seed: u64) -> (u64, usize) {
    let digits = text.iter().take_while(|c| c.is_ascii_digit());
    digits.fold((seed, 0), |(number, count), digit| {
        let digit = u64::from(digit.to_digit(10).unwrap_or(0));
        (number.wrapping_mul(10).wrapping_add(digit), count + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_letters_come_last() {
        let mut keys = vec!["b", "a10", "a2", "_x", "1", "a", "Z", "a-b", "10", "9"];
        keys.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(
            keys,
            ["_x", "1", "9", "10", "Z", "a", "a-b", "a2", "a10", "b"]
        );
    }
}
