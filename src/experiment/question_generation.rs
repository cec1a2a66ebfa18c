//! Generates questions from documents, offline, for people who have none. They are always labelled
//! as synthetic.
//!
//! Sources: Azzopardi, de Rijke & Balog, *Building Simulated Queries for Known-Item Topics*, SIGIR
//! 2007 (salient words of a known passage); Alberti et al., *Synthetic QA Corpora
//! Generation with Roundtrip Consistency*, ACL 2019 (keeps a question only if it retrieves
//! the passage that it comes from).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::eval::bootstrap::Draws;
use crate::eval::datasets::questions::{AnswerLocation, WrittenQuestion};
use crate::index::Index;
use crate::index::lexical::stems;
use crate::index::store::{ChunkId, StoredChunk};
use crate::search::{Query, Retriever};
use crate::text::{Span, content_words, sentences, words};

/// A question must retrieve its passage among this many chunks.
const ROUND_TRIP_DEPTH: usize = 50;
/// Questions that share this much of their words are duplicates.
const DUPLICATE_OVERLAP: f64 = 0.7;
/// A question is a copy if a run of at least this many of its words, and at least this share of
/// them, is in the passage.
const COPIED_WORDS: usize = 5;
const COPIED_SHARE: f64 = 0.8;
/// The number of words of a question that consists of salient words.
const SALIENT_WORDS: std::ops::Range<usize> = 3..7;
/// The most passages to try of each document.
const MAX_ROUNDS: usize = 200;
/// A shorter sentence is no answer.
const MIN_ANSWER_WORDS: usize = 6;

/// Writes a question that the passage answers; `None` if it writes none.
pub type QuestionWriter<'w> = dyn Fn(&str) -> Result<Option<String>> + 'w;

/// Generated questions, and how many were discarded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeneratedQuestions {
    /// The questions, in the order of their generation.
    pub questions: Vec<WrittenQuestion>,
    /// The number discarded because they copied a run of words from their passage.
    pub copied: usize,
    /// The number discarded because they did not retrieve their passage.
    pub not_found: usize,
    /// The number discarded because they shared most words with an earlier question.
    pub duplicates: usize,
}

impl Kinglet {
    /// Generates about `count` questions from documents all over `index`: from headings, from
    /// definitions, from salient words, and, if there is a `writer`, with it. A sentence of one
    /// passage answers each. The same index gives the same questions, except those of a writer.
    /// Calls `done` with the number of questions so far.
    ///
    /// # Errors
    /// When the index is empty, or as [`Kinglet::search`].
    pub fn generate_questions(
        &self,
        index: &Arc<Index>,
        count: usize,
        writer: Option<&QuestionWriter<'_>>,
        done: &dyn Fn(usize),
    ) -> Result<GeneratedQuestions> {
        let retriever = self.with_index_defaults(index.manifest())?.pipeline(index)?;
        let mut documents = shuffled_documents(index)?;
        if documents.is_empty() {
            return Err(Error::input("the index has no documents to generate questions from"));
        }
        let language = index.manifest().language;
        let rarity = |text: &str| index.lexical().rarities(text);
        let mut generated = GeneratedQuestions::default();
        let mut accepted: Vec<HashSet<String>> = Vec::new();
        for round in 0..MAX_ROUNDS {
            documents.retain(|chunks| !chunks.is_empty());
            if documents.is_empty() {
                break;
            }
            for (place, chunks) in documents.iter_mut().enumerate() {
                if generated.questions.len() >= count {
                    return Ok(generated);
                }
                let Some(chunk) = chunks.pop() else { continue };
                let stored = index.chunks(&[chunk])?.remove(0);
                let Some((kind, question, answer)) = generate(&stored, round + place, &rarity, writer)? else {
                    continue;
                };
                let words: HashSet<String> = stems(&question, language).into_iter().map(|word| word.stem).collect();
                if words.is_empty() || is_copied(&question, &stored.chunk.text) {
                    generated.copied += 1;
                } else if accepted.iter().any(|other| overlap(other, &words) >= DUPLICATE_OVERLAP) {
                    generated.duplicates += 1;
                } else if !retriever
                    .retrieve(&Query::new(&question), ROUND_TRIP_DEPTH)?
                    .iter()
                    .any(|hit| hit.chunk == chunk)
                {
                    generated.not_found += 1;
                } else {
                    accepted.push(words);
                    generated.questions.push(WrittenQuestion {
                        id: format!("generated-{:04}", generated.questions.len() + 1),
                        question,
                        answers: vec![AnswerLocation {
                            path: Some(path_below_root(index, &stored)?),
                            quote: Some(answer),
                            grade: 1,
                        }],
                        synthetic: Some(kind.to_string()),
                    });
                    done(generated.questions.len());
                }
            }
        }
        Ok(generated)
    }
}

