//! Expected and found alerts side by side, in the colours and the layout of the peer's `--diff`: red is missing,
//! green is too much, yellow has another value.

use model::format::go_quote;

use super::expected::{AlertLabels, Texts};

const RED: &str = "\x1b[0;31m";
const GREEN: &str = "\x1b[0;32m";
const YELLOW: &str = "\x1b[0;33m";
const END: &str = "\x1b[0m";
const INDENT: &str = "    ";

/// The lists as JSON-like text with their differences marked.
pub(super) fn diff(expected: &[AlertLabels], found: &[AlertLabels]) -> String {
    let count = expected.len().max(found.len());
    let items: Vec<String> = (0..count)
        .map(|at| match (expected.get(at), found.get(at)) {
            (Some(expected), Some(found)) => alert(expected, found, ""),
            (Some(missing), None) => alert(missing, missing, RED),
            (None, Some(extra)) => alert(extra, extra, GREEN),
            (None, None) => String::new(),
        })
        .collect();
    list('[', &items, ']', 0)
}

/// One alert; all of its lines in a colour if one is given.
fn alert(expected: &AlertLabels, found: &AlertLabels, colour: &str) -> String {
    let maps = [
        ("Annotations", &expected.annotations, &found.annotations),
        ("Labels", &expected.labels, &found.labels),
    ];
    let fields = maps.map(|(name, expected, found)| {
        format!("\"{name}\": {}", list('{', &pairs(expected, found), '}', 2))
    });
    let text = list('{', &fields, '}', 1);
    if colour.is_empty() {
        return text;
    }
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let content = line.trim_start();
            let indent = &line[..line.len() - content.len()];
            format!("{indent}{colour}{content}{END}")
        })
        .collect();
    lines.join("\n")
}

fn pairs(expected: &Texts, found: &Texts) -> Vec<String> {
    let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let pair = |name: &String| {
        let key = go_quote(name);
        match (
            expected.get(name).map(|text| go_quote(text)),
            found.get(name).map(|text| go_quote(text)),
        ) {
            (Some(expected), Some(found)) if expected == found => format!("{key}: {found}"),
            (Some(expected), Some(found)) => format!("{key}: {YELLOW}{expected} => {found}{END}"),
            (Some(missing), None) => format!("{RED}{key}: {missing}{END}"),
            (None, extra) => format!("{GREEN}{key}: {}{END}", extra.unwrap_or_default()),
        }
    };
    names.into_iter().map(pair).collect()
}

/// Items on lines of their own, between brackets that stand `depth` levels in.
fn list(open: char, items: &[String], close: char, depth: usize) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    let inner = format!("\n{}", INDENT.repeat(depth + 1));
    let outer = INDENT.repeat(depth);
    format!(
        "{open}{inner}{}\n{outer}{close}",
        items.join(&format!(",{inner}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert_of(labels: &[(&str, &str)]) -> AlertLabels {
        AlertLabels {
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            annotations: Texts::new(),
        }
    }

    #[test]
    fn differences_are_marked() {
        let expected = [alert_of(&[("a", "1"), ("b", "2"), ("c", "3")])];
        let found = [
            alert_of(&[("a", "1"), ("b", "x"), ("d", "4")]),
            alert_of(&[]),
        ];
        let text = diff(&expected, &found);
        let marked = text
            .replace(RED, "<-")
            .replace(GREEN, "<+")
            .replace(YELLOW, "<~")
            .replace(END, ">");
        assert_eq!(
            marked,
            "[\n    {\n        \"Annotations\": {},\n        \"Labels\": {\n            \"a\": \"1\",\n            \
             \"b\": <~\"2\" => \"x\">,\n            <-\"c\": \"3\">,\n            <+\"d\": \"4\">\n        }\n    },\n    \
             <+{>\n        <+\"Annotations\": {},>\n        <+\"Labels\": {}>\n    <+}>\n]"
        );
    }
}
