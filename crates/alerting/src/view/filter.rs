//! What an API request asks for.

use std::collections::BTreeMap;

use model::pattern::Pattern;
use model::{Labels, MatchOp, Matcher};

use crate::silence::{Silence, SilenceState};

/// Whether things of one kind are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    Yes,
    No,
}

impl Shown {
    pub(super) fn hides(self, is_of_this_kind: bool) -> bool {
        self == Self::No && is_of_this_kind
    }
}

impl From<bool> for Shown {
    fn from(shown: bool) -> Self {
        if shown { Self::Yes } else { Self::No }
    }
}

/// Matchers of a query. Other than in routes, `a=""` asks for the absence of a label and `a!=""` for its
/// presence, also where a label may be present with an empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelFilter {
    pub matchers: Vec<Matcher>,
}

impl LabelFilter {
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.accepts_with(|name| labels.get(name))
    }

    pub fn accepts_map(&self, labels: &BTreeMap<String, String>) -> bool {
        self.accepts_with(|name| labels.get(name).map(String::as_str))
    }

    fn accepts_with<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.matchers.iter().all(|matcher| {
            let value = get(matcher.name());
            let is_negative = matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex);
            let is_about_presence = matcher.value().is_empty() && value.is_some() == is_negative;
            is_about_presence || matcher.matches(value.unwrap_or(""))
        })
    }

    pub fn is_empty(&self) -> bool {
        self.matchers.is_empty()
    }
}

/// Which alerts, and in which groups. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    pub labels: LabelFilter,
    /// On receiver names.
    pub receiver: Option<Pattern>,
    /// On receiver labels.
    pub receiver_labels: LabelFilter,
    /// Alerts that nothing suppresses.
    pub active: Shown,
    pub silenced: Shown,
    pub inhibited: Shown,
    /// Groups that an interval mutes; looked at for groups only.
    pub muted: Shown,
}

/// Which silences. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilenceFilter {
    /// All of them must be among the silence's own matchers, literally.
    pub matchers: Vec<Matcher>,
    pub active: Shown,
    pub pending: Shown,
    pub expired: Shown,
}

impl SilenceFilter {
    pub(super) fn accepts(&self, silence: &Silence, state: SilenceState) -> bool {
        let shown = match state {
            SilenceState::Active => self.active,
            SilenceState::Pending => self.pending,
            SilenceState::Expired => self.expired,
        };
        shown == Shown::Yes
            && silence.matcher_sets.iter().any(|set| {
                self.matchers.iter().all(|wanted| {
                    set.iter().any(|own| {
                        own.op == wanted.op()
                            && own.name == wanted.name()
                            && own.pattern == wanted.value()
                    })
                })
            })
    }
}
