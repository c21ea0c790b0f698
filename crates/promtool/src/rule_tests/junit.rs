//! Results of tests as JUnit XML, in the elements and attributes of the peer.

use std::fmt::Write;

/// All files.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) suites: Vec<Suite>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Suite {
    name: String,
    time: String,
    errors: usize,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    failures: Vec<String>,
    error: String,
}

impl Suite {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            time: String::new(),
            errors: 0,
            cases: Vec::new(),
        }
    }

    pub(super) fn set_time(&mut self, time: &str) {
        time.clone_into(&mut self.time);
    }

    pub(super) fn add_case(&mut self, name: &str, failures: &[String]) {
        self.cases.push(Case {
            name: name.to_owned(),
            failures: failures.to_vec(),
            error: String::new(),
        });
    }

    /// The file could not be run to its end.
    pub(super) fn abort(&mut self, error: &str) {
        self.errors += 1;
        if self.cases.is_empty() {
            self.add_case("unknown", &[]);
        }
        if let Some(case) = self.cases.last_mut() {
            error.clone_into(&mut case.error);
        }
    }
}

impl Report {
    pub(super) fn to_xml(&self) -> String {
        let mut xml = "<testsuites>".to_owned();
        for suite in &self.suites {
            let failures: usize = suite.cases.iter().map(|case| case.failures.len()).sum();
            // Writing to a String cannot fail.
            let _ = write!(
                xml,
                "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\" skipped=\"0\" timestamp=\"{}\">",
                escaped(&suite.name),
                suite.cases.len(),
                suite.errors,
                escaped(&suite.time),
            );
            for case in &suite.cases {
                let _ = write!(xml, "<testcase name=\"{}\">", escaped(&case.name));
                for failure in &case.failures {
                    let _ = write!(xml, "<failure>{}</failure>", escaped(failure));
                }
                if !case.error.is_empty() {
                    let _ = write!(xml, "<error>{}</error>", escaped(&case.error));
                }
                xml.push_str("</testcase>");
            }
            xml.push_str("</testsuite>");
        }
        xml + "</testsuites>"
    }
}

/// As Go's encoder escapes; characters that XML cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of promtool 3.14.
    #[test]
    fn a_report_is_one_line_of_xml() {
        let mut good = Suite::new("a.yml");
        good.set_time("2026-01-01T00:00:00");
        good.add_case("one", &[]);
        good.add_case("two", &["x < \"y\"\n".to_owned()]);
        let mut broken = Suite::new("b.yml");
        broken.abort("no file\u{1}");
        let report = Report {
            suites: vec![good, broken],
        };
        assert_eq!(
            report.to_xml(),
            "<testsuites><testsuite name=\"a.yml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" \
             timestamp=\"2026-01-01T00:00:00\"><testcase name=\"one\"></testcase><testcase name=\"two\">\
             <failure>x &lt; &#34;y&#34;&#xA;</failure></testcase></testsuite><testsuite name=\"b.yml\" \
             tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" timestamp=\"\"><testcase name=\"unknown\">\
             <error>no file\u{fffd}</error></testcase></testsuite></testsuites>"
        );
    }
}
