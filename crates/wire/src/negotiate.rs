//! What we ask targets for and what they answered; what clients ask us for and what they get.

use model::format::go_quote;
use model::name::{escape_values, is_legacy_label_name, is_legacy_metric_name};

/// How a page is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    PrometheusText,
    OpenMetricsText,
    Protobuf,
}

/// A name of `scrape_protocols`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    PrometheusProto,
    OpenMetricsText1_0_0,
    OpenMetricsText0_0_1,
    PrometheusText1_0_0,
    PrometheusText0_0_4,
}

impl Protocol {
    pub const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == name)
    }

    pub fn format(self) -> Format {
        match self {
            Self::PrometheusProto => Format::Protobuf,
            Self::OpenMetricsText1_0_0 | Self::OpenMetricsText0_0_1 => Format::OpenMetricsText,
            Self::PrometheusText1_0_0 | Self::PrometheusText0_0_4 => Format::PrometheusText,
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0",
            Self::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
            Self::PrometheusText1_0_0 => "text/plain;version=1.0.0",
            Self::PrometheusText0_0_4 => "text/plain;version=0.0.4",
        }
    }
}

impl Format {
    /// The media type without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::PrometheusText => "text/plain",
            Self::OpenMetricsText => "application/openmetrics-text",
            Self::Protobuf => "application/vnd.google.protobuf",
        }
    }

    fn of_media_type(media_type: &str) -> Option<Self> {
        [Self::PrometheusText, Self::OpenMetricsText, Self::Protobuf]
            .into_iter()
            .find(|format| format.media_type() == media_type)
    }
}

/// What becomes of names that are not `[a-zA-Z_:][a-zA-Z0-9_:]*`, on the way from a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escaping {
    #[default]
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

impl Escaping {
    pub const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// The name in the configuration and in headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == name)
    }

    /// The name of a label. What every reader takes stays as it is.
    pub fn escape_label(self, name: &str) -> String {
        if self == Self::AllowUtf8 || is_legacy_label_name(name) {
            return name.to_owned();
        }
        self.escape(name)
    }

    /// The name as this scheme writes it.
    pub fn escape(self, name: &str) -> String {
        match self {
            Self::AllowUtf8 => name.to_owned(),
            Self::Values => escape_values(name),
            Self::Underscores if is_legacy_metric_name(name) => name.to_owned(),
            Self::Underscores => replace_characters(name, |_| "_"),
            Self::Dots => replace_characters(name, |character| match character {
                '.' => "_dot_",
                _ => "__",
            }),
        }
    }
}

/// Keeps letters, digits and colons, and replaces all else, `_` too.
fn replace_characters(name: &str, replace: impl Fn(char) -> &'static str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for (at, character) in name.chars().enumerate() {
        let is_legacy = character.is_ascii_alphabetic()
            || character == ':'
            || (at > 0 && character.is_ascii_digit());
        if is_legacy {
            out.push(character);
        } else {
            out.push_str(replace(character));
        }
    }
    out
}

/// The Accept header of a scrape: protocols in order of preference, then anything.
pub fn accept_header(protocols: &[Protocol], escaping: Escaping) -> String {
    let mut header = String::new();
    let mut weight = Protocol::ALL.len() + 1;
    for protocol in protocols {
        header.push_str(protocol.accept());
        let knows_escaping = matches!(
            protocol,
            Protocol::PrometheusText1_0_0 | Protocol::OpenMetricsText1_0_0
        );
        if knows_escaping {
            header.push_str(";escaping=");
            header.push_str(escaping.as_str());
        }
        header.push_str(&format!(";q=0.{weight},"));
        // Protocols are unique, so the weight stays above 0.
        weight = weight.saturating_sub(1);
    }
    header.push_str(&format!("*/*;q=0.{weight}"));
    header
}

/// Why the answer of a target cannot be read; `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    #[error(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
    )]
    Blank,
    #[error(
        "cannot parse Content-Type {} and no fallback_scrape_protocol for target\nmime: {problem}",
        go_quote(.content_type)
    )]
    Unreadable {
        content_type: String,
        problem: &'static str,
    },
    #[error(
        "received unsupported Content-Type {} and no fallback_scrape_protocol specified for target",
        go_quote(.0)
    )]
    Unsupported(String),
}

/// The format of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    pub format: Format,
    /// Set if the fallback had to be used: what was wrong.
    pub fallen_back: Option<ContentTypeError>,
}

