//! Finds the main text of a web page, and what the page says about itself.

use dom_smoothie::{Article, Config, Readability};

/// A piece of text between two tags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextNode {
    /// Where it begins in the page.
    pub(crate) offset: usize,
    /// Its length without white space around it.
    pub(crate) bytes: usize,
    /// It is a link, in a menu or such, or hidden: it may be lost.
    pub(crate) aside: bool,
}

/// The main text of a page and its metadata.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where the text nodes of its main text begin; `None` where it has none, or most of what it
    /// says would be lost.
    pub(crate) kept: Option<Vec<usize>>,
    /// Its title, author, date, language and description, as far as it tells them.
    pub(crate) metadata: Vec<(String, String)>,
}

/// The first of the characters that mark text nodes. Two planes of Unicode are for private use;
/// text has none of them.
const FIRST_MARK: u32 = 0xf_0000;

/// Main text is less than one part in this many of a page's text only where a page is not made for
/// it.
const LEAST: usize = 2;
/// On a page that says that it is an article, comments and teasers may be the greater part.
const LEAST_OF_ARTICLE: usize = 10;
const ARTICLE: &str = "meta[property='og:type'][content='article'], meta[property^='article:'], [itemtype$='Article']";

/// Looks for the main text of `html`, whose text is in `text_nodes`. `None` if it is too large to
/// look into.
///
/// Each text node is marked by a character of its own, and those whose marks are in the main text
/// are kept: so it does not matter how the elements of the page are moved, split and rewritten on
/// the way.
pub(crate) fn find(html: &str, text_nodes: &[TextNode]) -> Option<Page> {
    let config = Config { max_elements_to_parse: 100_000, ..Config::default() };
    let mut page = Readability::new(marked(html, text_nodes), None, Some(config)).ok()?;
    let is_article = page.doc.select(ARTICLE).exists();
    let article = page.parse().ok()?;
    let marks = article.text_content.chars().filter_map(|character| u32::from(character).checked_sub(FIRST_MARK));
    let mut kept: Vec<TextNode> = marks.filter_map(|mark| text_nodes.get(mark as usize)).copied().collect();
    kept.sort_by_key(|text_node| text_node.offset);
    kept.dedup_by_key(|text_node| text_node.offset);
    let least = bytes(text_nodes) / if is_article { LEAST_OF_ARTICLE } else { LEAST };
    let kept =
        (!kept.is_empty() && bytes(&kept) >= least).then(|| kept.iter().map(|text_node| text_node.offset).collect());
    Some(Page { kept, metadata: metadata(article) })
}

/// How much text there is that should not be lost.
fn bytes(text_nodes: &[TextNode]) -> usize {
    text_nodes.iter().filter(|text_node| !text_node.aside).map(|text_node| text_node.bytes).sum()
}

/// The page with a letter of each text node replaced by a mark: lengths stay the same, and they
/// decide what the main text is.
fn marked(html: &str, text_nodes: &[TextNode]) -> String {
    let mut marked = String::with_capacity(html.len() + 4 * text_nodes.len());
    let mut written = 0;
    for (text_node, mark) in text_nodes.iter().zip(FIRST_MARK..) {
        let (Some(before), Some(mark)) = (html.get(written..text_node.offset), char::from_u32(mark)) else { continue };
        marked.push_str(before);
        let text = html[text_node.offset..].split('<').next().unwrap_or_default();
        let (before, letter) = first_letter(text);
        marked.push_str(before);
        marked.push(mark);
        written = text_node.offset + before.len() + letter;
    }
    marked.push_str(&html[written..]);
    marked
}

/// What comes before the first letter or digit of a text that is none of a character reference, and
/// its length.
fn first_letter(text: &str) -> (&str, usize) {
    let mut in_reference = false;
    for (offset, character) in text.char_indices() {
        if !in_reference && character.is_alphanumeric() {
            return (&text[..offset], character.len_utf8());
        }
        in_reference = character == '&' || (in_reference && (character.is_alphanumeric() || character == '#'));
    }
    ("", 0)
}

fn metadata(article: Article) -> Vec<(String, String)> {
    let told = [
        ("title", Some(article.title)),
        ("author", article.byline),
        ("date", article.published_time),
        ("language", article.lang),
        ("description", article.excerpt),
    ];
    let cleaned = told.into_iter().filter_map(|(key, value)| {
        let value: String = value?.chars().filter(|&character| u32::from(character) < FIRST_MARK).collect();
        let value = super::outline::on_one_line(&value);
        (!value.is_empty()).then(|| (key.to_owned(), value))
    });
    cleaned.collect()
}
