//! Where in an HTML page a value appears: the state of the escaping analysis.

use std::fmt;

/// A position's context. The default is plain text between tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) state: State,
    pub(super) delim: Delim,
    pub(super) url_part: UrlPart,
    pub(super) js: Js,
    /// Open braces in each `${…}` of nested JavaScript template literals.
    pub(super) js_braces: Vec<i32>,
    pub(super) attr: Attr,
    pub(super) element: Element,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Text,
    /// Inside a tag, before an attribute or its end.
    Tag,
    AttrName,
    AfterName,
    BeforeValue,
    HtmlComment,
    /// Text of `<title>` or `<textarea>`.
    RcData,
    Attr,
    Url,
    Srcset,
    Js,
    JsDoubleQuoted,
    JsSingleQuoted,
    JsTemplate,
    JsRegexp,
    JsBlockComment,
    JsLineComment,
    JsHtmlOpenComment,
    JsHtmlCloseComment,
    Css,
    CssDoubleQuoted,
    CssSingleQuoted,
    CssDoubleQuotedUrl,
    CssSingleQuotedUrl,
    CssUrl,
    CssBlockComment,
    CssLineComment,
    MetaContent,
    MetaContentUrl,
    /// After `break` or `continue`.
    Dead,
}

/// What ends the attribute value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Delim {
    #[default]
    None,
    DoubleQuote,
    SingleQuote,
    SpaceOrTagEnd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum UrlPart {
    #[default]
    None,
    PreQuery,
    QueryOrFragment,
    /// Branches disagree.
    Unknown,
}

/// What a `/` in JavaScript would start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Js {
    #[default]
    Regexp,
    Division,
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attr {
    #[default]
    None,
    Script,
    ScriptType,
    Style,
    Url,
    Srcset,
    MetaContent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Element {
    #[default]
    None,
    Script,
    Style,
    Textarea,
    Title,
    Meta,
}

impl State {
    pub(super) fn is_comment(self) -> bool {
        matches!(
            self,
            Self::HtmlComment
                | Self::JsBlockComment
                | Self::JsLineComment
                | Self::JsHtmlOpenComment
                | Self::JsHtmlCloseComment
                | Self::CssBlockComment
                | Self::CssLineComment
        )
    }

    pub(super) fn is_in_tag(self) -> bool {
        matches!(
            self,
            Self::Tag | Self::AttrName | Self::AfterName | Self::BeforeValue | Self::Attr
        )
    }

    pub(super) fn is_script_literal(self) -> bool {
        matches!(
            self,
            Self::JsDoubleQuoted | Self::JsSingleQuoted | Self::JsTemplate | Self::JsRegexp
        )
    }

    /// The name Go's errors and derived template names use.
    fn go_name(self) -> &'static str {
        match self {
            Self::Text => "stateText",
            Self::Tag => "stateTag",
            Self::AttrName => "stateAttrName",
            Self::AfterName => "stateAfterName",
            Self::BeforeValue => "stateBeforeValue",
            Self::HtmlComment => "stateHTMLCmt",
            Self::RcData => "stateRCDATA",
            Self::Attr => "stateAttr",
            Self::Url => "stateURL",
            Self::Srcset => "stateSrcset",
            Self::Js => "stateJS",
            Self::JsDoubleQuoted => "stateJSDqStr",
            Self::JsSingleQuoted => "stateJSSqStr",
            Self::JsTemplate => "stateJSTmplLit",
            Self::JsRegexp => "stateJSRegexp",
            Self::JsBlockComment => "stateJSBlockCmt",
            Self::JsLineComment => "stateJSLineCmt",
            Self::JsHtmlOpenComment => "stateJSHTMLOpenCmt",
            Self::JsHtmlCloseComment => "stateJSHTMLCloseCmt",
            Self::Css => "stateCSS",
            Self::CssDoubleQuoted => "stateCSSDqStr",
            Self::CssSingleQuoted => "stateCSSSqStr",
            Self::CssDoubleQuotedUrl => "stateCSSDqURL",
            Self::CssSingleQuotedUrl => "stateCSSSqURL",
            Self::CssUrl => "stateCSSURL",
            Self::CssBlockComment => "stateCSSBlockCmt",
            Self::CssLineComment => "stateCSSLineCmt",
            Self::MetaContent => "stateMetaContent",
            Self::MetaContentUrl => "stateMetaContentURL",
            Self::Dead => "stateDead",
        }
    }
}

