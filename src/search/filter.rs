//! Which chunks a search looks among: by path, type, date, headings and front matter.
//!
//! A filter is resolved to the chunks that pass before any leg looks, and every leg looks among these only. So a filter never
//! empties a result that exists, and scores are what they are without it: words are as rare as in the whole index.

use std::collections::HashSet;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::index::store::{ChunkId, Outline};
use kinglet_formats::{Format, format_of_name};

/// What can be written, for messages and help.
pub const GRAMMAR: &str = "path=GLOB, type=markdown|html|code|text|pdf|word|slides|table|mail|book|notebook|data or a file ending, heading=GLOB, meta.KEY=GLOB, modified>=YYYY-MM-DD (also > <= < =)";

/// One condition.
#[derive(Debug, Clone)]
pub struct Filter {
    written: String,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    Path(GlobMatcher),
    Type(Format),
    Ending(String),
    Heading(GlobMatcher),
    /// A key of the front matter, in small letters, and its value.
    Metadata(String, GlobMatcher),
    /// Nanoseconds since 1970, from the first up to and without the second.
    Modified(i128, i128),
}

impl Filter {
    /// Reads a filter as people write it, see [`GRAMMAR`]. Dates are days in UTC.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(written: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::input(format!("`{}` is not a filter: {why}", written.escape_debug()))
                .with_hint(format!("filters are {GRAMMAR}"))
        };
        let at = written.find(['=', '<', '>']).ok_or_else(|| wrong("it compares nothing"))?;
        let (key, rest) = (written[..at].trim(), &written[at..]);
        let operator = [">=", "<=", "=", ">", "<"].into_iter().find(|it| rest.starts_with(it)).unwrap_or("=");
        let value = rest[operator.len()..].trim();
        if value.is_empty() {
            return Err(wrong("there is nothing after the comparison"));
        }
        if key != "modified" && operator != "=" {
            return Err(wrong("only `modified` can be more or less"));
        }
        let glob = |path: bool| {
            let glob = GlobBuilder::new(value).literal_separator(path).case_insensitive(!path).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|cause| wrong(&cause.to_string()))
        };
        let condition = match key {
            "path" => Condition::Path(glob(true)?),
            "heading" => Condition::Heading(glob(false)?),
            key if key.starts_with("meta.") && key.len() > 5 => {
                Condition::Metadata(key["meta.".len()..].to_lowercase(), glob(false)?)
            }
            "type" => {
                let name = value.to_lowercase();
                match Format::NAMED.iter().find(|(known, _)| *known == name) {
                    Some((_, format)) => Condition::Type(*format),
                    None => Condition::Ending(name.trim_start_matches('.').to_string()),
                }
            }
            "modified" => {
                let (from, until) = day(value).ok_or_else(|| wrong("a date is written like 2026-11-23"))?;
                match operator {
                    ">=" => Condition::Modified(from, i128::MAX),
                    ">" => Condition::Modified(until, i128::MAX),
                    "<" => Condition::Modified(i128::MIN, from),
                    "<=" => Condition::Modified(i128::MIN, until),
                    _ => Condition::Modified(from, until),
                }
            }
            _ => return Err(wrong("its first word is none of path, type, heading, meta.KEY and modified")),
        };
        Ok(Filter { written: written.to_string(), condition })
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    fn passes(&self, outline: &Outline) -> bool {
        let name = if outline.path.is_empty() { outline.root.as_str() } else { outline.path.as_str() };
        let file = Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match &self.condition {
            Condition::Path(glob) => glob.is_match(if outline.path.is_empty() { &file } else { name }),
            Condition::Type(format) => format_of_name(&file) == Some(*format),
            Condition::Ending(ending) => {
                file.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
            }
            Condition::Heading(glob) => outline.headings.iter().any(|heading| glob.is_match(heading)),
            Condition::Metadata(key, glob) => {
                outline.metadata.iter().any(|(found, value)| found.to_lowercase() == *key && glob.is_match(value))
            }
            Condition::Modified(from, until) => (*from..*until).contains(&i128::from(outline.modified_ns)),
        }
    }
}

/// What passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Among {
    /// The chunks that pass.
    pub passing: HashSet<ChunkId>,
    /// Those that are searched in their places: a copy passes for its original.
    pub searched: HashSet<ChunkId>,
}

/// The chunks that pass all of `filters`.
pub fn among(outlines: &[Outline], filters: &[Filter]) -> Among {
    let passes = |outline: &&Outline| filters.iter().all(|filter| filter.passes(outline));
    let (passing, searched) = outlines.iter().filter(passes).map(|outline| (outline.chunk, outline.original)).unzip();
    Among { passing, searched }
}

/// The first nanosecond of a day and of the next one.
fn day(written: &str) -> Option<(i128, i128)> {
    let date: Date = written.parse().ok()?;
    let start = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond());
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(written: &str, path: &str, headings: &[&str]) -> bool {
        // Noon of 2026-11-23 in UTC.
        let modified_ns = 1_795_435_200_000_000_000;
        let headings = headings.iter().map(ToString::to_string).collect();
        let outline = Outline {
            chunk: 1,
            original: 1,
            root: "/notes".into(),
            path: path.into(),
            modified_ns,
            headings,
            start_byte: 0,
            metadata: vec![("Tags".into(), "birds".into()), ("tags".into(), "small".into())],
        };
        among(&[outline], &[Filter::parse(written).unwrap()]).passing.contains(&1)
    }

    #[test]
    fn filters_say_what_they_mean() {
        assert!(passes("path=docs/**/*.md", "docs/a/b.md", &[]) && passes("path=docs/*.md", "docs/b.md", &[]));
        assert!(!passes("path=docs/*.md", "docs/a/b.md", &[]) && !passes("path=*.md", "docs/b.md", &[]));
        assert!(
            passes("type=markdown", "a.MD", &[]) && passes("type=rs", "a.rs", &[]) && passes("type=code", "a.rs", &[])
        );
        assert!(!passes("type=html", "a.md", &[]));
        assert!(
            passes("heading=install*", "a.md", &["Guide", "Installing it"]) && !passes("heading=in", "a.md", &["inn"])
        );
        assert!(passes("meta.tags=bird*", "a.md", &[]) && passes("meta.tags=Small", "a.md", &[]));
        assert!(!passes("meta.tags=large", "a.md", &[]) && !passes("meta.tag=small", "a.md", &[]));
        for (written, expected) in [
            ("modified>=2026-11-23", true),
            ("modified > 2026-11-22", true),
            ("modified>2026-11-23", false),
            ("modified<=2026-11-23", true),
            ("modified<2026-11-23", false),
            ("modified=2026-11-23", true),
            ("modified=2026-11-24", false),
        ] {
            assert_eq!(passes(written, "a.md", &[]), expected, "{written}");
        }
    }

    #[test]
    fn what_is_no_filter_is_told_how_filters_are_written() {
        for written in [
            "",
            "docs",
            "path=",
            "meta.=a",
            "meta=a",
            "path>=a",
            "size=3",
            "modified=yesterday",
            "path=[",
            "modified>=2026-13-01",
        ] {
            let error = Filter::parse(written).unwrap_err();
            assert!(format!("{:?}", error.hint()).contains("path=GLOB"), "{written}: {error}");
        }
    }
}
