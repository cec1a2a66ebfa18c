//! HTML: what a reader sees, as lines of text, with the headings that make its sections.

use html5gum::{DefaultEmitter, Token, Tokenizer, naive_next_state};

use crate::document::{Document, Format};
use crate::html_limits::{HiddenElements, MAX_DEPTH, TreeSize};
use crate::location::LocationUnit;
use crate::main_text::TextNode;
use crate::outline::{self, Heading, on_one_line};
use crate::span::{Span, line_starts};
use crate::text_builder::{Gap, TextBuilder};

/// What is in these is not text, or not of the page.
const INVISIBLE: &[&str] = &[
    "head", "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "audio", "video",
    "select", "textarea", "button", "datalist", "noembed", "noframes",
];
/// Around the text rather than in it.
const FURNITURE: &[&str] = &["nav", "footer", "aside", "form"];
/// Paragraphs of their own whose end closes what was left open in them.
const CONTAINERS: &[&str] = &[
    "html",
    "body",
    "main",
    "article",
    "section",
    "header",
    "div",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "details",
    "figure",
    "fieldset",
    "center",
    "pre",
];
/// Paragraphs of their own whose end is often left out.
const PARAGRAPHS: &[&str] =
    &["p", "hr", "dt", "address", "hgroup", "figcaption", "summary", "caption", "legend", "dialog"];
/// What may stand in a head; anything else begins the body.
const IN_HEAD: &[&str] = &["title", "meta", "link", "base", "script", "style", "noscript", "template", "head", "html"];
/// A longer heading is one that was never closed.
const MAX_HEADING_BYTES: usize = 600;
/// With less than one part in this many of the text outside of the furniture, the furniture is the
/// page.
const FURNITURE_IS_PAGE: usize = 10;

/// Reads HTML, however broken. Menus, footers, asides and forms are left out, unless nearly all of
/// the text is in them. The page's title is the outermost heading, unless it only repeats one of
/// the page's own outermost headings. Lines of the file stay lines, except in headings and table
/// cells, so that a location in the text has a line in the file.
pub(crate) fn read(html: &str) -> Document {
    Reader::read_whole(&with_plain_line_ends(html)).finish()
}

/// True if a text begins as web pages do.
pub(crate) fn is_page(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(16).collect::<String>().to_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// The tokenizer reads each line end as one character; without CRLF its positions are those of the
/// text.
pub(crate) fn with_plain_line_ends(html: &str) -> String {
    html.replace("\r\n", "\n")
}

/// What of a page is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Show<'a> {
    WithoutFurniture,
    All,
    /// The text nodes that begin at these offsets, which rise.
    Only(&'a [usize]),
}

pub(crate) struct Reader<'a> {
    show: Show<'a>,
    /// The text nodes that there are to see, with those in furniture.
    pub(crate) text_nodes: Vec<TextNode>,
    /// The text in furniture that was left out.
    left_out_bytes: usize,
    lines: TextBuilder,
    /// The elements that are open, of those that matter here.
    open: Vec<&'static str>,
    /// The depth of the outermost open element that is left out.
    hidden_from: Option<usize>,
    hidden_elements: HiddenElements,
    pub(crate) tree_size: TreeSize,
    headings: Vec<Heading>,
    /// The level of the open heading and, once it has any text, where that begins.
    heading: Option<(u8, Option<usize>)>,
    in_link: bool,
    in_title: bool,
    title: String,
    /// Line ends in `pre` that are written once something follows; `None` directly after the
    /// opening tag.
    verbatim_line_ends: Option<u32>,
    /// The next list item is the first one.
    first_item: bool,
    in_cell: bool,
    /// The line that the text of the current row began on.
    row_line: Option<usize>,
}

impl<'a> Reader<'a> {
    pub(crate) fn read_whole(html: &str) -> Self {
        let without = Reader::read(html, Show::WithoutFurniture);
        if without.lines.text().len() * FURNITURE_IS_PAGE < without.left_out_bytes {
            return Reader::read(html, Show::All);
        }
        without
    }