/// The documents, each with its chunks, both in an order that depends only on their hashes.
fn shuffled_documents(index: &Index) -> Result<Vec<Vec<ChunkId>>> {
    let mut documents: BTreeMap<String, Vec<ChunkId>> = BTreeMap::new();
    for outline in index.outlines()? {
        documents.entry(format!("{}/{}", outline.root, outline.path)).or_default().push(outline.chunk);
    }
    let order = |name: &[u8]| *blake3::hash(name).as_bytes();
    let mut shuffled: Vec<(String, Vec<ChunkId>)> = documents.into_iter().collect();
    shuffled.sort_by_key(|(name, _)| order(name.rsplit('/').next().unwrap_or_default().as_bytes()));
    for (_, chunks) in &mut shuffled {
        chunks.sort_by_key(|chunk| order(&chunk.to_le_bytes()));
    }
    Ok(shuffled.into_iter().map(|(_, chunks)| chunks).collect())
}

/// The path of the chunk's file below its root.
fn path_below_root(index: &Index, stored: &StoredChunk) -> Result<String> {
    let below = index
        .roots()?
        .into_iter()
        .find_map(|root| stored.path.strip_prefix(root).ok().map(|it| it.display().to_string()));
    let file = stored.path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(below.filter(|path| !path.is_empty()).or(file).unwrap_or_default())
}

type Rarity<'r> = dyn Fn(&str) -> Result<Vec<(Span, f32)>> + 'r;

/// Generates a question of the kind whose turn it is, or of the next kind that the chunk allows:
/// its kind, the question, and the sentence that answers it.
fn generate(
    stored: &StoredChunk,
    turn: usize,
    rarity: &Rarity<'_>,
    writer: Option<&QuestionWriter<'_>>,
) -> Result<Option<(&'static str, String, String)>> {
    let text = &stored.chunk.text;
    let answers: Vec<&str> = sentences(text).iter().map(|span| span.of(text)).filter(|it| is_prose(it)).collect();
    let Some(first) = answers.first() else { return Ok(None) };
    let kinds: &[&str] = if writer.is_some() {
        &["written", "heading", "written", "definition", "salient"]
    } else {
        &["heading", "definition", "salient"]
    };
    for offset in 0..kinds.len() {
        let kind = kinds[(turn + offset) % kinds.len()];
        let generated = match kind {
            "heading" => from_headings(&stored.chunk.headings).map(|question| (question, (*first).to_string())),
            "definition" => answers.iter().find_map(|it| Some((from_definition(it)?, (*it).to_string()))),
            "salient" => {
                from_salient_words(&stored.chunk.text, rarity)?.map(|question| (question, (*first).to_string()))
            }
            _ => match writer {
                Some(writer) => {
                    let question = writer(text)?.filter(|question| is_about(question, text));
                    question.map(|question| (question, (*first).to_string()))
                }
                None => None,
            },
        };
        if let Some((question, answer)) = generated {
            return Ok(Some((kind, question, answer)));
        }
    }
    Ok(None)
}

/// True for a real sentence: enough words, mostly letters, and no heading, row or list item.
fn is_prose(sentence: &str) -> bool {
    if sentence.starts_with(|c: char| !c.is_alphanumeric() && !"\"'“‘`(".contains(c)) {
        return false;
    }
    let letters = sentence.chars().filter(|c| c.is_alphabetic() || c.is_whitespace()).count();
    sentence.split_whitespace().count() >= MIN_ANSWER_WORDS && letters * 10 >= sentence.chars().count() * 8
}

/// The innermost heading, with the one above it if it has fewer than three words.
fn from_headings(headings: &[String]) -> Option<String> {
    let words = |heading: &str| heading.split_whitespace().count();
    let last = headings.last()?.trim_matches(|c: char| !c.is_alphanumeric() && c != '?');
    let question = match headings {
        [.., parent, _] if words(last) < 3 => format!("{parent} {last}"),
        _ => last.to_string(),
    };
    (2..=14).contains(&words(&question)).then_some(question)
}

