//! Books: the chapters of an EPUB in reading order, each read as the page of HTML that it is.

use std::collections::HashMap;

use crate::archive::Archive;
use crate::data::{Shape, Tree, xml};
use crate::document::{Document, Format, Section};
use crate::limits::CHAPTERS;
use crate::location::LocationUnit;
use crate::outline::{on_one_line, shortened};
use crate::skip::Skip;
use crate::span::Span;
use crate::{decode, html};

const MAX_TITLE_BYTES: usize = 200;
const FONT_OBFUSCATION: &[&str] = &["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// Reads a book.
///
/// # Errors
/// The book is damaged, or its chapters are encrypted.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let mut archive = Archive::open(bytes)?;
    if let Some(encryption) = text_member(&mut archive, "META-INF/encryption.xml")?
        && encrypts_more_than_fonts(&encryption)
    {
        return Err(Skip::because("encrypted"));
    }
    let package_name = package_name(&mut archive)?;
    let package = text_member(&mut archive, &package_name)?.ok_or_else(|| damaged("its package is missing"))?;
    let package = xml::tree(&package).ok_or_else(|| damaged("its package is not valid XML"))?;
    let metadata = metadata(&package);
    let title = metadata.iter().find(|(key, _)| key == "title").map(|(_, title)| shortened(title));
    let folder = package_name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut book = Book { title: title.as_deref(), text: String::new(), sections: Vec::new(), locations: Vec::new() };
    let mut missing = 0;
    let chapters = chapters(&package);
    let contents = contents(&mut archive, &package, folder);
    for (number, name) in (1..).zip(&chapters) {
        let name = resolve(folder, name);
        match name.as_deref().map(|name| chapter(&mut archive, name)) {
            Some(Ok(Some(page))) => {
                let title = name.and_then(|name| contents.get(&name));
                book.add(&html::read(&page), number, title.map(String::as_str));
            }
            Some(Err(skip)) if skip.reason.starts_with("expands") => return Err(skip),
            _ => missing += 1,
        }
    }
    if missing == chapters.len() {
        return Err(damaged("no chapter can be read"));
    }
    let warning = (missing > 0).then(|| format!("{missing} of {} chapters cannot be read", chapters.len()));
    Ok(book.finish(metadata.clone(), warning))
}

fn damaged(why: &str) -> Skip {
    Skip::because(format!("damaged book: {why}"))
}

struct Book<'m> {
    title: Option<&'m str>,
    text: String,
    sections: Vec<Section>,
    locations: Vec<u32>,
}

impl Book<'_> {
    /// Adds a chapter that the table of contents calls so.
    fn add(&mut self, chapter: &Document, number: u32, title: Option<&str>) {
        if chapter.text.trim().is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
            self.locations.push(number);
            if let Some(last) = self.sections.last_mut() {
                last.span.end = self.text.len();
            }
        }
        let start = self.text.len();
        self.text.push_str(&chapter.text);
        self.locations.resize(self.locations.len() + chapter.text.split('\n').count(), number);
        let has_headings = chapter.sections.iter().any(|section| section.body_start > section.span.start);
        let title = title.filter(|_| !has_headings).into_iter();
        for section in &chapter.sections {
            // Files are often called what the book is called.
            let own = match section.headings.first() {
                Some(first) if self.is_title(first) => &section.headings[1..],
                _ => &section.headings,
            };
            let above = self.title.into_iter().chain(title.clone().filter(|title| !self.is_title(title)));
            let own = own.iter().map(String::as_str).filter(|_| has_headings || title.len() == 0);
            let headings = above.chain(own).map(str::to_owned).collect();
            let span = Span { start: section.span.start + start, end: section.span.end + start };
            self.sections.push(Section { span, body_start: section.body_start + start, headings });
        }
    }

    fn is_title(&self, heading: &str) -> bool {
        self.title.is_some_and(|title| heading.to_lowercase().contains(&title.to_lowercase()))
    }

    fn finish(self, metadata: Vec<(String, String)>, warning: Option<String>) -> Document {
        Document {
            format: Format::Book,
            text: self.text,
            sections: self.sections,
            unit: LocationUnit::Chapter,
            locations: Some(self.locations),
            metadata,
            warning,
        }
    }
}

