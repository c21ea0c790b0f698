//! One silence: what it matches, when it holds, and which changes keep its identity.

use std::collections::BTreeMap;

use model::format::go_quote;
use model::name::NameScheme;
use model::pattern::PatternError;
use model::{MatchOp, Matcher};

use crate::time::Time;

/// A matcher as it is stored: the pattern may not even compile, if another program wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceMatcher {
    pub op: MatchOp,
    pub name: String,
    pub pattern: String,
}

impl SilenceMatcher {
    pub fn compile(&self) -> Result<Matcher, PatternError> {
        Matcher::new(self.op, self.name.as_str(), self.pattern.as_str())
    }
}

/// Matchers that must all match.
pub type MatcherSet = Vec<SilenceMatcher>;

/// A silence. `id` is empty until it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    pub id: String,
    /// At least one set must match. The HTTP API makes silences with exactly one.
    pub matcher_sets: Vec<MatcherSet>,
    /// Kept for cluster members and snapshots; nothing evaluates them yet, in the peer neither.
    pub receiver_matcher_sets: Vec<MatcherSet>,
    /// Unset is "now" when it is stored.
    pub starts_at: Time,
    pub ends_at: Time,
    pub updated_at: Time,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

impl Default for Silence {
    fn default() -> Self {
        Self {
            id: String::new(),
            matcher_sets: Vec::new(),
            receiver_matcher_sets: Vec::new(),
            starts_at: Time::UNSET,
            ends_at: Time::UNSET,
            updated_at: Time::UNSET,
            created_by: String::new(),
            comment: String::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// Where a silence stands at some time. In the order of the HTTP API's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

impl SilenceState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence was not stored or expired. `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    #[error("silence not found")]
    NotFound,
    #[error("Failed to create silence: start time must be before end time")]
    EndsBeforeStart,
    #[error("Failed to create silence: end time can't be in the past")]
    EndsInPast,
    #[error("invalid silence: at least one matcher set required")]
    NoMatchers,
    #[error("invalid silence: matcher set {0} is empty")]
    EmptySet(usize),
    #[error(
        "invalid silence: invalid label matcher {matcher} in set {set}: invalid label name {}",
        go_quote(.name)
    )]
    LabelName {
        set: usize,
        matcher: usize,
        name: String,
    },
    #[error(
        "invalid silence: invalid label matcher {matcher} in set {set}: invalid regular expression {}: {error}",
        go_quote(.pattern)
    )]
    Pattern {
        set: usize,
        matcher: usize,
        pattern: String,
        error: PatternError,
    },
    #[error(
        "invalid silence: matcher set {0}: at least one matcher must not match the empty string"
    )]
    MatchesEverything(usize),
    #[error("invalid silence: invalid zero end timestamp")]
    NoEnd,
    #[error("silence exceeded maximum size: {bytes} bytes (limit: {max} bytes)")]
    TooBig { bytes: usize, max: usize },
    #[error("exceeded maximum number of silences: {count} (limit: {max})")]
    TooMany { count: usize, max: usize },
}

impl diag::Reason for SilenceError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "silence-not-found",
            Self::EndsBeforeStart => "silence-refused-ends-before-start",
            Self::EndsInPast => "silence-refused-ends-in-past",
            Self::NoMatchers | Self::EmptySet(_) => "silence-refused-without-matchers",
            Self::LabelName { .. } => "silence-refused-label-name",
            Self::Pattern { .. } => "silence-refused-pattern",
            Self::MatchesEverything(_) => "silence-refused-matches-everything",
            Self::NoEnd => "silence-refused-without-end",
            Self::TooBig { .. } => "silence-refused-too-big",
            Self::TooMany { .. } => "silence-refused-too-many",
        }
    }
}

impl Silence {
    /// A silence holds from its start up to, and without, its end.
    pub fn state_at(&self, now: Time) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now >= self.ends_at {
            SilenceState::Expired
        } else {
            SilenceState::Active
        }
    }

    /// Checks what a client posted. `starts_at` is already filled in.
    pub(crate) fn check(&self, now: Time, names: NameScheme) -> Result<(), SilenceError> {
        if self.starts_at >= self.ends_at {
            return Err(SilenceError::EndsBeforeStart);
        }
        if self.ends_at < now {
            return Err(SilenceError::EndsInPast);
        }
        if self.matcher_sets.is_empty() {
            return Err(SilenceError::NoMatchers);
        }
        for (set, matchers) in self.matcher_sets.iter().enumerate() {
            check_set(set, matchers, names)?;
        }
        if self.ends_at.is_unset() {
            return Err(SilenceError::NoEnd);
        }
        Ok(())
    }

    /// Whether `self` may become `changed` under the same id without changing what it silenced so far.
    pub(crate) fn can_become(&self, changed: &Self, now: Time) -> bool {
        self.matcher_sets == changed.matcher_sets
            && match self.state_at(now) {
                SilenceState::Active => {
                    self.starts_at.seconds() == changed.starts_at.seconds()
                        && changed.ends_at >= now
                }
                SilenceState::Pending => changed.starts_at >= now,
                SilenceState::Expired => false,
            }
    }
}

fn check_set(set: usize, matchers: &MatcherSet, names: NameScheme) -> Result<(), SilenceError> {
    if matchers.is_empty() {
        return Err(SilenceError::EmptySet(set));
    }
    let mut all_match_empty = true;
    for (index, matcher) in matchers.iter().enumerate() {
        if !names.allows_label(&matcher.name) {
            return Err(SilenceError::LabelName {
                set,
                matcher: index,
                name: matcher.name.clone(),
            });
        }
        let compiled = matcher.compile().map_err(|error| SilenceError::Pattern {
            set,
            matcher: index,
            pattern: matcher.pattern.clone(),
            error,
        })?;
        // The peer never counts a negative matcher as matching everything.
        let is_positive = matches!(matcher.op, MatchOp::Equal | MatchOp::Regex);
        all_match_empty &= is_positive && compiled.matches_empty();
    }
    if all_match_empty {
        return Err(SilenceError::MatchesEverything(set));
    }
    Ok(())
}
