//! Times of arguments.

use ::amtool::Failure;
use model::Timestamp;

use crate::amtool::now;
use crate::query;

/// RFC 3339, seconds since 1970, or `-2h` for two hours ago. `name` is that of the argument, for the problem.
pub(crate) fn time(name: &str, text: &str) -> Result<Timestamp, Failure> {
    let at = match text.strip_prefix('-').map(model::Duration::parse) {
        Some(before) => before.ok().map(|before| now() - before),
        None => query::time(name, text).ok(),
    };
    at.ok_or_else(|| {
        format!("{name} {text}: no time; write it like 2026-11-27T10:00:00Z, 1795773600 or -2h")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_forms() {
        let seconds = |text| time("--from", text).unwrap().seconds().to_string();
        assert_eq!(seconds("1795773600.5"), "1795773600.5");
        assert_eq!(seconds("1970-01-01T00:01:00Z"), "60");
        let ago = time("--from", "-2h").unwrap();
        assert!((now().seconds() - ago.seconds() - 7200.0).abs() < 60.0);
        for wrong in ["-x", "yesterday", "inf", "-"] {
            assert!(time("--to", wrong).is_err(), "{wrong}");
        }
    }
}