/// Reads a Content-Type header. Without a usable one the fallback counts, if there is one.
pub fn content_type(
    header: &str,
    fallback: Option<Protocol>,
) -> Result<ContentType, ContentTypeError> {
    let problem = if header.is_empty() {
        ContentTypeError::Blank
    } else {
        match parse_media_type(header) {
            Err(problem) => ContentTypeError::Unreadable {
                content_type: header.to_owned(),
                problem,
            },
            Ok(media_type) => match Format::of_media_type(&media_type) {
                Some(format) => {
                    return Ok(ContentType {
                        format,
                        fallen_back: None,
                    });
                }
                None => ContentTypeError::Unsupported(header.to_owned()),
            },
        }
    };
    match fallback {
        Some(protocol) => Ok(ContentType {
            format: protocol.format(),
            fallen_back: Some(problem),
        }),
        None => Err(problem),
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// The media type in lower case, as Go's `mime.ParseMediaType` accepts it.
fn parse_media_type(header: &str) -> Result<String, &'static str> {
    let (media_type, parameters) = header.split_once(';').unwrap_or((header, ""));
    let media_type = media_type.trim().to_ascii_lowercase();
    let kind = match media_type.split_once('/') {
        Some((kind, subtype)) => {
            if is_token(kind) && !is_token(subtype) {
                let starts_well = subtype.bytes().next().is_some_and(is_token_byte);
                return Err(if starts_well {
                    "unexpected content after media subtype"
                } else {
                    "expected token after slash"
                });
            }
            kind
        }
        None => &media_type,
    };
    if kind.is_empty() {
        return Err("no media type");
    }
    if !is_token(kind) {
        return Err("expected slash after first token");
    }
    check_parameters(parameters)?;
    Ok(media_type)
}

fn check_parameters(mut rest: &str) -> Result<(), &'static str> {
    const INVALID: &str = "invalid media parameter";
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if rest.is_empty() {
            return Ok(());
        }
        let (name, tail) = rest.split_once('=').ok_or(INVALID)?;
        if !is_token(name.trim_end()) {
            return Err(INVALID);
        }
        let tail = tail.trim_start();
        rest = if let Some(quoted) = tail.strip_prefix('"') {
            let mut escaped = false;
            let end = quoted
                .bytes()
                .position(|byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                })
                .ok_or(INVALID)?;
            quoted.get(end + 1..).unwrap_or_default()
        } else {
            let end = tail
                .bytes()
                .position(|byte| !is_token_byte(byte))
                .unwrap_or(tail.len());
            if end == 0 {
                return Err(INVALID);
            }
            tail.get(end..).unwrap_or_default()
        };
        rest = rest.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(';').ok_or(INVALID)?;
        }
    }
}

/// What our own pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub syntax: Syntax,
    pub escaping: Escaping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Prometheus0_0_4,
    Prometheus1_0_0,
    OpenMetrics0_0_1,
    OpenMetrics1_0_0,
}

impl Answer {
    /// The Content-Type header of the answer.
    pub fn content_type(self) -> String {
        let syntax = match self.syntax {
            Syntax::Prometheus0_0_4 => "text/plain; version=0.0.4",
            Syntax::Prometheus1_0_0 => "text/plain; version=1.0.0",
            Syntax::OpenMetrics0_0_1 => "application/openmetrics-text; version=0.0.1",
            Syntax::OpenMetrics1_0_0 => "application/openmetrics-text; version=1.0.0",
        };
        format!(
            "{syntax}; charset=utf-8; escaping={}",
            self.escaping.as_str()
        )
    }
}

/// What federation answers in: it has native histograms, which only protobuf can tell, and no OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FederationAnswer {
    Text(Answer),
    /// Families with their lengths before them.
    Protobuf(Escaping),
}

impl FederationAnswer {
    /// The Content-Type header of the answer.
    pub fn content_type(self) -> String {
        match self {
            Self::Text(answer) => answer.content_type(),
            Self::Protobuf(escaping) => format!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping={}",
                escaping.as_str()
            ),
        }
    }
}

/// The best answer to an Accept header, in text. Who asks for protobuf first gets their next choice.
pub fn negotiate(accept: &str) -> Answer {
    let (syntax, escaping) = first_wish(accept, |wish| match wish.media_type {
        "application/openmetrics-text" => match wish.version() {
            "1.0.0" => Some(Syntax::OpenMetrics1_0_0),
            "" | "0.0.1" => Some(Syntax::OpenMetrics0_0_1),
            _ => None,
        },
        _ => wish.prometheus_text(),
    });
    Answer {
        syntax: syntax.unwrap_or(Syntax::Prometheus0_0_4),
        escaping,
    }
}

/// The best answer of federation to an Accept header. Protobuf in its text forms is not offered.
pub fn negotiate_federation(accept: &str) -> FederationAnswer {
    let (wanted, escaping) = first_wish(accept, |wish| {
        let is_protobuf = wish.media_type == "application/vnd.google.protobuf"
            && wish.parameter("proto") == Some("io.prometheus.client.MetricFamily")
            && wish.parameter("encoding") == Some("delimited");
        if is_protobuf {
            return Some(None);
        }
        wish.prometheus_text().map(Some)
    });
    match wanted.unwrap_or(Some(Syntax::Prometheus0_0_4)) {
        Some(syntax) => FederationAnswer::Text(Answer { syntax, escaping }),
        None => FederationAnswer::Protobuf(escaping),
    }
}