    pub(crate) fn read(html: &str, show: Show<'a>) -> Self {
        let mut reader = Reader {
            show,
            text_nodes: Vec::new(),
            left_out_bytes: 0,
            lines: TextBuilder::new(),
            open: Vec::new(),
            hidden_from: None,
            hidden_elements: HiddenElements::default(),
            tree_size: TreeSize::default(),
            headings: Vec::new(),
            heading: None,
            in_link: false,
            in_title: false,
            title: String::new(),
            verbatim_line_ends: None,
            first_item: false,
            in_cell: false,
            row_line: None,
        };
        let starts = line_starts(html);
        let mut tokenizer = Tokenizer::new_with_emitter(html, DefaultEmitter::<usize>::new_with_span());
        while let Some(Ok(token)) = tokenizer.next() {
            match token {
                Token::StartTag(tag) => {
                    reader.start(&String::from_utf8_lossy(&tag.name), tag.self_closing);
                    reader.in_link |= *tag.name == b"a" && tag.attributes.contains_key(b"href".as_slice());
                    reader.hidden_elements.start(&tag);
                    reader.tree_size.start(&tag);
                    // XHTML's `<script/>` and `<title/>` have no content; all of the page would be
                    // taken for it.
                    if !tag.self_closing
                        && let Some(state) = naive_next_state(&tag.name)
                    {
                        tokenizer.set_state(state);
                    }
                }
                Token::EndTag(tag) => {
                    reader.hidden_elements.end(&tag.name);
                    reader.tree_size.end(&tag.name);
                    reader.end(&String::from_utf8_lossy(&tag.name));
                }
                Token::String(text) => {
                    reader.string(&String::from_utf8_lossy(&text.value), text.span.start, &starts);
                }
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reader.close_heading();
        reader
    }

    fn start(&mut self, name: &str, self_closing: bool) {
        if self.hidden_from.is_some_and(|depth| self.open[depth] == "head") && !IN_HEAD.contains(&name) {
            self.close("head");
        }
        if name == "title" {
            self.in_title = !self_closing && self.title.is_empty() && !self.open.contains(&"svg");
            return;
        }
        if let Some(name) = tracked(name).filter(|_| self.open.len() < MAX_DEPTH && !self_closing) {
            let furniture = matches!(self.show, Show::WithoutFurniture) && FURNITURE.contains(&name);
            if self.hidden_from.is_none() && (furniture || INVISIBLE.contains(&name)) {
                self.hidden_from = Some(self.open.len());
            }
            self.open.push(name);
        }
        if self.hidden_from.is_none() {
            self.begin_block(name);
        }
    }

    fn begin_block(&mut self, name: &str) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close_heading();
                self.lines.drop_mark();
                self.lines.part(Gap::Blank);
                self.heading = Some((name.as_bytes()[1] - b'0', None));
            }
            "br" if self.verbatim() => self.verbatim_line_ends = Some(self.verbatim_line_ends.unwrap_or(0) + 1),
            "br" | "dd" => self.part(Gap::Line),
            "li" => {
                self.close_heading();
                self.lines.drop_mark();
                self.part(Gap::Line);
                if !self.first_item {
                    self.lines.close_up(Gap::Line);
                }
                self.first_item = false;
                self.lines.mark("- ");
            }
            "tr" => {
                self.close_heading();
                self.end_row();
                self.part(Gap::Line);
            }
            "td" | "th" => {
                // Cells with paragraphs or tables of their own are a layout, not a row.
                if self.row_line == Some(self.lines.number()) {
                    self.lines.close_up(Gap::None);
                    self.lines.mark(" | ");
                }
                self.in_cell = true;
            }
            "ul" | "ol" | "table" | "pre" => {
                self.close_heading();
                self.part(if name.ends_with('l') && self.in_list() { Gap::Line } else { Gap::Blank });
                self.first_item = name != "pre";
                self.verbatim_line_ends = None;
                if name == "table" {
                    self.end_row();
                }
            }
            _ if is_block(name) => self.part(Gap::Blank),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "title" => self.in_title = false,
            "a" => self.in_link = false,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if self.hidden_from.is_none() => self.close_heading(),
            _ => {
                if let Some(name) = tracked(name) {
                    self.close(name);
                }
                if self.hidden_from.is_none() {
                    match name {
                        "tr" | "table" => {
                            self.end_row();
                            self.part(if name == "tr" { Gap::Line } else { Gap::Blank });
                        }
                        "li" => {
                            self.lines.drop_mark();
                            self.part(Gap::Line);
                        }
                        "dd" => self.part(Gap::Line),
                        _ if is_block(name) => self.part(Gap::Blank),
                        _ => {}
                    }
                }
            }
        }
    }

    fn string(&mut self, text: &str, offset: usize, line_starts: &[usize]) {
        if self.in_title {
            self.title.push_str(text);
            return;
        }
        let aside = self.in_link || self.hidden_from.is_some() || self.hidden_elements.inside > 0;
        let text_node = TextNode { offset, bytes: text.trim().len(), aside };
        if let Some(depth) = self.hidden_from {
            if FURNITURE.contains(&self.open[depth]) && !self.open[depth..].iter().any(|it| INVISIBLE.contains(it)) {
                self.left_out_bytes += text_node.bytes;
                self.text_nodes.extend((text_node.bytes > 0).then_some(text_node));
            }
            return;
        }
        if text_node.bytes > 0 {
            if matches!(self.show, Show::Only(kept) if kept.binary_search(&offset).is_err()) {
                self.part(Gap::Space);
                return;
            }
            self.text_nodes.push(text_node);
        }
        let verbatim = self.verbatim() && self.heading.is_none() && !self.in_cell;
        let mut line = line_starts.partition_point(|&start| start <= offset) as u32;
        for character in text.chars() {
            match character {
                '\n' if verbatim => self.verbatim_line_ends = Some(self.verbatim_line_ends.map_or(0, |ends| ends + 1)),
                _ if verbatim => {
                    for ends in (0..self.verbatim_line_ends.unwrap_or(0)).rev() {
                        self.lines.new_line(line - ends.min(line - 1));
                    }
                    self.verbatim_line_ends = Some(0);
                    self.write(character, line);
                }
                '\n' if self.heading.is_none() && !self.in_cell => self.lines.part(Gap::Line),
                ' ' | '\n' | '\t' | '\r' | '\x0c' | '\u{a0}' => self.lines.part(Gap::Space),
                '\u{ad}' => {}
                _ => self.write(character, line),
            }
            line += u32::from(character == '\n');
        }
    }

    fn write(&mut self, character: char, source_line: u32) {
        self.lines.open(source_line);
        if let Some((_, start @ None)) = &mut self.heading {
            *start = Some(self.lines.text().len());
        }
        self.row_line.get_or_insert(self.lines.number());
        self.lines.push(character);
    }

    /// A gap between blocks: only a space in headings, only a new line in cells.
    fn part(&mut self, gap: Gap) {
        let most = match (&self.heading, self.in_cell) {
            (Some(_), _) => Gap::Space,
            (None, true) => Gap::Line,
            (None, false) => Gap::Blank,
        };
        self.lines.part(gap.min(most));
    }

    fn close_heading(&mut self) {
        if let Some((level, start)) = self.heading.take() {
            let end = self.lines.text().len();
            if let Some(start) = start.filter(|start| end - start <= MAX_HEADING_BYTES) {
                let title = on_one_line(&self.lines.text()[start..]);
                if !title.is_empty() {
                    self.headings.push(Heading { span: Span { start, end }, level, title });
                }
            }
            self.lines.part(Gap::Blank);
        }
    }

    fn end_row(&mut self) {
        self.lines.drop_mark();
        self.in_cell = false;
        self.row_line = None;
    }

    /// Closes the innermost open element of this name and all that is open in it.
    fn close(&mut self, name: &str) {
        if let Some(depth) = self.open.iter().rposition(|open| *open == name) {
            self.open.truncate(depth);
            self.hidden_from = self.hidden_from.filter(|&hidden| hidden < depth);
            if CONTAINERS.contains(&name) && self.hidden_from.is_none() {
                self.close_heading();
            }
        }
    }

    fn verbatim(&self) -> bool {
        self.open.contains(&"pre")
    }

    fn in_list(&self) -> bool {
        self.open.iter().filter(|open| matches!(**open, "ul" | "ol")).count() > 1
    }

    pub(crate) fn finish(self) -> Document {
        let (text, sources) = self.lines.finish();
        let title = outline::shortened(&on_one_line(&self.title));
        let outermost = self.headings.iter().map(|heading| heading.level).min();
        let repeated = self.headings.iter().any(|heading| {
            Some(heading.level) == outermost && title.to_lowercase().contains(&heading.title.to_lowercase())
        });
        let title = Some(title.as_str()).filter(|title| !title.is_empty() && !repeated);
        let sections = outline::sections(&text, 0, title, &self.headings);
        Document {
            format: Format::Html,
            text,
            sections,
            unit: LocationUnit::Line,
            locations: Some(sources),
            metadata: Vec::new(),
            warning: None,
        }
    }
}

