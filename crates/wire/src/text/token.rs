//! Tokens of both text formats; the names show in error texts.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Invalid,
    Eof,
    EofWord,
    Linebreak,
    Whitespace,
    Help,
    Type,
    Unit,
    Text,
    Comment,
    MetricName,
    Quoted,
    BraceOpen,
    BraceClose,
    LabelName,
    LabelValue,
    Equal,
    Comma,
    Timestamp,
    Value,
}

impl Token {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Eof => "EOF",
            Self::EofWord => "EOFWORD",
            Self::Linebreak => "LINEBREAK",
            Self::Whitespace => "WHITESPACE",
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
            Self::Text => "TEXT",
            Self::Comment => "COMMENT",
            Self::MetricName => "MNAME",
            Self::Quoted => "QSTRING",
            Self::BraceOpen => "BOPEN",
            Self::BraceClose => "BCLOSE",
            Self::LabelName => "LNAME",
            Self::LabelValue => "LVALUE",
            Self::Equal => "EQUAL",
            Self::Comma => "COMMA",
            Self::Timestamp => "TIMESTAMP",
            Self::Value => "VALUE",
        }
    }
}
