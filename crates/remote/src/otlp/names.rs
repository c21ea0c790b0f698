//! From names of OpenTelemetry to names of Prometheus: what characters become, which suffixes are added.
//!
//! Source: the specification "Prometheus and OpenMetrics Compatibility" of OpenTelemetry, and what the peer's
//! library does where it leaves a choice.

/// How names are made; the four translation strategies are the combinations of the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Units and types become suffixes.
    pub adds_suffixes: bool,
    /// All characters stay.
    pub allows_utf8: bool,
    /// `_x` becomes `key_x`.
    pub prefixes_underscores: bool,
    /// Several underscores stay as many.
    pub keeps_underscores: bool,
}

/// What a metric is, as far as its name shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Gauge,
    Counter,
    Other,
}

const UNITS: [(&str, &str); 27] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
    ("", ""),
];

/// Behind a slash.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

fn known<'a>(table: &'a [(&'a str, &'a str)], unit: &'a str) -> &'a str {
    let found = table.iter().find(|(short, _)| *short == unit);
    found.map_or(unit, |(_, long)| long)
}

/// The unit, and what stands behind its slash with `per_` before it. Annotations in braces are no units.
fn unit_suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let usable = |text: &'_ str| !text.is_empty() && !text.contains(['{', '}']);
    let (main, per) = (main.trim(), per.trim());
    let main = if usable(main) {
        known(&UNITS, main)
    } else {
        ""
    };
    let per = if usable(per) {
        known(&PER_UNITS, per)
    } else {
        ""
    };
    let per = if per.is_empty() {
        String::new()
    } else {
        format!("per_{per}")
    };
    (main.to_owned(), per)
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == ':'
}

/// Other characters become underscores, several of which become one.
fn cleaned(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for character in unit.chars() {
        if is_plain(character) {
            out.push(character);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.strip_prefix('_').map(str::to_owned).unwrap_or(out)
}

/// The unit as it stands in the metadata and in `__unit__`.
pub(crate) fn unit_name(unit: &str, allows_utf8: bool) -> String {
    let (mut main, mut per) = unit_suffixes(unit);
    if !allows_utf8 {
        (main, per) = (cleaned(&main), cleaned(&per));
    }
    let name = match (main.as_str(), per.as_str()) {
        (main, "") => main.to_owned(),
        ("", per) => per.to_owned(),
        (main, per) => format!("{main}_{per}"),
    };
    let name = name.strip_prefix('_').unwrap_or(&name);
    name.strip_suffix('_').unwrap_or(name).to_owned()
}

impl Naming {
    pub(crate) fn metric(self, name: &str, unit: &str, kind: Kind) -> Result<String, String> {
        if self.allows_utf8 {
            return Ok(if self.adds_suffixes {
                with_suffixes(name, unit, kind)
            } else {
                name.to_owned()
            });
        }
        let quoted = model::format::go_quote;
        let made = if self.adds_suffixes {
            from_tokens(name, unit, kind)
        } else {
            let parts = name.split(|character| !is_plain(character) && character != '_');
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            not_from_digit(parts.join("_"))
        };
        if made.is_empty() {
            return Err(format!(
                "normalization for metric {} resulted in empty name",
                quoted(name)
            ));
        }
        if made != name && made.chars().all(|character| character == '_') {
            return Err(format!(
                "normalization for metric {} resulted in invalid name {}",
                quoted(name),
                quoted(&made)
            ));
        }
        Ok(made)
    }

    pub(crate) fn label(self, name: &str) -> Result<String, String> {
        if name.is_empty() {
            return Err("label name is empty".to_owned());
        }
        let is_blank = |name: &str| name.chars().all(|character| character == '_');
        let quoted = model::format::go_quote;
        if self.allows_utf8 {
            if is_blank(name) {
                return Err(format!(
                    "label name {} contains only underscores",
                    quoted(name)
                ));
            }
            return Ok(name.to_owned());
        }
        let mut made = self.sanitized(name);
        if made.starts_with(|first: char| first.is_ascii_digit()) {
            made.insert_str(0, "key_");
        } else if self.prefixes_underscores && made.starts_with('_') && !made.starts_with("__") {
            made.insert_str(0, "key");
        }
        if is_blank(&made) {
            return Err(format!(
                "normalization for label name {} resulted in invalid name {}",
                quoted(name),
                quoted(&made)
            ));
        }
        Ok(made)
    }

    fn sanitized(self, name: &str) -> String {
        let mut out = String::with_capacity(name.len());
        let is_plain = |character: char| character.is_ascii_alphanumeric();
        if self.keeps_underscores {
            out.extend(
                name.chars()
                    .map(|character| if is_plain(character) { character } else { '_' }),
            );
            return out;
        }
        let inner = name
            .strip_prefix("__")
            .and_then(|rest| rest.strip_suffix("__"));
        let around = if inner.is_some() { "__" } else { "" };
        out.push_str(around);
        let mut was_underscore = false;
        for character in inner.unwrap_or(name).chars() {
            if is_plain(character) {
                out.push(character);
            } else if !was_underscore {
                out.push('_');
            }
            was_underscore = !is_plain(character);
        }
        out.push_str(around);
        out
    }
}

fn not_from_digit(name: String) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return format!("_{name}");
    }
    name
}

