//! Settings that name a model or a language, or leave the choice to kinglet.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::models::reference::{EmbedderRef, GeneratorRef, RerankerRef, SparseEncoderRef, written_as_text};

const AUTO: &str = "auto";
const NONE: &str = "none";

written_as_text!(EmbedderChoice, GeneratorChoice, SparseEncoderChoice, RerankerChoice);

/// The embedder to search with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum EmbedderChoice {
    /// `auto`: the first embedder of the index; for a new index the default of [`EmbedderRef`].
    #[default]
    Auto,
    /// This embedder.
    Use(EmbedderRef),
}

impl From<&str> for EmbedderChoice {
    fn from(text: &str) -> Self {
        match text {
            AUTO => EmbedderChoice::Auto,
            text => EmbedderChoice::Use(text.into()),
        }
    }
}

impl fmt::Display for EmbedderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EmbedderChoice::Auto => f.write_str(AUTO),
            EmbedderChoice::Use(embedder) => embedder.fmt(f),
        }
    }
}

/// The generator that writes answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum GeneratorChoice {
    /// `auto`: the one that answers best of those that need no further files.
    #[default]
    Auto,
    /// This generator.
    Use(GeneratorRef),
    /// `cascade:SMALL+LARGE`: the small one, and if its answer is doubtful, the large one.
    Cascade {
        /// The generator that is asked first.
        small: GeneratorRef,
        /// The generator that is asked if need be.
        large: GeneratorRef,
    },
}

/// What a cascade begins with, and what stands between its generators.
const CASCADE: (&str, char) = ("cascade:", '+');

impl From<&str> for GeneratorChoice {
    fn from(text: &str) -> Self {
        match text {
            AUTO => GeneratorChoice::Auto,
            text => match text.strip_prefix(CASCADE.0).and_then(|both| both.split_once(CASCADE.1)) {
                Some((small, large)) => GeneratorChoice::Cascade { small: small.into(), large: large.into() },
                None => GeneratorChoice::Use(text.into()),
            },
        }
    }
}

impl fmt::Display for GeneratorChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GeneratorChoice::Auto => f.write_str(AUTO),
            GeneratorChoice::Use(generator) => generator.fmt(f),
            GeneratorChoice::Cascade { small, large } => write!(f, "{}{small}{}{large}", CASCADE.0, CASCADE.1),
        }
    }
}

/// The sparse encoder whose learned terms an index has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SparseEncoderChoice {
    /// `none`: no encoder, unless only learned terms are searched.
    #[default]
    None,
    /// This encoder.
    Use(SparseEncoderRef),
}

impl From<&str> for SparseEncoderChoice {
    fn from(text: &str) -> Self {
        match text {
            NONE => SparseEncoderChoice::None,
            text => SparseEncoderChoice::Use(text.into()),
        }
    }
}

impl fmt::Display for SparseEncoderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SparseEncoderChoice::None => f.write_str(NONE),
            SparseEncoderChoice::Use(encoder) => encoder.fmt(f),
        }
    }
}

/// The reranker of the top hits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RerankerChoice {
    /// `auto`: `maxsim` in hybrid mode if the embedder has token vectors, else none.
    #[default]
    Auto,
    /// `none`: no reranker.
    None,
    /// This reranker.
    Use(RerankerRef),
}

impl From<&str> for RerankerChoice {
    fn from(text: &str) -> Self {
        match text {
            AUTO => RerankerChoice::Auto,
            NONE => RerankerChoice::None,
            text => RerankerChoice::Use(text.into()),
        }
    }
}

impl fmt::Display for RerankerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RerankerChoice::Auto => f.write_str(AUTO),
            RerankerChoice::None => f.write_str(NONE),
            RerankerChoice::Use(reranker) => reranker.fmt(f),
        }
    }
}

/// The language of the documents' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LanguageChoice {
    /// `auto`: the language of the index; for a new index the one that its documents are in.
    #[default]
    Auto,
    /// This language.
    Use(Language),
}

impl TryFrom<String> for LanguageChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), Language::of_code(&text)) {
            (AUTO, _) => Ok(LanguageChoice::Auto),
            (_, Some(language)) => Ok(LanguageChoice::Use(language)),
            (_, None) => Err(format!("must be {AUTO} or one of {}", Language::ALL.map(Language::code).join(", "))),
        }
    }
}

impl From<LanguageChoice> for String {
    fn from(choice: LanguageChoice) -> String {
        match choice {
            LanguageChoice::Auto => AUTO.to_string(),
            LanguageChoice::Use(language) => language.code().to_string(),
        }
    }
}

/// The share of wrong answers that the user accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RiskChoice {
    /// `auto`: the balance between wrong answers and needless refusals that the calibration chose.
    #[default]
    Auto,
    /// At most so many thousandths of the answers.
    Thousandths(u16),
}

impl RiskChoice {
    /// The share, if one is set.
    pub fn share(self) -> Option<f32> {
        match self {
            RiskChoice::Auto => None,
            RiskChoice::Thousandths(count) => Some(f32::from(count) / 1000.0),
        }
    }
}

impl TryFrom<String> for RiskChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == AUTO {
            return Ok(RiskChoice::Auto);
        }
        match text.parse::<f32>() {
            Ok(share) if (0.001..=0.999).contains(&share) => {
                Ok(RiskChoice::Thousandths((share * 1000.0).round() as u16))
            }
            _ => Err(format!("must be {AUTO} or a share between 0.001 and 0.999, such as 0.3")),
        }
    }
}

impl From<RiskChoice> for String {
    fn from(choice: RiskChoice) -> String {
        match choice {
            RiskChoice::Auto => AUTO.to_string(),
            RiskChoice::Thousandths(count) => (f32::from(count) / 1000.0).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_displayed_as_it_was_written() {
        for text in ["auto", "none", "maxsim", "hashing-256", "all-minilm-l6-v2", ""] {
            assert_eq!(EmbedderChoice::from(text).to_string(), text);
            assert_eq!(SparseEncoderChoice::from(text).to_string(), text);
            assert_eq!(RerankerChoice::from(text).to_string(), text);
            assert_eq!(GeneratorChoice::from(text).to_string(), text);
        }
        for risk in [AUTO, "0.1", "0.05", "0.999"] {
            assert_eq!(String::from(RiskChoice::try_from(risk.to_string()).unwrap()), risk);
        }
        for wrong in ["0", "1", "-0.1", "a tenth", "NaN", ""] {
            assert!(RiskChoice::try_from(wrong.to_string()).is_err(), "{wrong}");
        }
        for code in Language::ALL.map(Language::code).into_iter().chain([AUTO]) {
            assert_eq!(String::from(LanguageChoice::try_from(code.to_string()).unwrap()), code);
        }
        assert_eq!(EmbedderChoice::from(AUTO), EmbedderChoice::Auto);
        assert_eq!(SparseEncoderChoice::from(NONE), SparseEncoderChoice::None);
        assert_eq!([AUTO, NONE].map(RerankerChoice::from), [RerankerChoice::Auto, RerankerChoice::None]);
    }
}
