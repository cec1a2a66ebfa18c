//! Guesses what a model writes next, from what it read: answers repeat the passages. Prompt lookup,
//! <https://github.com/apoorvumang/prompt-lookup-decoding>.

/// The tokens at the end of the text that must have stood somewhere before.
const MATCHED: usize = 3;

/// At most `most` tokens that followed the last tokens of `text` where they last stood before;
/// empty if they never did.
pub(super) fn guess<T: PartialEq>(text: &[T], most: usize) -> &[T] {
    let Some(before) = text.len().checked_sub(MATCHED) else { return &[] };
    let (earlier, last) = (&text[..text.len() - 1], &text[before..]);
    let found = earlier.windows(MATCHED).rposition(|window| window == last);
    found.map_or(&[], |at| {
        let next = at + MATCHED;
        &text[next..text.len().min(next + most)]
    })
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn a_guess_is_what_followed_the_last_words_before() {
        let text: Vec<char> = "the lease ends in May. the lea".chars().collect();
        assert_eq!(guess(&text, 8).iter().collect::<String>(), "se ends ");
        let text: Vec<char> = "abcabdab".chars().collect();
        assert!(guess(&text, 8).is_empty(), "dab stands there once");
        assert!(guess::<char>(&[], 8).is_empty());
        assert_eq!(guess(&['a'; 5], 8), ['a'], "a guess may overlap with what it is made from");
    }
}
