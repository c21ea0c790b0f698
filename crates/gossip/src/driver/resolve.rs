//! Names of peers to addresses. A name may have many, as that of a headless service in Kubernetes has.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use net::Overrides;
use tokio::net::lookup_host;

/// How many addresses one name may have.
const ADDRESSES_MAX: usize = 64;

/// `HOST:PORT` as the flag has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerName {
    host: String,
    port: u16,
}

impl PeerName {
    pub(crate) fn parse(text: &str) -> Result<Self, super::MeshError> {
        let invalid = |problem: &str| super::MeshError::Address {
            flag: "cluster.peer",
            text: text.to_owned(),
            problem: problem.to_owned(),
        };
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("there is no port; write it as alertmanager-0:9094"))?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        if host.is_empty() {
            return Err(invalid("there is no host before the port"));
        }
        if bare.is_none() && host.contains(':') {
            return Err(invalid("an IPv6 address stands in brackets"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: port
                .parse()
                .map_err(|_| invalid("the port is not a number up to 65535"))?,
        })
    }

    async fn addresses(&self, overrides: &Overrides) -> std::io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        if let Some(address) = overrides.get(&self.host, self.port) {
            return Ok(vec![address]);
        }
        let found = lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.take(ADDRESSES_MAX).collect())
    }
}

/// All addresses of all names. Names that lead nowhere are logged; they may later.
pub(crate) async fn resolve(
    names: &[PeerName],
    overrides: &Overrides,
    timeout: Duration,
) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    let deadline = tokio::time::Instant::now() + timeout;
    for name in names {
        let (host, port) = (&name.host, name.port);
        match tokio::time::timeout_at(deadline, name.addresses(overrides)).await {
            Ok(Ok(addresses)) => all.extend(addresses),
            Ok(Err(error)) => {
                tracing::warn!(host, port, %error, "the name of a peer cannot be looked up; it is tried again");
            }
            Err(_) => {
                tracing::warn!(
                    host,
                    port,
                    "looking up the names of peers took too long; it is tried again"
                );
                break;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_of_flags() {
        let parsed = |text| PeerName::parse(text).map_err(|error| error.to_string());
        let name = |host: &str, port| PeerName {
            host: host.to_owned(),
            port,
        };
        assert_eq!(parsed("a.b.svc:9094"), Ok(name("a.b.svc", 9094)));
        assert_eq!(parsed("[fd00::1]:1"), Ok(name("fd00::1", 1)));
        for text in ["a", ":9094", "fd00::1:9", "a:b", "a:70000"] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with("--cluster.peer"), "{error}");
        }
    }
}