/// "A kinglet is one of the smallest birds." → "What is a kinglet?"
fn from_definition(sentence: &str) -> Option<String> {
    let (subject, verb, rest) = [" is ", " are ", " means "]
        .into_iter()
        .filter_map(|verb| sentence.split_once(verb).map(|(subject, rest)| (subject, verb.trim(), rest)))
        .min_by_key(|(subject, ..)| subject.len())?;
    let starts = ["a ", "an ", "the ", "one of ", "any ", "what "];
    let words: Vec<&str> = subject.split_whitespace().collect();
    let is_plain = subject.chars().all(|c| c.is_alphanumeric() || " -_`".contains(c));
    let pronouns = [
        "this", "that", "it", "there", "these", "those", "he", "she", "they", "we", "you", "which", "what", "who",
        "here",
    ];
    let is_noun = words.first().is_some_and(|first| !pronouns.contains(&first.to_lowercase().as_str()));
    let defines = verb == "means" || starts.iter().any(|start| rest.starts_with(start));
    if !(1..=5).contains(&words.len()) || !is_plain || !is_noun || !defines {
        return None;
    }
    let subject = subject.replace('`', "");
    let subject = match subject.split_once(' ') {
        Some((article @ ("A" | "An" | "The"), rest)) => format!("{} {rest}", article.to_lowercase()),
        _ => subject,
    };
    Some(match verb {
        "means" => format!("What does {subject} mean?"),
        verb => format!("What {verb} {subject}?"),
    })
}

/// Random words among those of the text that are rarest in the index, in the order of the text.
fn from_salient_words(text: &str, rarity: &Rarity<'_>) -> Result<Option<String>> {
    let mut rarest: HashMap<String, (usize, f32)> = HashMap::new();
    let content: HashSet<String> = content_words(text).collect();
    for (span, rarity) in rarity(text)? {
        let word = span.of(text).to_lowercase();
        if word.chars().count() >= 3 && word.chars().all(char::is_alphabetic) && content.contains(&word) {
            rarest.entry(word).or_insert((span.start, rarity));
        }
    }
    let mut candidates: Vec<(String, usize, f32)> =
        rarest.into_iter().map(|(word, (at, rarity))| (word, at, rarity)).collect();
    candidates.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.1.cmp(&b.1)));
    candidates.truncate(SALIENT_WORDS.end * 3);
    let mut draws =
        Draws::new(u64::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..8].try_into().expect("8 bytes")));
    let count = SALIENT_WORDS.start + draws.below(SALIENT_WORDS.len());
    if candidates.len() < count {
        return Ok(None);
    }
    let mut drawn = Vec::new();
    while drawn.len() < count {
        drawn.push(candidates.swap_remove(draws.below(candidates.len())));
    }
    drawn.sort_by_key(|(_, at, _)| *at);
    Ok(Some(drawn.into_iter().map(|(word, ..)| word).collect::<Vec<_>>().join(" ")))
}

/// True if a written question makes sense without its passage, and shares words with it.
fn is_about(question: &str, text: &str) -> bool {
    let words: HashSet<String> = content_words(text).collect();
    let asked: HashSet<String> = content_words(question).collect();
    let references = ["passage", "text", "question", "answer", "sentence", "following"];
    asked.intersection(&words).count() >= 2 && !asked.iter().any(|word| references.contains(&word.as_str()))
}

/// True if most of the question is one run of words of the text.
fn is_copied(question: &str, text: &str) -> bool {
    let asked: Vec<String> = words(question).collect();
    let passage = format!(" {} ", words(text).collect::<Vec<_>>().join(" "));
    let length = COPIED_WORDS.max((asked.len() as f64 * COPIED_SHARE).ceil() as usize);
    asked.windows(length).any(|run| passage.contains(&format!(" {} ", run.join(" "))))
}

/// The Jaccard similarity of two sets of words.
fn overlap(one: &HashSet<String>, other: &HashSet<String>) -> f64 {
    one.intersection(other).count() as f64 / one.union(other).count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_become_questions_and_other_sentences_do_not() {
        for (sentence, question) in [
            ("A kinglet is one of the smallest birds there are.", Some("What is a kinglet?")),
            ("Static embedders are a table of token vectors.", Some("What are Static embedders?")),
            ("The term offline means that nothing is fetched at all.", Some("What does the term offline mean?")),
            ("This is the end of the story.", None),
            ("It is a pity that nobody came.", None),
            ("The lease, as signed, is a contract.", None),
            ("Rent is due on the first of the month.", None),
        ] {
            assert_eq!(from_definition(sentence).as_deref(), question, "{sentence}");
        }
    }

    #[test]
    fn a_written_question_must_make_sense_without_its_passage() {
        let text = "The tenant pays for small repairs up to one hundred euros.";
        assert!(is_about("Who pays for small repairs?", text));
        assert!(!is_about("What is the answer to this question about repairs?", text));
        assert!(!is_about("What is the capital of France?", text));
        assert!(is_prose(text) && !is_prose("## Where the citations come from in it") && !is_prose("Too short."));
    }

    #[test]
    fn a_run_of_the_passages_words_is_a_copy() {
        let text = "The tenant pays for small repairs up to one hundred euros.";
        assert!(is_copied("tenant pays for small repairs", text));
        assert!(!is_copied("who pays for small repairs up there?", text));
        assert!(!is_copied("small repairs", text));
    }
}
