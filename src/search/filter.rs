//! Which passages a search may find: by path, type, date, headings and front matter.
//!
//! A filter is an expression that a source evaluates before it ranks chunks. So a filter never
//! hides results that pass it, and changes no score: the rarity of words is that in the whole
//! index.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::index::store::Outline;
use kinglet_formats::{Format, format_of_name};

/// The syntax of filters, for messages and help.
pub const GRAMMAR: &str = "path=GLOB, type=markdown|html|code|text|pdf|word|slides|table|mail|book|notebook|data or a file ending, heading=GLOB, meta.KEY=GLOB, modified>=YYYY-MM-DD (also > <= < =)";

/// The parsed filter, or the reason why it is not one.
type Parsed<T> = std::result::Result<T, String>;

/// A condition on passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Filter {
    /// The path below the indexed folder matches this glob.
    Path(String),
    /// The file has this type (see [`GRAMMAR`]) or this ending.
    Type(String),
    /// A heading over the passage, or a part of it, matches this glob, ignoring case.
    Heading(String),
    /// A value in the document's front matter matches this glob, ignoring case.
    Metadata {
        /// Its key, ignoring case.
        key: String,
        /// The glob.
        value: String,
    },
    /// The day in UTC on which the file was last changed compares with `day` as required.
    Modified {
        /// The required comparison.
        comparison: Operator,
        /// The day, such as `2026-11-23`.
        day: String,
    },
    /// All of these hold.
    All(Vec<Filter>),
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// Equal or greater.
    #[serde(rename = ">=")]
    AtLeast,
    /// Equal or less.
    #[serde(rename = "<=")]
    AtMost,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Less.
    #[serde(rename = "<")]
    Less,
}

impl Operator {
    /// Longer signs stand before those that they begin with.
    const WRITTEN: [(&str, Operator); 5] = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
    ];

    fn written(self) -> &'static str {
        Self::WRITTEN.iter().find(|(_, known)| *known == self).expect("the table is whole").0
    }
}

impl Filter {
    /// Parses one condition in the syntax of [`GRAMMAR`].
    ///
    /// # Errors
    /// When it does not have this syntax.
    pub fn parse(written: &str) -> Result<Self> {
        Self::read(written).map_err(|why| not_a_filter(written, &why))
    }

    /// The filter that passes the file with this path below the indexed folder.
    pub fn of_file(path: &str) -> Self {
        Filter::Path(globset::escape(path))
    }

    /// The filter that passes what all of `filters` pass; `None` if there are none.
    pub fn all(mut filters: Vec<Filter>) -> Option<Self> {
        match filters.len() {
            0 | 1 => filters.pop(),
            _ => Some(Filter::All(filters)),
        }
    }

    fn read(written: &str) -> Parsed<Self> {
        let at = written.find(['=', '<', '>']).ok_or("it has no comparison")?;
        let (key, rest) = (written[..at].trim(), &written[at..]);
        let comparison = Operator::WRITTEN.into_iter().find(|(sign, _)| rest.starts_with(sign));
        let (sign, comparison) = comparison.expect("it starts with the first character of one");
        let value = rest[sign.len()..].trim().to_string();
        if value.is_empty() {
            return Err("there is nothing after the comparison".into());
        }
        if key != "modified" && comparison != Operator::Equal {
            return Err("only `modified` can be compared with < or >".into());
        }
        let filter = match key {
            "path" => Filter::Path(value),
            "type" => Filter::Type(value),
            "heading" => Filter::Heading(value),
            "modified" => Filter::Modified { comparison, day: value },
            _ => match key.strip_prefix("meta.").filter(|key| !key.is_empty()) {
                Some(key) => Filter::Metadata { key: key.to_string(), value },
                None => return Err("its key is none of path, type, heading, meta.KEY and modified".into()),
            },
        };
        filter.compile()?;
        Ok(filter)
    }

    /// Prepares the filter to be applied to many chunks.
    ///
    /// # Errors
    /// When a glob or a date in it is invalid.
    pub fn matcher(&self) -> Result<FilterMatcher> {
        self.compile().map(FilterMatcher).map_err(|why| not_a_filter(&self.to_string(), &why))
    }

    fn compile(&self) -> Parsed<Compiled> {
        Ok(match self {
            Filter::Path(value) => Compiled::Path(glob(value, true)?),
            Filter::Type(value) => {
                let name = value.to_lowercase();
                match Format::NAMED.iter().find(|(known, _)| *known == name) {
                    Some((_, format)) => Compiled::Format(*format),
                    None => Compiled::Ending(name.trim_start_matches('.').to_string()),
                }
            }
            Filter::Heading(value) => Compiled::Heading(glob(value, false)?),
            Filter::Metadata { key, value } => Compiled::Metadata(key.to_lowercase(), glob(value, false)?),
            Filter::Modified { comparison, day } => {
                let (from, until) = day_ns(day).ok_or("a date is written like 2026-11-23")?;
                match comparison {
                    Operator::AtLeast => Compiled::Modified(from, i128::MAX),
                    Operator::Greater => Compiled::Modified(until, i128::MAX),
                    Operator::Less => Compiled::Modified(i128::MIN, from),
                    Operator::AtMost => Compiled::Modified(i128::MIN, until),
                    Operator::Equal => Compiled::Modified(from, until),
                }
            }
            Filter::All(filters) => Compiled::All(filters.iter().map(Filter::compile).collect::<Parsed<_>>()?),
        })
    }
}

