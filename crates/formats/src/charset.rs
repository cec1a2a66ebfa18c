//! Guesses the encoding of bytes: the one in which the fewest characters stand where no language
//! has them.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding};
use oem_cp::code_table::{DECODING_TABLE_CP437, DECODING_TABLE_CP850, DECODING_TABLE_CP852, DECODING_TABLE_CP855};

/// The bytes of a file that decodings are compared on.
const SAMPLE_BYTES: usize = 1 << 16;
/// A first guess is taken with up to this share of odd characters among those beyond ASCII.
const SOMEWHAT_ODD: f32 = 0.015;
/// Nothing is taken with more than this, if there is enough to judge by.
const TOO_ODD: f32 = 0.12;
const ENOUGH: usize = 30;
/// Text of fewer characters beyond ASCII says too little about its encoding.
const FEW: usize = 10;

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Charset {
    /// One of the Encoding Standard's.
    Standard(&'static Encoding),
    /// A code page of DOS that is not among them: its name and its upper half.
    Dos(&'static str, &'static [char; 128]),
}

impl Charset {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Charset::Standard(encoding) => encoding.name(),
            Charset::Dos(name, _) => name,
        }
    }

    /// The text of `bytes`; what cannot be decoded is U+FFFD.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Charset::Standard(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Charset::Dos(_, upper_half) => oem_cp::decode_string_complete_table(bytes, upper_half),
        }
    }

    /// Decodes the next bytes of a stream onto the end of `text`; `decoder` keeps what they leave
    /// unfinished. Gives whether all of them fitted.
    pub(crate) fn decode_more(
        self,
        decoder: &mut Option<Decoder>,
        bytes: &[u8],
        is_last: bool,
        text: &mut String,
    ) -> bool {
        let encoding = match self {
            Charset::Standard(encoding) => encoding,
            Charset::Dos(..) => {
                text.push_str(&self.decode(bytes));
                return true;
            }
        };
        let decoder = decoder.get_or_insert_with(|| encoding.new_decoder_without_bom_handling());
        let (mut left, mut all_fit) = (bytes, true);
        loop {
            text.reserve(decoder.max_utf8_buffer_length(left.len()).unwrap_or(left.len()));
            let (end, read, had_misfits) = decoder.decode_to_string(left, text, is_last);
            left = &left[read..];
            all_fit &= !had_misfits;
            if end == CoderResult::InputEmpty {
                return all_fit;
            }
        }
    }

    /// The one that a file names, by the names of the Encoding Standard and others.
    pub(crate) fn for_label(label: &str) -> Option<Charset> {
        let standard = Encoding::for_label(label.as_bytes()).map(Charset::Standard);
        standard.or_else(|| {
            let label = label.to_ascii_lowercase();
            let label = label.strip_prefix("x-").unwrap_or(&label);
            let number = ["cp", "ibm", "dos-"].iter().find_map(|prefix| label.strip_prefix(prefix));
            match (label, number.map(|number| number.trim_start_matches('-'))) {
                (_, Some("437")) => Some(DOS_437),
                (_, Some("850" | "858")) => Some(DOS_850),
                (_, Some("852")) => Some(DOS_852),
                (_, Some("855")) => Some(DOS_855),
                (_, Some("949")) => Some(Charset::Standard(encoding_rs::EUC_KR)),
                (_, Some("932")) => Some(Charset::Standard(encoding_rs::SHIFT_JIS)),
                (_, Some("936")) => Some(Charset::Standard(encoding_rs::GBK)),
                (_, Some("950")) => Some(Charset::Standard(encoding_rs::BIG5)),
                ("maccyrillic" | "mac_cyrillic", _) => Some(Charset::Standard(encoding_rs::X_MAC_CYRILLIC)),
                ("macroman" | "mac_roman" | "mac-roman", _) => Some(Charset::Standard(encoding_rs::MACINTOSH)),
                _ => None,
            }
        })
    }
}

const DOS_437: Charset = Charset::Dos("IBM437", &DECODING_TABLE_CP437);
const DOS_850: Charset = Charset::Dos("IBM850", &DECODING_TABLE_CP850);
const DOS_852: Charset = Charset::Dos("IBM852", &DECODING_TABLE_CP852);
const DOS_855: Charset = Charset::Dos("IBM855", &DECODING_TABLE_CP855);

