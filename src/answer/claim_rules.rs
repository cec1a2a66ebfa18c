//! Hard rules for a claim and the text that should support it: numbers, codes, names, dates,
//! negations and opposites. A trained model misses small changes that these see.

use std::collections::HashSet;

use serde::Serialize;

use crate::text::{content_words, is_stop_word, sentences, words};

/// What speaks against a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// No text has this number or code.
    Missing(String),
    /// No text has this name.
    MissingName(String),
    /// What the claim says of this number, code or name, the text says of another one.
    SaidOfAnother(String),
    /// The sentence that says all the rest says it of something else; this word stands elsewhere.
    OtherSubject(String),
    /// Two names have changed places.
    Swapped(String),
    /// The claim or the text is negated, and the other is not.
    Negation,
    /// The claim has this word, and the text has its opposite in its place.
    Opposite(String),
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Conflict::Missing(what) | Conflict::MissingName(what) => write!(f, "the source does not have \"{what}\""),
            Conflict::SaidOfAnother(what) => write!(f, "the source says it of something else than \"{what}\""),
            Conflict::OtherSubject(word) => write!(f, "the source says it of something else than \"{word}\""),
            Conflict::Swapped(names) => write!(f, "the source has {names} the other way round"),
            Conflict::Negation => f.write_str("one of them is negated"),
            Conflict::Opposite(word) => write!(f, "the source says the opposite of \"{word}\""),
        }
    }
}

const NUMBER_WORDS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const NEGATIONS: [&str; 13] = [
    "not",
    "no",
    "never",
    "none",
    "nobody",
    "nothing",
    "neither",
    "nor",
    "cannot",
    "forbidden",
    "prohibited",
    "refuses",
    "refused",
];

/// A clause is about the same matter as a claim if it has this share of its words.
const SAME_MATTER: f32 = 0.75;

/// Words, each with its opposite.
const OPPOSITES: [(&str, &str); 53] = [
    ("first", "last"),
    ("before", "after"),
    ("more", "less"),
    ("more", "fewer"),
    ("most", "least"),
    ("larger", "smaller"),
    ("largest", "smallest"),
    ("higher", "lower"),
    ("highest", "lowest"),
    ("increase", "decrease"),
    ("increased", "decreased"),
    ("increases", "decreases"),
    ("rises", "falls"),
    ("rose", "fell"),
    ("north", "south"),
    ("east", "west"),
    ("northern", "southern"),
    ("eastern", "western"),
    ("early", "late"),
    ("earlier", "later"),
    ("older", "younger"),
    ("oldest", "youngest"),
    ("won", "lost"),
    ("begins", "ends"),
    ("began", "ended"),
    ("starts", "stops"),
    ("started", "stopped"),
    ("opened", "closed"),
    ("allowed", "forbidden"),
    ("accepted", "rejected"),
    ("approved", "rejected"),
    ("above", "below"),
    ("inside", "outside"),
    ("internal", "external"),
    ("major", "minor"),
    ("maximum", "minimum"),
    ("always", "never"),
    ("public", "private"),
    ("enabled", "disabled"),
    ("added", "removed"),
    ("bought", "sold"),
    ("better", "worse"),
    ("best", "worst"),
    ("faster", "slower"),
    ("fastest", "slowest"),
    ("longer", "shorter"),
    ("left", "right"),
    ("supports", "opposes"),
    ("included", "excluded"),
    ("includes", "excludes"),
    ("required", "optional"),
    ("same", "different"),
    ("success", "failure"),
];

/// A number, a code or a name of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Anchor {
    kind: AnchorKind,
    /// As it is written.
    text: String,
    /// As it is compared.
    key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnchorKind {
    Number,
    Code,
    Name,
}

