//! The language of documents: it decides which endings and common words do not count in a search.

use serde::{Deserialize, Serialize};

macro_rules! languages {
    (@count) => { 0 };
    (@count $first:ident $($rest:ident)*) => { 1 + languages!(@count $($rest)*) };
    ($($name:ident $code:literal $detected:ident),* $(,)?) => {
        /// A language whose words kinglet can reduce to their stems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub enum Language {
            /// None of the languages below: words are compared as they are.
            #[serde(rename = "none")]
            None,
            #[doc = "English, which is also the default where the language cannot be detected."]
            #[default]
            #[serde(rename = "en")]
            English,
            $(#[doc = stringify!($name)] #[serde(rename = $code)] $name,)*
        }

        impl Language {
            /// All languages.
            pub const ALL: [Language; languages!(@count $($name)*) + 2] =
                [Language::None, Language::English, $(Language::$name),*];

            /// Its ISO 639-1 code, or `none`.
            pub fn code(self) -> &'static str {
                match self {
                    Language::None => "none",
                    Language::English => "en",
                    $(Language::$name => $code,)*
                }
            }

            /// The language with this code.
            pub fn of_code(code: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|language| language.code() == code)
            }

            fn of(detected: whatlang::Lang) -> Self {
                match detected {
                    whatlang::Lang::Eng => Language::English,
                    $(whatlang::Lang::$detected => Language::$name,)*
                    _ => Language::None,
                }
            }
        }
    };
}

languages! {
    Arabic "ar" Ara, Danish "da" Dan, Dutch "nl" Nld, Finnish "fi" Fin, French "fr" Fra, German "de" Deu, Greek "el" Ell,
    Hungarian "hu" Hun, Italian "it" Ita, Norwegian "no" Nob, Portuguese "pt" Por, Romanian "ro" Ron, Russian "ru" Rus,
    Spanish "es" Spa, Swedish "sv" Swe, Tamil "ta" Tam, Turkish "tr" Tur,
}

/// Detects the language of the majority of those texts whose language is certain; English if there
/// is no majority.
pub fn detect<'t>(texts: impl IntoIterator<Item = &'t str>) -> Language {
    let mut counts: Vec<(Language, usize)> = Vec::new();
    for text in texts {
        let Some(detected) = whatlang::detect(text).filter(whatlang::Info::is_reliable) else { continue };
        let language = Language::of(detected.lang());
        match counts.iter_mut().find(|(counted, _)| *counted == language) {
            Some((_, count)) => *count += 1,
            None => counts.push((language, 1)),
        }
    }
    let certain: usize = counts.iter().map(|(_, count)| count).sum();
    let majority = counts.into_iter().find(|(_, count)| 2 * count > certain);
    majority.map_or(Language::English, |(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str =
        "Der Mieter trägt die Kosten für kleine Reparaturen, wenn sie im Vertrag so vereinbart worden sind.";
    const ENGLISH: &str = "The tenant bears the cost of small repairs when this was agreed upon in the contract.";
    const POLISH: &str =
        "Najemca ponosi koszty drobnych napraw, jeżeli tak zostało uzgodnione w umowie najmu mieszkania.";

    #[test]
    fn the_majority_decides_and_english_is_the_default() {
        assert_eq!(detect([GERMAN, GERMAN, ENGLISH]), Language::German);
        assert_eq!(detect([ENGLISH, "x = 1", ""]), Language::English);
        assert_eq!(detect([GERMAN, ENGLISH]), Language::English);
        assert_eq!(detect([POLISH]), Language::None);
        assert_eq!(detect([]), Language::English);
    }
}
