//! What kind of content an attribute holds, by its name.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttrKind {
    Plain,
    Url,
    Css,
    Js,
    Srcset,
    Html,
    /// Values could change what the page does: no name from data may become one of these.
    Unsafe,
}

const UNSAFE: &[&str] = &[
    "accept-charset",
    "async",
    "challenge",
    "charset",
    "content",
    "crossorigin",
    "defer",
    "enctype",
    "form",
    "formenctype",
    "formmethod",
    "formnovalidate",
    "http-equiv",
    "keytype",
    "language",
    "method",
    "novalidate",
    "pattern",
    "rel",
    "sandbox",
    "type",
    "value",
];

const URL: &[&str] = &[
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xmlns",
];

/// Names that a rule for unknown names below would take for something else.
const PLAIN: &[&str] = &["srclang"];

/// `name` in lower case.
pub(super) fn attr_kind(name: &str) -> AttrKind {
    let mut name = name;
    if let Some(rest) = name.strip_prefix("data-") {
        name = rest;
    } else if let Some((prefix, local)) = name.split_once(':') {
        if prefix == "xmlns" {
            return AttrKind::Url;
        }
        name = local;
    }
    match name {
        "style" => return AttrKind::Css,
        "srcset" => return AttrKind::Srcset,
        "srcdoc" => return AttrKind::Html,
        name if PLAIN.contains(&name) => return AttrKind::Plain,
        name if URL.contains(&name) => return AttrKind::Url,
        name if UNSAFE.contains(&name) => return AttrKind::Unsafe,
        _ => {}
    }
    if name.starts_with("on") {
        return AttrKind::Js;
    }
    // Unknown names that look like addresses are taken for such.
    if name.contains("src") || name.contains("uri") || name.contains("url") {
        return AttrKind::Url;
    }
    AttrKind::Plain
}