/// What speaks against `claim` at a place whose text is `evidence`.
pub(super) fn conflicts(claim: &str, evidence: &str) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = Vec::new();
    found.extend(said_of_another(claim, evidence).map(Conflict::SaidOfAnother));
    found.extend(other_subject(claim, evidence).map(Conflict::OtherSubject));
    found.extend(swapped(claim, evidence).map(Conflict::Swapped));
    found.extend(negated_otherwise(claim, evidence).then_some(Conflict::Negation));
    found.extend(opposite(claim, evidence).map(Conflict::Opposite));
    found
}

/// True if both texts have numbers or codes and share none: two answers that cannot both be right.
pub(super) fn has_other_numbers(one: &str, other: &str) -> bool {
    let numbers = |text: &str| {
        let anchors = anchors(text).into_iter().filter(|anchor| anchor.kind != AnchorKind::Name);
        anchors.map(|anchor| anchor.key).collect::<HashSet<String>>()
    };
    let (one, other) = (numbers(one), numbers(other));
    !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// The numbers, codes and names of the claim that are not in `texts`.
pub(super) fn missing(claim: &str, texts: &str) -> Vec<Conflict> {
    let there = keys(texts);
    let missing = anchors_of_claim(claim, texts).into_iter().filter(|anchor| !anchor.is_in(&there));
    let conflict = |anchor: Anchor| match anchor.kind {
        AnchorKind::Name => Conflict::MissingName(anchor.text),
        AnchorKind::Number | AnchorKind::Code => Conflict::Missing(anchor.text),
    };
    missing.map(conflict).collect()
}

impl Anchor {
    /// True if a text with these keys has it. A name of several words is there if one of them is.
    fn is_in(&self, keys: &HashSet<String>) -> bool {
        match self.kind {
            AnchorKind::Name => self.key.split(' ').any(|word| keys.contains(word) || is_month_there(word, keys)),
            AnchorKind::Number | AnchorKind::Code => keys.contains(&self.key),
        }
    }
}

fn is_month_there(word: &str, there: &HashSet<String>) -> bool {
    MONTHS.iter().position(|month| *month == word).is_some_and(|month| there.contains(&(month + 1).to_string()))
}

/// The number, code or name of the claim whose companions in the claim stand in another clause of
/// the text, beside another one of its kind, and not beside this one.
fn said_of_another(claim: &str, evidence: &str) -> Option<String> {
    let clauses: Vec<&str> = clauses(evidence);
    let mine = anchors_of_claim(claim, evidence);
    let anchor_words: HashSet<String> = mine.iter().flat_map(|anchor| content_words(&anchor.text)).collect();
    let companions: HashSet<String> = content_words(claim).filter(|word| !anchor_words.contains(word)).collect();
    if companions.is_empty() {
        return None;
    }
    let shared = |clause: &str| content_words(clause).filter(|word| companions.contains(word)).collect::<HashSet<_>>();
    for anchor in &mine {
        let (beside, others): (Vec<&str>, Vec<&str>) =
            clauses.iter().copied().partition(|clause| anchor.is_in(&keys(clause)));
        let is_with_another = |clause: &&str| {
            let there = keys(clause);
            mine.iter().any(|other| other.key != anchor.key && other.is_in(&there))
        };
        if beside.is_empty() || beside.iter().any(is_with_another) {
            continue;
        }
        let here: HashSet<String> = beside.iter().flat_map(|clause| shared(clause)).collect();
        for clause in others {
            let is_rival =
                |other: &Anchor| other.kind == anchor.kind && mine.iter().all(|known| known.key != other.key);
            let there = shared(clause);
            if there.len() * 2 >= companions.len()
                && here.len() < there.len()
                && here.is_subset(&there)
                && anchors(clause).iter().any(is_rival)
            {
                return Some(anchor.text.clone());
            }
        }
    }
    None
}

/// The one word of the claim that the sentence with all of its other words lacks, while another
/// sentence has it. Not where a pronoun may stand for it.
fn other_subject(claim: &str, evidence: &str) -> Option<String> {
    const PRONOUNS: [&str; 14] =
        ["it", "its", "he", "his", "him", "she", "her", "they", "their", "them", "this", "that", "these", "those"];
    let wanted: HashSet<String> = content_words(claim).collect();
    let parts: Vec<&str> = sentences(evidence).into_iter().map(|span| span.of(evidence)).collect();
    let lacks = |part: &str| {
        let there: HashSet<String> = content_words(part).collect();
        wanted.iter().filter(|word| !there.contains(*word)).cloned().collect::<Vec<_>>()
    };
    let (best, lacking) = parts.iter().map(|part| (part, lacks(part))).min_by_key(|(_, lacking)| lacking.len())?;
    let [word] = &lacking[..] else { return None };
    let has_pronoun = words(best).any(|word| PRONOUNS.contains(&word.as_str()));
    let is_elsewhere = parts.iter().any(|part| content_words(part).any(|other| other == *word));
    (wanted.len() >= 3 && !has_pronoun && is_elsewhere).then(|| word.clone())
}

/// Two names of the claim that stand the other way round in a sentence of the text, with a verb of
/// the claim between them in both, and both active or both passive.
fn swapped(claim: &str, evidence: &str) -> Option<String> {
    let mine = names(claim, evidence);
    let [(first_at, first), (second_at, second)] = &mine[..] else { return None };
    let between: HashSet<String> = content_words(claim.get(first_at + first.len()..*second_at)?).collect();
    let parts = sentences(evidence).into_iter().map(|span| span.of(evidence));
    let is_swapped = |part: &str| {
        let (Some(first_at), Some(second_at)) = (part.find(first.as_str()), part.find(second.as_str())) else {
            return false;
        };
        let words_between = part.get(second_at + second.len()..first_at).unwrap_or_default();
        content_words(words_between).any(|word| between.contains(&word)) && is_passive(part) == is_passive(claim)
    };
    parts.into_iter().any(is_swapped).then(|| format!("\"{first}\" and \"{second}\""))
}

fn is_passive(text: &str) -> bool {
    words(text).any(|word| word == "by")
}

/// The names of a claim as they are written, with their places.
fn names(claim: &str, evidence: &str) -> Vec<(usize, String)> {
    let names = anchors_of_claim(claim, evidence).into_iter().filter(|anchor| anchor.kind == AnchorKind::Name);
    names.filter_map(|anchor| Some((claim.find(&anchor.text)?, anchor.text))).collect()
}

/// True if the clauses that share most words with the claim are negated and the claim is not, or
/// the other way round.
fn negated_otherwise(claim: &str, evidence: &str) -> bool {
    let is_negated = |text: &str| negations(text) % 2;
    let wanted: HashSet<String> = content_words(claim).collect();
    let parts = sentences(evidence).into_iter().flat_map(|span| halves(span.of(evidence)));
    let shared: Vec<(usize, &str)> = parts
        .map(|part| (content_words(part).filter(|word| wanted.contains(word)).collect::<HashSet<_>>().len(), part))
        .collect();
    let best = shared.iter().map(|(count, _)| *count).max().unwrap_or(0);
    best > 0
        && best as f32 >= SAME_MATTER * wanted.len() as f32
        && shared.iter().filter(|(count, _)| *count == best).all(|(_, part)| is_negated(part) != is_negated(claim))
}

/// The word of the claim whose opposite stands in the sentence that shares most words with it,
/// while the word itself does not.
fn opposite(claim: &str, evidence: &str) -> Option<String> {
    let mine: Vec<String> = words(claim).collect();
    let wanted: HashSet<String> = content_words(claim).collect();
    let shared = |text: &str| content_words(text).filter(|word| wanted.contains(word)).count();
    let parts: Vec<&str> = sentences(evidence).into_iter().map(|span| span.of(evidence)).collect();
    let best = parts.iter().max_by_key(|part| shared(part))?;
    if shared(best) * 2 < wanted.len() {
        return None;
    }
    let there: HashSet<String> = words(best).collect();
    let mut pairs = OPPOSITES.iter().flat_map(|&(one, other)| [(one, other), (other, one)]);
    let is_swapped = |&(word, opposite): &(&str, &str)| {
        mine.iter().any(|own| own == word)
            && !mine.iter().any(|own| own == opposite)
            && there.contains(opposite)
            && !there.contains(word)
    };
    pairs.find(is_swapped).map(|(word, _)| word.to_string())
}

fn negations(text: &str) -> usize {
    words(&text.replace('’', "'")).filter(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't")).count()
}

/// The clauses of a text, for what belongs together in lists and enumerations.
fn clauses(text: &str) -> Vec<&str> {
    const JOINTS: [&str; 8] = [";", "\n", " and ", " but ", " while ", " whereas ", " until ", ", "];
    sentences(text).into_iter().flat_map(|span| clauses_of_sentence(span.of(text), &JOINTS)).collect()
}

/// The clauses of a sentence; one without a number, code or name belongs to the next, or to the one
/// before at the end: "monitors and keyboards belong to 4420".
fn clauses_of_sentence<'t>(sentence: &'t str, joints: &[&str]) -> Vec<&'t str> {
    let mut ends: Vec<usize> =
        joints.iter().flat_map(|joint| sentence.match_indices(joint).map(|(at, _)| at)).collect();
    ends.push(sentence.len());
    ends.sort_unstable();
    let mut whole: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for end in ends {
        if !anchors(&sentence[start..end]).is_empty() {
            whole.push((start, end));
            start = end;
        }
    }
    match whole.last_mut() {
        Some(last) => last.1 = sentence.len(),
        None => whole.push((0, sentence.len())),
    }
    whole.into_iter().map(|(start, end)| &sentence[start..end]).filter(|part| !part.trim().is_empty()).collect()
}

