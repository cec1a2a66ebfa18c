//! RTF: paragraphs with headings, lists, tables, text boxes and notes.

use std::collections::HashMap;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::document_writer;
use super::flow::{Flow, Role};
use super::rtf_encodings::{encoding_of_charset, encoding_of_page, symbol};
use super::rtf_words::{Token, Words};
use crate::clean::clean_lines;
use crate::document::Document;
use crate::skip::Skip;

/// Groups inside groups deeper than this are read as one.
const MAX_DEPTH: usize = 1000;

/// Groups that hold no text of the document, beside all that are marked as such with `\*`.
#[rustfmt::skip]
const UNSEEN: &[&str] = &[
    "colortbl", "pict", "nonshppict", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
    "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "fldinst", "xe", "tc", "tcn", "rxe", "bkmkstart", "bkmkend",
    "sp", "annotation", "filetbl", "listtable", "listoverridetable", "revtbl", "nonesttables", "private", "objdata",
];

/// The role of a group's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Unseen,
    Fonts,
    Styles,
    Information,
    Title,
    Author,
    /// The bullet or number of a list item.
    Label,
    Note,
    TextBox,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    part: Part,
    /// How many bytes after a Unicode character stand for it in older programs.
    substitutes: usize,
    is_hidden: bool,
    encoding: &'static Encoding,
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    label: String,
    notes: Vec<String>,
}

/// What is set until the next `\pard`.
#[derive(Debug, Default)]
struct Setting {
    style: i32,
    outline: Option<u8>,
    in_table: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Style {
    outline: Option<u8>,
    is_title: bool,
}

struct Reader {
    group: Group,
    outer: Vec<Group>,
    too_deep: usize,
    page_encoding: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    default_font: i32,
    font: i32,
    styles: HashMap<i32, Style>,
    /// Number and name of the style being described.
    style: (i32, Style, String),
    undecoded: Vec<u8>,
    substitutes_left: usize,
    high_surrogate: Option<u32>,
    /// True while nothing has been read in the group: only there `\*` and the word after it tell
    /// the role of the group.
    is_group_start: bool,
    is_starred: bool,
    paragraph: Paragraph,
    setting: Setting,
    /// The paragraphs around the text box that is open.
    around: Vec<(Paragraph, Setting, bool)>,
    note: String,
    in_table: bool,
    in_cell: bool,
    /// For each cell of the row whether it continues the one above it, and whether the next one
    /// does.
    continues: (Vec<bool>, bool),
    cell: usize,
    title: String,
    author: String,
    date: [i32; 3],
    flow: Flow,
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let group = Group { part: Part::Text, substitutes: 1, is_hidden: false, encoding: WINDOWS_1252 };
    let mut reader = Reader {
        group,
        outer: Vec::new(),
        too_deep: 0,
        page_encoding: WINDOWS_1252,
        fonts: HashMap::new(),
        default_font: 0,
        font: 0,
        styles: HashMap::new(),
        style: (0, Style::default(), String::new()),
        undecoded: Vec::new(),
        substitutes_left: 0,
        high_surrogate: None,
        is_group_start: false,
        is_starred: false,
        paragraph: Paragraph::default(),
        setting: Setting::default(),
        around: Vec::new(),
        note: String::new(),
        in_table: false,
        in_cell: false,
        continues: (Vec::new(), false),
        cell: 0,
        title: String::new(),
        author: String::new(),
        date: [0; 3],
        flow: Flow::default(),
    };
    for token in Words::new(bytes) {
        reader.take(token);
    }
    Ok(reader.finish())
}

impl Reader {
    fn take(&mut self, token: Token) {
        let is_group_start = std::mem::replace(&mut self.is_group_start, token == Token::Open);
        match token {
            Token::Byte(_) if self.substitutes_left > 0 => self.substitutes_left -= 1,
            Token::Byte(_) if self.group.part == Part::Unseen => {}
            Token::Byte(byte) => self.undecoded.push(byte),
            Token::Open => {
                self.decode();
                self.substitutes_left = 0;
                if self.outer.len() < MAX_DEPTH {
                    self.outer.push(self.group);
                } else {
                    self.too_deep += 1;
                }
            }
            Token::Close => self.close(),
            Token::Symbol(symbol) => {
                self.decode();
                match symbol {
                    b'~' => self.push("\u{a0}"),
                    b'_' => self.push("-"),
                    b'\r' | b'\n' => self.end_paragraph(),
                    b'*' => self.is_starred = is_group_start,
                    _ => {}
                }
            }
            Token::Word(word, number) => {
                self.decode();
                let is_starred = std::mem::take(&mut self.is_starred);
                if self.group.part != Part::Unseen {
                    self.word(word, number, is_starred);
                }
            }
        }
    }

