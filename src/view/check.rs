//! What the doctor found.

use serde::Serialize;

use crate::engine::doctor::Check;
use crate::error::Hint;

/// The outcomes of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChecksView {
    /// In the order in which they were made.
    pub checks: Vec<CheckView>,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckView {
    /// What was checked.
    pub part: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, or the error.
    pub detail: String,
    /// What helps, if anything is known to.
    pub hint: Option<String>,
}

impl ChecksView {
    /// `rendered` puts hints into the words of whoever shows them.
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
