//! Proxies of HTTP clients, from the configuration or from the environment.

use config::http::Proxy as Options;
use net::proxy::{Exceptions, Proxy, ProxyOptions};

/// `variable` reads the environment; empty variables are not there.
pub(crate) fn options(
    options: &Options,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ProxyOptions, String> {
    let connect_headers = options
        .connect_header
        .iter()
        .map(|(name, values)| {
            let values = values.iter().map(|value| value.expose().to_owned());
            (name.clone(), values.collect())
        })
        .collect();
    if options.from_environment {
        let either = |upper: &str| {
            let read = |name: &str| variable(name).filter(|text| !text.is_empty());
            read(upper).or_else(|| read(&upper.to_lowercase()))
        };
        let proxy = |name: &str| {
            either(name)
                .map(|url| Proxy::parse(&url).map_err(|problem| format!("{name}: {problem}")))
                .transpose()
        };
        return Ok(ProxyOptions {
            http: proxy("HTTP_PROXY")?,
            https: proxy("HTTPS_PROXY")?,
            exceptions: Exceptions::List(either("NO_PROXY").unwrap_or_default()),
            connect_headers,
        });
    }
    let proxy = match options.url.as_str() {
        "" => None,
        url => Some(Proxy::parse(url).map_err(|problem| format!("proxy_url: {problem}"))?),
    };
    Ok(ProxyOptions {
        http: proxy.clone(),
        https: proxy,
        // With a list, this machine is reached directly too; without one, nothing is.
        exceptions: if options.no_proxy.is_empty() {
            Exceptions::None
        } else {
            Exceptions::List(options.no_proxy.clone())
        },
        connect_headers,
    })
}
