//! Recognises texts with the same words, or nearly the same.

use crate::text::words;

/// The number of minima in a sketch.
const MINIMA: usize = 64;
/// The number of words in a shingle.
const SHINGLE_WORDS: usize = 3;

/// A hash of the words of a text, whatever their case and the characters between them: equal for
/// texts with the same words.
pub type WordsHash = [u8; 16];

/// The [`WordsHash`] of a text. A text without any word is hashed by all of its characters.
pub fn words_hash(text: &str) -> WordsHash {
    let mut hasher = blake3::Hasher::new();
    let mut has_words = false;
    for word in words(text) {
        has_words = true;
        hasher.update(word.as_bytes()).update(b" ");
    }
    if !has_words {
        hasher.update(text.as_bytes());
    }
    hasher.finalize().as_bytes()[..16].try_into().expect("BLAKE3 gives 32 bytes")
}

/// A sketch of a text that estimates how much of it another text repeats: for each of 64 hash
/// functions, 16 bits of the smallest hash of its runs of three words. Broder, *On the resemblance
/// and containment of documents*, 1997; Li & König, *b-Bit Minwise Hashing*, 2010.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch([u16; MINIMA]);

impl Sketch {
    /// The size of a sketch in bytes.
    pub const BYTES: usize = MINIMA * 2;

    /// Sketches a text.
    pub fn of(text: &str) -> Self {
        let words: Vec<String> = words(text).collect();
        let mut minima = [u64::MAX; MINIMA];
        for shingle in words.windows(SHINGLE_WORDS.min(words.len()).max(1)) {
            let hash = blake3::hash(shingle.join(" ").as_bytes());
            let hash = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("BLAKE3 gives 32 bytes"));
            for (which, minimum) in minima.iter_mut().enumerate() {
                *minimum = (*minimum).min(mix(hash ^ mix(which as u64 + 1)));
            }
        }
        Sketch(minima.map(|minimum| minimum as u16))
    }

    /// Estimates the Jaccard similarity of the two texts' runs of three words: the share of all
    /// runs that both have, from 0 to 1, give or take .1.
    pub fn likeness(&self, other: &Sketch) -> f32 {
        self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count() as f32 / MINIMA as f32
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) wrote; `None` if their number is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(Sketch(units.try_into().ok()?))
    }

    /// The sketch as bytes.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (pair, unit) in bytes.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }
}

/// A permutation of all numbers: the last steps of MurmurHash3 (Appleby, 2011).
fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_and_line_ends_do_not_count_but_words_do() {
        assert_eq!(words_hash("The rent, is\n900 euros."), words_hash("the rent is 900 Euros"));
        assert_ne!(words_hash("the rent is 900 euros"), words_hash("the rent is 950 euros"));
        assert_ne!(words_hash("***"), words_hash("---"));
    }

    #[test]
    fn likeness_estimates_how_much_is_shared() {
        let text = |from: usize| (from..from + 200).map(|n| format!("word{n} ")).collect::<String>();
        let likeness = |a: usize, b: usize| Sketch::of(&text(a)).likeness(&Sketch::of(&text(b)));
        assert_eq!(likeness(0, 0), 1.0);
        assert!((likeness(0, 10) - 188.0 / 208.0).abs() < 0.12, "{}", likeness(0, 10));
        assert!((likeness(0, 100) - 98.0 / 298.0).abs() < 0.15, "{}", likeness(0, 100));
        assert!(likeness(0, 1000) < 0.05);
        let sketch = Sketch::of("one");
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Some(sketch));
        assert_eq!(Sketch::from_bytes(&[0; 3]), None);
    }
}
