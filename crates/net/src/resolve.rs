//! Name overrides: `NAME:PORT=ADDR:PORT`, so that cluster names work where there is no cluster.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tower::Service;

/// Where connections to certain names and ports really go. Shared by all clients of a process.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Arc<HashMap<(String, u16), SocketAddr>>);

/// Why a text is not an override.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not NAME:PORT=ADDRESS:PORT ({problem})")]
pub struct OverrideError {
    text: String,
    problem: &'static str,
}

impl Overrides {
    /// Reads overrides such as `metering-svc.kasten-io.svc:8000=127.0.0.1:41000`. Later ones win.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, OverrideError> {
        let parsed = texts
            .into_iter()
            .map(parse_one)
            .collect::<Result<HashMap<_, _>, _>>()?;
        Ok(Self(Arc::new(parsed)))
    }

    /// The address that replaces a name (case does not matter) and port.
    pub fn get(&self, host: &str, port: u16) -> Option<SocketAddr> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(host.to_ascii_lowercase(), port)).copied()
    }
}

fn parse_one(text: &str) -> Result<((String, u16), SocketAddr), OverrideError> {
    let fail = |problem| OverrideError {
        text: text.to_owned(),
        problem,
    };
    let (name, address) = text.split_once('=').ok_or_else(|| fail("no `=`"))?;
    let (host, port) = name
        .rsplit_once(':')
        .ok_or_else(|| fail("no port before `=`"))?;
    let port = port
        .parse()
        .map_err(|_| fail("the port before `=` is not a number up to 65535"))?;
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase();
    if host.is_empty() {
        return Err(fail("no name before `=`"));
    }
    let address = SocketAddr::from_str(address)
        .map_err(|_| fail("what follows `=` is not an IP address and port"))?;
    Ok(((host, port), address))
}

/// A connector that looks into the overrides first. The original name still goes into the `Host` header
/// and into the TLS handshake.
#[derive(Clone, Debug)]
pub(crate) struct OverridingConnector {
    pub(crate) inner: HttpConnector,
    pub(crate) overrides: Overrides,
}

impl Service<Uri> for OverridingConnector {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let default_port = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let replaced = uri
            .host()
            .and_then(|host| self.overrides.get(host, port))
            .and_then(|address| {
                Uri::builder()
                    .scheme("http")
                    .authority(address.to_string())
                    .path_and_query("/")
                    .build()
                    .ok()
            });
        Box::pin(self.inner.call(replaced.unwrap_or(uri)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_by_name_and_port() {
        let overrides = Overrides::parse(["Svc.ns.svc:8000=127.0.0.1:41000"]).unwrap();
        assert_eq!(
            overrides.get("svc.NS.svc", 8000),
            Some(SocketAddr::from(([127, 0, 0, 1], 41000)))
        );
        assert_eq!(overrides.get("svc.ns.svc", 8001), None);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("a:1", "no `=`"),
            ("a=127.0.0.1:1", "no port before"),
            ("a:x=127.0.0.1:1", "not a number"),
            (":1=127.0.0.1:1", "no name"),
            ("a:1=localhost:1", "not an IP address"),
        ] {
            let error = Overrides::parse([text]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
