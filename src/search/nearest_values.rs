//! What helps when a filter passes nothing: the values that the index has, nearest first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::filter::{Filter, day_of};
use crate::error::Result;
use crate::index::store::Outline;
use kinglet_formats::{Format, format_of_name};

/// The most values that are named.
const SHOWN: usize = 5;
/// The most types of files that are named: all families of formats, and a few endings.
const SHOWN_TYPES: usize = 12;

/// A sentence that names values in the index near to those of the first condition that passes
/// nothing.
///
/// # Errors
/// When the filter is invalid.
pub(super) fn what_would_pass(filter: &Filter, outlines: &[Outline]) -> Result<String> {
    if outlines.is_empty() {
        return Ok("the index has no passages yet".to_string());
    }
    let mut conditions = Vec::new();
    collect(filter, None, &mut conditions);
    for (condition, folder) in conditions {
        let matcher = condition.matcher_from(folder)?;
        if !outlines.iter().any(|outline| matcher.matches(outline)) {
            return Ok(match condition {
                Filter::Not(excluded) => {
                    format!("that excludes everything; {}", values_near(excluded, folder, outlines))
                }
                condition => values_near(condition, folder, outlines),
            });
        }
    }
    Ok("each of these conditions passes something, but no passage passes all of them; leave one out".to_string())
}

/// The conditions that must all hold, with the folder from which their paths are looked up.
fn collect<'f>(filter: &'f Filter, folder: Option<&'f str>, into: &mut Vec<(&'f Filter, Option<&'f str>)>) {
    match filter {
        Filter::All(filters) => filters.iter().for_each(|filter| collect(filter, folder, into)),
        Filter::SeenFrom { folder, filter } => collect(filter, Some(folder), into),
        condition => into.push((condition, folder)),
    }
}

fn values_near(condition: &Filter, folder: Option<&str>, outlines: &[Outline]) -> String {
    match condition {
        Filter::Path(wanted) => {
            let files: BTreeSet<String> = outlines.iter().map(|outline| shown(&outline.whole_path(), folder)).collect();
            let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_lowercase();
            // `contracts/**` is near to `contracts/`.
            let is_name = |part: &&str| part.contains(char::is_alphanumeric);
            let wanted = wanted.split('/').rfind(is_name).unwrap_or_default().to_lowercase();
            let folders = folders_of(outlines, folder);
            let paths: Vec<String> = folders.into_iter().chain(files).collect();
            format!("the nearest paths are {}", nearest(&paths, |path| unlikeness(&wanted, &last(path))))
        }
        Filter::Type(_) => format!("the index has {}", types(outlines)),
        Filter::Heading(wanted) => {
            let headings: BTreeSet<&String> = outlines.iter().flat_map(|outline| &outline.headings).collect();
            let headings: Vec<String> = headings.into_iter().cloned().collect();
            match headings.is_empty() {
                true => "the index has no headings".to_string(),
                false => format!("the nearest headings are {}", near_to(wanted, &headings)),
            }
        }
        Filter::Metadata { key, value } => {
            let metadata = || outlines.iter().flat_map(|outline| &outline.metadata);
            let has_key = |found: &str| found.to_lowercase() == key.to_lowercase();
            let values: BTreeSet<&String> =
                metadata().filter(|(key, _)| has_key(key)).map(|(_, value)| value).collect();
            let keys: BTreeSet<String> = metadata().map(|(key, _)| format!("meta.{key}")).collect();
            if !values.is_empty() {
                let values: Vec<String> = values.into_iter().cloned().collect();
                return format!("the nearest values of {key} are {}", near_to(value, &values));
            }
            match keys.is_empty() {
                true => "no document of the index has front matter".to_string(),
                false => {
                    let keys: Vec<String> = keys.into_iter().collect();
                    format!("the index has no meta.{key}; it has {}", near_to(&format!("meta.{key}"), &keys))
                }
            }
        }
        Filter::Modified { .. } => {
            let times = || outlines.iter().map(|outline| outline.modified_ns);
            let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
            format!("the files were changed between {} and {}", day_of(first), day_of(last))
        }
        Filter::Phrase(_) | Filter::Words(_) | Filter::All(_) | Filter::Not(_) | Filter::SeenFrom { .. } => {
            "try a part of it".to_string()
        }
    }
}

/// The path as hits show it: relative below the folder.
fn shown(path: &str, folder: Option<&str>) -> String {
    let below = folder.and_then(|folder| path.strip_prefix(folder)?.strip_prefix('/'));
    below.unwrap_or(path).to_string()
}

/// All folders with files, with `/` at their ends.
fn folders_of(outlines: &[Outline], folder: Option<&str>) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for outline in outlines {
        let above = Path::new(&outline.path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        folders.extend(above.map(|above| shown(&format!("{}/{}/", outline.root, above.display()), folder)));
    }
    folders
}

