//! Letters as Outlook saves them (MSG): a compound file whose streams are the properties of a
//! message (MS-OXMSG).

use encoding_rs::Encoding;

use super::internet::date_of_seconds;
use super::letter::{Attached, Content, Letter, attached_text, document, encrypted, text_of_html};
use crate::charset::Charset;
use crate::compound::Compound;
use crate::decode;
use crate::document::Document;
use crate::limits::{LETTER_DEPTH, OUTLOOK_PARTS};
use crate::skip::Skip;

/// Letters within letters, as deep as they are shown.
const MAX_DEPTH: usize = super::letter::MAX_DEPTH;

// Identifiers of properties (MS-OXPROPS).
const MESSAGE_CLASS: u16 = 0x001A;
const SUBJECT: u16 = 0x0037;
const SUBMITTED: u16 = 0x0039;
const TRANSPORT_HEADERS: u16 = 0x007D;
const DELIVERED: u16 = 0x0E06;
const SENDER_NAME: u16 = 0x0C1A;
const SENDER_ADDRESS: u16 = 0x0C1F;
const SENDER_SMTP: u16 = 0x5D01;
const RECIPIENT_KIND: u16 = 0x0C15;
const DISPLAY_CC: u16 = 0x0E03;
const DISPLAY_TO: u16 = 0x0E04;
const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
const DISPLAY_NAME: u16 = 0x3001;
const ADDRESS: u16 = 0x3003;
const SMTP_ADDRESS: u16 = 0x39FE;
const ATTACHED_DATA: u16 = 0x3701;
const ATTACHED_SHORT_NAME: u16 = 0x3704;
const ATTACHED_NAME: u16 = 0x3707;
const ATTACHED_TYPE: u16 = 0x370E;
const CODE_PAGE: u16 = 0x3FFD;

/// Reads one letter.
///
/// # Errors
/// The file is damaged, holds no letter, or is encrypted.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Skip> {
    let file = Compound::open(bytes).map_err(|_| Skip::because("damaged Outlook message"))?;
    let mut store = Store { file, left_bytes: 4 * bytes.len() as u64 };
    if !store.file.exists("/__properties_version1.0") {
        return Err(Skip::because("not an Outlook message"));
    }
    let letter = letter(&mut store, "/", 0)?;
    let mut document = document(&letter);
    if letter.body.is_empty() && store.file.exists(&format!("/__substg1.0_{BODY_RTF:04X}0102")) {
        document.warning = Some("its text is only there as RTF, which is not read".to_owned());
    }
    document.warning = document.warning.or_else(|| store.file.warning());
    Ok(document)
}

struct Store<'b> {
    file: Compound<'b>,
    /// The bytes that may still be read: in a damaged file, many streams may share the same bytes.
    left_bytes: u64,
}

impl Store<'_> {
    fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        let bytes = self.file.stream(path)?;
        self.left_bytes = self.left_bytes.checked_sub(bytes.len() as u64)?;
        Some(bytes)
    }

    /// The storages in `folder` whose names begin so: its recipients, its attachments.
    fn parts(&self, folder: &str, prefix: &str) -> Vec<String> {
        let names = self.file.folders(folder).filter(|name| name.to_lowercase().starts_with(prefix));
        let mut parts: Vec<String> = names.map(|name| format!("{folder}{name}/")).collect();
        if parts.len() > OUTLOOK_PARTS.most {
            OUTLOOK_PARTS.met();
            parts.truncate(OUTLOOK_PARTS.most);
        }
        parts
    }
}

/// The properties of one object: a message, a recipient, an attachment.
struct Object<'s, 'b> {
    store: &'s mut Store<'b>,
    folder: &'s str,
    /// Those of fixed size: identifier and value.
    fixed: Vec<(u16, u64)>,
    encoding: Option<&'static Encoding>,
}

impl<'s, 'b> Object<'s, 'b> {
    fn open(store: &'s mut Store<'b>, folder: &'s str, encoding: Option<&'static Encoding>) -> Self {
        let stream = store.stream(&format!("{folder}__properties_version1.0")).unwrap_or_default();
        // Its header is shorter in objects within others; its entries are always 16 bytes, so count
        // from the end.
        let entries = stream[stream.len() % 16..].chunks_exact(16);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let fixed: Vec<(u16, u64)> =
            entries.map(|entry| (number(&entry[2..4]) as u16, number(&entry[8..16]))).collect();
        let own = fixed.iter().find(|(id, _)| *id == CODE_PAGE).and_then(|(_, page)| of_code_page(*page as u32));
        Object { store, folder, fixed, encoding: own.or(encoding) }
    }

    fn fixed(&self, wanted: u16) -> Option<u64> {
        self.fixed.iter().find(|(id, _)| *id == wanted).map(|(_, value)| *value)
    }

