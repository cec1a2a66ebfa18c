//! Letters as the internet carries them (EML) and mailboxes of them (MBOX). However broken, as much
//! as can be had is read.

use std::borrow::Cow;
use std::collections::HashSet;

use encoding_rs::WINDOWS_1252;
use mail_parser::{Address, DateTime, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::bounded_headers::bounded;
use super::letter::{Attached, Content, Letter, MAX_DEPTH, Writer, attached_text, document, encrypted, text_of_html};
use crate::decode;
use crate::document::{Document, Format};
use crate::limits::{LETTER_DEPTH, LETTERS_WITHIN};
use crate::location::LocationUnit;
use crate::skip::Skip;

/// Reads one letter.
///
/// # Errors
/// The letter is encrypted.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let bytes = as_bytes_of_ascii(bytes)?;
    match MessageParser::default().parse(bounded(&bytes)?.as_ref()).filter(has_headers) {
        Some(message) => Ok(document(&letter(&message, 0)?)),
        None => {
            let text = decode::text(&bytes, None)?;
            let warning = Some("no headers of mail: read as text".to_owned());
            Ok(Document { warning, unit: LocationUnit::Line, ..Document::without_headings(Format::Mail, text) })
        }
    }
}

/// A page of the web in a letter.
pub(super) struct Page {
    /// The line of the letter that it begins on, from 1.
    pub(super) first_line: u32,
    /// Its bytes as they stand in the letter.
    pub(super) body: Vec<u8>,
    pub(super) transfer: Transfer,
    /// The name of its encoding, if the letter has one.
    pub(super) charset: Option<String>,
    /// True if the file ends within the page.
    pub(super) is_cut: bool,
}

/// How bytes are written as lines of ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    Plain,
    QuotedPrintable,
    Base64,
}

/// The page that a letter is about: the part that its head names, else the first that is HTML.
pub(super) fn page(bytes: &[u8]) -> Result<Option<Page>, Skip> {
    let bytes = as_bytes_of_ascii(bytes)?;
    let bytes = bounded(&bytes)?;
    let Some(message) = MessageParser::default().parse(bytes.as_ref()) else { return Ok(None) };
    let named = message.content_type().and_then(|content| content.attribute("start"));
    let bare = |id: &str| id.trim_matches(['<', '>', ' ']).to_owned();
    let is_named = |part: &&MessagePart| part.content_id().map(bare) == named.map(bare);
    // The parser does not call a truncated page HTML, but the head of the part does.
    let pages = || message.parts.iter().filter(|part| part.is_content_type("text", "html"));
    let Some(part) = pages().find(|part| named.is_some() && is_named(part)).or_else(|| pages().next()) else {
        return Ok(None);
    };
    let (start, end) = (part.offset_body as usize, part.offset_end as usize);
    let before = bytes.get(..start).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
    let transfer = match part.content_transfer_encoding().map(str::to_ascii_lowercase).as_deref() {
        Some("quoted-printable") => Transfer::QuotedPrintable,
        Some("base64") => Transfer::Base64,
        _ => Transfer::Plain,
    };
    let charset = part.content_type().and_then(|content| content.attribute("charset")).map(str::to_owned);
    let body = bytes.get(start..end).unwrap_or_default().to_vec();
    // Behind every part of several stands the mark that parts them.
    let mark = message.content_type().and_then(|content| content.attribute("boundary")).map(|mark| format!("--{mark}"));
    let rest = bytes.get(start..).unwrap_or_default();
    let is_cut = mark.is_some_and(|mark| !rest.windows(mark.len()).any(|at| at == mark.as_bytes()));
    Ok(Some(Page { first_line: before as u32 + 1, body, transfer, charset, is_cut }))
}

/// Reads a mailbox. Letters in it that are encrypted are counted among the locations, and left out.
///
/// # Errors
/// No letter in it can be read.
pub(crate) fn read_mailbox(bytes: &[u8]) -> Result<Document, Skip> {
    let bytes = as_bytes_of_ascii(bytes)?;
    let mut mailbox = Mailbox::default();
    letters(&bytes).iter().for_each(|letter| mailbox.add(letter));
    let warning = mailbox.warning()?;
    Ok(Document { warning, ..mailbox.take() })
}

/// A mailbox that is being read.
#[derive(Default)]
pub(super) struct Mailbox {
    writer: Writer,
    count: usize,
    left_out: usize,
}

