//! Which passages a search may find: by path, type, date, headings and front matter.
//!
//! A filter is an expression that a source evaluates before it ranks chunks. So a filter never
//! hides results that pass it, and changes no score: the rarity of words is that in the whole
//! index.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::glob::Glob;
use super::path_pattern::PathPattern;
use crate::error::{Error, Result};
use crate::index::lexical::stems;
use crate::index::store::{ChunkId, Outline};
use crate::language::Language;
use crate::text::Span;
use kinglet_formats::{Format, format_of_name};

/// The syntax of filters, for messages and help.
pub const GRAMMAR: &str = "path=GLOB, type=markdown|html|code|text|pdf|word|slides|table|mail|book|notebook|data or a file ending, heading=GLOB, meta.KEY=GLOB (with != for all others, and A,B for one of several), modified>=YYYY-MM-DD (also > <= < = !=)";

/// The parsed filter, or the reason why it is not one.
type Parsed<T> = std::result::Result<T, String>;

/// A condition on passages. A value may be several with commas between them: one of them must fit.
/// A comma in braces or brackets, or after a backslash, is a part of its value, and a name with
/// commas also fits as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Filter {
    /// The path matches this path or glob, or lies in this folder: absolute, or below the indexed
    /// folder.
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
    /// These words stand next to each other in the passage, ignoring case. Only queries have it.
    Phrase(String),
    /// All of these words, in any form, are in the passage. Only queries have it.
    Words(String),
    /// All of these hold.
    All(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// This holds, where relative paths may also be below this absolute folder.
    SeenFrom {
        /// The folder, such as the one in which the filter was typed.
        folder: String,
        /// The condition.
        filter: Box<Filter>,
    },
}

/// Words that a filter asks for, which only an index can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterWords<'f> {
    /// Words next to each other.
    Phrase(&'f str),
    /// Words anywhere.
    Words(&'f str),
}

impl FilterWords<'_> {
    /// The terms that a chunk with these words has, in the form of an index of texts in `language`.
    pub fn terms(&self, language: Language) -> Vec<String> {
        let (Self::Phrase(text) | Self::Words(text)) = self;
        let is_joined = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
        // In a longer compound, the text may have other compounds, but it has the same words.
        let is_word = |span: Span| {
            span.of(text).chars().all(char::is_alphanumeric)
                && !is_joined(text[..span.start].chars().next_back())
                && !is_joined(text[span.end..].chars().next())
        };
        stems(text, language).into_iter().filter(|word| is_word(word.span)).map(|word| word.stem).collect()
    }
}

