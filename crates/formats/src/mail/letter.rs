//! Writes a letter of any mail format as text: subject, sender, addressees, date, body and
//! attachments.

use crate::clean::without_controls;
use crate::document::{Document, Format};
use crate::limits::{ADDRESSEES, ATTACHED_BYTES, LETTER_DEPTH};
use crate::location::LocationUnit;
use crate::outline::{self, Heading, on_one_line};
use crate::skip::Skip;
use crate::span::Span;
use crate::{decode, html};

/// Letters that are nested deeper are only named.
pub(super) const MAX_DEPTH: usize = LETTER_DEPTH.most;
/// A longer attached text is cut: it is a file of its own, and its beginning tells what it is.
const MAX_ATTACHED_BYTES: usize = ATTACHED_BYTES.most;
/// Addressees beyond this many are counted, not named.
const MAX_ADDRESSEES: usize = ADDRESSEES.most;
const NO_SUBJECT: &str = "(no subject)";

#[derive(Debug, Default)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
    pub(super) copies_to: Vec<String>,
    /// As ISO 8601 where it could be read, else as it was written.
    pub(super) date: String,
    pub(super) body: String,
    pub(super) attached: Vec<Attached>,
}

#[derive(Debug)]
pub(super) struct Attached {
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Letter(Box<Letter>),
    /// An image, a program, an office file: only its name is read.
    Other,
}

impl Letter {
    pub(super) fn metadata(&self) -> Vec<(String, String)> {
        let one = |key: &str, value: &str| (key.to_owned(), on_one_line(value));
        let mut found = vec![one("subject", &self.subject)];
        found.extend(self.from.iter().map(|from| one("from", from)));
        found.extend(self.to.iter().take(MAX_ADDRESSEES).map(|to| one("to", to)));
        found.extend(self.copies_to.iter().take(MAX_ADDRESSEES).map(|to| one("cc", to)));
        found.push(one("date", &self.date));
        found.retain(|(_, value)| !value.is_empty());
        found
    }
}

/// Letters as they are written out, one after the other.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) text: String,
    pub(super) headings: Vec<Heading>,
    /// For each letter that is not within another one, the line it begins on.
    pub(super) first_lines: Vec<usize>,
    pub(super) lines: usize,
    /// Letters that were taken before these.
    pub(super) letters_before: u32,
}

impl Writer {
    pub(super) fn letter(&mut self, letter: &Letter, depth: usize) {
        self.blank_line();
        if depth == 0 {
            self.first_lines.push(self.lines);
        }
        let start = self.text.len();
        let title = match on_one_line(&without_controls(&letter.subject)) {
            subject if subject.is_empty() => NO_SUBJECT.to_owned(),
            subject => subject,
        };
        self.line(&title);
        let span = Span { start, end: self.text.len() };
        self.headings.push(Heading { span, level: depth as u8 + 1, title });
        self.addressees("From", &letter.from);
        self.addressees("To", &letter.to);
        self.addressees("Cc", &letter.copies_to);
        if !letter.date.is_empty() {
            self.line(&format!("Date: {}", on_one_line(&without_controls(&letter.date))));
        }
        self.paragraphs(&letter.body);
        for attached in &letter.attached {
            let name = on_one_line(&without_controls(&attached.name));
            match &attached.content {
                Content::Letter(letter) if depth < MAX_DEPTH => self.letter(letter, depth + 1),
                Content::Letter(letter) => {
                    LETTER_DEPTH.met();
                    self.attachment(&letter.subject);
                }
                Content::Text(text) => {
                    if text.len() > MAX_ATTACHED_BYTES {
                        ATTACHED_BYTES.met();
                    }
                    self.attachment(&name);
                    self.paragraphs(&text[..text.floor_char_boundary(MAX_ATTACHED_BYTES)]);
                }
                Content::Other => self.attachment(&name),
            }
        }
    }

    fn addressees(&mut self, label: &str, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let shown: Vec<_> =
            names.iter().take(MAX_ADDRESSEES).map(|name| on_one_line(&without_controls(name))).collect();
        let more = match names.len().saturating_sub(MAX_ADDRESSEES) {
            0 => String::new(),
            more => {
                ADDRESSEES.met();
                format!(" and {more} more")
            }
        };
        self.line(&format!("{label}: {}{more}", shown.join(", ")));
    }

    fn attachment(&mut self, name: &str) {
        self.blank_line();
        self.line(&format!("Attachment: {}", if name.is_empty() { "without a name" } else { name }));
    }

    fn paragraphs(&mut self, text: &str) {
        let mut blank = true;
        for line in without_controls(text).lines().map(str::trim_end) {
            if line.is_empty() {
                blank = true;
                continue;
            }
            if blank {
                self.blank_line();
                blank = false;
            }
            self.line(line);
        }
    }

    fn blank_line(&mut self) {
        let is_first = self.text.is_empty() && self.letters_before == 0;
        if !is_first && !self.text.ends_with("\n\n") {
            self.line("");
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.lines += 1;
    }

    /// What has been written since the last time.
    pub(super) fn take(&mut self) -> Document {
        let before = self.letters_before;
        let written = std::mem::take(self);
        self.letters_before = before + written.first_lines.len() as u32;
        let sections = outline::sections(&written.text, 0, None, &written.headings);
        let last = written.text.split('\n').count();
        let ends = written.first_lines.iter().skip(1).copied().chain([last]);
        let mut locations = Vec::with_capacity(last);
        for (number, end) in (before + 1..).zip(ends) {
            locations.resize(end, number);
        }
        Document {
            sections,
            unit: LocationUnit::Message,
            locations: Some(locations),
            ..Document::without_headings(Format::Mail, written.text)
        }
    }
}

/// The document that one letter is.
pub(super) fn document(letter: &Letter) -> Document {
    let mut writer = Writer::default();
    writer.letter(letter, 0);
    Document { metadata: letter.metadata(), ..writer.take() }
}

/// The text of HTML, without the title, which is no part of a letter.
pub(super) fn text_of_html(page: &str) -> String {
    html::read(page).text
}

/// The text of an attached file, if it is text.
pub(super) fn attached_text(name: &str, bytes: &[u8]) -> Option<String> {
    let extension = name.rsplit_once('.')?.1.to_lowercase();
    let kept = &bytes[..bytes.len().min(MAX_ATTACHED_BYTES)];
    let text = match extension.as_str() {
        "txt" | "text" | "md" | "csv" | "tsv" | "log" | "json" | "yaml" | "yml" | "xml" | "ics" | "vcf" => {
            decode::text(kept, None).ok()
        }
        "html" | "htm" => decode::text(kept, decode::declared_encoding(kept)).ok().map(|page| text_of_html(&page)),
        _ => None,
    };
    if text.is_some() && kept.len() < bytes.len() {
        ATTACHED_BYTES.met();
    }
    text
}

pub(super) fn encrypted() -> Skip {
    Skip::because("encrypted")
}