/// The elements whose opening is remembered until they end.
fn tracked(name: &str) -> Option<&'static str> {
    [CONTAINERS, INVISIBLE, FURNITURE].iter().flat_map(|list| list.iter()).find(|known| **known == name).copied()
}

fn is_block(name: &str) -> bool {
    [CONTAINERS, FURNITURE, PARAGRAPHS].iter().any(|list| list.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        read(html).text
    }

    #[test]
    fn blocks_lists_tables_and_pre_keep_their_shape() {
        let cases = [
            ("<p>One\n two<p>Three &amp; four&nbsp;&lt;5", "One\ntwo\n\nThree & four <5"),
            ("<div><div><p>a</p></div></div>b<br>c", "a\n\nb\nc"),
            ("x<ul><li>a<li><p>b</p></li><li></li><li>c<ol><li>d</ol></ul>y", "x\n\n- a\n- b\n- c\n- d\n\ny"),
            ("<table><tr><th>A<th>B</tr><tr><td>1<td> <td><p>3\n4</p><td></tr></table>", "A | B\n1 |  | 3 4"),
            ("<table><tr><td><p>left</p><p>more</p></td><td>right</td></tr></table>", "left\nmore\nright"),
            ("a<pre>\n  x\n\n    y &lt;\n</pre>b", "a\n\n  x\n\n    y <\n\nb"),
            ("<b>bo</b>ld <i>it</i>", "bold it"),
            ("soft&shy;hyphen", "softhyphen"),
        ];
        for (html, expected) in cases {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn what_no_reader_sees_is_left_out() {
        let html = "<head><title>T</title><style>p{}</style><body><script>if (a<b) '</p>'</script><nav>menu</nav>\
                    <svg><title>icon</title></svg><p>Text<noscript><p>no</noscript><footer>foot</footer><template>t</template>";
        assert_eq!(text(html), "Text");
        assert_eq!(read(html).sections[0].headings, ["T"]);
        assert_eq!(text("<title/><script/><p>XHTML"), "XHTML");
        assert_eq!(text("<div><nav>left open</div><p>Text"), "Text");
        assert_eq!(text("<head><title>T</title><p>no body tag"), "no body tag");
    }

    #[test]
    fn furniture_that_holds_the_page_is_read() {
        let page = "<form><p>All of the text of an old page with a form around it.</p></form>";
        assert_eq!(text(page), "All of the text of an old page with a form around it.");
    }

    #[test]
    fn headings_make_sections_and_the_title_is_over_them() {
        let paths = |html: &str| -> Vec<String> {
            read(html).sections.iter().map(|section| section.headings.join(" > ")).collect()
        };
        assert_eq!(
            paths("<title>Site</title>intro<h1>A\n<b>b</b></h1>x<h2>C</h2>y<h1>D</h1>"),
            ["Site", "Site > A b", "Site > A b > C", "Site > D"]
        );
        assert_eq!(paths("<title>Guide — Site</title><h1>Guide</h1>x"), ["Guide"]);
        assert_eq!(
            paths("<h2>never closed<p>text<div><h3>next</h3>"),
            ["never closed text", "never closed text > next"]
        );
    }

    #[test]
    fn every_line_knows_the_line_of_the_file() {
        let html = "<html>\r\n<p>é one\r\ntwo\r\n\r\n<h2>\r\nHead</h2><pre>\r\na\r\n\r\nb</pre>\r\n<p>end";
        let document = read(html);
        let lines: Vec<_> = document.text.lines().zip(document.locations.unwrap()).collect();
        let shown: Vec<_> = lines.into_iter().filter(|(line, _)| !line.is_empty()).collect();
        assert_eq!(shown, [("é one", 2), ("two", 3), ("Head", 6), ("a", 7), ("b", 9), ("end", 10)]);
    }
}
