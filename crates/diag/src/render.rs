//! Diagnostics as text for a terminal, as one log line, and as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;

/// Many lines: the message, the offending text underlined, and what to do. `colour` switches ANSI
/// colours on.
pub fn render_terminal<'a>(
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
    colour: bool,
) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut group =
            Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
        for (index, place) in diagnostic.places.iter().enumerate() {
            let kind = if index == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let span = whole_characters(place.source.text(), place.span);
            let mut annotation = kind.span(span.start..span.end);
            if !place.remark.is_empty() {
                annotation = annotation.label(place.remark.as_str());
            }
            group = group.element(
                Snippet::source(place.source.text())
                    .path(place.source.name())
                    .annotation(annotation),
            );
        }
        for hint in &diagnostic.hints {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    out
}

/// The renderer slices the text at these offsets, so they must lie on characters.
fn whole_characters(text: &str, span: Span) -> Span {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Span { start, end }
}

/// One line: `file:line:column: message (hint; hint)`.
pub fn render_line(diagnostic: &Diagnostic) -> String {
    let mut line = String::new();
    if let Some((name, position)) = diagnostic.position() {
        line.push_str(&format!("{name}:{}:{}: ", position.line, position.column));
    }
    line.push_str(&diagnostic.message);
    if !diagnostic.hints.is_empty() {
        line.push_str(&format!(" ({})", diagnostic.hints.join("; ")));
    }
    line
}

#[derive(Serialize)]
struct DiagnosticTwin<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    places: Vec<PlaceTwin<'a>>,
    hints: &'a [String],
}

#[derive(Serialize)]
struct PlaceTwin<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
    remark: &'a str,
}

/// The JSON form: `{severity, code, message, places: [{file, line, column, text, remark}], hints}`.
pub fn render_json(diagnostic: &Diagnostic) -> impl Serialize + '_ {
    let places = diagnostic.places.iter().map(|place| {
        let position = place.source.position(place.span.start);
        PlaceTwin {
            file: place.source.name(),
            line: position.line,
            column: position.column,
            text: place.source.slice(place.span),
            remark: &place.remark,
        }
    });
    DiagnosticTwin {
        severity: diagnostic.severity.as_str(),
        code: diagnostic.code,
        message: &diagnostic.message,
        places: places.collect(),
        hints: &diagnostic.hints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn underlines_the_text_and_says_what_to_do() {
        let source = Source::new("prometheus.yml", "global:\n  scrap_interval: 5s\n");
        let diagnostic = Diagnostic::error("unknown-key", "field scrap_interval not found")
            .at(&source, Span::new(10, 24))
            .hint("did you mean `scrape_interval`?");
        assert_eq!(
            render_line(&diagnostic),
            "prometheus.yml:2:3: field scrap_interval not found (did you mean `scrape_interval`?)"
        );
        let text = render_terminal([&diagnostic], false);
        assert!(text.contains("prometheus.yml:2:3"), "{text}");
        assert!(text.contains("^^^^^^^^^^^^^^"), "{text}");
        assert!(text.contains("did you mean"), "{text}");
    }

    #[test]
    fn spans_off_the_text_do_not_panic() {
        let source = Source::new("x", "ä");
        let diagnostic = Diagnostic::error("x", "m").at(&source, Span::new(1, 99));
        assert!(render_terminal([&diagnostic], true).contains('m'));
    }
}