/// The encodings that are tried if the first guess reads oddly; of equally good ones the first is
/// taken.
const OTHERS: &[Charset] = &[
    Charset::Standard(encoding_rs::WINDOWS_1252),
    Charset::Standard(encoding_rs::WINDOWS_1250),
    Charset::Standard(encoding_rs::WINDOWS_1251),
    DOS_850,
    DOS_437,
    Charset::Standard(encoding_rs::MACINTOSH),
    DOS_852,
    Charset::Standard(encoding_rs::IBM866),
    Charset::Standard(encoding_rs::KOI8_U),
    Charset::Standard(encoding_rs::ISO_8859_5),
    Charset::Standard(encoding_rs::X_MAC_CYRILLIC),
    DOS_855,
    Charset::Standard(encoding_rs::ISO_8859_2),
    Charset::Standard(encoding_rs::WINDOWS_1254),
    Charset::Standard(encoding_rs::WINDOWS_1253),
];

/// The probable encoding of bytes that do not state it.
#[derive(Debug)]
pub(crate) struct Guess {
    pub(crate) charset: Charset,
    /// True if there was little evidence, or the first guess was revised.
    pub(crate) doubtful: bool,
}

/// Guesses the encoding of `bytes`; `None` where no decoding reads like text.
pub(crate) fn guess(bytes: &[u8]) -> Option<Guess> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let first = Charset::Standard(detector.guess(None, Utf8Detection::Allow));
    let sample = sample(bytes);
    let judge = |charset: Charset| judge(&charset.decode(sample));
    let found = judge(first);
    if found.share() <= SOMEWHAT_ODD {
        // Where another reading is no odder, a few characters do not tell.
        let doubtful = found.beyond_ascii < FEW && {
            let text = first.decode(sample);
            let others = OTHERS.iter().map(|charset| charset.decode(sample)).filter(|other| *other != text);
            others.map(|other| self::judge(&other)).any(|other| other.odd <= found.odd)
        };
        return Some(Guess { charset: first, doubtful });
    }
    let others = OTHERS.iter().filter(|&&charset| charset != first).map(|&charset| (charset, judge(charset)));
    let better = others.filter(|(_, other)| other.share() < found.share() / 2.0);
    let best = better.min_by(|(_, one), (_, other)| one.rank().total_cmp(&other.rank()));
    let (charset, share) = best.map_or((first, found.share()), |(charset, other)| (charset, other.share()));
    (share <= TOO_ODD || found.beyond_ascii < ENOUGH).then_some(Guess { charset, doubtful: true })
}

/// A part of the file with enough beyond ASCII in it.
fn sample(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    let line_start = bytes[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    &bytes[line_start..bytes.len().min(line_start.saturating_add(SAMPLE_BYTES))]
}

/// How a decoding reads.
#[derive(Debug, Default)]
struct Judgement {
    beyond_ascii: usize,
    odd: f32,
    /// The letters beyond ASCII that are the most common.
    common: usize,
}

impl Judgement {
    fn share(&self) -> f32 {
        self.odd / self.beyond_ascii.max(1) as f32
    }

    /// The smaller, the better; of two that are as odd, the one with more common letters.
    fn rank(&self) -> f32 {
        self.share() - 0.05 * self.common as f32 / self.beyond_ascii.max(1) as f32
    }
}

/// Counts the characters that stand where they do in no language: symbols in words, capitals after
/// small letters, two scripts in a word, words of nothing but accents. Where letters or syllables
/// that make up most of any text are rare, all of them are odd.
fn judge(text: &str) -> Judgement {
    let mut judgement = Judgement::default();
    let mut scripts = Scripts::default();
    let mut before = [' '; 2];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        scripts.count(character);
        if !character.is_ascii() {
            judgement.beyond_ascii += 1;
            judgement.odd += oddity(before, character, after);
            judgement.common += usize::from("äöüßéèêàáâãçñóôõíúù".contains(lower(character)));
        } else if script(before[1]).is_some() && !before[1].is_ascii() && character.is_ascii_uppercase() {
            judgement.odd += f32::from(u8::from(before[1].is_lowercase()));
        }
        before = [before[1], character];
    }
    // Serbian and Macedonian have letters that Russian, Ukrainian and Bulgarian do not have, and
    // the other way round.
    judgement.odd += 4.0 * scripts.southern.min(scripts.eastern) as f32;
    if scripts.are_improbable() {
        judgement.odd = judgement.beyond_ascii as f32;
    }
    judgement
}

