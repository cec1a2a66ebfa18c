//! The view of the outcomes of `kinglet doctor`.

use serde::Serialize;

use crate::engine::doctor::Check;
use crate::error::Hint;

/// The outcomes of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChecksView {
    /// The outcomes, in the order of the checks.
    pub checks: Vec<CheckView>,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckView {
    /// The part that was checked.
    pub part: String,
    /// True if the check passed.
    pub ok: bool,
    /// The finding, or the error.
    pub detail: String,
    /// How to repair it, if known.
    pub hint: Option<String>,
}

impl ChecksView {
    /// `rendered` formats a hint for the interface that shows it.
    pub fn new(checks: &[Check], rendered: impl Fn(&Hint) -> String) -> Self {
        let check = |(part, outcome): &Check| CheckView {
            part: part.clone(),
            ok: outcome.is_ok(),
            detail: outcome.as_ref().map_or_else(ToString::to_string, Clone::clone),
            hint: outcome.as_ref().err().and_then(|error| error.hint()).map(&rendered),
        };
        ChecksView { checks: checks.iter().map(check).collect() }
    }
}
