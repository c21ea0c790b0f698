//! Where a section stands in its file, for validation that needs the whole configuration.

use diag::Span;

/// A span that does not take part in comparisons: a section that only moved is unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(pub Span);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}
