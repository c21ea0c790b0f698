//! How long a suspect has to object: the more members suspect it, the shorter.

use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Suspicion {
    started_at: Duration,
    min: Duration,
    max: Duration,
    /// Confirmations of others at which the time is the least; none if there are too few members.
    wanted: u32,
    confirmed: u32,
    /// Who suspects it; at most one more than is wanted.
    from: BTreeSet<String>,
}

/// Whether somebody's suspicion tells us something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    News,
    Known,
}

impl Suspicion {
    pub(crate) fn new(
        now: Duration,
        from: String,
        wanted: u32,
        (min, max): (Duration, Duration),
    ) -> Self {
        Self {
            started_at: now,
            min,
            max,
            wanted,
            confirmed: 0,
            from: BTreeSet::from([from]),
        }
    }

    pub(crate) fn confirm(&mut self, from: &str) -> Confirmation {
        if self.confirmed >= self.wanted || !self.from.insert(from.to_owned()) {
            return Confirmation::Known;
        }
        self.confirmed += 1;
        Confirmation::News
    }

    /// When the suspect is taken for dead.
    pub(crate) fn ends_at(&self) -> Duration {
        if self.wanted == 0 {
            return self.started_at + self.min;
        }
        let share = f64::from(self.confirmed + 1).ln() / f64::from(self.wanted + 1).ln();
        let span = self.max.saturating_sub(self.min).as_secs_f64();
        let seconds = self.max.as_secs_f64() - share * span;
        let millis = Duration::from_secs_f64((seconds * 1000.0).floor().max(0.0) / 1000.0);
        self.started_at + millis.max(self.min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_shorten_the_time() {
        let seconds = Duration::from_secs;
        let mut suspicion =
            Suspicion::new(seconds(100), "me".to_owned(), 3, (seconds(2), seconds(30)));
        assert_eq!(suspicion.ends_at(), seconds(130));
        assert_eq!(suspicion.confirm("me"), Confirmation::Known);
        // memberlist's own test has 16, 7.81 and 2 seconds.
        assert_eq!(suspicion.confirm("a"), Confirmation::News);
        assert_eq!(suspicion.ends_at(), seconds(116));
        assert_eq!(suspicion.confirm("a"), Confirmation::Known);
        suspicion.confirm("b");
        assert_eq!(
            suspicion.ends_at(),
            seconds(100) + Duration::from_millis(7810)
        );
        suspicion.confirm("c");
        assert_eq!(suspicion.ends_at(), seconds(102));
        assert_eq!(suspicion.confirm("d"), Confirmation::Known);
    }

    #[test]
    fn without_others_the_time_is_the_least() {
        let seconds = Duration::from_secs;
        let suspicion = Suspicion::new(seconds(1), "me".to_owned(), 0, (seconds(4), seconds(24)));
        assert_eq!(suspicion.ends_at(), seconds(5));
    }
}
