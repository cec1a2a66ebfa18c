//! Opens a PDF file: its pages, what it says of itself, and its bookmarks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hayro_syntax::object::{Array, Dict, MaybeRef, ObjRef, Object, ObjectIdentifier, String as Bytes};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::content::{self, Fonts, Shown};
use super::text_string::text_string;
use crate::outline::on_one_line;
use crate::skip::Skip;

const MAX_BOOKMARKS: usize = 10_000;
const MAX_BOOKMARK_DEPTH: u8 = 6;
const MAX_NAMES: usize = 100_000;
const MAX_NAME_DEPTH: usize = 16;

pub(super) struct File {
    pdf: Pdf,
    hidden_layers: HashSet<ObjectIdentifier>,
}

/// A line of the table of contents that readers show beside the pages.
#[derive(Debug, Clone)]
pub(super) struct Bookmark {
    /// 1 for the outermost.
    pub(super) level: u8,
    pub(super) title: String,
    /// From 0.
    pub(super) page: usize,
}

impl File {
    pub(super) fn open(bytes: &Arc<Vec<u8>>) -> Result<Self, Skip> {
        let pdf = Pdf::new(Arc::clone(bytes)).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Skip::needs_password(),
            LoadPdfError::Decryption(_) => Skip::because("encrypted in a way not known here"),
            // What has to be mended first is not told apart from what cannot be opened without a
            // password.
            LoadPdfError::Invalid if bytes.windows(8).any(|at| at == b"/Encrypt") => {
                Skip::because("needs a password, or is damaged")
            }
            LoadPdfError::Invalid => Skip::because("damaged PDF"),
        })?;
        let hidden_layers = hidden_layers(&pdf).unwrap_or_default();
        Ok(File { pdf, hidden_layers })
    }

    pub(super) fn page_count(&self) -> usize {
        self.pdf.pages().len()
    }

    /// Fonts are kept between pages that are read with the same ones.
    pub(super) fn fonts(&self) -> Fonts<'_> {
        Fonts::new(&self.hidden_layers)
    }

    pub(super) fn page<'a>(&'a self, index: usize, fonts: &Fonts<'a>) -> Shown {
        self.pdf.pages().get(index).map(|page| content::run(page, fonts)).unwrap_or_default()
    }

    /// Title, author and date, those that there are.
    pub(super) fn metadata(&self) -> Vec<(String, String)> {
        let metadata = self.pdf.metadata();
        let text = |bytes: &Option<Box<[u8]>>| bytes.as_deref().map(|bytes| on_one_line(&text_string(bytes)));
        let date = metadata.creation_date.or(metadata.modification_date);
        let date = date.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day));
        [("title", text(&metadata.title)), ("author", text(&metadata.author)), ("date", date)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value.filter(|value| !value.is_empty())?)))
            .collect()
    }

    /// In their order, those that lead to a page of this file.
    pub(super) fn bookmarks(&self) -> Vec<Bookmark> {
        let mut bookmarks = Vec::new();
        let Some(root) = self.root() else { return bookmarks };
        let Some(outlines) = root.get::<Dict<'_>>("Outlines") else { return bookmarks };
        let pages: HashMap<_, _> = self
            .pdf
            .pages()
            .iter()
            .enumerate()
            .filter_map(|(index, page)| Some((page.raw().obj_id()?, index)))
            .collect();
        let names = self.named_places(&root);
        let mut seen = HashSet::new();
        let mut open: Vec<Dict<'_>> = outlines.get::<Dict<'_>>("First").into_iter().collect();
        while let Some(item) = open.pop() {
            if bookmarks.len() >= MAX_BOOKMARKS || item.obj_id().is_some_and(|id| !seen.insert(id)) {
                continue;
            }
            let level = open.len() as u8 + 1;
            let title =
                item.get::<Bytes<'_>>("Title").map(|title| on_one_line(&text_string(&title))).unwrap_or_default();
            let page = place(&item, &names).and_then(|page| pages.get(&page));
            if let (Some(&page), false) = (page, title.is_empty()) {
                bookmarks.push(Bookmark { level, title, page });
            }
            let below = item.get::<Dict<'_>>("First").filter(|_| level < MAX_BOOKMARK_DEPTH);
            // An item without a next one keeps its place, so that the height of the pile is the
            // level.
            open.push(item.get::<Dict<'_>>("Next").unwrap_or_default());
            open.extend(below);
            while open.last().is_some_and(Dict::is_empty) {
                open.pop();
            }
        }
        bookmarks
    }

    fn root(&self) -> Option<Dict<'_>> {
        self.pdf.xref().get::<Dict<'_>>(self.pdf.xref().root_id())
    }

    /// The pages that names stand for.
    fn named_places(&self, root: &Dict<'_>) -> HashMap<Vec<u8>, ObjectIdentifier> {
        let mut places = HashMap::new();
        if let Some(old) = root.get::<Dict<'_>>("Dests") {
            for (name, target) in old.entries().take(MAX_NAMES) {
                let target = match target {
                    MaybeRef::Ref(reference) => self.pdf.xref().get::<Object<'_>>(reference.into()),
                    MaybeRef::NotRef(object) => Some(object),
                };
                if let Some(page) = target.and_then(page_of) {
                    places.insert(name.as_ref().to_vec(), page);
                }
            }
        }
        let mut open: Vec<(Dict<'_>, usize)> = root
            .get::<Dict<'_>>("Names")
            .and_then(|names| names.get::<Dict<'_>>("Dests"))
            .map(|it| (it, 0))
            .into_iter()
            .collect();
        let mut nodes = 0;
        while let Some((node, depth)) = open.pop() {
            nodes += 1;
            if nodes > MAX_NAMES || places.len() > MAX_NAMES {
                break;
            }
            let mut name = None;
            for object in node.get::<Array<'_>>("Names").iter().flat_map(Array::iter::<Object<'_>>) {
                match (name.take(), object) {
                    (None, Object::String(string)) => name = Some(string.as_bytes().to_vec()),
                    (Some(name), target) => places.extend(page_of(target).map(|page| (name, page))),
                    (None, _) => {}
                }
            }
            if depth < MAX_NAME_DEPTH {
                let below = node.get::<Array<'_>>("Kids");
                open.extend(below.iter().flat_map(Array::iter::<Dict<'_>>).map(|kid| (kid, depth + 1)));
            }
        }
        places
    }
}

/// The page that a bookmark leads to.
fn place(item: &Dict<'_>, names: &HashMap<Vec<u8>, ObjectIdentifier>) -> Option<ObjectIdentifier> {
    let target = item.get::<Object<'_>>("Dest").or_else(|| item.get::<Dict<'_>>("A")?.get::<Object<'_>>("D"))?;
    match target {
        Object::Name(name) => names.get(name.as_ref()).copied(),
        Object::String(name) => names.get(name.as_bytes()).copied(),
        target => page_of(target),
    }
}

fn page_of(target: Object<'_>) -> Option<ObjectIdentifier> {
    let array = match target {
        Object::Array(array) => array,
        Object::Dict(dictionary) => dictionary.get::<Array<'_>>("D")?,
        _ => return None,
    };
    match array.raw_iter().next()? {
        MaybeRef::Ref(page) => Some(page.into()),
        MaybeRef::NotRef(_) => None,
    }
}

fn hidden_layers(pdf: &Pdf) -> Option<HashSet<ObjectIdentifier>> {
    let root = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let off = root.get::<Dict<'_>>("OCProperties")?.get::<Dict<'_>>("D")?.get::<Array<'_>>("OFF")?;
    Some(off.raw_iter().filter_map(|it| ObjRef::try_from(it).ok()).map(Into::into).collect())
}
