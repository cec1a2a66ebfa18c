//! Texts with `*`, `**`, `?`, `[…]` and `{…}` that stand for others, as filters have them.

use globset::{GlobBuilder, GlobMatcher};

/// Nobody types more.
const MOST_BRACES: usize = 32;

/// A glob, ready to be compared with many texts.
#[derive(Debug)]
pub(super) struct Glob(GlobMatcher);

impl Glob {
    /// The pattern that matches this text alone.
    pub(super) fn escaped(text: &str) -> String {
        globset::escape(text)
    }

    /// A glob for texts, in any case.
    ///
    /// # Errors
    /// When it is not a glob, with the reason.
    pub(super) fn of_text(written: &str) -> Result<Self, String> {
        Self::build(written, GlobBuilder::new(written).case_insensitive(true))
    }

    /// A glob for paths, in which `*` stays within one folder.
    ///
    /// # Errors
    /// As [`Glob::of_text`].
    pub(super) fn of_path(written: &str) -> Result<Self, String> {
        Self::build(written, GlobBuilder::new(written).literal_separator(true))
    }

    fn build(written: &str, builder: &mut GlobBuilder<'_>) -> Result<Self, String> {
        // globset panics on some that are nested deeper.
        if written.matches('{').count() > MOST_BRACES {
            return Err(format!("it has more than {MOST_BRACES} braces"));
        }
        let glob = builder.backslash_escape(true).build();
        glob.map(|glob| Glob(glob.compile_matcher())).map_err(|cause| cause.to_string())
    }

    /// True if the whole text matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