    fn bytes(&mut self, id: u16) -> Option<Vec<u8>> {
        self.store.stream(&format!("{}__substg1.0_{id:04X}0102", self.folder))
    }

    /// A text, whether it is kept as Unicode or in a code page; empty where there is none.
    fn text(&mut self, id: u16) -> String {
        let text = if let Some(bytes) = self.store.stream(&format!("{}__substg1.0_{id:04X}001F", self.folder)) {
            encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned()
        } else if let Some(bytes) = self.store.stream(&format!("{}__substg1.0_{id:04X}001E", self.folder)) {
            let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
            decode::text(bytes, self.encoding.map(Charset::Standard)).unwrap_or_default()
        } else {
            String::new()
        };
        text.trim_matches('\0').to_owned()
    }

    fn first_text(&mut self, ids: &[u16]) -> String {
        ids.iter().map(|id| self.text(*id)).find(|text| !text.is_empty()).unwrap_or_default()
    }
}

fn letter(store: &mut Store, folder: &str, depth: usize) -> Result<Letter, Skip> {
    let recipients = store.parts(folder, "__recip_version1.0_");
    let attachments = store.parts(folder, "__attach_version1.0_");
    let mut message = Object::open(store, folder, None);
    let encoding = message.encoding;
    let class = message.text(MESSAGE_CLASS).to_uppercase();
    let headers = message.text(TRANSPORT_HEADERS).to_lowercase();
    let sealed = headers.contains("multipart/encrypted") || headers.contains("smime-type=enveloped-data");
    if sealed || (class.contains(".SMIME") && !class.ends_with("MULTIPARTSIGNED")) {
        return Err(encrypted());
    }
    let mut body = message.text(BODY);
    if body.trim().is_empty() {
        let page = message.bytes(BODY_HTML).unwrap_or_default();
        let page = decode::text(&page, decode::declared_encoding(&page).or(encoding.map(Charset::Standard)))
            .unwrap_or_default();
        body = text_of_html(&page);
    }
    let sender = message.first_text(&[SENDER_SMTP, SENDER_ADDRESS]);
    let from = person(&message.text(SENDER_NAME), &sender);
    let date = message.fixed(SUBMITTED).or(message.fixed(DELIVERED)).and_then(date).unwrap_or_default();
    let subject = message.text(SUBJECT);
    let shown = [DISPLAY_TO, DISPLAY_CC].map(|id| message.text(id));
    let mut to_and_cc = [Vec::new(), Vec::new()];
    for folder in &recipients {
        let mut recipient = Object::open(store, folder, encoding);
        let address = recipient.first_text(&[SMTP_ADDRESS, ADDRESS]);
        // 1 is To, 2 is Cc; blind copies are not shown to their readers either.
        if let Some(kind @ 1..=2) = recipient.fixed(RECIPIENT_KIND).map(|kind| kind & 0xFFFF_FFFF) {
            to_and_cc[kind as usize - 1].extend(person(&recipient.text(DISPLAY_NAME), &address));
        }
    }
    for (found, shown) in to_and_cc.iter_mut().zip(shown) {
        if found.is_empty() {
            found.extend(shown.split(';').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()));
        }
    }
    let attached: Result<Vec<_>, Skip> =
        attachments.iter().map(|folder| attachment(store, folder, encoding, depth)).collect();
    let [to, copies_to] = to_and_cc;
    Ok(Letter { subject, from: from.into_iter().collect(), to, copies_to, date, body, attached: attached? })
}

fn attachment(
    store: &mut Store,
    folder: &str,
    encoding: Option<&'static Encoding>,
    depth: usize,
) -> Result<Attached, Skip> {
    let inner = format!("{folder}__substg1.0_{ATTACHED_DATA:04X}000D/");
    let mut object = Object::open(store, folder, encoding);
    let name = object.first_text(&[ATTACHED_NAME, ATTACHED_SHORT_NAME, DISPLAY_NAME]);
    let media_type = object.text(ATTACHED_TYPE).to_lowercase();
    // The letter itself, under PGP or a company's protection of rights.
    if media_type == "application/pgp-encrypted" || name.ends_with(".rpmsg") {
        return Err(encrypted());
    }
    if store.file.exists(&format!("{inner}__properties_version1.0")) {
        if depth >= MAX_DEPTH {
            LETTER_DEPTH.met();
            return Ok(Attached { name, content: Content::Other });
        }
        let content = letter(store, &inner, depth + 1).map_or(Content::Other, |it| Content::Letter(Box::new(it)));
        return Ok(Attached { name, content });
    }
    let text = store
        .stream(&format!("{folder}__substg1.0_{ATTACHED_DATA:04X}0102"))
        .and_then(|bytes| attached_text(&name, &bytes));
    Ok(Attached { name, content: text.map_or(Content::Other, Content::Text) })
}