fn oddity(before: [char; 2], character: char, after: char) -> f32 {
    let rare =
        matches!(character, '\u{80}'..='\u{24f}') && character.is_alphabetic() && !LATIN.contains(lower(character));
    match (is_odd(before, character, after), rare) {
        (true, _) => 1.0,
        (false, true) => 0.25,
        (false, false) => 0.0,
    }
}

/// The letters beyond ASCII of languages written in Latin letters, but for those of Vietnamese with
/// two marks.
const LATIN: &str = "ªºµßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþœąćęłńóśźżčďěňřšťůžőűăâîşţșțđğıi̇āēģīķļņōŗūėįųơưĉĝĥĵŝŭċġħż";

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

fn is_odd(before: [char; 2], character: char, after: char) -> bool {
    let [second_before, before] = before;
    let in_word = before.is_alphabetic() && after.is_alphabetic();
    match character {
        '\u{80}'..='\u{9f}' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' => true,
        '\u{a0}' | '\u{ad}' | 'µ' | 'ª' | 'º' | '’' | '‘' | '´' | '–' | '—' | '‐' | '…' | '·' => false,
        '“' | '”' => in_word,
        '„' | '‚' | '‹' | '¿' | '¡' | '£' | '¥' | '¢' | '§' => before.is_alphabetic(),
        '†' | '‡' | '\u{2500}'..='\u{259f}' => before.is_alphabetic() || after.is_alphabetic(),
        '«' | '»' | '€' | '™' | '®' | '©' => in_word,
        _ => match script(character) {
            Some(own) => {
                let other = script(before).is_some_and(|other| other != own);
                let next_to_digit = own != Script::Other && (before.is_ascii_digit() || after.is_ascii_digit());
                let capital_inside = character.is_uppercase() && before.is_lowercase();
                let third_accent = own == Script::Latin
                    && [second_before, before].iter().all(|it| !it.is_ascii() && script(*it) == Some(Script::Latin));
                other || next_to_digit || capital_inside || third_accent
            }
            // Marks of Thai, Arabic and others belong in words.
            None => in_word && u32::from(character) < 0x300,
        },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Other,
}

/// The script of a letter; `None` for what is not one, or where scripts mix freely.
fn script(character: char) -> Option<Script> {
    match character {
        _ if !character.is_alphabetic() => None,
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Script::Latin),
        '\u{370}'..='\u{3ff}' => Some(Script::Greek),
        '\u{400}'..='\u{52f}' => Some(Script::Cyrillic),
        '\u{530}'..='\u{8ff}' => Some(Script::Other),
        _ => None,
    }
}

/// How many letters of each kind a text has, and how many of these are common in its languages.
#[derive(Debug, Default)]
struct Scripts {
    latin: usize,
    accented: usize,
    cyrillic: [usize; 2],
    eastern: usize,
    southern: usize,
    hangul: [usize; 2],
    han: [usize; 2],
    kana: usize,
}

impl Scripts {
    fn count(&mut self, character: char) {
        let add = |[all, common]: &mut [usize; 2], list: &str| {
            *all += 1;
            *common += usize::from(list.contains(character));
        };
        match character {
            'a'..='z' | 'A'..='Z' => self.latin += 1,
            '\u{c0}'..='\u{24f}' => self.accented += 1,
            '\u{400}'..='\u{52f}' => {
                self.eastern += usize::from("яыьщюэйъ".contains(character));
                self.southern += usize::from("ЂЃЉЊЌЋЏЅђѓљњќћџѕ".contains(character));
                add(&mut self.cyrillic, "оеаинтсрвлОЕАИНТСРВЛ");
            }
            '\u{ac00}'..='\u{d7a3}' => {
                add(&mut self.hangul, "이다는의에을가고하지로기은사한도서를인리자수대시어나일아스정");
            }
            '\u{4e00}'..='\u{9fff}' => add(
                &mut self.han,
                "的一是不了在有人我他這这個个們们中來来上大為为和國国地到以說说時时要就出會会可也你對对生能而子那得于於著着下自之年",
            ),
            '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}' => self.kana += 1,
            _ => {}
        }
    }