/// A sentence at its larger joints.
fn halves(sentence: &str) -> Vec<&str> {
    const JOINTS: [&str; 6] = [";", "\n", ", and ", ", but ", ", while ", " because "];
    let mut parts = vec![sentence];
    for joint in JOINTS {
        parts = parts.into_iter().flat_map(|part| part.split(joint)).collect();
    }
    parts
}

/// Everything in a text that an anchor can be compared with.
fn keys(text: &str) -> HashSet<String> {
    let mut keys: HashSet<String> = HashSet::new();
    for token in tokens(text) {
        keys.extend(words(token));
        keys.insert(key_of(token));
    }
    keys.extend(anchors(text).into_iter().map(|anchor| anchor.key));
    for (number, word) in NUMBER_WORDS.iter().enumerate() {
        if keys.contains(*word) {
            keys.insert(number.to_string());
        }
    }
    for (number, month) in MONTHS.iter().enumerate() {
        if keys.contains(*month) {
            keys.insert((number + 1).to_string());
        }
    }
    keys
}

/// The numbers, codes and names of a text, in order. A capital at the start of a sentence makes no
/// name.
fn anchors(text: &str) -> Vec<Anchor> {
    anchors_with(text, |_| false)
}

/// The same of a claim; a capital at its start makes a name if the evidence has the same word with
/// a capital.
fn anchors_of_claim(claim: &str, evidence: &str) -> Vec<Anchor> {
    let there: HashSet<&str> = tokens(evidence).collect();
    anchors_with(claim, |token| there.contains(token) && !is_stop_word(&token.to_lowercase()))
}

