//! In which ways an alert ends elsewhere.

use std::collections::BTreeSet;

use super::{End, Outcome};

/// One way in which two outcomes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// Other receivers are told.
    Receiver,
    /// A receiver of the same name has other integrations.
    Integrations,
    /// An integration of the receiver goes elsewhere or says something else.
    Settings,
    /// The route gives its notifications other labels.
    Labels,
    /// It is told together with other alerts.
    Grouping,
    /// The group is the same, but its key is not: it counts as a new one, so it is told again.
    GroupKey,
    /// It is told sooner, later, or repeated at other times.
    Timers,
    /// The route has other mute or active intervals.
    Intervals,
    /// It is held back by them at the time that was asked for, or no longer.
    Muted,
    /// Another alert keeps it quiet, or no longer.
    Inhibited,
}

impl Difference {
    pub const ALL: [Self; 10] = [
        Self::Receiver,
        Self::Integrations,
        Self::Settings,
        Self::Labels,
        Self::Grouping,
        Self::GroupKey,
        Self::Timers,
        Self::Intervals,
        Self::Muted,
        Self::Inhibited,
    ];

    /// Stable, kebab-case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Integrations => "integrations",
            Self::Settings => "settings",
            Self::Labels => "labels",
            Self::Grouping => "grouping",
            Self::GroupKey => "group-key",
            Self::Timers => "timers",
            Self::Intervals => "intervals",
            Self::Muted => "muted",
            Self::Inhibited => "inhibited",
        }
    }
}

/// All ways in which they differ; none: the alert fares the same. The order of the routes does not matter.
pub fn differences(old: &Outcome<'_>, new: &Outcome<'_>) -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    if old.inhibited.is_some() != new.inhibited.is_some() {
        found.insert(Difference::Inhibited);
    }
    let mut rest: Vec<&End<'_>> = new.ends.iter().collect();
    let mut lost = Vec::new();
    // First those that have the same group, so that of two ends with one receiver the right ones meet.
    for end in &old.ends {
        let is_same =
            |other: &&End<'_>| is_same_receiver(end, other) && other.group_key == end.group_key;
        match take(&mut rest, is_same) {
            Some(other) => compare(end, other, &mut found),
            None => lost.push(end),
        }
    }
    for end in lost {
        match take(&mut rest, |other| is_same_receiver(end, other)) {
            Some(other) => compare(end, other, &mut found),
            None => {
                found.insert(Difference::Receiver);
            }
        }
    }
    if !rest.is_empty() {
        found.insert(Difference::Receiver);
    }
    found
}

fn is_same_receiver(a: &End<'_>, b: &End<'_>) -> bool {
    a.receiver() == b.receiver()
}

fn take<'e, 'o>(
    ends: &mut Vec<&'e End<'o>>,
    is_wanted: impl Fn(&&End<'o>) -> bool,
) -> Option<&'e End<'o>> {
    let place = ends.iter().position(is_wanted)?;
    Some(ends.remove(place))
}

/// The integrations, whatever their settings are.
fn kinds<'e>(end: &'e End<'_>) -> Vec<(&'e str, u32, bool)> {
    let integrations = end.integrations().iter();
    integrations
        .map(|one| (&*one.name, one.index, one.sends_resolved))
        .collect()
}

/// Two ends at receivers of one name.
fn compare(old: &End<'_>, new: &End<'_>, found: &mut BTreeSet<Difference>) {
    let (a, b) = (&old.route.options, &new.route.options);
    let timers = |end: &End<'_>| {
        let options = &end.route.options;
        (
            options.group_wait,
            options.group_interval,
            options.repeat_interval,
        )
    };
    // By its own labels two routes may agree on a group today, and not on that of its next alert.
    let is_grouped_alike = old.group_labels == new.group_labels
        && a.groups_by_all == b.groups_by_all
        && (a.groups_by_all || a.group_by == b.group_by);
    let are_alike = kinds(old) == kinds(new);
    let differs = [
        (!are_alike, Difference::Integrations),
        (
            are_alike && old.integrations() != new.integrations(),
            Difference::Settings,
        ),
        (a.labels != b.labels, Difference::Labels),
        (!is_grouped_alike, Difference::Grouping),
        (
            is_grouped_alike && old.group_key != new.group_key,
            Difference::GroupKey,
        ),
        (timers(old) != timers(new), Difference::Timers),
        (old.intervals != new.intervals, Difference::Intervals),
        (
            old.muted.is_some() != new.muted.is_some(),
            Difference::Muted,
        ),
    ];
    found.extend(
        differs
            .into_iter()
            .filter_map(|(differs, what)| differs.then_some(what)),
    );
}