impl Delim {
    fn go_name(self) -> &'static str {
        match self {
            Self::None => "delimNone",
            Self::DoubleQuote => "delimDoubleQuote",
            Self::SingleQuote => "delimSingleQuote",
            Self::SpaceOrTagEnd => "delimSpaceOrTagEnd",
        }
    }

    /// The bytes that end a value.
    pub(super) fn ends(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::DoubleQuote => b"\"",
            Self::SingleQuote => b"'",
            Self::SpaceOrTagEnd => b" \t\n\x0c\r>",
        }
    }
}

impl UrlPart {
    fn go_name(self) -> &'static str {
        match self {
            Self::None => "urlPartNone",
            Self::PreQuery => "urlPartPreQuery",
            Self::QueryOrFragment => "urlPartQueryOrFrag",
            Self::Unknown => "urlPartUnknown",
        }
    }
}

impl Js {
    fn go_name(self) -> &'static str {
        match self {
            Self::Regexp => "jsCtxRegexp",
            Self::Division => "jsCtxDivOp",
            Self::Unknown => "jsCtxUnknown",
        }
    }
}

impl Attr {
    /// The state in which a value of such an attribute starts.
    pub(super) fn start(self) -> State {
        match self {
            Self::None | Self::ScriptType => State::Attr,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Url => State::Url,
            Self::Srcset => State::Srcset,
            Self::MetaContent => State::MetaContent,
        }
    }

    fn go_name(self) -> &'static str {
        match self {
            Self::None => "attrNone",
            Self::Script => "attrScript",
            Self::ScriptType => "attrScriptType",
            Self::Style => "attrStyle",
            Self::Url => "attrURL",
            Self::Srcset => "attrSrcset",
            Self::MetaContent => "attrMetaContent",
        }
    }
}

impl Element {
    /// The state of an element's content.
    pub(super) fn content(self) -> State {
        match self {
            Self::None | Self::Meta => State::Text,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Textarea | Self::Title => State::RcData,
        }
    }

    fn go_name(self) -> &'static str {
        match self {
            Self::None => "elementNone",
            Self::Script => "elementScript",
            Self::Style => "elementStyle",
            Self::Textarea => "elementTextarea",
            Self::Title => "elementTitle",
            Self::Meta => "elementMeta",
        }
    }
}

impl Context {
    pub(super) fn of(state: State) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    /// The name of the copy of a template that is called in this context.
    pub(super) fn derived_name(&self, name: &str) -> String {
        if self.state == State::Text {
            return name.to_owned();
        }
        let mut out = format!("{name}$htmltemplate_{}", self.state.go_name());
        let mut part = |text: &str| {
            out.push('_');
            out.push_str(text);
        };
        if self.delim != Delim::None {
            part(self.delim.go_name());
        }
        if self.url_part != UrlPart::None {
            part(self.url_part.go_name());
        }
        if self.js != Js::Regexp {
            part(self.js.go_name());
        }
        if !self.js_braces.is_empty() {
            part(&format!("jsBraceDepth({})", braces(&self.js_braces)));
        }
        if self.attr != Attr::None {
            part(self.attr.go_name());
        }
        if self.element != Element::None {
            part(self.element.go_name());
        }
        out
    }

    /// The context in which a value at this point is written: before a value or a name, that is the
    /// value or the name itself.
    pub(super) fn nudged(&self) -> Self {
        let mut context = self.clone();
        match self.state {
            State::Tag => context.state = State::AttrName,
            State::BeforeValue => {
                context.state = self.attr.start();
                context.delim = Delim::SpaceOrTagEnd;
                context.attr = Attr::None;
            }
            State::AfterName => {
                context.state = State::AttrName;
                context.attr = Attr::None;
            }
            _ => {}
        }
        context
    }

    /// The context after two branches, if they can be reconciled.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        if self.state == State::Dead || self == other {
            return Some(other.clone());
        }
        if other.state == State::Dead {
            return Some(self.clone());
        }
        if (Self {
            url_part: other.url_part,
            ..self.clone()
        }) == *other
        {
            return Some(Self {
                url_part: UrlPart::Unknown,
                ..self.clone()
            });
        }
        if (Self {
            js: other.js,
            ..self.clone()
        }) == *other
        {
            return Some(Self {
                js: Js::Unknown,
                ..self.clone()
            });
        }
        let (a, b) = (self.nudged(), other.nudged());
        if a == *self && b == *other {
            None
        } else {
            a.join(&b)
        }
    }
}

fn braces(depths: &[i32]) -> String {
    let depths: Vec<String> = depths.iter().map(i32::to_string).collect();
    format!("[{}]", depths.join(" "))
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{} {} {} {} {} {} {} <nil>}}",
            self.state.go_name(),
            self.delim.go_name(),
            self.url_part.go_name(),
            self.js.go_name(),
            braces(&self.js_braces),
            self.attr.go_name(),
            self.element.go_name()
        )
    }
}