    /// Adds the bytes that wait, which may be parts of characters.
    fn decode(&mut self) {
        if self.undecoded.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.undecoded);
        let (text, _) = self.group.encoding.decode_without_bom_handling(&bytes);
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        match self.group.part {
            _ if self.group.is_hidden => {}
            Part::Text | Part::TextBox => self.paragraph.text.push_str(text),
            Part::Note => self.note.push_str(text),
            Part::Label => self.paragraph.label.push_str(text),
            Part::Title => self.title.push_str(text),
            Part::Author => self.author.push_str(text),
            Part::Styles => self.style.2.push_str(text),
            Part::Unseen | Part::Fonts | Part::Information => {}
        }
    }

    fn close(&mut self) {
        self.decode();
        (self.substitutes_left, self.is_starred) = (0, false);
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(outer) = self.outer.pop() else { return };
        let part = std::mem::replace(&mut self.group, outer).part;
        if part == Part::Styles {
            self.end_style();
        }
        if part == self.group.part {
            return;
        }
        match part {
            Part::Note => self.paragraph.notes.push(std::mem::take(&mut self.note)),
            Part::TextBox => {
                self.end_paragraph();
                self.leave_table();
                self.flow.close_aside();
                if let Some((paragraph, setting, in_table)) = self.around.pop() {
                    (self.paragraph, self.setting, self.in_table) = (paragraph, setting, in_table);
                    self.in_cell = in_table;
                }
            }
            _ => {}
        }
    }

    fn end_style(&mut self) {
        let (number, mut style, name) = std::mem::take(&mut self.style);
        let name = name.trim().trim_end_matches(';').trim().to_lowercase();
        if name.is_empty() {
            return;
        }
        let named = name.strip_prefix("heading ").and_then(|level| level.parse::<u8>().ok());
        style.outline = style.outline.or(named.and_then(|level| level.checked_sub(1)));
        style.is_title = name == "title";
        self.styles.insert(number, style);
    }