/// The types of the files with the number of each, the most frequent first.
fn types(outlines: &[Outline]) -> String {
    let files: BTreeSet<(&str, &str)> =
        outlines.iter().map(|outline| (outline.root.as_str(), outline.path_below_root())).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, path) in files {
        let name = path.rsplit('/').next().unwrap_or_default();
        let format = format_of_name(name).and_then(|format| Format::NAMED.iter().find(|(_, known)| *known == format));
        let ending = || name.rsplit_once('.').map_or("files without an ending", |(_, ending)| ending).to_lowercase();
        *counts.entry(format.map_or_else(ending, |(name, _)| (*name).to_string())).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named = counts.iter().take(SHOWN_TYPES).enumerate().map(|(at, (name, count))| match at {
        0 => format!("{name} ({count} {})", if *count == 1 { "file" } else { "files" }),
        _ => format!("{name} ({count})"),
    });
    listed(named.collect(), counts.len())
}

fn near_to(wanted: &str, values: &[String]) -> String {
    let wanted = wanted.to_lowercase();
    nearest(values, |value| unlikeness(&wanted, &value.to_lowercase()))
}

/// The values with the least of `unlikeness`, in that order, and then in theirs.
fn nearest(values: &[String], unlikeness: impl Fn(&str) -> usize) -> String {
    let mut ordered: Vec<(usize, &String)> = values.iter().map(|value| (unlikeness(value), value)).collect();
    ordered.sort();
    listed(ordered.iter().take(SHOWN).map(|(_, value)| format!("`{value}`")).collect(), values.len())
}

fn listed(named: Vec<String>, count: usize) -> String {
    if count > named.len() {
        return format!("{} and {} more", named.join(", "), count - named.len());
    }
    named.join(", ")
}

/// How much two texts in lower-case letters differ: the number of characters to change, insert or
/// delete (Levenshtein, 1965), but little if one is a part of the other. Marks of globs count
/// nothing.
fn unlikeness(wanted: &str, found: &str) -> usize {
    let wanted: Vec<char> = wanted.chars().filter(|c| !"*?[]{}!".contains(*c)).collect();
    let plain: String = wanted.iter().collect();
    if plain == found {
        return 0;
    }
    let is_in = |part: &str, whole: &str| part.len() * 2 >= whole.len() && whole.contains(part);
    if !plain.is_empty() && (found.contains(&plain) || is_in(found, &plain)) {
        return 1;
    }
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (line, character) in found.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (at, other) in wanted.iter().enumerate() {
            let changed = diagonal + usize::from(*other != character);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(diagonal + 1);
        }
    }
    1 + row[wanted.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(path: &str) -> Outline {
        Outline {
            chunk: 1,
            original: 1,
            root: "/notes".into(),
            path: path.into(),
            modified_ns: 1_795_435_200_000_000_000,
            headings: vec![],
            start_byte: 0,
            metadata: vec![],
        }
    }

    fn help(written: &str) -> String {
        let outline = |chunk, path: &str, heading: &str, tag: &str| Outline {
            chunk,
            headings: vec![heading.into()],
            metadata: vec![("tags".into(), tag.into())],
            ..in_file(path)
        };
        let outlines = [
            outline(1, "contracts/lease.md", "Rent", "home"),
            outline(2, "contracts/lease.md", "Repairs", "home"),
            outline(3, "letters/2024.pdf", "Greeting", "post"),
            outline(4, "todo.md", "Garden", "home"),
            outline(5, "weigh.xyz", "weigh", "code"),
        ];
        let filter = Filter::parse(written).unwrap().seen_from(Path::new("/notes/letters"));
        what_would_pass(&filter, &outlines).unwrap()
    }

    #[test]
    fn the_values_nearest_to_a_filter_that_passes_nothing_are_named() {
        for (written, named) in [
            ("type=pdff", "the index has markdown (2 files), pdf (1), xyz (1)"),
            ("type!=md,pdf,xyz", "that excludes everything; the index has markdown (2 files), pdf (1), xyz (1)"),
            ("path=contract", "the nearest paths are `/notes/contracts/`, "),
            ("path=contrcts/**", "the nearest paths are `/notes/contracts/`, "),
            ("path=Todo.md", "the nearest paths are `/notes/todo.md`, "),
            ("path=2025.pdf", "the nearest paths are `2024.pdf`, "),
            ("heading=repair", "the nearest headings are `Repairs`, "),
            ("meta.tags=hom", "the nearest values of tags are `home`, "),
            ("meta.tag=home", "the index has no meta.tag; it has `meta.tags`"),
            ("modified>2026-11-23", "the files were changed between 2026-11-23 and 2026-11-23"),
        ] {
            let sentence = help(written);
            assert!(sentence.starts_with(named), "{written}: {sentence}");
        }
        let both = Filter::All(["type=pdf", "path=todo.md"].map(|one| Filter::parse(one).unwrap()).to_vec());
        let sentence = what_would_pass(&both, &[in_file("a.pdf"), in_file("todo.md")]).unwrap();
        assert!(sentence.starts_with("each of these conditions passes something"), "{sentence}");
    }
}