/// One element of an Accept header.
struct Wish<'a> {
    media_type: &'a str,
    text: &'a str,
}

impl<'a> Wish<'a> {
    fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.text.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim())
        })
    }

    fn version(&self) -> &'a str {
        self.parameter("version").unwrap_or_default()
    }

    fn prometheus_text(&self) -> Option<Syntax> {
        match (self.media_type, self.version()) {
            ("text/plain", "1.0.0") => Some(Syntax::Prometheus1_0_0),
            ("text/plain", "" | "0.0.4") => Some(Syntax::Prometheus0_0_4),
            _ => None,
        }
    }
}

/// The first element, by weight, that `pick` can do something with, and the escaping. As in the peer, an
/// escaping holds for the elements after it too.
fn first_wish<T>(accept: &str, pick: impl Fn(&Wish<'_>) -> Option<T>) -> (Option<T>, Escaping) {
    let mut wishes: Vec<(f64, &str)> = accept
        .split(',')
        .map(|wish| (quality(wish), wish))
        .collect();
    // Stable, so that equal weights keep the client's order.
    wishes.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    let mut escaping = Escaping::Underscores;
    for (_, text) in wishes {
        let media_type = text.split(';').next().unwrap_or_default().trim();
        let wish = Wish { media_type, text };
        if let Some(named) = wish.parameter("escaping").and_then(Escaping::parse) {
            escaping = named;
        }
        if let Some(picked) = pick(&wish) {
            return (Some(picked), escaping);
        }
    }
    (None, escaping)
}

fn quality(wish: &str) -> f64 {
    wish.split(';')
        .skip(1)
        .find_map(|parameter| parameter.trim().strip_prefix("q=")?.trim().parse().ok())
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_header_of_the_default_protocols() {
        assert_eq!(
            accept_header(&Protocol::ALL[1..], Escaping::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
    }

    #[test]
    fn content_types() {
        let cases = [
            ("text/plain; version=0.0.4; charset=utf-8", "PrometheusText"),
            (
                "Application/OpenMetrics-Text;version=1.0.0",
                "OpenMetricsText",
            ),
            (
                "application/vnd.google.protobuf; proto=\"a;b\"; encoding=delimited;",
                "Protobuf",
            ),
            (
                "",
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
            ),
            (
                "text/html; charset=utf-8",
                "received unsupported Content-Type \"text/html; charset=utf-8\" and no fallback_scrape_protocol specified for target",
            ),
            (
                "text/plain; version",
                "cannot parse Content-Type \"text/plain; version\" and no fallback_scrape_protocol for target\nmime: invalid media parameter",
            ),
            (
                "/",
                "cannot parse Content-Type \"/\" and no fallback_scrape_protocol for target\nmime: no media type",
            ),
        ];
        for (header, wanted) in cases {
            let got = match content_type(header, None) {
                Ok(answer) => format!("{:?}", answer.format),
                Err(error) => error.to_string(),
            };
            assert_eq!(got, wanted, "{header}");
        }
    }

    #[test]
    fn the_fallback_protocol_saves_an_unknown_type() {
        let answer = content_type("text/html", Some(Protocol::PrometheusText0_0_4)).unwrap();
        assert_eq!(answer.format, Format::PrometheusText);
        assert_eq!(
            answer.fallen_back,
            Some(ContentTypeError::Unsupported("text/html".to_owned()))
        );
    }

    #[test]
    fn answers_to_clients() {
        let answer = |accept| negotiate(accept).content_type();
        assert_eq!(
            answer(""),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        );
        let ours = accept_header(&Protocol::ALL, Escaping::AllowUtf8);
        assert_eq!(
            answer(&ours),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        );
        assert_eq!(
            answer("application/openmetrics-text;version=9;escaping=dots,text/plain;q=0.1"),
            "text/plain; version=0.0.4; charset=utf-8; escaping=dots"
        );
    }

    #[test]
    fn answers_of_federation() {
        let answer = |accept: &str| negotiate_federation(accept).content_type();
        let text = accept_header(&Protocol::ALL[1..], Escaping::AllowUtf8);
        assert_eq!(
            answer(&text),
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        );
        let all = accept_header(&Protocol::ALL, Escaping::AllowUtf8);
        assert_eq!(
            answer(&all),
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
        );
        assert_eq!(
            answer("application/openmetrics-text, */*;q=0.5"),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        );
    }

    #[test]
    fn escaping_schemes() {
        assert_eq!(Escaping::Underscores.escape("a.b_c"), "a_b_c");
        assert_eq!(Escaping::Dots.escape("a.b_c"), "a_dot_b__c");
        assert_eq!(Escaping::Values.escape("a.b"), "U__a_2E_b");
        assert_eq!(Escaping::AllowUtf8.escape("a.b"), "a.b");
    }
}