/// Words with underscores between them; words of the unit are added where they are not there.
fn from_tokens(name: &str, unit: &str, kind: Kind) -> String {
    let words = name.split(|character| !is_plain(character));
    let mut words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let (main, per) = unit_suffixes(unit);
    let (mut main, mut per) = (cleaned(&main), cleaned(&per));
    if words.contains(&main) {
        main.clear();
    }
    if per == "per_" {
        per.clear();
    } else {
        per.truncate(per.strip_suffix('_').unwrap_or(&per).len());
        if words.contains(&per) {
            per.clear();
        }
    }
    if !per.is_empty() {
        main.truncate(main.strip_suffix('_').unwrap_or(&main).len());
    }
    words.extend([main, per].into_iter().filter(|word| !word.is_empty()));
    let last = match kind {
        Kind::Counter => Some("total"),
        Kind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(last) = last {
        words.retain(|word| word != last);
        words.push(last.to_owned());
    }
    not_from_digit(words.join("_"))
}

/// The name as it is, with suffixes in their order; one that stands at the end already is moved.
fn with_suffixes(name: &str, unit: &str, kind: Kind) -> String {
    let mut name = name.to_owned();
    let take = |name: &mut String, suffix: &str| {
        if name.ends_with(suffix) && name.len() > suffix.len() + 1 {
            // What stands before the suffix counts as what separates it.
            let mut end = name.len() - suffix.len() - 1;
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            name.truncate(end);
        }
    };
    let (main, per) = unit_suffixes(unit);
    let mut suffixes = Vec::new();
    if unit == "1" && kind == Kind::Gauge {
        take(&mut name, "ratio");
        suffixes.push("ratio".to_owned());
    }
    if kind == Kind::Counter {
        take(&mut name, "total");
        suffixes.push("total".to_owned());
    }
    if !per.is_empty() {
        take(&mut name, &per);
        suffixes.push(per);
    }
    if !main.is_empty() && !name.ends_with(&main) {
        suffixes.push(main);
    }
    for suffix in suffixes.iter().rev() {
        name.push('_');
        name.push_str(suffix);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Naming = Naming {
        adds_suffixes: true,
        allows_utf8: false,
        prefixes_underscores: true,
        keeps_underscores: true,
    };

    #[test]
    fn metrics() {
        let utf8 = Naming {
            allows_utf8: true,
            ..DEFAULT
        };
        let plain = Naming {
            adds_suffixes: false,
            ..DEFAULT
        };
        let none = Naming {
            adds_suffixes: false,
            ..utf8
        };
        for (naming, name, unit, kind, wanted) in [
            (
                DEFAULT,
                "my.counter",
                "s",
                Kind::Counter,
                "my_counter_seconds_total",
            ),
            (
                DEFAULT,
                "system.io",
                "By",
                Kind::Counter,
                "system_io_bytes_total",
            ),
            (
                DEFAULT,
                "requests.total",
                "1",
                Kind::Counter,
                "requests_total",
            ),
            (
                DEFAULT,
                "total.requests",
                "",
                Kind::Counter,
                "requests_total",
            ),
            (DEFAULT, "cpu.usage", "1", Kind::Gauge, "cpu_usage_ratio"),
            (
                DEFAULT,
                "net.speed",
                "By/s",
                Kind::Gauge,
                "net_speed_bytes_per_second",
            ),
            (
                DEFAULT,
                "speed",
                "m/min",
                Kind::Gauge,
                "speed_meters_per_min",
            ),
            (DEFAULT, "queue", "{items}", Kind::Gauge, "queue"),
            (
                DEFAULT,
                "queue",
                "{items}/s",
                Kind::Gauge,
                "queue_per_second",
            ),
            (DEFAULT, "a..b--c", "", Kind::Other, "a_b_c"),
            (DEFAULT, "5xx", "", Kind::Other, "_5xx"),
            (DEFAULT, "free.bytes", "By", Kind::Gauge, "free_bytes"),
            (DEFAULT, "hot", "°C", Kind::Gauge, "hot_C"),
            (
                utf8,
                "my.counter",
                "s",
                Kind::Counter,
                "my.counter_seconds_total",
            ),
            (utf8, "my.total", "s", Kind::Counter, "my_seconds_total"),
            (
                utf8,
                "net.speed",
                "By/s",
                Kind::Gauge,
                "net.speed_bytes_per_second",
            ),
            (plain, "a..b_c.", "s", Kind::Counter, "a_b_c"),
            (none, "my.counter", "s", Kind::Counter, "my.counter"),
        ] {
            assert_eq!(
                naming.metric(name, unit, kind).as_deref(),
                Ok(wanted),
                "{name} {unit}"
            );
        }
        let empty = DEFAULT.metric("...", "", Kind::Other).unwrap_err();
        assert_eq!(
            empty,
            "normalization for metric \"...\" resulted in empty name"
        );
        assert_eq!(unit_name("By/s", false), "bytes_per_second");
        assert_eq!(unit_name("1", false), "");
    }

    #[test]
    fn labels() {
        let collapsing = Naming {
            keeps_underscores: false,
            ..DEFAULT
        };
        for (naming, name, wanted) in [
            (DEFAULT, "http.method", "http_method"),
            (DEFAULT, "a..b", "a__b"),
            (collapsing, "a..b", "a_b"),
            (collapsing, "__a..b__", "__a_b__"),
            (DEFAULT, "1st", "key_1st"),
            (DEFAULT, "_x", "key_x"),
            (DEFAULT, "__x", "__x"),
            (
                Naming {
                    allows_utf8: true,
                    ..DEFAULT
                },
                "a.b",
                "a.b",
            ),
        ] {
            assert_eq!(naming.label(name).as_deref(), Ok(wanted), "{name}");
        }
        assert!(DEFAULT.label("").is_err());
        assert!(DEFAULT.label("..").is_err());
    }
}
