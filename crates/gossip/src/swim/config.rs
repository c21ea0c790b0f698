//! How a member behaves: what flags set, and memberlist's own numbers for a local network.

use std::net::SocketAddr;
use std::time::Duration;

/// What a member is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Not used by any other member.
    pub name: String,
    /// Where the others reach it.
    pub address: SocketAddr,
    /// Members with another label are strangers; empty for none, 255 bytes at most.
    pub label: String,
    /// Pause between packets with news.
    pub gossip_interval: Duration,
    /// Members that hear of the news each time, and how often news are sent: this often for each digit of the
    /// number of members.
    pub fanout: u32,
    /// Pause between exchanges of whole states; zero for none.
    pub push_pull_interval: Duration,
    /// Pause between questions whether somebody is there.
    pub probe_interval: Duration,
    /// Time for an answer before others are asked to ask.
    pub probe_timeout: Duration,
    /// Seed of all random choices.
    pub seed: u64,
}

/// Members that are asked to ask.
pub(crate) const INDIRECT_PROBES: usize = 3;
/// How often news about members are sent, for each digit of their number.
pub(crate) const MEMBER_NEWS_FANOUT: u32 = 4;
/// Probe intervals that a suspect has at least, for each digit of the number of members.
pub(crate) const SUSPICION_MULTIPLIER: u32 = 4;
/// How much longer it has if nobody else suspects it.
pub(crate) const SUSPICION_MAX_MULTIPLIER: u32 = 6;
/// Health scores stay below this; the probe interval is multiplied by the score plus one.
pub(crate) const HEALTH_SCORES: u32 = 8;
/// How long the dead are still told the news, and remembered.
pub(crate) const DEAD_FOR: Duration = Duration::from_secs(30);
/// Bytes of a packet.
pub(crate) const PACKET_BYTES_MAX: usize = 1400;
/// From this number of members on, whole states are exchanged less often.
pub(crate) const PUSH_PULL_MEMBERS: u32 = 32;
/// Members that are known at once; more come only of a broken or hostile sender.
pub(crate) const MEMBERS_MAX: usize = 1024;
/// Questions of others that wait for an answer at once.
pub(crate) const RELAYS_MAX: usize = 256;
/// News of the user that wait to be sent. As Alertmanager prunes to.
pub(crate) const USER_QUEUE_MAX: usize = 4096;
/// Sendings of the user's news to each member of a small mesh, so that a lossy network does not lose them.
pub(crate) const SENDINGS_PER_MEMBER: u32 = 4;
/// The same, all members together: in a large mesh the others pass news on.
pub(crate) const SENDINGS_MAX: u32 = 12;

/// How often news are sent: `multiplier` times for each digit of the number of members.
pub(crate) fn transmit_limit(multiplier: u32, members: usize) -> u32 {
    // The digits of n are the logarithm of n + 1, rounded up.
    let digits = members.checked_ilog10().map_or(0, |log| log + 1);
    multiplier * digits
}

/// How long a suspect has to object when as many others as wanted suspect it too.
pub(crate) fn suspicion_min(members: usize, probe_interval: Duration) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "there are few members")]
    let digits = (members.max(1) as f64).log10().max(1.0);
    probe_interval.mul_f64(f64::from(SUSPICION_MULTIPLIER) * (digits * 1000.0).floor() / 1000.0)
}

/// Pause between exchanges of whole states.
pub(crate) fn push_pull_pause(interval: Duration, members: usize) -> Duration {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    if members <= PUSH_PULL_MEMBERS {
        return interval;
    }
    let times = members.div_ceil(PUSH_PULL_MEMBERS);
    interval * (times.next_power_of_two().ilog2() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_memberlists() {
        // retransmitLimit(3, n) of memberlist.
        let limits = [0, 1, 3, 9, 10, 99, 100].map(|members| transmit_limit(3, members));
        assert_eq!(limits, [0, 3, 3, 3, 6, 6, 9]);
        let second = Duration::from_secs(1);
        // suspicionTimeout(4, n, 1s).
        assert_eq!(suspicion_min(3, second), 4 * second);
        assert_eq!(suspicion_min(50, second), Duration::from_millis(6792));
        // pushPullScale(1s, n).
        let pauses =
            [3, 32, 33, 64, 65, 128].map(|members| push_pull_pause(second, members).as_secs());
        assert_eq!(pauses, [1, 1, 2, 2, 3, 3]);
    }
}
