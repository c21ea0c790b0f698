//! Matchers as users write them at the command line and in files, and what is logged about how they were read.

use std::fmt::Write;

use config::alertmanager::matchers::{MatcherMode, SyntaxWarning, parse_list, parse_one_noting};
use model::Matcher;
use model::format::go_quote;
use promtool::Console;

use crate::failure::Failure;

/// `--enable-feature`: which of these change how matchers are read, and what the peer logs of them.
const FEATURES: [(&str, &str); 7] = [
    ("alert-names-in-metrics", "Alert names in metrics enabled"),
    (
        "receiver-name-in-metrics",
        "Experimental receiver name in metrics enabled",
    ),
    (
        "group-key-in-metrics",
        "Experimental group key in metrics enabled",
    ),
    ("classic-mode", "Classic mode enabled"),
    ("utf8-strict-mode", "UTF-8 strict mode enabled"),
    (
        "auto-gomemlimit",
        "Automatically set GOMEMLIMIT to match the Linux container or system memory limit.",
    ),
    ("event-recorder", "Experimental event recorder enabled"),
];

const INCOMPATIBLE: &str = "Alertmanager is moving to a new parser for labels and matchers, and this input is incompatible. Alertmanager has instead parsed the input using the classic matchers parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make sure all regular expressions and values are double-quoted and backslashes are escaped. If you are still seeing this message please open an issue.";

/// What is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    #[default]
    Warnings,
    /// Each text that is read.
    All,
}

/// How matchers are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    pub mode: MatcherMode,
    pub verbosity: Verbosity,
}

impl Reader {
    /// As the list of features says.
    pub fn new(
        console: &mut Console<'_>,
        features: &str,
        verbosity: Verbosity,
    ) -> Result<Self, Failure> {
        let (mut is_classic, mut is_strict) = (false, false);
        for name in features.split(',').filter(|_| !features.is_empty()) {
            let known = FEATURES.iter().find(|(known, _)| *known == name);
            let Some((_, message)) = known else {
                return Err(unusable(&format!(
                    "unknown option '{name}' for --enable-feature"
                )));
            };
            console.line(log_line("WARN", message, &[]));
            is_classic |= name == "classic-mode";
            is_strict |= name == "utf8-strict-mode";
        }
        let mode = match (is_classic, is_strict) {
            (true, true) => {
                return Err(unusable("cannot have both classic and UTF-8 modes enabled"));
            }
            (true, false) => MatcherMode::Classic,
            (false, true) => MatcherMode::Utf8Strict,
            (false, false) => MatcherMode::Fallback,
        };
        Ok(Self { mode, verbosity })
    }

    /// One matcher of the command line.
    pub fn one(self, console: &mut Console<'_>, text: &str) -> Result<Matcher, String> {
        self.log_reading(console, text, "cli");
        let (matcher, warning) = parse_one_noting(self.mode, text)?;
        if let Some(warning) = warning {
            log_warning(console, &warning, text, "cli");
        }
        Ok(matcher)
    }

    /// Logs how a text of a configuration was read, which must be readable.
    pub(crate) fn note_of_file(self, console: &mut Console<'_>, text: &str) {
        self.log_reading(console, text, "config");
        let warning = parse_list(self.mode, text)
            .ok()
            .and_then(|parsed| parsed.warning);
        if let Some(warning) = warning {
            log_warning(console, &warning, text, "config");
        }
    }

    /// A first text without an operator is the name of an alert.
    pub fn with_alertname(self, console: &mut Console<'_>, texts: &[String]) -> Vec<String> {
        let mut texts = texts.to_vec();
        if let Some(first) = texts.first_mut()
            && self.one(console, first).is_err()
        {
            *first = format!("alertname={}", go_quote(first));
        }
        texts
    }

    /// `name=value` pairs; `what` they are is for the error.
    pub fn pairs(
        self,
        console: &mut Console<'_>,
        texts: &[String],
        what: &str,
    ) -> Result<Vec<(String, String)>, String> {
        let mut pairs = Vec::with_capacity(texts.len());
        for text in texts {
            let matcher = self.one(console, text)?;
            if matcher.op() != model::MatchOp::Equal {
                return Err(format!("{what} must be specified as key=value pairs"));
            }
            pairs.push((matcher.name().to_owned(), matcher.value().to_owned()));
        }
        Ok(pairs)
    }