impl Mailbox {
    /// Writes the next letter.
    pub(super) fn add(&mut self, lines: &[u8]) {
        self.count += 1;
        let lines = bounded(lines).unwrap_or_else(|_| {
            LETTERS_WITHIN.met();
            Cow::default()
        });
        let message = MessageParser::default().parse(lines.as_ref()).filter(has_headers);
        let letter = match message.as_ref().map(|message| letter(message, 0)) {
            Some(Ok(letter)) => letter,
            Some(Err(_)) => {
                self.left_out += 1;
                let subject = message.as_ref().and_then(|message| message.subject()).unwrap_or_default().to_owned();
                Letter { subject, body: "(encrypted)".to_owned(), ..Letter::default() }
            }
            // Not skipped, so that the numbers of the locations stay those of the mailbox.
            None => Letter { body: String::from_utf8_lossy(&lines).into_owned(), ..Letter::default() },
        };
        self.writer.letter(&letter, 0);
    }

    /// What has been written and not been taken yet.
    pub(super) fn text(&self) -> &str {
        &self.writer.text
    }

    /// What has been written since the last time.
    pub(super) fn take(&mut self) -> Document {
        self.writer.take()
    }

    /// The warning about the whole mailbox.
    ///
    /// # Errors
    /// No letter in it could be read.
    pub(super) fn warning(&self) -> Result<Option<String>, Skip> {
        match (self.count, self.left_out) {
            (0, _) => Err(Skip::because("no letter in the mailbox")),
            (count, left_out) if count == left_out => Err(encrypted()),
            (_, 0) => Ok(None),
            (count, left_out) => Ok(Some(format!("{left_out} of {count} letters are encrypted"))),
        }
    }
}

/// The letters of a mailbox. One begins after each line of the form `From somebody@somewhere Mon
/// Jan  1 00:00:00 2024` that is first or follows a blank one; `>From ` at the beginning of its
/// lines is `From `.
fn letters(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut starts = Vec::new();
    let mut quoted = false;
    let (mut at, mut after_blank) = (0, true);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if after_blank && begins_letter(line) {
            starts.push((at, at + line.len()));
        }
        quoted |= line.starts_with(b">From ");
        after_blank = line.trim_ascii().is_empty();
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([bytes.len()]).collect();
    let parts = starts.iter().zip(ends).map(|((_, start), end)| &bytes[*start..end]);
    match quoted {
        false => parts.map(Cow::Borrowed).collect(),
        true => parts.map(|part| Cow::Owned(without_quoting(part))).collect(),
    }
}

/// True if this line has the form `From somebody@somewhere Mon Jan  1 00:00:00 2024`.
pub(super) fn begins_letter(line: &[u8]) -> bool {
    line.starts_with(b"From ") && line.contains(&b':')
}

/// A letter as it was before it was put into a mailbox.
pub(super) fn without_quoting(letter: &[u8]) -> Vec<u8> {
    let lines = letter.split_inclusive(|&byte| byte == b'\n');
    lines.map(|line| if line.starts_with(b">From ") { &line[1..] } else { line }).collect::<Vec<_>>().concat()
}

/// Letters are ASCII on the outside; a file that was saved as UTF-16 is made so.
fn as_bytes_of_ascii(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Skip> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes[..bytes.len().min(64)].contains(&0) {
        return Ok(Cow::Owned(decode::text(bytes, None)?.into_bytes()));
    }
    Ok(Cow::Borrowed(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)))
}

fn has_headers(message: &Message) -> bool {
    message.headers().iter().any(|header| !header.name.is_other())
}

fn letter(message: &Message, depth: usize) -> Result<Letter, Skip> {
    if is_encrypted(message) {
        return Err(encrypted());
    }
    let mut body = texts(message, &message.text_body);
    if body.trim().is_empty() {
        body = texts(message, &message.html_body);
    }
    if body.trim_start().starts_with("-----BEGIN PGP MESSAGE-----") {
        return Err(encrypted());
    }
    let in_body: HashSet<&u32> = message.text_body.iter().chain(&message.html_body).collect();
    let attached = message.attachments.iter().filter(|id| !in_body.contains(id));
    Ok(Letter {
        subject: message.subject().unwrap_or_default().to_owned(),
        from: message.from().or(message.sender()).map(names).unwrap_or_default(),
        to: message.to().map(names).unwrap_or_default(),
        copies_to: message.cc().map(names).unwrap_or_default(),
        date: date(message),
        body,
        attached: attached.filter_map(|id| attached_part(message.parts.get(*id as usize)?, depth)).collect(),
    })
}