fn text_member(archive: &mut Archive, name: &str) -> Result<Option<String>, Skip> {
    let Some(bytes) = archive.member(name)? else { return Ok(None) };
    match bytes.trim_ascii().is_empty() {
        true => Ok(None),
        false => decode::text(&bytes, decode::declared_encoding(&bytes)).map(Some),
    }
}

fn chapter(archive: &mut Archive, name: &str) -> Result<Option<String>, Skip> {
    match text_member(archive, name)? {
        Some(page) => Ok(Some(page)),
        None => text_member(archive, &unescaped(name)),
    }
}

/// Where the list of all files is.
fn package_name(archive: &mut Archive) -> Result<String, Skip> {
    let container = text_member(archive, "META-INF/container.xml")?;
    let named = container.as_deref().and_then(xml::tree).and_then(|tree| {
        let rootfile = elements(&tree, "rootfile").next()?;
        resolve("", attribute(&tree, rootfile, "full-path")?)
    });
    let any = || archive.names().find(|name| name.ends_with(".opf")).map(std::borrow::Cow::into_owned);
    named.or_else(any).ok_or_else(|| damaged("its package is missing"))
}

/// The names of the files of text in reading order, as they stand in the package.
fn chapters<'t>(package: &'t Tree) -> Vec<&'t str> {
    let items: HashMap<&str, &str> = elements(package, "item")
        .filter_map(|item| Some((attribute(package, item, "id")?, attribute(package, item, "href")?)))
        .collect();
    let spine = elements(package, "itemref").filter_map(|item| items.get(attribute(package, item, "idref")?).copied());
    let mut chapters: Vec<&str> = spine.collect();
    if chapters.len() > CHAPTERS.most {
        CHAPTERS.met();
        chapters.truncate(CHAPTERS.most);
    }
    chapters
}

/// What the table of contents calls the files, by their names.
fn contents(archive: &mut Archive, package: &Tree, folder: &str) -> HashMap<String, String> {
    let is_contents = |item: &usize| {
        let is = |name: &str, value: &str| attribute(package, *item, name).is_some_and(|it| it.contains(value));
        is("properties", "nav") || is("media-type", "application/x-dtbncx+xml")
    };
    let mut found = HashMap::new();
    for item in elements(package, "item").filter(is_contents).take(2) {
        let Some(name) = attribute(package, item, "href").and_then(|link| resolve(folder, link)) else { continue };
        let Ok(Some(page)) = chapter(archive, &name) else { continue };
        let Some(tree) = xml::tree(&page) else { continue };
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut add = |label: usize, link: Option<&str>| {
            if tree.inside(label).len() > MAX_TITLE_BYTES {
                return;
            }
            let name = link.and_then(|link| resolve(folder, link));
            let title = on_one_line(&tree.text(label));
            if let (Some(name), 1..=MAX_TITLE_BYTES) = (name, title.len()) {
                found.entry(name).or_insert(title);
            }
        };
        for link in elements(&tree, "a") {
            add(link, attribute(&tree, link, "href"));
        }
        for point in elements(&tree, "navPoint") {
            let child = |name: &str| tree.children(point).find(|&child| tree.node(child).name == name);
            if let (Some(label), Some(content)) = (child("navLabel"), child("content")) {
                add(label, attribute(&tree, content, "src"));
            }
        }
    }
    found
}

fn metadata(package: &Tree) -> Vec<(String, String)> {
    let keys = [
        ("title", "title"),
        ("creator", "author"),
        ("language", "language"),
        ("date", "date"),
        ("publisher", "publisher"),
    ];
    let mut found = Vec::new();
    for (element, key) in keys {
        let values = elements(package, element).map(|it| on_one_line(&package.node(it).value));
        found.extend(values.filter(|value| !value.is_empty()).take(10).map(|value| (key.to_owned(), value)));
    }
    found
}