/// Finds the chunks, of those that are searched, that have the words of a filter.
type FindWords<'m> = &'m dyn Fn(&FilterWords<'_>) -> Result<HashSet<ChunkId>>;

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

    /// The same filter, where relative paths may also be below `folder`, an absolute path.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match folder.to_str() {
            Some(folder) => Filter::SeenFrom { folder: folder.to_string(), filter: Box::new(self) },
            None => self,
        }
    }

    /// The filter that passes the file with this path below the indexed folder.
    pub fn of_file(path: &str) -> Self {
        Filter::Path(Glob::escaped(path).replace(',', "\\,"))
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
        let (key, rest) = (&written[..at], &written[at..]);
        let negated = key.strip_suffix('!').filter(|_| rest.starts_with('='));
        let key = negated.unwrap_or(key).trim();
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
        // Whether there is a folder above the current one is not known yet.
        filter.compile(Some(""))?;
        Ok(if negated.is_some() { Filter::Not(Box::new(filter)) } else { filter })
    }

    /// Prepares the filter to be applied to many chunks. `find` finds those with certain words.
    ///
    /// # Errors
    /// When a glob or a date in it is invalid, or `find` fails.
    pub fn matcher(&self, find: FindWords<'_>) -> Result<FilterMatcher> {
        self.compile_with(find, None).map(FilterMatcher)
    }

    fn compile_with(&self, find: FindWords<'_>, folder: Option<&str>) -> Result<Compiled> {
        Ok(match self {
            Filter::Phrase(text) => Compiled::Chunks(find(&FilterWords::Phrase(text))?),
            Filter::Words(text) => Compiled::Chunks(find(&FilterWords::Words(text))?),
            Filter::Not(not) => Compiled::Not(Box::new(not.compile_with(find, folder)?)),
            Filter::All(all) => {
                Compiled::All(all.iter().map(|one| one.compile_with(find, folder)).collect::<Result<_>>()?)
            }
            Filter::SeenFrom { folder, filter } => filter.compile_with(find, Some(folder))?,
            _ => self.matcher_from(folder)?.0,
        })
    }

    /// A matcher that knows no words; relative paths may also be below `folder`.
    pub(super) fn matcher_from(&self, folder: Option<&str>) -> Result<FilterMatcher> {
        self.compile(folder).map(FilterMatcher).map_err(|why| not_a_filter(&self.to_string(), &why))
    }

    /// `folder` is the one from which relative paths are looked up, if any.
    fn compile(&self, folder: Option<&str>) -> Parsed<Compiled> {
        Ok(match self {
            Filter::Path(value) => Compiled::Path(each_of(value, |path| PathPattern::new(path, folder))?),
            Filter::Type(value) => Compiled::Type(each_of(value, |name| Ok(FileKind::named(name)))?),
            Filter::Heading(value) => Compiled::Heading(each_of(value, Glob::of_text)?),
            Filter::Metadata { key, value } => Compiled::Metadata(key.to_lowercase(), each_of(value, Glob::of_text)?),
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
            Filter::All(filters) => {
                Compiled::All(filters.iter().map(|filter| filter.compile(folder)).collect::<Parsed<_>>()?)
            }
            Filter::Phrase(_) | Filter::Words(_) => Compiled::Chunks(HashSet::new()),
            Filter::Not(filter) => Compiled::Not(Box::new(filter.compile(folder)?)),
            Filter::SeenFrom { folder, filter } => filter.compile(Some(folder))?,
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
            Filter::Phrase(text) => write!(f, "\"{text}\""),
            Filter::Words(text) => f.write_str(text),
            Filter::Not(filter) if matches!(**filter, Filter::Phrase(_) | Filter::Words(_)) => write!(f, "-{filter}"),
            Filter::Not(filter) => match (&**filter, filter.to_string().split_once('=')) {
                (Filter::All(_) | Filter::Not(_) | Filter::SeenFrom { .. }, _) | (_, None) => {
                    write!(f, "not ({filter})")
                }
                (Filter::Modified { comparison, .. }, _) if *comparison != Operator::Equal => {
                    write!(f, "not ({filter})")
                }
                (_, Some((key, value))) => write!(f, "{key}!={value}"),
            },
            Filter::SeenFrom { filter, .. } => write!(f, "{filter}"),
        }
    }
}

/// A filter that is ready to be applied to chunks.
#[derive(Debug)]
pub struct FilterMatcher(Compiled);

#[derive(Debug)]
enum Compiled {
    Path(Vec<PathPattern>),
    Type(Vec<FileKind>),
    Heading(Vec<Glob>),
    /// The key is in lower-case letters.
    Metadata(String, Vec<Glob>),
    /// Nanoseconds since 1970; the first is included, the second is not.
    Modified(i128, i128),
    /// Chunks, by the ones that are searched.
    Chunks(HashSet<ChunkId>),
    All(Vec<Compiled>),
    Not(Box<Compiled>),
}

impl FilterMatcher {
    /// True if the chunk with this outline passes.
    pub fn matches(&self, outline: &Outline) -> bool {
        self.0.matches(outline)
    }
}

impl Compiled {
    fn matches(&self, outline: &Outline) -> bool {
        let fits = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.is_match(text));
        match self {
            Compiled::Path(patterns) => patterns.iter().any(|pattern| pattern.matches(outline)),
            Compiled::Type(kinds) => kinds.iter().any(|kind| kind.is_that_of(outline)),
            Compiled::Heading(globs) => outline.headings.iter().any(|heading| fits(globs, heading)),
            Compiled::Metadata(key, globs) => {
                outline.metadata.iter().any(|(found, value)| found.to_lowercase() == *key && fits(globs, value))
            }
            Compiled::Modified(from, until) => (*from..*until).contains(&i128::from(outline.modified_ns)),
            Compiled::Chunks(chunks) => chunks.contains(&outline.original),
            Compiled::All(all) => all.iter().all(|one| one.matches(outline)),
            Compiled::Not(one) => !one.matches(outline),
        }
    }
}

