//! Tokens, keywords, and how messages name them.

use diag::Span;
use model::format::go_quote;

/// One token. The text is not copied: it is `query[span]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Eof,
    /// The message is with the lexer. Nothing follows.
    Error,
    Comment,
    Identifier,
    MetricIdentifier,
    String,
    Number,
    Duration,
    // Punctuation.
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Equal,
    Colon,
    Blank,
    Times,
    Space,
    OpenHistogram,
    CloseHistogram,
    // Operators.
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    EqualEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    TrimUpper,
    TrimLower,
    EqualRegex,
    NotEqualRegex,
    And,
    Or,
    Unless,
    At,
    // Aggregators.
    Avg,
    Bottomk,
    Count,
    CountValues,
    Group,
    Limitk,
    LimitRatio,
    Max,
    Min,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    Topk,
    // Keywords.
    Anchored,
    Bool,
    By,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    Offset,
    On,
    Smoothed,
    Without,
    // Words that are functions in some places.
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
    // Words of histogram descriptions.
    SumDesc,
    CountDesc,
    SchemaDesc,
    OffsetDesc,
    NegativeOffsetDesc,
    BucketsDesc,
    NegativeBucketsDesc,
    ZeroBucketDesc,
    ZeroBucketWidthDesc,
    CustomValuesDesc,
    CounterResetHintDesc,
    HintUnknown,
    HintReset,
    HintNotReset,
    HintGauge,
}

/// No keyword is longer.
const KEYWORD_BYTES_MAX: usize = 18;

impl Kind {
    /// The keyword a word of the language is, in any case of letters.
    pub(crate) fn keyword(word: &str) -> Option<Self> {
        let mut buffer = [0; KEYWORD_BYTES_MAX];
        Some(match lower(word, &mut buffer)? {
            b"and" => Self::And,
            b"or" => Self::Or,
            b"unless" => Self::Unless,
            b"atan2" => Self::Atan2,
            b"sum" => Self::Sum,
            b"avg" => Self::Avg,
            b"count" => Self::Count,
            b"min" => Self::Min,
            b"max" => Self::Max,
            b"group" => Self::Group,
            b"stddev" => Self::Stddev,
            b"stdvar" => Self::Stdvar,
            b"topk" => Self::Topk,
            b"bottomk" => Self::Bottomk,
            b"count_values" => Self::CountValues,
            b"quantile" => Self::Quantile,
            b"limitk" => Self::Limitk,
            b"limit_ratio" => Self::LimitRatio,
            b"offset" => Self::Offset,
            b"smoothed" => Self::Smoothed,
            b"anchored" => Self::Anchored,
            b"by" => Self::By,
            b"without" => Self::Without,
            b"on" => Self::On,
            b"ignoring" => Self::Ignoring,
            b"group_left" => Self::GroupLeft,
            b"group_right" => Self::GroupRight,
            b"fill" => Self::Fill,
            b"fill_left" => Self::FillLeft,
            b"fill_right" => Self::FillRight,
            b"bool" => Self::Bool,
            b"start" => Self::Start,
            b"end" => Self::End,
            b"inf" | b"nan" => Self::Number,
            other => return duration_word(other),
        })
    }

    /// The words that have a meaning in duration expressions.
    pub(crate) fn duration_keyword(word: &str) -> Option<Self> {
        let mut buffer = [0; KEYWORD_BYTES_MAX];
        duration_word(lower(word, &mut buffer)?)
    }

    pub(crate) fn histogram_key(word: &str) -> Option<Self> {
        let mut buffer = [0; KEYWORD_BYTES_MAX];
        Some(match lower(word, &mut buffer)? {
            b"sum" => Self::SumDesc,
            b"count" => Self::CountDesc,
            b"schema" => Self::SchemaDesc,
            b"offset" => Self::OffsetDesc,
            b"n_offset" => Self::NegativeOffsetDesc,
            b"buckets" => Self::BucketsDesc,
            b"n_buckets" => Self::NegativeBucketsDesc,
            b"z_bucket" => Self::ZeroBucketDesc,
            b"z_bucket_w" => Self::ZeroBucketWidthDesc,
            b"custom_values" => Self::CustomValuesDesc,
            b"counter_reset_hint" => Self::CounterResetHintDesc,
            _ => return None,
        })
    }

