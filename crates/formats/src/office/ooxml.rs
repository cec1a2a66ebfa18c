//! What DOCX, PPTX and XLSX share: parts that refer to each other, and what a file says of itself.

use std::collections::HashMap;

use super::xml::{self, Event, Xml};
use crate::archive::Archive;
use crate::skip::Skip;

/// Another part that a part refers to.
#[derive(Debug)]
pub(super) struct Target {
    /// The last word of its type, as `slide`.
    pub(super) kind: String,
    /// Its name in the archive.
    pub(super) name: String,
}

/// The characters of a part; `None` if there is no such part.
pub(super) fn part(archive: &mut Archive, name: &str) -> Result<Option<String>, Skip> {
    archive.member(name)?.map(xml::decode).transpose()
}

/// The name of the part that the document begins in; `usual` if the archive does not say.
pub(super) fn main_part(archive: &mut Archive, usual: &str) -> Result<String, Skip> {
    let targets = targets(archive, "")?;
    let main = targets.into_values().filter(|target| target.kind == "officeDocument").map(|target| target.name).min();
    Ok(main.unwrap_or_else(|| usual.to_owned()))
}

/// The parts that the part `name` refers to, by the names it has for them. Those outside of the
/// archive are left out.
pub(super) fn targets(archive: &mut Archive, name: &str) -> Result<HashMap<String, Target>, Skip> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let mut targets = HashMap::new();
    let relationships = format!("{folder}/_rels/{file}.rels");
    let Some(text) = part(archive, relationships.trim_start_matches('/'))? else {
        return Ok(targets);
    };
    let mut xml = Xml::new(&text);
    while let Some(event) = xml.next() {
        let Event::Open(element) = event else { continue };
        if element.name() != "Relationship" || element.attribute("TargetMode").as_deref() == Some("External") {
            continue;
        }
        let attribute = |name| element.attribute(name).unwrap_or_default();
        let kind = attribute("Type").rsplit('/').next().unwrap_or_default().to_owned();
        targets.insert(attribute("Id"), Target { kind, name: resolve(folder, &attribute("Target")) });
    }
    Ok(targets)
}

/// The name of the part that `target` means in a part of `folder`. It cannot leave the archive: it
/// is only looked up there.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Title, author and date, as `docProps/core.xml` has them.
pub(super) fn metadata(archive: &mut Archive) -> Vec<(String, String)> {
    let text = part(archive, "docProps/core.xml").ok().flatten();
    text.map_or_else(Vec::new, |text| described(&text))
}

/// Title, author and date in Dublin Core's elements, which OOXML and OpenDocument both use: the
/// last change is the date.
pub(super) fn described(text: &str) -> Vec<(String, String)> {
    let mut found: [(&str, String); 3] = [("title", String::new()), ("author", String::new()), ("date", String::new())];
    let mut author_rank = 0;
    let mut xml = Xml::new(text);
    while let Some(event) = xml.next() {
        let Event::Open(element) = event else { continue };
        let (at, rank) = match element.name() {
            "title" => (0, 1),
            // OpenDocument's creator is whoever changed the document last.
            "initial-creator" => (1, 2),
            "creator" => (1, 1),
            "modified" | "date" => (2, 2),
            "created" | "creation-date" => (2, 1),
            _ => continue,
        };
        let value = crate::clean::clean_lines(&xml.text()).replace('\n', " ");
        let replaces = found[at].1.is_empty() || (rank == 2 && (at != 1 || author_rank < 2));
        if replaces && !value.is_empty() {
            found[at].1 = if at == 2 { value.chars().take_while(|&c| c != 'T').collect() } else { value };
            author_rank = if at == 1 { rank } else { author_rank };
        }
    }
    found.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_in_the_archive() {
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("ppt", "/ppt/slides/s1.xml"), "ppt/slides/s1.xml");
        assert_eq!(resolve("word", "../../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn a_document_says_what_it_is() {
        let core = "<p><dc:title> A  title</dc:title><dc:creator>Ada</dc:creator>\
                    <dcterms:created>2020-01-02T03:04:05Z</dcterms:created><dcterms:modified>2021-01-02T00:00:00Z</dcterms:modified>";
        let pairs: Vec<_> = described(core).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(pairs, ["title=A title", "author=Ada", "date=2021-01-02"]);
        assert!(described("<p><dc:title/></p>").is_empty());
    }
}