fn anchors_with(text: &str, is_name_at_start: impl Fn(&str) -> bool) -> Vec<Anchor> {
    let mut found: Vec<Anchor> = Vec::new();
    for span in sentences(text) {
        let mut before_was_name = false;
        for (place, token) in tokens(span.of(text)).enumerate() {
            let has_digit = token.chars().any(|c| c.is_ascii_digit());
            let is_flag = token.starts_with("--") && token.len() > 3;
            let is_name = !has_digit
                && (is_capitalised(token, place)
                    || (place == 0 && is_capitalised(token, 1) && is_name_at_start(token)));
            if is_name && before_was_name {
                let name = found.last_mut().expect("a name stands before");
                name.text = format!("{} {token}", name.text);
                name.key = format!("{} {}", name.key, key_of(token));
                continue;
            }
            before_was_name = is_name;
            let number = has_digit.then(|| numbers_of(token)).flatten();
            match number {
                Some(numbers) => found.extend(numbers.into_iter().map(|key| Anchor {
                    kind: AnchorKind::Number,
                    text: token.to_string(),
                    key,
                })),
                None if has_digit || is_flag => {
                    found.push(Anchor { kind: AnchorKind::Code, text: token.to_string(), key: key_of(token) });
                }
                None if is_name => {
                    found.push(Anchor { kind: AnchorKind::Name, text: token.to_string(), key: key_of(token) });
                }
                None => {}
            }
        }
    }
    found
}

