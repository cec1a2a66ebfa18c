//! Texts that say the same: to the word, or nearly.

use crate::text::words;

/// How many minima a sketch has.
const MINIMA: usize = 64;
/// Words of a shingle.
const SHINGLE: usize = 3;

/// Names the words of a text, whatever their case and what stands between them: equal for texts that say the same to the word.
pub type WordsHash = [u8; 16];

/// The [`WordsHash`] of a text; one without any word is named by all of its characters.
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

/// What is kept of a text to tell how much of it another one repeats: of its runs of three words the smallest of each of 64 hashes,
/// of that 16 bits. Broder, *On the resemblance and containment of documents*, 1997; Li & König, *b-Bit Minwise Hashing*, 2010.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch([u16; MINIMA]);

impl Sketch {
    /// The bytes of one.
    pub const BYTES: usize = MINIMA * 2;

    /// Sketches a text.
    pub fn of(text: &str) -> Self {
        let words: Vec<String> = words(text).collect();
        let mut minima = [u64::MAX; MINIMA];
        for shingle in words.windows(SHINGLE.min(words.len()).max(1)) {
            let hash = blake3::hash(shingle.join(" ").as_bytes());
            let hash = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("BLAKE3 gives 32 bytes"));
            for (which, minimum) in minima.iter_mut().enumerate() {
                *minimum = (*minimum).min(mixed(hash ^ mixed(which as u64 + 1)));
            }
        }
        Sketch(minima.map(|minimum| minimum as u16))
    }

    /// An estimate of the share of runs of three words that two texts have in common, among all that they have; from 0 to 1, give or
    /// take .1.
    pub fn likeness(&self, other: &Sketch) -> f32 {
        self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count() as f32 / MINIMA as f32
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(Sketch(units.try_into().ok()?))
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (pair, unit) in bytes.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }
}

/// A permutation of all numbers: the last steps of MurmurHash3 (Appleby, 2011).
fn mixed(mut number: u64) -> u64 {
    number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_marks_and_lines_do_not_count_and_words_do() {
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
