//! What happens in a run: everything from the seed.

use std::time::Duration;

use alerting::backoff::RandomNumbers;

/// From here on nothing is broken any more.
pub(crate) const FAULTS_END: Duration = Duration::from_secs(300);
/// A run ends this long after the last alert began or ended: longer than the latest notification may take.
const LAST: Duration = Duration::from_secs(370);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    /// Shortest and longest way of a packet.
    pub(crate) delay: (Duration, Duration),
    /// Of a thousand packets.
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Each node's clock before the true time, in milliseconds.
    pub(crate) skew_ms: Vec<i64>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) restarts: Vec<Restart>,
    pub(crate) alerts: Vec<Alert>,
    /// When the run ends.
    pub(crate) end: Duration,
}

/// Two sides that do not reach each other.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// For each node whether it is on the one side.
    pub(crate) side: Vec<bool>,
}

impl Cut {
    pub(crate) fn separates(&self, now: Duration, one: usize, other: usize) -> bool {
        (self.from..self.until).contains(&now) && self.side[one] != self.side[other]
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    pub(crate) node: usize,
    pub(crate) at: Duration,
    pub(crate) back_at: Duration,
    /// Whether it says good-bye, rather than being killed.
    pub(crate) is_clean: bool,
}

/// Posted to all nodes from time to time while it fires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alert {
    pub(crate) from: Duration,
    /// `None`: it fires to the end.
    pub(crate) until: Option<Duration>,
}

impl Plan {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut random = RandomNumbers::new(seed);
        let mut pick = |from: usize, to: usize| from + random.below(to - from);
        let nodes = pick(2, 6);
        let millis = |count: usize| Duration::from_millis(count as u64);
        let fault_at = |pick: &mut dyn FnMut(usize, usize) -> usize| millis(pick(30_000, 240_000));
        let longest = [5, 50, 400][pick(0, 3)];
        let lost = [0, 20, 100][pick(0, 3)];
        let doubled = [0, 50][pick(0, 2)];
        let skew_ms = (0..nodes)
            .map(|_| i64::try_from(pick(0, 600_000)).unwrap() - 300_000)
            .collect();
        let skew_ms = if pick(0, 2) == 0 {
            vec![0; nodes]
        } else {
            skew_ms
        };
        let cuts = (0..[0, 1, 2][pick(0, 3)])
            .map(|_| {
                let from = fault_at(&mut pick);
                let side = (0..nodes).map(|_| pick(0, 2) == 0).collect();
                let until = (from + millis(pick(1_000, 90_000))).min(FAULTS_END);
                Cut { from, until, side }
            })
            .collect();
        // Never two at once, so that somebody is always there.
        let mut restarts: Vec<Restart> = Vec::new();
        for _ in 0..[0, 1, 3][pick(0, 3)] {
            let at = fault_at(&mut pick);
            let back_at = (at + millis(pick(100, 40_000))).min(FAULTS_END);
            let overlaps = |other: &Restart| at < other.back_at && other.at < back_at;
            if !restarts.iter().any(overlaps) {
                restarts.push(Restart {
                    node: pick(0, nodes),
                    at,
                    back_at,
                    is_clean: pick(0, 2) == 0,
                });
            }
        }
        let alerts: Vec<Alert> = (0..4)
            .map(|_| {
                let from = millis(pick(0, 280_000));
                let until = (pick(0, 2) == 0).then(|| from + millis(pick(60_000, 200_000)));
                Alert { from, until }
            })
            .collect();
        let last = alerts.iter().map(|alert| alert.until.unwrap_or(alert.from));
        let last = last.fold(FAULTS_END, Duration::max);
        Self {
            seed,
            nodes,
            delay: (millis(1), millis(longest)),
            lost,
            doubled,
            skew_ms,
            cuts,
            restarts,
            alerts,
            end: last + LAST,
        }
    }

    pub(crate) fn are_cut(&self, now: Duration, one: usize, other: usize) -> bool {
        self.cuts.iter().any(|cut| cut.separates(now, one, other))
    }
}