/// A name and an address, where they are there and not the same. Addresses within an Exchange
/// server say nothing to people.
fn person(name: &str, address: &str) -> Option<String> {
    let address = if address.contains('@') { address } else { "" };
    match (name.trim().trim_matches('\''), address) {
        ("", "") => None,
        ("", address) => Some(address.to_owned()),
        (name, "") => Some(name.to_owned()),
        (name, address) if name == address => Some(name.to_owned()),
        (name, address) => Some(format!("{name} <{address}>")),
    }
}

/// Tenths of microseconds since 1601, as ISO 8601. Mail is younger than 1970.
fn date(value: u64) -> Option<String> {
    const EPOCH_SECONDS: i64 = 11_644_473_600;
    const LAST_SECONDS: i64 = 253_402_300_799;
    let seconds = i64::try_from(value / 10_000_000).ok()? - EPOCH_SECONDS;
    (0..=LAST_SECONDS).contains(&seconds).then(|| date_of_seconds(seconds))
}

fn of_code_page(page: u32) -> Option<&'static Encoding> {
    let label = match page {
        874 | 1250..=1258 => format!("windows-{page}"),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        20866 => "koi8-r".to_owned(),
        28591..=28605 => format!("iso-8859-{}", page - 28590),
        65001 => "utf-8".to_owned(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compound::tests::compound;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    /// The stream of properties of fixed size.
    fn fixed(header: usize, values: &[(u16, u64)]) -> Vec<u8> {
        let entry = |(id, value): &(u16, u64)| [&[3, 0][..], &id.to_le_bytes(), &[0; 4], &value.to_le_bytes()].concat();
        [vec![0; header], values.iter().flat_map(entry).collect()].concat()
    }

    fn message(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let streams: Vec<_> = streams.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
        compound(&streams)
    }

    fn example() -> Vec<u8> {
        let inner = "__attach_version1.0_#00000001/__substg1.0_3701000D";
        message(&[
            ("__properties_version1.0", fixed(32, &[(SUBMITTED, 134_169_156_000_000_000), (CODE_PAGE, 1252)])),
            ("__substg1.0_0037001F", utf16("Of wrens")),
            ("__substg1.0_0C1A001E", b"J\xf8rn\0".to_vec()),
            ("__substg1.0_0C1F001F", utf16("jorn@example.org")),
            ("__substg1.0_10130102", b"<html><p>Wrens are small.</p></html>".to_vec()),
            ("__recip_version1.0_#00000000/__properties_version1.0", fixed(8, &[(RECIPIENT_KIND, 1)])),
            ("__recip_version1.0_#00000000/__substg1.0_3001001F", utf16("Ann")),
            ("__attach_version1.0_#00000000/__properties_version1.0", fixed(8, &[])),
            ("__attach_version1.0_#00000000/__substg1.0_3707001F", utf16("notes.txt")),
            ("__attach_version1.0_#00000000/__substg1.0_37010102", b"Nine eggs.".to_vec()),
            (&format!("{inner}/__properties_version1.0"), fixed(24, &[])),
            (&format!("{inner}/__substg1.0_0037001F"), utf16("Before")),
            (&format!("{inner}/__substg1.0_1000001F"), utf16("Asked first.\r\n")),
        ])
    }

    #[test]
    fn properties_become_a_letter() {
        let document = read(&example()).unwrap();
        let text = "Of wrens\nFrom: Jørn <jorn@example.org>\nTo: Ann\nDate: 2026-03-02T09:00:00Z\n\nWrens are small.\n\n\
            Attachment: notes.txt\n\nNine eggs.\n\nBefore\n\nAsked first.\n";
        assert_eq!(document.text, text);
        assert_eq!(document.sections[1].headings, ["Of wrens", "Before"]);
    }

    #[test]
    fn what_is_no_letter_or_is_encrypted_says_so() {
        let reason = |bytes: &[u8]| read(bytes).unwrap_err().reason;
        assert_eq!(reason(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "damaged Outlook message");
        assert_eq!(reason(&message(&[("WordDocument", vec![1])])), "not an Outlook message");
        let class = ("__substg1.0_001A001F", utf16("IPM.Note.SMIME"));
        assert_eq!(reason(&message(&[("__properties_version1.0", fixed(32, &[])), class])), "encrypted");
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_read_or_not(changes in prop::collection::vec((0.0..1.0, any::<u8>()), 1..20)) {
            let mut bytes = example();
            for (at, byte) in changes {
                let at = (at * bytes.len() as f64) as usize;
                bytes[at] = byte;
            }
            let _ = read(&bytes);
        }
    }
}
