//! What the system says of this process: its metrics, and how many files it may have open.

use metrics::{Kind, Page};
use model::Timestamp;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::self_metrics::{float, float_of};

/// Lets the process have as many files and connections open as the system allows at all, which the peers do, too. The
/// usual soft limit, 1024, is there for programs of before `poll`; a thousand targets or notifications are more.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if limit != raised
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(
            %error,
            limit = ?limit.current,
            "the limit of open files stays; many targets or notifications at once may fail (ulimit -n)"
        );
    }
}

/// From `/proc/self`; left out where there is none.
pub(crate) fn metrics(page: &mut Page, started_at: Timestamp) {
    let mut sample = |kind, name, help, value| page.sample(kind, name, help, &[], value);
    sample(
        Kind::Gauge,
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        started_at.seconds(),
    );
    for (resource, name, help) in [
        (
            Resource::Nofile,
            "process_max_fds",
            "Maximum number of open file descriptors.",
        ),
        (
            Resource::As,
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
        ),
    ] {
        let limit = getrlimit(resource).current;
        sample(Kind::Gauge, name, help, float(limit.unwrap_or(u64::MAX)));
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        sample(
            Kind::Gauge,
            "process_open_fds",
            "Number of open file descriptors.",
            float_of(entries.count()),
        );
    }
    if let Ok(text) = std::fs::read_to_string("/proc/self/net/netstat") {
        for (field, name, help) in [
            (
                "InOctets",
                "process_network_receive_bytes_total",
                "Number of bytes received by the process over the network.",
            ),
            (
                "OutOctets",
                "process_network_transmit_bytes_total",
                "Number of bytes sent by the process over the network.",
            ),
        ] {
            if let Some(bytes) = of_table(&text, "IpExt:", field) {
                sample(Kind::Counter, name, help, float(bytes));
            }
        }
    }
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return;
    };
    // The name in parentheses may hold spaces; fields are counted after it.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let number = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
            .map(float)
    };
    let ticks = float(rustix::param::clock_ticks_per_second());
    if let (Some(user), Some(system)) = (number(11), number(12)) {
        sample(
            Kind::Counter,
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            (user + system) / ticks,
        );
    }
    if let (Some(virtual_bytes), Some(pages)) = (number(20), number(21)) {
        sample(
            Kind::Gauge,
            "process_virtual_memory_bytes",
            "Virtual memory size in bytes.",
            virtual_bytes,
        );
        sample(
            Kind::Gauge,
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            pages * float_of(rustix::param::page_size()),
        );
    }
}

/// A value of `/proc/net/netstat`: a line of names, then a line of values, both beginning with the table's name.
fn of_table(text: &str, table: &str, field: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(table));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == field)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_table_have_its_names() {
        let text = "TcpExt: A InOctets\nTcpExt: 1 2\nIpExt: X InOctets OutOctets\nIpExt: 3 4 x\n";
        assert_eq!(of_table(text, "IpExt:", "InOctets"), Some(4));
        assert_eq!(of_table(text, "IpExt:", "OutOctets"), None);
        assert_eq!(of_table(text, "UdpExt:", "InOctets"), None);
    }

    #[test]
    fn as_many_files_as_the_system_allows() {
        let before = getrlimit(Resource::Nofile);
        let lowered = Rlimit {
            current: before.maximum.map(|files| files - 1),
            ..before
        };
        setrlimit(Resource::Nofile, lowered).unwrap();
        raise_open_files();
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.current, before.maximum);
        assert_eq!(after.maximum, before.maximum);
    }
}