    pub(crate) fn counter_reset_hint(word: &str) -> Option<Self> {
        let mut buffer = [0; KEYWORD_BYTES_MAX];
        Some(match lower(word, &mut buffer)? {
            b"unknown" => Self::HintUnknown,
            b"reset" => Self::HintReset,
            b"not_reset" => Self::HintNotReset,
            b"gauge" => Self::HintGauge,
            _ => return None,
        })
    }

    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Eof | Self::Error)
    }

    pub(crate) fn is_sign(self) -> bool {
        matches!(self, Self::Add | Self::Sub)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Duration)
    }

    fn is_operator(self) -> bool {
        (self as u8) >= (Self::Add as u8) && (self as u8) <= (Self::At as u8)
    }

    pub(crate) fn is_aggregator(self) -> bool {
        (self as u8) >= (Self::Avg as u8) && (self as u8) <= (Self::Topk as u8)
    }

    fn is_keyword(self) -> bool {
        (self as u8) >= (Self::Anchored as u8) && (self as u8) <= (Self::Without as u8)
    }

    /// Words that are functions or modifiers' arguments when a parenthesis follows.
    pub(crate) fn is_function_word(self) -> bool {
        (self as u8) >= (Self::Start as u8) && (self as u8) <= (Self::MinOf as u8)
    }

    /// What may stand as a metric name outside braces.
    pub(crate) fn is_metric_name(self) -> bool {
        self.is_aggregator()
            || self.is_function_word()
            || matches!(
                self,
                Self::Identifier
                    | Self::MetricIdentifier
                    | Self::By
                    | Self::Fill
                    | Self::FillLeft
                    | Self::FillRight
                    | Self::And
                    | Self::Or
                    | Self::Unless
                    | Self::Offset
                    | Self::Without
                    | Self::Anchored
                    | Self::Smoothed
            )
    }

    /// What may stand as a label name in `by (…)` and the like; `without` may not, as in the peers.
    pub(crate) fn is_grouping_label(self) -> bool {
        (self.is_metric_name() && self != Self::Without)
            || matches!(
                self,
                Self::Bool
                    | Self::GroupLeft
                    | Self::GroupRight
                    | Self::Ignoring
                    | Self::On
                    | Self::Atan2
            )
    }

    pub(crate) fn starts_expression(self) -> bool {
        self.is_metric_name()
            || self.is_sign()
            || self.is_number()
            || matches!(self, Self::LeftParen | Self::LeftBrace | Self::String)
    }

    /// The number that the peers' messages show for words of histogram descriptions, whose names they
    /// do not know.
    fn peer_number(self) -> Option<u32> {
        Some(match self {
            Self::SumDesc => 57370,
            Self::CountDesc => 57371,
            Self::SchemaDesc => 57372,
            Self::OffsetDesc => 57373,
            Self::NegativeOffsetDesc => 57374,
            Self::BucketsDesc => 57375,
            Self::NegativeBucketsDesc => 57376,
            Self::ZeroBucketDesc => 57377,
            Self::ZeroBucketWidthDesc => 57378,
            Self::CustomValuesDesc => 57379,
            Self::CounterResetHintDesc => 57380,
            Self::HintUnknown => 57445,
            Self::HintReset => 57446,
            Self::HintNotReset => 57447,
            Self::HintGauge => 57448,
            _ => return None,
        })
    }

    /// How an "unexpected …" message names a token with this text.
    pub(crate) fn describe(self, text: &str) -> String {
        match self {
            Self::Eof => "end of input".to_owned(),
            Self::Error => format!("error {text}"),
            Self::Comment => format!("comment {}", quote_short(text)),
            Self::Identifier => format!("identifier {}", go_quote(text)),
            Self::MetricIdentifier => format!("metric identifier {}", go_quote(text)),
            Self::String => format!("string {}", quote_short(text)),
            Self::Number => format!("number {}", quote_short(text)),
            Self::Duration => format!("duration {}", quote_short(text)),
            _ if self.is_keyword() => format!("<{text}>"),
            _ if self.is_operator() => format!("<op:{text}>"),
            _ if self.is_aggregator() => format!("<aggr:{text}>"),
            _ => match self.peer_number() {
                Some(number) => format!("\"<Item {number}>\" {}", quote_short(text)),
                None => quote_short(text),
            },
        }
    }
}

/// The first ten characters and an ellipsis if the text has more than ten bytes.
fn quote_short(text: &str) -> String {
    if text.len() <= 10 {
        return go_quote(text);
    }
    let head: String = text.chars().take(10).collect();
    format!("{}...", go_quote(&head))
}

fn duration_word(lower: &[u8]) -> Option<Kind> {
    Some(match lower {
        b"step" => Kind::Step,
        b"range" => Kind::Range,
        b"max_of" => Kind::MaxOf,
        b"min_of" => Kind::MinOf,
        _ => return None,
    })
}

fn lower<'b>(word: &str, buffer: &'b mut [u8; KEYWORD_BYTES_MAX]) -> Option<&'b [u8]> {
    let target = buffer.get_mut(..word.len())?;
    target.copy_from_slice(word.as_bytes());
    target.make_ascii_lowercase();
    Some(target)
}