/// A type of files, or an ending in lower-case letters.
#[derive(Debug)]
enum FileKind {
    Format(Format),
    Ending(String),
}

impl FileKind {
    fn named(name: &str) -> Self {
        let name = name.to_lowercase();
        match Format::NAMED.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => FileKind::Format(*format),
            None => FileKind::Ending(name.trim_start_matches('.').to_string()),
        }
    }

    fn is_that_of(&self, outline: &Outline) -> bool {
        let name = outline.path_below_root().rsplit('/').next().unwrap_or_default();
        match self {
            FileKind::Format(format) => format_of_name(name) == Some(*format),
            FileKind::Ending(ending) => {
                name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
            }
        }
    }
}

/// Prepares each of the values with commas between them, and a value with commas as a whole too:
/// a name may have commas.
fn each_of<T>(value: &str, prepare: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    let mut values = vec![value];
    let (mut from, mut depth, mut is_escaped) = (0, 0, false);
    for (at, character) in value.char_indices() {
        match character {
            _ if is_escaped => {}
            '{' | '[' => depth += 1,
            '}' | ']' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                values.push(&value[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    if from > 0 {
        values.push(&value[from..]);
    }
    let values: Vec<&str> =
        values.iter().map(|value| value.trim()).filter(|value| !value.trim_matches(',').is_empty()).collect();
    if values.is_empty() {
        return Err("there is nothing between the commas".into());
    }
    values.into_iter().map(prepare).collect()
}

fn not_a_filter(written: &str, why: &str) -> Error {
    Error::input(format!("`{}` is not a filter: {why}", written.escape_debug()))
        .with_hint(format!("filters are {GRAMMAR}"))
}

/// The first nanosecond of a day in UTC and that of the next day.
fn day_ns(written: &str) -> Option<(i128, i128)> {
    let date: Date = written.parse().ok()?;
    let start = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond());
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}

/// The day in UTC at a time in nanoseconds since 1970, as filters write it.
pub(super) fn day_of(nanoseconds: i64) -> String {
    match Timestamp::from_nanosecond(nanoseconds.into()) {
        Ok(time) => time.to_zoned(TimeZone::UTC).date().to_string(),
        Err(_) => "an unknown day".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of 2026-11-23 in UTC.
    const NOON_NS: i64 = 1_795_435_200_000_000_000;

    fn outline(path: &str, modified_ns: i64, headings: &[&str]) -> Outline {
        Outline {
            chunk: 1,
            original: 1,
            root: "/notes".into(),
            path: path.into(),
            modified_ns,
            headings: headings.iter().map(ToString::to_string).collect(),
            start_byte: 0,
            metadata: vec![("Tags".into(), "birds".into()), ("tags".into(), "small".into())],
        }
    }

    fn passes(written: &str, path: &str, headings: &[&str]) -> bool {
        let filter = Filter::parse(written).unwrap();
        let sent: Filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
        assert_eq!((&sent, &Filter::parse(&filter.to_string()).unwrap()), (&filter, &filter));
        sent.matcher(&|_| Ok(HashSet::new())).unwrap().matches(&outline(path, NOON_NS, headings))
    }

    #[test]
    fn filters_pass_what_their_conditions_describe() {
        assert!(passes("path=docs/**/*.md", "docs/a/b.md", &[]) && passes("path=docs/*.md", "docs/b.md", &[]));
        assert!(!passes("path=docs/*.md", "docs/a/b.md", &[]) && !passes("path=*.md", "docs/b.md", &[]));
        assert!(
            passes("type=markdown", "a.MD", &[]) && passes("type=rs", "a.rs", &[]) && passes("type=code", "a.rs", &[])
        );
        assert!(!passes("type=html", "a.md", &[]));
        assert!(passes("type=pdf, markdown", "a.md", &[]) && !passes("type=pdf,word", "a.md", &[]));
        assert!(passes("type!=pdf,word", "a.md", &[]) && !passes("type!=pdf,markdown", "a.md", &[]));
        assert!(
            passes("heading!=in*", "a.md", &["Guide"]) && !passes("heading!=in*", "a.md", &["Guide", "Installing"])
        );
        assert!(passes("meta.tags!=large", "a.md", &[]) && !passes("meta.tags!=large,small", "a.md", &[]));
        assert!(passes("modified!=2026-11-22", "a.md", &[]) && !passes("modified!=2026-11-23", "a.md", &[]));
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

    /// Paths pass below the indexed folder `/notes`, as absolute ones, and from `/notes/work/new`.
    #[test]
    fn a_path_is_taken_as_hits_show_it() {
        let passes_in_folder = |written: &str, path: &str| {
            let filter = Filter::parse(written).unwrap().seen_from(Path::new("/notes/work/new"));
            let sent: Filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
            assert_eq!((&sent, &filter.to_string()), (&filter, &Filter::parse(written).unwrap().to_string()));
            sent.matcher(&|_| Ok(HashSet::new())).unwrap().matches(&outline(path, 0, &[]))
        };
        for (passing, path) in [
            ("path=work/a.md", "work/a.md"),
            ("path=/notes/work/a.md", "work/a.md"),
            ("path=/notes/**/*.md", "work/a.md"),
            ("path=work", "work/new/a.md"),
            ("path=work/", "work/new/a.md"),
            ("path=w*/", "work/new/a.md"),
            ("path=/notes", "work/a.md"),
            ("path=a.md", "work/new/a.md"),
            ("path=*.md", "work/new/a.md"),
            ("path=./*.md", "work/new/a.md"),
            ("path=.", "work/new/a.md"),
            ("path=../a.md", "work/a.md"),
            ("path=../../../notes/work", "work/a.md"),
            ("path=x/../a.md", "a.md"),
            ("path=b/**,work/**", "work/a.md"),
            ("path={a,b}.md", "b.md"),
            ("path=Smith, Jones [2024].md", "Smith, Jones [2024].md"),
            ("path=Smith\\, Jones.md", "Smith, Jones.md"),
        ] {
            assert!(passes_in_folder(passing, path), "{passing} passes {path}");
            assert!(!passes_in_folder(&passing.replacen('=', "!=", 1), path), "{passing}");
        }
        for (written, path) in [
            ("path=work", "works/a.md"),
            ("path=w*", "work/new/a.md"),
            ("path=./a.md", "a.md"),
            ("path=.", "work/a.md"),
            ("path=/work", "work/a.md"),
            ("path=/note", "work/a.md"),
            ("path=Smith\\, Jones.md", "Jones.md"),
        ] {
            assert!(!passes_in_folder(written, path), "{written} does not pass {path}");
        }
        let up = Filter::parse("path=../a.md").unwrap();
        assert!(
            up.matcher(&|_| Ok(HashSet::new())).unwrap_err().to_string().contains("leads out"),
            "no folder was given"
        );
        let file = Outline { root: "/notes/one.md".into(), ..outline("", 0, &[]) };
        for written in ["path=one.md", "path=/notes/one.md", "path=*.md", "type=md"] {
            assert!(
                Filter::parse(written).unwrap().matcher(&|_| Ok(HashSet::new())).unwrap().matches(&file),
                "{written}"
            );
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
            "path!=",
            "type=,",
            "path!>a",
            "meta.!=a",
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
        let matcher = both.matcher(&|_| Ok(HashSet::new())).unwrap();
        assert!(matcher.matches(&outline("a.rs", NOON_NS, &[])));
        assert!(!matcher.matches(&outline("a.md", NOON_NS, &[])) && !matcher.matches(&outline("a.rs", 0, &[])));
        let sent = r#"{"all":[{"type":"rs"},{"modified":{"comparison":">","day":"2026-11-22"}}]}"#;
        assert_eq!(serde_json::to_string(&both).unwrap(), sent);
        let damaged: Filter = serde_json::from_str(r#"{"modified":{"comparison":">","day":"soon"}}"#).unwrap();
        assert!(damaged.matcher(&|_| Ok(HashSet::new())).unwrap_err().to_string().contains("a date is written like"));
    }
}