fn date(message: &Message) -> String {
    match message.date().filter(|date| date.is_valid()) {
        Some(date) => date.to_rfc3339(),
        None => message.header_raw("Date").unwrap_or_default().trim().to_owned(),
    }
}

fn names(address: &Address) -> Vec<String> {
    let named = |addr: &mail_parser::Addr| match (addr.name(), addr.address()) {
        (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    };
    address.iter().map(named).filter(|name| !name.is_empty()).collect()
}

fn texts(message: &Message, ids: &[u32]) -> String {
    let texts = ids.iter().filter_map(|id| text(message.parts.get(*id as usize)?));
    texts.collect::<Vec<_>>().join("\n\n")
}

fn text<'p>(part: &'p MessagePart) -> Option<Cow<'p, str>> {
    match &part.body {
        PartType::Text(text) => Some(as_utf8(text)),
        PartType::Html(page) => Some(Cow::Owned(text_of_html(&as_utf8(page)))),
        _ => None,
    }
}

/// Text that calls itself Latin but was UTF-8: `Ã©` was `é`. Where one character like this is not
/// UTF-8, none is changed.
fn as_utf8(text: &str) -> Cow<'_, str> {
    let (bytes, _, is_other) = WINDOWS_1252.encode(text);
    match String::from_utf8(bytes.into_owned()) {
        Ok(utf8) if !is_other => Cow::Owned(utf8),
        _ => Cow::Borrowed(text),
    }
}

/// Seconds since 1970, as ISO 8601.
pub(super) fn date_of_seconds(seconds: i64) -> String {
    DateTime::from_timestamp(seconds).to_rfc3339()
}

fn attached_part(part: &MessagePart, depth: usize) -> Option<Attached> {
    let name = part.attachment_name().unwrap_or_default().to_owned();
    let content = match &part.body {
        PartType::Message(message) if depth >= MAX_DEPTH => {
            LETTER_DEPTH.met();
            let name = message.subject().unwrap_or_default().to_owned();
            return Some(Attached { name, content: Content::Other });
        }
        PartType::Message(message) => match letter(message, depth + 1) {
            Ok(letter) => Content::Letter(Box::new(letter)),
            Err(_) => Content::Other,
        },
        // What could not be decoded is kept as text, whatever it was.
        PartType::Text(_) if part.content_type().is_some_and(|it| !matches!(it.ctype(), "text" | "message")) => {
            Content::Other
        }
        PartType::Text(_) | PartType::Html(_) => Content::Text(text(part)?.into_owned()),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => match attached_text(&name, bytes) {
            Some(text) => Content::Text(text),
            // Images within the text and signatures are not what somebody attached.
            None if name.is_empty() || name.ends_with(".p7s") => return None,
            None => Content::Other,
        },
        PartType::Multipart(_) => return None,
    };
    Some(Attached { name, content })
}

