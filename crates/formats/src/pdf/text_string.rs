//! Decodes the strings of a PDF that are meant for people, such as titles.

use encoding_rs::UTF_16BE;

/// Decodes a text string: UTF-16 or UTF-8 with a byte order mark, else PDFDocEncoding.
pub(super) fn text_string(bytes: &[u8]) -> String {
    /// The characters from 0x80 on.
    const HIGH: [char; 32] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', ' ',
    ];
    match bytes {
        [0xFE, 0xFF, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes
            .iter()
            .filter_map(|&byte| match byte {
                b'\t' | b'\n' | b'\r' => Some(' '),
                0..0x20 | 0x7F => None,
                0x80..0xA0 => Some(HIGH[usize::from(byte - 0x80)]),
                0xA0 => Some('€'),
                _ => Some(char::from(byte)),
            })
            .collect(),
    }
}
