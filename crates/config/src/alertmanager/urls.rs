//! URLs of notification services: absolute, and secret where they carry a token.

use yaml::{Node, Reading, Value};

use crate::section::Field;
use crate::{Secret, Url};

/// An absolute HTTP URL; empty means "none given".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiUrl(pub Url);

impl ApiUrl {
    /// For URLs that are part of the program.
    pub(super) fn constant(text: &str) -> Self {
        Self(Url::parse(text).unwrap_or_default())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn add_trailing_slash(&mut self) {
        self.0 = self.0.with_trailing_slash();
    }
}

/// A URL that is not shown; empty means "none given".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretUrl(pub Secret);

impl SecretUrl {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)?;
    let scheme = url.scheme();
    if scheme != "http" && scheme != "https" {
        return Err(format!(
            "unsupported scheme {} for URL",
            crate::quote::quote(&scheme)
        ));
    }
    if url.host().is_empty() {
        return Err("missing host for URL".to_owned());
    }
    Ok(url)
}

fn read(node: &Node, reading: &mut Reading) -> Option<Url> {
    let text = <String as Field>::read(node, reading)?;
    match parse(&text) {
        Ok(url) => Some(url),
        Err(problem) => {
            let hint = "write it as in `https://host/path`";
            reading.refuse_with_hint(node.span, "bad-url", problem, hint);
            None
        }
    }
}

impl Field for ApiUrl {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        read(node, reading).map(Self)
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl Field for SecretUrl {
    /// The printed form of a secret is accepted, so that a printed configuration loads.
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.text() == Some(crate::secret::HIDDEN) {
            return Some(Self(Secret::new(crate::secret::HIDDEN)));
        }
        read(node, reading).map(|url| Self(Secret::new(url.as_str())))
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}