/// In the syntax of [`GRAMMAR`], with `and` between conditions.
impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Path(value) => write!(f, "path={value}"),
            Filter::Type(value) => write!(f, "type={value}"),
            Filter::Heading(value) => write!(f, "heading={value}"),
            Filter::Metadata { key, value } => write!(f, "meta.{key}={value}"),
            Filter::Modified { comparison, day } => write!(f, "modified{}{day}", comparison.written()),
            Filter::All(filters) => {
                let written: Vec<String> = filters.iter().map(ToString::to_string).collect();
                f.write_str(&written.join(" and "))
            }
        }
    }
}

/// A filter that is ready to be applied to chunks.
#[derive(Debug)]
pub struct FilterMatcher(Compiled);

#[derive(Debug)]
enum Compiled {
    Path(GlobMatcher),
    Format(Format),
    Ending(String),
    Heading(GlobMatcher),
    /// The key is in lower-case letters.
    Metadata(String, GlobMatcher),
    /// Nanoseconds since 1970; the first is included, the second is not.
    Modified(i128, i128),
    All(Vec<Compiled>),
}

impl FilterMatcher {
    /// True if the chunk with this outline passes.
    pub fn matches(&self, outline: &Outline) -> bool {
        self.0.matches(outline)
    }
}

impl Compiled {
    fn matches(&self, outline: &Outline) -> bool {
        let name = if outline.path.is_empty() { outline.root.as_str() } else { outline.path.as_str() };
        let file = || Path::new(name).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        match self {
            Compiled::Path(glob) if outline.path.is_empty() => glob.is_match(&*file()),
            Compiled::Path(glob) => glob.is_match(name),
            Compiled::Format(format) => format_of_name(&file()) == Some(*format),
            Compiled::Ending(ending) => {
                file().rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
            }
            Compiled::Heading(glob) => outline.headings.iter().any(|heading| glob.is_match(heading)),
            Compiled::Metadata(key, glob) => {
                outline.metadata.iter().any(|(found, value)| found.to_lowercase() == *key && glob.is_match(value))
            }
            Compiled::Modified(from, until) => (*from..*until).contains(&i128::from(outline.modified_ns)),
            Compiled::All(all) => all.iter().all(|one| one.matches(outline)),
        }
    }
}

fn not_a_filter(written: &str, why: &str) -> Error {
    Error::input(format!("`{}` is not a filter: {why}", written.escape_debug()))
        .with_hint(format!("filters are {GRAMMAR}"))
}

fn glob(written: &str, is_path: bool) -> Parsed<GlobMatcher> {
    let glob = GlobBuilder::new(written).literal_separator(is_path).case_insensitive(!is_path).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|cause| cause.to_string())
}

/// The first nanosecond of a day in UTC and that of the next day.
fn day_ns(written: &str) -> Option<(i128, i128)> {
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
        let filter = Filter::parse(written).unwrap();
        let sent: Filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
        assert_eq!((&sent, &Filter::parse(&filter.to_string()).unwrap()), (&filter, &filter));
        sent.matcher().unwrap().matches(&outline)
    }

    #[test]
    fn filters_pass_what_their_conditions_describe() {
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
    fn an_invalid_filter_is_an_error_that_shows_the_syntax() {
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

    #[test]
    fn several_filters_together_pass_what_each_of_them_passes() {
        let parse = |written: &str| Filter::parse(written).unwrap();
        assert_eq!(Filter::all(vec![]), None);
        assert_eq!(Filter::all(vec![parse("path=a")]), Some(parse("path=a")));
        let both = Filter::all(vec![parse("type=rs"), parse("modified > 2026-11-22")]).unwrap();
        assert_eq!(both.to_string(), "type=rs and modified>2026-11-22");
        let outline = |path: &str, modified_ns| Outline {
            chunk: 1,
            original: 1,
            root: "/notes".into(),
            path: path.into(),
            modified_ns,
            headings: vec![],
            start_byte: 0,
            metadata: vec![],
        };
        let matcher = both.matcher().unwrap();
        let noon_ns = 1_795_435_200_000_000_000;
        assert!(matcher.matches(&outline("a.rs", noon_ns)));
        assert!(!matcher.matches(&outline("a.md", noon_ns)) && !matcher.matches(&outline("a.rs", 0)));
        let sent = r#"{"all":[{"type":"rs"},{"modified":{"comparison":">","day":"2026-11-22"}}]}"#;
        assert_eq!(serde_json::to_string(&both).unwrap(), sent);
        let damaged: Filter = serde_json::from_str(r#"{"modified":{"comparison":">","day":"soon"}}"#).unwrap();
        assert!(damaged.matcher().unwrap_err().to_string().contains("a date is written like"));
    }
}