    fn word(&mut self, word: &str, number: Option<i32>, is_starred: bool) {
        let is_on = number != Some(0);
        let value = number.unwrap_or(0);
        match word {
            "fonttbl" => self.group.part = Part::Fonts,
            "stylesheet" => self.group.part = Part::Styles,
            "info" => self.group.part = Part::Information,
            "title" if self.group.part == Part::Information => self.group.part = Part::Title,
            "author" if self.group.part == Part::Information => self.group.part = Part::Author,
            "yr" | "mo" | "dy" if self.group.part == Part::Information => {
                self.date[["yr", "mo", "dy"].iter().position(|it| *it == word).unwrap_or(0)] = value;
            }
            "creatim" | "revtim" if self.group.part == Part::Information => {}
            _ if self.group.part == Part::Information => self.group.part = Part::Unseen,
            "listtext" | "pntext" => {
                self.group.part = Part::Label;
                self.paragraph.label.clear();
            }
            "footnote" if matches!(self.group.part, Part::Text | Part::TextBox) => self.group.part = Part::Note,
            "shptxt" if self.around.len() < 32 => {
                self.group.part = Part::TextBox;
                let (paragraph, setting) = (std::mem::take(&mut self.paragraph), std::mem::take(&mut self.setting));
                self.around.push((paragraph, setting, std::mem::take(&mut self.in_table)));
                self.in_cell = false;
                self.flow.open_aside();
            }
            "shpinst" | "shptxt" => {}
            _ if UNSEEN.contains(&word) || is_starred => self.group.part = Part::Unseen,
            "ansicpg" => {
                let page = u16::try_from(value).ok().and_then(encoding_of_page);
                self.page_encoding = page.unwrap_or(WINDOWS_1252);
                self.group.encoding = self.page_encoding;
            }
            "mac" => (self.page_encoding, self.group.encoding) = (MACINTOSH, MACINTOSH),
            "deff" => self.default_font = value,
            "f" if self.group.part == Part::Fonts => self.font = value,
            "f" => self.group.encoding = self.encoding_of_font(value),
            "fcharset" => {
                if let Some(encoding) = encoding_of_charset(value) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            "uc" => self.group.substitutes = value.clamp(0, 16) as usize,
            "u" => {
                self.unicode(value);
                self.substitutes_left = self.group.substitutes;
            }
            "v" | "deleted" => self.group.is_hidden = is_on,
            "plain" => {
                self.group.is_hidden = false;
                self.group.encoding = self.encoding_of_font(self.default_font);
            }
            "s" if self.group.part == Part::Styles => self.style.0 = value,
            "s" => self.setting.style = value,
            "outlinelevel" => {
                let outline = u8::try_from(value).ok().filter(|level| *level < 9);
                match self.group.part {
                    Part::Styles => self.style.1.outline = outline,
                    _ => self.setting.outline = outline,
                }
            }
            _ if matches!(self.group.part, Part::Text | Part::TextBox) => self.layout(word, is_on),
            "par" | "line" | "tab" | "cell" => self.push(" "),
            _ => self.push(symbol(word)),
        }
    }

    /// Words that shape the text of the document.
    fn layout(&mut self, word: &str, is_on: bool) {
        match word {
            "par" | "sect" | "page" => self.end_paragraph(),
            "line" => self.push("\n"),
            "tab" | "nestcell" | "nestrow" => self.push("\t"),
            "pard" => self.setting = Setting::default(),
            "intbl" => self.setting.in_table = is_on,
            "trowd" => self.continues = (Vec::new(), false),
            "clvmrg" => self.continues.1 = true,
            "cellx" if self.continues.0.len() < 1000 => {
                let continues = std::mem::take(&mut self.continues.1);
                self.continues.0.push(continues);
            }
            "cell" => {
                self.setting.in_table = true;
                self.enter_cell();
                self.end_paragraph();
                self.flow.close_cell();
                self.in_cell = false;
                self.cell += 1;
            }
            "row" => {
                self.flow.close_row();
                (self.in_cell, self.cell) = (false, 0);
            }
            _ => self.push(symbol(word)),
        }
    }

    fn enter_cell(&mut self) {
        if !std::mem::replace(&mut self.in_table, true) {
            self.flow.open_table();
            self.cell = 0;
        }
        if !std::mem::replace(&mut self.in_cell, true) {
            self.flow.open_cell(1);
            if self.continues.0.get(self.cell) == Some(&true) {
                self.flow.cell_continues_above();
            }
        }
    }

    fn leave_table(&mut self) {
        if std::mem::take(&mut self.in_table) {
            self.flow.close_table();
            self.in_cell = false;
        }
    }

    fn end_paragraph(&mut self) {
        if self.group.part == Part::Note {
            return self.note.push(' ');
        }
        let Paragraph { text, label, notes } = std::mem::take(&mut self.paragraph);
        if text.trim().is_empty() && notes.is_empty() {
            return self.flow.paragraph(Role::Body, "");
        }
        if self.setting.in_table {
            self.enter_cell();
        } else {
            self.leave_table();
        }
        let style = self.styles.get(&self.setting.style).copied().unwrap_or_default();
        let label = clean_lines(&label);
        let is_number = label.contains(|character: char| character.is_alphanumeric());
        let number = Some(label.clone()).filter(|_| is_number);
        match self.setting.outline.or(style.outline) {
            _ if style.is_title => self.flow.paragraph(Role::Heading(1), &text),
            Some(outline) => {
                self.flow.paragraph(Role::Heading(outline + 2), &format!("{} {text}", number.unwrap_or_default()));
            }
            None if !label.is_empty() => self.flow.paragraph(Role::Item(number), &text),
            None => self.flow.paragraph(Role::Body, &text),
        }
        for note in &notes {
            self.flow.paragraph(Role::Note, note);
        }
    }

    fn unicode(&mut self, value: i32) {
        // Written as a signed number of 16 bits.
        let unit = (value & 0xffff) as u32;
        let high = self.high_surrogate.take();
        let character = match (unit, high) {
            (0xd800..=0xdbff, _) => {
                self.high_surrogate = Some(unit);
                return;
            }
            (0xdc00..=0xdfff, Some(high)) => char::from_u32(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00)),
            _ => char::from_u32(unit),
        };
        self.push(character.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]));
    }

    fn encoding_of_font(&self, font: i32) -> &'static Encoding {
        self.fonts.get(&font).copied().unwrap_or(self.page_encoding)
    }

    fn finish(mut self) -> Document {
        self.decode();
        self.end_paragraph();
        let [year, month, day] = self.date;
        let date = if year > 0 { format!("{year:04}-{month:02}-{day:02}") } else { String::new() };
        let pairs = [("title", clean_lines(&self.title)), ("author", clean_lines(&self.author)), ("date", date)];
        let metadata = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        document_writer::document(self.flow, metadata)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::office::tests::{headings, lines};
    use crate::read;

    pub(in crate::office) const RTF: &str = "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}\
        {\\stylesheet{\\ql Normal;}{\\s1 heading 1;}}{\\info{\\title My title}{\\author Ada}{\\creatim\\yr2020\\mo1\\dy2}}\
        {\\header page}{\\*\\unknown gone}\\pard\\s1 One\\par\\pard caf\\'e9 \\u8364?\\u-10179?\\u-8694? {\\f1\\'cf\\'f0\\'e8}{\\v hidden}\
        {\\field{\\*\\fldinst HYPERLINK}{\\fldrslt  link}}{\\footnote\\pard A note.}\\line two\\par\
        {\\listtext\\'b7\\tab}item\\par{\\listtext 1.\\tab}first\\par\
        \\trowd\\cellx1\\cellx2\\pard\\intbl Name\\cell Age\\cell\\row\\trowd\\pard\\intbl Ada\\cell 36\\cell\\row\\pard End}";

    #[test]
    fn an_rtf_is_read_as_it_is_seen() {
        let document = read("a.rtf", RTF.as_bytes()).unwrap();
        assert_eq!(
            lines(&document),
            [
                "1 One",
                "2 café €😊 При link",
                "2 two",
                "2 A note.",
                "3 - item",
                "4 1. first",
                "5 Name | Age",
                "6 Name: Ada | Age: 36",
                "7 End"
            ]
        );
        assert_eq!(headings(&document), ["One"]);
        let said: Vec<_> = document.metadata.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(said, ["My title", "Ada", "2020-01-02"]);
    }

    #[test]
    fn only_what_stands_first_in_a_group_says_that_it_may_be_ignored() {
        let rtf = b"{\\rtf1\\ansi {\\*\\unheard gone} \\*\\unheard-7 One\\par {\\b\\*\\unheard two} {\n\\*\\unheard gone}\\bin99 three}";
        assert_eq!(lines(&read("a.rtf", rtf).unwrap()), ["1 One", "2 two three"]);
    }
}