/// The pieces between white space, without the punctuation around them.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_outside = |c: char| !c.is_alphanumeric() && c != '-' && c != '_' && c != '%';
    text.split(|c: char| c.is_whitespace() || "()[]{}\"“”'‘’`".contains(c))
        .map(move |piece| piece.trim_matches(is_outside).trim_end_matches('-'))
        .filter(|piece| piece.chars().any(char::is_alphanumeric))
}

/// A name: a capital within the sentence, or two capitals at its start.
fn is_capitalised(token: &str, place: usize) -> bool {
    let mut letters = token.chars().filter(|c| c.is_alphabetic());
    let (first, second) = (letters.next(), letters.next());
    let is_upper = |letter: Option<char>| letter.is_some_and(char::is_uppercase);
    let is_pronoun = token == "I" || token.starts_with("I'");
    is_upper(first) && !is_pronoun && (place > 0 || is_upper(second))
}

fn key_of(token: &str) -> String {
    token.to_lowercase().trim_start_matches('-').trim_end_matches("'s").to_string()
}

/// The numbers that a token is made of: `1,500` is one, `2027-05-31` are three. `None` if it is a
/// code. Units and endings are left off: `5%`, `10km`, `31st`.
fn numbers_of(token: &str) -> Option<Vec<String>> {
    let letters_at = token.find(char::is_alphabetic).unwrap_or(token.len());
    let (digits, ending) = token.split_at(letters_at);
    let is_ending = ending.chars().all(char::is_alphabetic) && ending.chars().count() <= 3;
    if digits.is_empty() || !is_ending || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_end_matches(['%', '-', '€', '$', '£']);
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let dashed: Vec<&str> = digits.split(['-', '–', '/', ':']).collect();
    if dashed.len() > 1 {
        return dashed
            .iter()
            .all(|part| is_plain(part))
            .then(|| dashed.iter().map(|part| without_zeros(part)).collect());
    }
    let grouped: Vec<&str> = digits.split([',', '.', '’']).collect();
    if !grouped.iter().all(|part| is_plain(part)) {
        return None;
    }
    Some(match grouped[..] {
        [whole] => vec![without_zeros(whole)],
        [whole, fraction] if fraction.len() != 3 => vec![decimal(whole, fraction)],
        [first, ..] if first.len() <= 3 && grouped[1..].iter().all(|part| part.len() == 3) => {
            vec![without_zeros(&grouped.concat())]
        }
        _ => grouped.iter().map(|part| without_zeros(part)).collect(),
    })
}

fn without_zeros(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        "" => "0".to_string(),
        rest => rest.to_string(),
    }
}

