//! Where the others are told to reach us: what the flag says; else the address that we listen on; else, if that is
//! any, a private one of this machine, by Alertmanager's rules.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::MeshError;

/// Whether an address that is not private may be found by looking for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicAddress {
    /// `--cluster.allow-insecure-public-advertise-address-discovery`.
    Allowed,
    #[default]
    Refused,
}

/// Splits `HOST:PORT` with an IP address, in brackets if it is of version 6. No host is any.
pub(crate) fn parse(flag: &'static str, text: &str) -> Result<SocketAddr, MeshError> {
    let invalid = |problem: &str| MeshError::Address {
        flag,
        text: text.to_owned(),
        problem: problem.to_owned(),
    };
    let (host, port) = text
        .rsplit_once(':')
        .ok_or_else(|| invalid("there is no port; write it as 10.0.0.1:9094"))?;
    let port = port
        .parse()
        .map_err(|_| invalid("the port is not a number up to 65535"))?;
    if host.is_empty() {
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let ip: IpAddr = bare
        .unwrap_or(host)
        .parse()
        .map_err(|_| invalid("the host is not an IP address"))?;
    if bare.is_none() && ip.is_ipv6() {
        return Err(invalid("an IPv6 address stands in brackets"));
    }
    Ok(SocketAddr::new(ip, port))
}

/// The address to advertise. `bound` is where we listen, with the port that we really have.
pub(crate) fn advertised(
    flag: Option<SocketAddr>,
    bound: SocketAddr,
    public: PublicAddress,
) -> Result<SocketAddr, MeshError> {
    if let Some(address) = flag {
        return Ok(address);
    }
    if !bound.ip().is_unspecified() {
        return Ok(bound);
    }
    let found = choose(&own_addresses(), public).ok_or(MeshError::NoAddress(match public {
        PublicAddress::Allowed => "no private or public IP address",
        PublicAddress::Refused => "no private IP address",
    }))?;
    Ok(SocketAddr::new(found, bound.port()))
}

fn choose(own: &[IpAddr], public: PublicAddress) -> Option<IpAddr> {
    let usable = || {
        own.iter()
            .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
    };
    let private = usable().find(|ip| is_private(ip));
    let any = || usable().next().filter(|_| public == PublicAddress::Allowed);
    private.or_else(any).copied()
}

/// Of networks that are for private use (RFC 6890, without those that are not forwarded).
fn is_private(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (b == 18 || b == 19);
            ip.is_private() || is_shared || is_benchmark
        }
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// That of the default route first, then all others of version 4.
fn own_addresses() -> Vec<IpAddr> {
    let routed = ["203.0.113.1:9", "[2001:db8::1]:9"]
        .into_iter()
        .filter_map(|to| {
            // Nothing is sent: connecting a datagram socket only chooses the route.
            let any = if to.starts_with('[') {
                "[::]:0"
            } else {
                "0.0.0.0:0"
            };
            let socket = UdpSocket::bind(any).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip())
        });
    let routed: Vec<IpAddr> = routed.collect();
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    [routed, local_addresses(&table)].concat()
}

/// The addresses in the kernel's routing table that are this machine's own: each stands in the line before
/// `/32 host LOCAL`.
fn local_addresses(table: &str) -> Vec<IpAddr> {
    let pairs = table.lines().zip(table.lines().skip(1));
    pairs
        .filter(|(_, kind)| kind.trim() == "/32 host LOCAL")
        .filter_map(|(line, _)| line.trim().strip_prefix("|-- ")?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_flags() {
        let parsed =
            |text| parse("cluster.listen-address", text).map_err(|error| error.to_string());
        assert_eq!(
            parsed("10.0.0.1:9094"),
            Ok("10.0.0.1:9094".parse().unwrap())
        );
        assert_eq!(parsed(":9094"), Ok("0.0.0.0:9094".parse().unwrap()));
        assert_eq!(parsed("[::1]:1"), Ok("[::1]:1".parse().unwrap()));
        for text in [
            "9094",
            "10.0.0.1:99999",
            "::1:9",
            "host:9094",
            "[10.0.0.1:9",
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with("--cluster.listen-address"), "{error}");
        }
    }

    #[test]
    fn private_addresses_first_public_ones_if_allowed() {
        let ips = |all: &[&str]| {
            all.iter()
                .map(|ip| ip.parse().unwrap())
                .collect::<Vec<IpAddr>>()
        };
        let mixed = ips(&["8.8.8.8", "127.0.0.1", "172.16.3.4", "10.0.0.1"]);
        assert_eq!(choose(&mixed, PublicAddress::Refused), Some(mixed[2]));
        let public = ips(&["127.0.0.1", "8.8.8.8", "172.32.0.1"]);
        assert_eq!(choose(&public, PublicAddress::Refused), None);
        assert_eq!(choose(&public, PublicAddress::Allowed), Some(public[1]));
        let v6 = ips(&["fe80::1", "fd00::5"]);
        assert_eq!(choose(&v6, PublicAddress::Refused), Some(v6[1]));
    }

    #[test]
    fn the_flag_wins_then_what_we_listen_on() {
        let bound: SocketAddr = "10.1.1.1:9094".parse().unwrap();
        let flag: SocketAddr = "192.0.2.7:99".parse().unwrap();
        assert_eq!(
            advertised(Some(flag), bound, PublicAddress::Refused),
            Ok(flag)
        );
        assert_eq!(advertised(None, bound, PublicAddress::Refused), Ok(bound));
    }

    #[test]
    fn the_kernels_table_names_our_own() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.2.0.9\n        /32 host LOCAL\n     |-- 10.2.0.255\n        /32 link BROADCAST\n";
        assert_eq!(
            local_addresses(table),
            ["10.2.0.9".parse::<IpAddr>().unwrap()]
        );
    }
}
