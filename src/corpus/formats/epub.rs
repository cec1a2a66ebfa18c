//! Books: the chapters of an EPUB in reading order, each read as the page of HTML that it is.

use super::archive::Archive;
use super::data::{Shape, Tree, xml};
use super::outline::on_one_line;
use super::{Skip, html, plain};
use crate::corpus::{Document, Format, Section, Unit};
use crate::text::Span;

/// A book has no more files of text than this.
const MAX_CHAPTERS: usize = 5_000;
const FONT_OBFUSCATION: &[&str] = &["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// Reads a book.
///
/// # Errors
/// When it is damaged, or its chapters are encrypted.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
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
    let title = metadata.iter().find(|(key, _)| key == "title").map(|(_, title)| title.as_str());
    let folder = package_name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut book = Book { title, text: String::new(), sections: Vec::new(), places: Vec::new() };
    let mut missing = 0;
    let chapters = chapters(&package);
    for (number, name) in (1..).zip(&chapters) {
        let found = resolve(folder, name).map(|name| chapter(&mut archive, &name));
        match found {
            Some(Ok(Some(page))) => book.add(&html::read(&page), number),
            Some(Err(skip)) if skip.reason.starts_with("expands") => return Err(skip),
            _ => missing += 1,
        }
    }
    if missing == chapters.len() {
        return Err(damaged("no chapter can be read"));
    }
    let doubt = (missing > 0).then(|| format!("{missing} of {} chapters cannot be read", chapters.len()));
    Ok(book.finish(metadata.clone(), doubt))
}

fn damaged(why: &str) -> Skip {
    Skip::because(format!("damaged book: {why}"))
}

struct Book<'m> {
    title: Option<&'m str>,
    text: String,
    sections: Vec<Section>,
    places: Vec<u32>,
}

impl Book<'_> {
    fn add(&mut self, chapter: &Document, number: u32) {
        if chapter.text.trim().is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
            self.places.push(number);
            if let Some(last) = self.sections.last_mut() {
                last.span.end = self.text.len();
            }
        }
        let start = self.text.len();
        self.text.push_str(&chapter.text);
        self.places.resize(self.places.len() + chapter.text.split('\n').count(), number);
        for section in &chapter.sections {
            let title = self.title.filter(|title| section.headings.first().map(String::as_str) != Some(title));
            let headings = title.map(str::to_owned).into_iter().chain(section.headings.iter().cloned()).collect();
            let span = Span { start: section.span.start + start, end: section.span.end + start };
            self.sections.push(Section { span, body_start: section.body_start + start, headings });
        }
    }

    fn finish(self, metadata: Vec<(String, String)>, doubt: Option<String>) -> Document {
        Document {
            format: Format::Book,
            text: self.text,
            sections: self.sections,
            unit: Unit::Chapter,
            places: Some(self.places),
            metadata,
            doubt,
        }
    }
}

fn text_member(archive: &mut Archive, name: &str) -> Result<Option<String>, Skip> {
    let Some(bytes) = archive.member(name)? else { return Ok(None) };
    match bytes.trim_ascii().is_empty() {
        true => Ok(None),
        false => plain::decode(&bytes, plain::declared_encoding(&bytes)).map(Some),
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
    let any = || archive.names().find(|name| name.ends_with(".opf")).map(|name| name.into_owned());
    named.or_else(any).ok_or_else(|| damaged("its package is missing"))
}

/// The names of the files of text in reading order, as they stand in the package.
fn chapters<'t>(package: &'t Tree) -> Vec<&'t str> {
    let items: std::collections::HashMap<&str, &str> = elements(package, "item")
        .filter_map(|item| Some((attribute(package, item, "id")?, attribute(package, item, "href")?)))
        .collect();
    let spine = elements(package, "itemref").filter_map(|item| items.get(attribute(package, item, "idref")?).copied());
    spine.take(MAX_CHAPTERS).collect()
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
         <item id='b' href='../text/b%201.xhtml'/><item id='a' href='a.xhtml'/><item id='x' href='../../../etc/passwd'/>\
         </manifest><spine><itemref idref='a'/><itemref idref='x'/><itemref idref='b'/></spine></package>",
    );

    #[test]
    fn chapters_come_in_reading_order_under_the_title() {
        let bytes = book(&[
            CONTAINER,
            PACKAGE,
            ("text/b 1.xhtml", "<html><title>Birds</title><h1>Kinglets</h1><p>Smaller.</p></html>"),
            ("in/a.xhtml", "<html><body><h1>Wrens</h1><p>Small.</p></body></html>"),
        ]);
        let document = read(&bytes).unwrap();
        assert_eq!(document.text, "Wrens\n\nSmall.\n\nKinglets\n\nSmaller.");
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Birds > Wrens", "Birds > Kinglets"]);
        assert_eq!(document.places, Some(vec![1, 1, 1, 3, 3, 3, 3]));
        assert_eq!(document.metadata[1], ("author".to_owned(), "Ann".to_owned()));
        assert_eq!(document.doubt.as_deref(), Some("1 of 3 chapters cannot be read"));
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