    fn are_improbable(&self) -> bool {
        let rare =
            |[all, common]: [usize; 2], enough: usize, percent: usize| all >= enough && common * 100 < all * percent;
        let mostly_accents = self.accented > 8 && self.accented > self.latin;
        let chinese = self.kana * 10 < self.han[0] && self.hangul[0] < self.han[0];
        mostly_accents || rare(self.cyrillic, 30, 40) || rare(self.hangul, 40, 12) || (chinese && rare(self.han, 60, 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{KOI8_U, MACINTOSH, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, X_MAC_CYRILLIC};

    fn dos(table: &[char; 128], text: &str) -> Vec<u8> {
        let byte = |c: char| table.iter().position(|&it| it == c).map_or(c as u8, |at| 128 + at as u8);
        text.chars().map(byte).collect()
    }

    #[test]
    fn encodings_are_told_by_what_reads_well() {
        let russian =
            "Москва — столица России. Как он считал, это наносит вред самому духу учёбы и творческому мышлению.";
        let german = "Die Straße führt über Köln, wo schöne Häuser und große Bäume stehen; später wird es kühler.";
        let french =
            "L'été dernier, nous avons été à la plage avec élèves et professeurs, près d'un café très agréable.";
        let czech = "Příliš žluťoučký kůň úpěl ďábelské ódy a všichni naši přátelé ještě čekali na večeři.";
        let plain_russian = russian.replace('—', "-");
        let cases = [
            (WINDOWS_1251.encode(russian).0.into_owned(), russian),
            (X_MAC_CYRILLIC.encode(russian).0.into_owned(), russian),
            (KOI8_U.encode(&plain_russian).0.into_owned(), plain_russian.as_str()),
            (dos(&DECODING_TABLE_CP855, &plain_russian), plain_russian.as_str()),
            (WINDOWS_1252.encode(german).0.into_owned(), german),
            (dos(&DECODING_TABLE_CP850, german), german),
            (MACINTOSH.encode(french).0.into_owned(), french),
            (dos(&DECODING_TABLE_CP437, french), french),
            (WINDOWS_1250.encode(czech).0.into_owned(), czech),
        ];
        for (number, (bytes, text)) in cases.iter().enumerate() {
            let guess = guess(bytes).map(|guess| guess.charset);
            let decoded = guess.map(|charset| charset.decode(bytes));
            assert_eq!(decoded.as_deref(), Some(*text), "case {number}: {guess:?}");
        }
        let apostrophes = "It´s what they don´t see. ".repeat(40);
        let (apostrophes, ..) = WINDOWS_1252.encode(&apostrophes);
        assert_eq!(guess(&apostrophes).map(|guess| guess.charset), Some(Charset::Standard(WINDOWS_1252)));
        let (tiny, ..) = WINDOWS_1252.encode("## können\n\näöüß\n");
        assert_eq!(guess(&tiny).map(|guess| guess.charset), Some(Charset::Standard(WINDOWS_1252)));
        let japanese = "日本語のテキストはひらがなと漢字で書かれています。";
        let guess = guess(&SHIFT_JIS.encode(japanese).0).unwrap();
        assert_eq!(guess.charset, Charset::Standard(SHIFT_JIS));
    }

    #[test]
    fn what_reads_like_no_language_is_not_taken() {
        let noise: Vec<u8> = (0..600u32).map(|n| 0x80 + (n.wrapping_mul(2_654_435_761) >> 25) as u8).collect();
        assert!(guess(&noise).is_none());
    }

    #[test]
    fn names_beyond_the_standard_are_known() {
        let known = [("IBM855", "IBM855"), ("cp437", "IBM437"), ("MacCyrillic", "x-mac-cyrillic"), ("cp949", "EUC-KR")];
        for (label, name) in known {
            assert_eq!(Charset::for_label(label).map(Charset::name), Some(name), "{label}");
        }
        assert_eq!(Charset::for_label("klingon"), None);
    }
}
