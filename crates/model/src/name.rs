//! Validity of metric and label names, and the `U__` escaping of UTF-8 names.

/// Which names are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameScheme {
    /// Any non-empty UTF-8 text.
    #[default]
    Utf8,
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, without colons for label names.
    Legacy,
}

pub fn is_legacy_metric_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, byte)| {
            byte.is_ascii_alphabetic()
                || byte == b'_'
                || byte == b':'
                || (at > 0 && byte.is_ascii_digit())
        })
}

pub fn is_legacy_label_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, byte)| {
            byte.is_ascii_alphabetic() || byte == b'_' || (at > 0 && byte.is_ascii_digit())
        })
}

impl NameScheme {
    pub fn allows_metric(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy_metric_name(name),
        }
    }

    pub fn allows_label(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy_label_name(name),
        }
    }
}

/// `U__` + the name with `_` doubled and each other character outside `[a-zA-Z0-9:]` as `_HEX_`: the
/// "values" escaping, for names in URLs and headers. Legacy names stay as they are.
pub fn escape_values(name: &str) -> String {
    if is_legacy_metric_name(name) {
        return name.to_owned();
    }
    let mut escaped = String::from("U__");
    for (at, character) in name.chars().enumerate() {
        if character == '_' {
            escaped.push_str("__");
        } else if character == ':'
            || character.is_ascii_alphabetic()
            || (at > 0 && character.is_ascii_digit())
        {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("_{:X}_", u32::from(character)));
        }
    }
    escaped
}

/// The name that [`escape_values`] escaped; a text that it cannot have made is returned as it is.
pub fn unescape_values(escaped: &str) -> String {
    let Some(mut rest) = escaped.strip_prefix("U__") else {
        return escaped.to_owned();
    };
    let mut name = String::new();
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        if character != '_' {
            name.push(character);
            continue;
        }
        if let Some(tail) = rest.strip_prefix('_') {
            name.push('_');
            rest = tail;
            continue;
        }
        let decoded = rest
            .split_once('_')
            .filter(|(hex, _)| !hex.is_empty() && hex.len() <= 6)
            .and_then(|(hex, tail)| {
                Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, tail))
            });
        match decoded {
            Some((character, tail)) => {
                name.push(character);
                rest = tail;
            }
            None => return escaped.to_owned(),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_round_trips() {
        for name in [
            "my.metric",
            "a_b.c",
            "ünï",
            "1start",
            "plain_name",
            "sp ace",
        ] {
            assert_eq!(
                unescape_values(&escape_values(name)),
                name,
                "{}",
                escape_values(name)
            );
        }
        assert_eq!(escape_values("my.dotted_name"), "U__my_2E_dotted__name");
        assert_eq!(unescape_values("U__bad_zz_"), "U__bad_zz_");
    }

    #[test]
    fn legacy_names() {
        assert!(
            is_legacy_metric_name("a:b_c1")
                && !is_legacy_metric_name("1a")
                && !is_legacy_metric_name("a.b")
        );
        assert!(
            is_legacy_label_name("a_1")
                && !is_legacy_label_name("a:b")
                && !is_legacy_label_name("")
        );
    }
}
