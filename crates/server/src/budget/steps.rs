//! What is given up, in which order.

use std::fmt;

use diag::Reason;

/// Each step includes those before it. The order of the variants is the order of the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    #[default]
    None,
    /// Memory that is only kept to be used again is given back.
    ShedCaches,
    /// Clients' queries get an error; rules are evaluated.
    RefuseQueries,
    /// The head is written out before its time, and series that have ended go.
    CompactEarly,
    /// No new series for the target that asks for most of them, except those that rules read.
    RefuseOffender,
    /// Nor for its namespace. Clients' queries that run are ended.
    RefuseNamespace,
    /// No new series but those that rules read.
    RefuseNew,
    /// Nor those, of the target that asks for most.
    RefuseNeeded,
}

/// Parts of the budget, in percent, from which on a step is taken.
const STEPS: [(Step, u64); 7] = [
    (Step::ShedCaches, 70),
    (Step::RefuseQueries, 80),
    (Step::CompactEarly, 85),
    (Step::RefuseOffender, 88),
    (Step::RefuseNamespace, 92),
    (Step::RefuseNew, 95),
    (Step::RefuseNeeded, 98),
];
/// A step is left so many percent lower, so that it is not taken and left all the time.
const SLACK: u64 = 4;

impl Step {
    pub(super) const ALL: [Self; 8] = [
        Self::None,
        Self::ShedCaches,
        Self::RefuseQueries,
        Self::CompactEarly,
        Self::RefuseOffender,
        Self::RefuseNamespace,
        Self::RefuseNew,
        Self::RefuseNeeded,
    ];

    /// 0 for none; the order is that of the steps.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn of_number(number: u8) -> Self {
        let all = Self::ALL;
        all.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// The step after a look that found so many bytes in use.
    pub(super) fn next(self, used: u64, budget: u64) -> Self {
        let percent = u128::from(used) * 100 / u128::from(budget.max(1));
        let reached = |slack: u64| {
            let is_reached =
                |(_, from): &&(Self, u64)| percent >= u128::from(from.saturating_sub(slack));
            STEPS
                .iter()
                .rev()
                .find(is_reached)
                .map_or(Self::None, |(step, _)| *step)
        };
        // Up at once; down to where the lower limits are.
        reached(0).max(self.min(reached(SLACK)))
    }
}

/// A step that was taken, as a reason.
#[derive(Clone, Debug)]
pub(crate) struct StepTaken {
    pub(crate) step: Step,
    pub(crate) used: u64,
    pub(crate) budget: u64,
    /// Who asks for most new series, where that matters.
    pub(crate) offender: Option<String>,
}

impl Reason for StepTaken {
    fn code(&self) -> &'static str {
        match self.step {
            Step::None => "memory-enough",
            Step::ShedCaches => "memory-caches-shed",
            Step::RefuseQueries => "memory-queries-refused",
            Step::CompactEarly => "memory-compacted-early",
            Step::RefuseOffender => "memory-target-refused",
            Step::RefuseNamespace => "memory-namespace-refused",
            Step::RefuseNew => "memory-new-series-refused",
            Step::RefuseNeeded => "memory-needed-series-refused",
        }
    }

    fn hint(&self) -> Option<String> {
        (self.step >= Step::RefuseOffender).then(|| {
            "drop series with metric_relabel_configs, set sample_limit for the job, or raise --memory.budget"
                .to_owned()
        })
    }
}

impl fmt::Display for StepTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, budget) = (self.used >> 20, self.budget >> 20);
        write!(f, "{used} MiB of {budget} MiB in use: ")?;
        f.write_str(match self.step {
            Step::None => "all is taken again",
            Step::ShedCaches => "unused memory is given back",
            Step::RefuseQueries => "queries are refused; rules go on",
            Step::CompactEarly => "the newest samples are written out early",
            Step::RefuseOffender => {
                "no new series that rules do not read, of the target that asks for most"
            }
            Step::RefuseNamespace => {
                "no new series that rules do not read, of the namespace whose target asks for most"
            }
            Step::RefuseNew => "no new series but those that rules read",
            Step::RefuseNeeded => {
                "no new series but those that rules read, and none of the target that asks for most"
            }
        })?;
        match &self.offender {
            Some(offender) if self.step >= Step::RefuseOffender => write!(f, ": {offender}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_at_once_and_left_later() {
        let walk = [
            (0, Step::None),
            (69, Step::None),
            (70, Step::ShedCaches),
            (67, Step::ShedCaches),
            (65, Step::None),
            (96, Step::RefuseNew),
            (93, Step::RefuseNew),
            (90, Step::RefuseNamespace),
            (86, Step::RefuseOffender),
            (83, Step::CompactEarly),
            (81, Step::CompactEarly),
            (80, Step::RefuseQueries),
            (300, Step::RefuseNeeded),
            (10, Step::None),
        ];
        let mut step = Step::None;
        for (used, expected) in walk {
            step = step.next(used, 100);
            assert_eq!(step, expected, "at {used}");
        }
    }

    #[test]
    fn numbers_and_codes_are_one_to_one() {
        let mut codes: Vec<_> = Step::ALL
            .into_iter()
            .map(|step| {
                assert_eq!(Step::of_number(step.number()), step);
                let taken = StepTaken {
                    step,
                    used: 0,
                    budget: 0,
                    offender: None,
                };
                taken.code()
            })
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Step::ALL.len());
    }
}
