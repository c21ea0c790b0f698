//! The templates that notifications use unless told otherwise. The names are Alertmanager's, and what
//! they render is the same.

/// File name and text, in the order of parsing.
pub const FILES: &[(&str, &str)] = &[
    ("default.tmpl", include_str!("default.tmpl")),
    ("email.tmpl", include_str!("email.tmpl")),
];
