//! Start timestamps in scripts: `series@st -30s-1mx2 _ 0`, as offsets from the samples' own times.

use model::Duration;

/// The offsets in milliseconds, one per step; none where `_` stands.
pub(super) fn parse(items: &str) -> Result<Vec<Option<i64>>, String> {
    let mut offsets = Vec::new();
    for item in items.split_whitespace() {
        parse_item(item, &mut offsets)?;
    }
    Ok(offsets)
}

fn parse_item(item: &str, offsets: &mut Vec<Option<i64>>) -> Result<(), String> {
    let times = |text: &str| {
        text.parse::<usize>()
            .map_err(|error| format!("{item:?}: {error}"))
    };
    if let Some(rest) = item.strip_prefix('_') {
        let count = match rest.strip_prefix('x') {
            Some(count) => times(count)?,
            None => 1,
        };
        offsets.extend(std::iter::repeat_n(None, count));
        return Ok(());
    }
    let (body, repeats) = match item.rsplit_once('x') {
        Some((body, repeats)) => (body, times(repeats)?),
        None => (item, 0),
    };
    // A sign after the first character begins the increment.
    let split = body
        .char_indices()
        .skip(1)
        .find(|(_, character)| matches!(character, '+' | '-'))
        .map_or(body.len(), |(at, _)| at);
    let (first, increment) = body.split_at(split);
    let first = signed(first)?;
    let increment = if increment.is_empty() {
        0
    } else {
        signed(increment)?
    };
    let mut offset = first;
    for _ in 0..=repeats {
        offsets.push(Some(offset));
        offset += increment;
    }
    Ok(())
}

fn signed(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    // A bare zero may carry its unit or not.
    let duration = Duration::parse(digits).map_err(|error| format!("{text:?}: {error}"))?;
    Ok(sign * duration.millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_repeat_and_grow() {
        assert_eq!(
            parse("_ _x2 -30s-1mx2 0").unwrap(),
            [
                None,
                None,
                None,
                Some(-30_000),
                Some(-90_000),
                Some(-150_000),
                Some(0)
            ]
        );
    }
}