fn decimal(whole: &str, fraction: &str) -> String {
    match fraction.trim_end_matches('0') {
        "" => without_zeros(whole),
        fraction => format!("{}.{fraction}", without_zeros(whole)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conflict(claim: &str, evidence: &str) -> Option<Conflict> {
        missing(claim, evidence).into_iter().chain(conflicts(claim, evidence)).next()
    }

    #[test]
    fn numbers_codes_and_dates_are_compared_by_value() {
        for (claim, evidence) in [
            ("It costs 1,500 euros.", "The price is 1500 euros."),
            ("It costs 2.50 euros.", "The price is 2.5 euros."),
            ("Three people came.", "There were 3 people."),
            ("It ends on 2027-05-31.", "The end is 31 May 2027."),
            ("It ends on 31 May 2027.", "end: 2027-05-31"),
            ("A share of 5% is paid.", "They pay 5 percent."),
            ("Run it with --fast.", "Use --fast for that."),
            ("Mr Brandl lives there.", "Brandl is the caretaker and lives there."),
        ] {
            assert_eq!(conflict(claim, evidence), None, "{claim}");
        }
        for (claim, evidence, what) in [
            ("It costs 1,600 euros.", "The price is 1500 euros.", "1,600"),
            ("Use HRN-1003 for it.", "HRN-1002 is for it.", "HRN-1003"),
            ("Run it with --slow.", "Use --fast for that.", "--slow"),
        ] {
            assert_eq!(conflict(claim, evidence), Some(Conflict::Missing(what.to_string())), "{claim}");
        }
        let name = conflict("It was found by Marie Curie.", "It was found by Ernest Rutherford.");
        assert_eq!(name, Some(Conflict::MissingName("Marie Curie".to_string())));
    }

    #[test]
    fn what_is_said_of_another_line_is_seen() {
        let codes = "HRN-1001: filter due\nHRN-1002: frost protection active\nHRN-1003: supply fan blocked";
        assert_eq!(conflict("HRN-1002 means that frost protection is active.", codes), None);
        let centres = "Book laptops on cost centre 4410. Monitors and keyboards belong to 4420, licences to 4475.";
        assert_eq!(conflict("Monitors are booked on cost centre 4420.", centres), None);
        let survey = "The survey was carried out by Northgate Consulting. Ellery & Sons supplied the pictures.";
        assert_eq!(conflict("Northgate Consulting carried out the survey.", survey), None);
        let other = conflict("Ellery & Sons carried out the survey.", survey);
        assert!(matches!(other, Some(Conflict::SaidOfAnother(_))), "{other:?}");
        let swapped = conflict("HRN-1002 means that the supply fan is blocked.", codes);
        assert_eq!(swapped, Some(Conflict::SaidOfAnother("HRN-1002".to_string())));
    }

    proptest! {
        #[test]
        fn any_texts_can_be_compared_and_a_text_has_no_conflict_with_itself(
            claim in "([A-Za-cé]{1,3}|not|by|[0-9]{1,4}|[.;,]){0,10}( [A-Ca-c]{1,2}| 3| the| B-1){0,8}",
            evidence in "([A-Ca-cé]{1,2}[ .,;\n]| by | and | 3 | B-1 ){0,20}",
        ) {
            conflicts(&claim, &evidence);
            conflicts(&evidence, &claim);
            prop_assert_eq!(missing(&claim, &claim), []);
        }
    }

    #[test]
    fn other_numbers_disagree_and_more_exact_ones_do_not() {
        assert!(has_other_numbers("30 days", "14 days"));
        for (one, other) in [("31 May 2027", "May 2027"), ("30 days", "a month"), ("1,500", "1500 euros"), ("", "3")] {
            assert!(!has_other_numbers(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn negations_and_opposites_are_seen() {
        let minutes = "The committee did not approve a second tester.";
        assert_eq!(conflict("The committee did not approve a second tester.", minutes), None);
        assert_eq!(conflict("The committee approved a second tester.", minutes), Some(Conflict::Negation));
        let report = "From 1 September Jana Krol reports to Miles Denholm.";
        assert_eq!(conflict("Jana Krol reports to Miles Denholm.", report), None);
        assert!(matches!(conflict("Miles Denholm reports to Jana Krol.", report), Some(Conflict::Swapped(_))));
        let order = "The audit takes place before the release.";
        assert_eq!(
            conflict("The audit takes place after the release.", order),
            Some(Conflict::Opposite("after".into()))
        );
        assert_eq!(conflict("The audit takes place before the release.", order), None);
    }
}