/// PGP/MIME or S/MIME; what is only signed is not encrypted.
fn is_encrypted(message: &Message) -> bool {
    let Some(content) = message.content_type() else { return false };
    let is =
        |parameter: &str, value: &str| content.attribute(parameter).is_some_and(|it| it.eq_ignore_ascii_case(value));
    match (content.ctype().to_ascii_lowercase().as_str(), content.subtype().unwrap_or_default().to_ascii_lowercase()) {
        ("multipart", subtype) => subtype == "encrypted",
        ("application", subtype) => {
            (subtype == "pkcs7-mime" || subtype == "x-pkcs7-mime") && !is("smime-type", "signed-data")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &[u8] = b"From: =?utf-8?Q?J=C3=B8rn?= <jorn@example.org>\r\nTo: a@example.org, B <b@example.org>\r\n\
        Subject: Of wrens\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n\
        --y\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Wrens are small=E9.\r\n\r\n\r\n\r\n> Are they?\r\n-- \r\nJ\r\n--y\r\nContent-Type: text/html\r\n\r\n<p>Wrens</p>\r\n--y--\r\n\
        --x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nNine eggs.\r\n\
        --x\r\nContent-Type: application/pdf; name=report.pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: Before\r\nFrom: c@example.org\r\n\r\nAsked first.\r\n--x--\r\n";

    #[test]
    fn a_letter_is_read_with_all_that_is_attached() {
        let document = read(LETTER).unwrap();
        let text = "Of wrens\nFrom: Jørn <jorn@example.org>\nTo: a@example.org, B <b@example.org>\n\
            Date: 2026-03-02T10:00:00+01:00\n\nWrens are smallé.\n\n> Are they?\n--\nJ\n\nAttachment: notes.txt\n\nNine eggs.\n\n\
            Attachment: report.pdf\n\nBefore\nFrom: c@example.org\n\nAsked first.\n";
        assert_eq!(document.text, text);
        let paths: Vec<_> = document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Of wrens", "Of wrens > Before"]);
        assert_eq!(document.locations.unwrap().len(), text.split('\n').count());
        let keys: Vec<_> = document.metadata.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["subject", "from", "to", "to", "date"]);
    }

    #[test]
    fn what_is_left_out_of_a_letter_is_told() {
        let warning = |letter: &str| crate::read("a.eml", letter.as_bytes()).unwrap().warning;
        let attached = |text: &str| {
            format!("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\n{text}\n--x--\n")
        };
        let letter = |to: &str, attached: &str| {
            format!("Subject: S\nTo: {to}\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nText.\n--x\n{attached}")
        };
        assert_eq!(warning(&letter("a@b", &attached("short"))), None);
        let told = warning(&letter(&"a@b, ".repeat(60), &attached(&"long line\n".repeat(120_000)))).unwrap();
        assert_eq!(told, "not read whole: more than 50 addressees, more than 1 MiB of an attached text");
        let nested = (0..7).fold("Subject: last\n\nText.\n".to_owned(), |inner, depth| {
            format!("Subject: {depth}\nContent-Type: multipart/mixed; boundary=x{depth}\n\n--x{depth}\nContent-Type: message/rfc822\n\n{inner}\n--x{depth}--\n")
        });
        assert_eq!(warning(&nested).as_deref(), Some("not read whole: more than 4 letters within each other"));
    }

    #[test]
    fn a_mailbox_is_its_letters_in_order() {
        let mailbox =
            b"From a@b Mon Jan  1 00:00:00 2024\nSubject: One\n\nFirst.\n>From here on\nFrom now on: not a letter\n\n\
            From a@b Mon Jan  1 00:00:00 2024\nContent-Type: multipart/encrypted; boundary=x\n\n--x--\n\n\
            From a@b Mon Jan  1 00:00:00 2024\nSubject: Two\n\nLast.\n";
        let document = read_mailbox(mailbox).unwrap();
        let locations = document.locations.as_ref().unwrap();
        let lines: Vec<_> = document
            .text
            .split('\n')
            .zip(locations)
            .filter(|it| !it.0.is_empty())
            .map(|it| format!("{} {}", it.1, it.0))
            .collect();
        let wanted = [
            "1 One",
            "1 First.",
            "1 From here on",
            "1 From now on: not a letter",
            "2 (no subject)",
            "2 (encrypted)",
            "3 Two",
            "3 Last.",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(document.sections.len(), 3);
        assert_eq!(document.warning.as_deref(), Some("1 of 3 letters are encrypted"));
        assert!(read_mailbox(b"no letters").is_err());
    }

    #[test]
    fn html_is_read_where_there_is_no_plain_text_and_the_encrypted_is_not() {
        let page = b"Subject: S\nContent-Type: text/html\n\n<title>T</title><p>One</p><p>Two</p>";
        assert_eq!(read(page).unwrap().text, "S\n\nOne\n\nTwo\n");
        let wrong = "Subject: S\nContent-Type: text/plain; charset=iso-8859-1\n\nIt’s é.".as_bytes();
        assert_eq!(read(wrong).unwrap().text, "S\n\nIt’s é.\n");
        let image =
            b"Subject: S\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/png; name=a.png\n\
            Content-Transfer-Encoding: base64\n\n[cut]\n--x--\n";
        assert_eq!(read(image).unwrap().text, "S\n\nAttachment: a.png\n");
        let sealed = b"Subject: S\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB";
        assert_eq!(read(sealed).unwrap_err().reason, "encrypted");
        assert_eq!(read(b"just words").unwrap().warning.as_deref(), Some("no headers of mail: read as text"));
    }
}
