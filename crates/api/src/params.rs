//! Parameters from the query string and, for POST and PUT, from the form in the body.

use net::axum::body::to_bytes;
use net::axum::extract::{FromRequest, Request};
use net::axum::http::{Method, header};

use crate::respond::ApiError;

/// A form may not be larger.
const FORM_BYTES_MAX: usize = 10 << 20;

/// Names and values in order; form values first, as Go's `r.Form` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of a query string, whatever the body is.
    pub(crate) fn of_query(query: &str) -> Self {
        Self(pairs(query).collect())
    }

    /// For tests.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(pairs.iter().map(owned).collect())
    }

    /// The first value, or "".
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The first value, if it is not empty.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn pairs(encoded: &str) -> impl Iterator<Item = (String, String)> + '_ {
    encoded
        .split('&')
        // As Go: a semicolon separates nothing, and a pair with one, or with a broken escape, is left out.
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
}

/// Percent and plus decoding; none for a broken escape, broken UTF-8 becomes U+FFFD.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3)?;
                let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
                let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
                at += 2;
            }
            b'+' => decoded.push(b' '),
            other => decoded.push(*other),
        }
        at += 1;
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or("").to_owned();
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let is_form = content_type
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        let mut params = Vec::new();
        if [Method::POST, Method::PUT].contains(request.method()) && is_form {
            let body = to_bytes(request.into_body(), FORM_BYTES_MAX)
                .await
                .map_err(|error| {
                    ApiError::bad_data(format!("error parsing form values: {error}"))
                })?;
            params.extend(pairs(&String::from_utf8_lossy(&body)));
        }
        params.extend(pairs(&query));
        Ok(Self(params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        let params = Params(
            pairs("query=up%7Ba%3D%22b+c%22%7D&match[]=x&match[]=y&bad=%zz&empty=&a=b;c&%+1=x")
                .collect(),
        );
        assert_eq!(params.get("query"), r#"up{a="b c"}"#);
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(params.0.len(), 4, "{params:?}");
        assert_eq!(params.some("empty"), None);
    }
}