    fn log_reading(self, console: &mut Console<'_>, text: &str, origin: &str) {
        if self.verbosity == Verbosity::Warnings {
            return;
        }
        let message = match self.mode {
            MatcherMode::Classic => "Parsing with classic matchers parser",
            MatcherMode::Utf8Strict => "Parsing with UTF-8 matchers parser",
            MatcherMode::Fallback => {
                "Parsing with UTF-8 matchers parser, with fallback to classic matchers parser"
            }
        };
        let values = [("input", text), ("origin", origin)];
        console.line(log_line("DEBUG", message, &values));
    }
}

fn unusable(problem: &str) -> Failure {
    Failure::Problem(format!("error parsing the feature flag list: {problem}"))
}

fn log_warning(console: &mut Console<'_>, warning: &SyntaxWarning, text: &str, origin: &str) {
    let line = match warning {
        SyntaxWarning::Incompatible {
            problem,
            suggestion,
        } => {
            let values = [
                ("input", text),
                ("origin", origin),
                ("err", problem),
                ("suggestion", suggestion),
            ];
            log_line("WARN", INCOMPATIBLE, &values)
        }
        SyntaxWarning::Disagreement { .. } => {
            let values = [("input", text), ("origin", origin)];
            log_line("WARN", "Matchers input has disagreement", &values)
        }
    };
    console.line(line);
}

/// A line of Go's `slog` as text, without time and place.
fn log_line(level: &str, message: &str, values: &[(&str, &str)]) -> String {
    let mut line = format!("level={level} msg={}", log_value(message));
    for (name, value) in values {
        // Writing to a String cannot fail.
        let _ = write!(line, " {name}={}", log_value(value));
    }
    line
}

fn log_value(text: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"=\"\u{fffd}".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    go_quote(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_console<T>(run: impl FnOnce(&mut Console<'_>) -> T) -> (T, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = run(&mut Console {
            out: &mut out,
            err: &mut err,
        });
        (result, String::from_utf8(out).unwrap())
    }

    #[test]
    fn features_choose_how_matchers_are_read() {
        let mode = |features: &str| {
            let read =
                |console: &mut Console<'_>| Reader::new(console, features, Verbosity::Warnings);
            let (reader, out) = with_console(read);
            (reader.map(|reader| reader.mode), out)
        };
        let warning = "level=WARN msg=\"Classic mode enabled\"\n".to_owned();
        assert_eq!(mode(""), (Ok(MatcherMode::Fallback), String::new()));
        assert_eq!(mode("classic-mode"), (Ok(MatcherMode::Classic), warning));
        assert_eq!(
            mode("classic").0,
            Err(Failure::Problem(
                "error parsing the feature flag list: unknown option 'classic' for --enable-feature"
                    .to_owned()
            ))
        );
        assert!(mode("classic-mode,utf8-strict-mode").0.is_err());
    }

    #[test]
    fn first_texts_may_be_names_of_alerts() {
        let (texts, out) = with_console(|console| {
            let texts = ["High CPU".to_owned(), "a=b".to_owned()];
            Reader::default().with_alertname(console, &texts)
        });
        assert_eq!(texts, ["alertname=\"High CPU\"", "a=b"]);
        assert_eq!(out, "");
    }

    #[test]
    fn pairs_have_no_other_operator() {
        let (pairs, out) = with_console(|console| {
            let texts = ["a=b c".to_owned()];
            Reader::default().pairs(console, &texts, "labels")
        });
        assert_eq!(pairs, Ok(vec![("a".to_owned(), "b c".to_owned())]));
        assert!(out.contains(r#"suggestion="a=\"b c\"""#), "{out}");
        let (pairs, _) = with_console(|console| {
            let texts = ["a=~b".to_owned()];
            Reader::default().pairs(console, &texts, "labels")
        });
        let wanted = "labels must be specified as key=value pairs";
        assert_eq!(pairs, Err(wanted.to_owned()));
    }
}