/// Fonts are often made unreadable by themselves; that does not concern the text.
fn encrypts_more_than_fonts(encryption: &str) -> bool {
    let Some(tree) = xml::tree(encryption) else { return true };
    let mut methods = elements(&tree, "EncryptionMethod").filter_map(|method| attribute(&tree, method, "Algorithm"));
    methods.any(|method| !FONT_OBFUSCATION.contains(&method))
}

fn elements<'t>(tree: &'t Tree, name: &'t str) -> impl Iterator<Item = usize> + 't {
    tree.all().filter(move |&number| tree.node(number).name == name && tree.node(number).shape != Shape::Attribute)
}

fn attribute<'t>(tree: &'t Tree, number: usize, name: &str) -> Option<&'t str> {
    let mut attributes = tree.children(number).map(|it| tree.node(it)).filter(|node| node.shape == Shape::Attribute);
    attributes.find(|node| node.name == name).map(|node| &*node.value)
}

/// The member that a link leads to; `None` where it leads out of the archive.
fn resolve(folder: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or(link);
    if link.contains("://") {
        return None;
    }
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop()?;
            }
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// Without `%20` and the like.
fn unescaped(link: &str) -> String {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use super::*;

    fn book(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    const CONTAINER: (&str, &str) =
        ("META-INF/container.xml", "<container><rootfiles><rootfile full-path='in/book.opf'/></rootfiles></container>");
    const PACKAGE: (&str, &str) = (
        "in/book.opf",
        "<package xmlns:dc='x'><metadata><dc:title>Birds</dc:title><dc:creator>Ann</dc:creator></metadata><manifest>\
         <item id='toc' properties='nav' href='nav.xhtml'/><item id='b' href='../text/b%201.xhtml'/><item id='a' href='a.xhtml'/><item id='x' href='../../../etc/passwd'/>\
         </manifest><spine><itemref idref='a'/><itemref idref='x'/><itemref idref='b'/><itemref idref='toc'/></spine></package>",
    );

    #[test]
    fn chapters_come_in_reading_order_under_the_title() {
        let bytes = book(&[
            CONTAINER,
            PACKAGE,
            ("text/b 1.xhtml", "<html><title>Birds</title><h1>Kinglets</h1><p>Smaller.</p></html>"),
            ("in/a.xhtml", "<html><title>a.xhtml</title><body><p>Small.</p></body></html>"),
            ("in/nav.xhtml", "<html><nav><a href='a.xhtml#x'>Of <b>wrens</b></a></nav></html>"),
        ]);
        let document = read(&bytes).unwrap();
        assert_eq!(document.text, "Small.\n\nKinglets\n\nSmaller.\n\nOf wrens");
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Birds > Of wrens", "Birds > Kinglets", "Birds"]);
        assert_eq!(document.locations, Some(vec![1, 3, 3, 3, 3, 4, 4]));
        assert_eq!(document.metadata[1], ("author".to_owned(), "Ann".to_owned()));
        assert_eq!(document.warning.as_deref(), Some("1 of 4 chapters cannot be read"));
        let parts: String = document.sections.iter().map(|section| section.span.of(&document.text)).collect();
        assert_eq!(parts, document.text);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let reason = |members: &[(&str, &str)]| read(&book(members)).unwrap_err().reason;
        assert_eq!(reason(&[CONTAINER]), "damaged book: its package is missing");
        assert_eq!(reason(&[CONTAINER, PACKAGE]), "damaged book: no chapter can be read");
        let encryption = |method: &str| format!("<encryption><EncryptionMethod Algorithm='{method}'/></encryption>");
        let sealed = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
        assert_eq!(reason(&[CONTAINER, PACKAGE, ("META-INF/encryption.xml", &sealed)]), "encrypted");
        let fonts = encryption(FONT_OBFUSCATION[0]);
        assert_ne!(reason(&[CONTAINER, PACKAGE, ("META-INF/encryption.xml", &fonts)]), "encrypted");
    }
}
