//! Generates questions from documents, offline, for people who have none. They are called synthetic
//! wherever they go.
//!
//! Sources: Azzopardi, de Rijke & Balog, *Building Simulated Queries for Known-Item Topics*, SIGIR
//! 2007 (salient words of a passage that is known); Alberti et al., *Synthetic QA Corpora
//! Generation with Roundtrip Consistency*, ACL 2019 (a question is kept only if what it was made
//! from can be found by it).

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

/// A question must find the passage that it was generated from among so many chunks.
const ROUND_TRIP_DEPTH: usize = 50;
/// Questions that share this much of their words are the same question.
const DUPLICATE: f64 = 0.7;
/// A longer run of words that also stands in the passage, with most of the question in it, is a
/// copy.
const COPIED_WORDS: usize = 5;
const COPIED_SHARE: f64 = 0.8;
/// Words of a question that is made of salient words.
const SALIENT_WORDS: std::ops::Range<usize> = 3..7;
/// How often each document is asked for a passage before the questions run out.
const MOST_ROUNDS: usize = 200;
/// A shorter sentence is no answer.
const LEAST_ANSWER_WORDS: usize = 6;

/// Writes a question that the passage answers, if it can.
pub type QuestionWriter<'w> = dyn Fn(&str) -> Result<Option<String>> + 'w;

/// Questions, and how many were thrown away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeneratedQuestions {
    /// In the order in which they were generated.
    pub questions: Vec<WrittenQuestion>,
    /// Those that were mostly a run of words of their passage.
    pub copied: usize,
    /// Those that did not find their passage.
    pub not_found: usize,
    /// Those that were asked before in other words.
    pub duplicates: usize,
}

impl Kinglet {
    /// Makes about `count` questions from all over the documents of `index`: from headings, from
    /// definitions, from salient words, and, where there is a `writer`, by it. Each is answered by
    /// a sentence of one passage. The same index gives the same questions, but for what a writer
    /// writes. `done` is told how many there are.
    ///
    /// # Errors
    /// When there is nothing in the index, or as [`Kinglet::search`].
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
            return Err(Error::input("the index has no documents to make questions from"));
        }
        let language = index.manifest().language;
        let rarity = |text: &str| index.lexical().rarities(text);
        let mut found = GeneratedQuestions::default();
        let mut asked: Vec<HashSet<String>> = Vec::new();
        for round in 0..MOST_ROUNDS {
            documents.retain(|chunks| !chunks.is_empty());
            if documents.is_empty() {
                break;
            }
            for (place, chunks) in documents.iter_mut().enumerate() {
                if found.questions.len() >= count {
                    return Ok(found);
                }
                let Some(chunk) = chunks.pop() else { continue };
                let stored = index.chunks(&[chunk])?.remove(0);
                let Some((kind, question, answer)) = ask(&stored, round + place, &rarity, writer)? else { continue };
                let own: HashSet<String> = stems(&question, language).into_iter().map(|word| word.stem).collect();
                if own.is_empty() || is_copied(&question, &stored.chunk.text) {
                    found.copied += 1;
                } else if asked.iter().any(|other| overlap(other, &own) >= DUPLICATE) {
                    found.duplicates += 1;
                } else if !retriever
                    .retrieve(&Query::new(&question), ROUND_TRIP_DEPTH)?
                    .iter()
                    .any(|hit| hit.chunk == chunk)
                {
                    found.not_found += 1;
                } else {
                    asked.push(own);
                    found.questions.push(WrittenQuestion {
                        id: format!("generated-{:04}", found.questions.len() + 1),
                        question,
                        answers: vec![AnswerLocation {
                            path: Some(name_of(index, &stored)?),
                            quote: Some(answer),
                            grade: 1,
                        }],
                        synthetic: Some(kind.to_string()),
                    });
                    done(found.questions.len());
                }
            }
        }
        Ok(found)
    }
}

/// The chunks of each document in an order that depends on their hashes alone, and so the
/// documents.
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
fn name_of(index: &Index, stored: &StoredChunk) -> Result<String> {
    let below = index
        .roots()?
        .into_iter()
        .find_map(|root| stored.path.strip_prefix(root).ok().map(|it| it.display().to_string()));
    let file = stored.path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(below.filter(|path| !path.is_empty()).or(file).unwrap_or_default())
}

type Rarity<'r> = dyn Fn(&str) -> Result<Vec<(Span, f32)>> + 'r;

/// A question of the kind whose turn it is, or of the next kind that the chunk allows: its kind,
/// the question, and the sentence that answers it.
fn ask(
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

/// Whether a sentence reads like one: enough words, mostly letters, and no heading, row or list
/// item.
fn is_prose(sentence: &str) -> bool {
    if sentence.starts_with(|c: char| !c.is_alphanumeric() && !"\"'“‘`(".contains(c)) {
        return false;
    }
    let letters = sentence.chars().filter(|c| c.is_alphabetic() || c.is_whitespace()).count();
    sentence.split_whitespace().count() >= LEAST_ANSWER_WORDS && letters * 10 >= sentence.chars().count() * 8
}

/// The innermost heading, with the one over it where it says little by itself.
fn from_headings(headings: &[String]) -> Option<String> {
    let words = |heading: &str| heading.split_whitespace().count();
    let last = headings.last()?.trim_matches(|c: char| !c.is_alphanumeric() && c != '?');
    let question = match headings {
        [.., over, _] if words(last) < 3 => format!("{over} {last}"),
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
    let names: Vec<&str> = subject.split_whitespace().collect();
    let plain = subject.chars().all(|c| c.is_alphanumeric() || " -_`".contains(c));
    let points = [
        "this", "that", "it", "there", "these", "those", "he", "she", "they", "we", "you", "which", "what", "who",
        "here",
    ];
    let is_named = names.first().is_some_and(|first| !points.contains(&first.to_lowercase().as_str()));
    let defines = verb == "means" || starts.iter().any(|start| rest.starts_with(start));
    if !(1..=5).contains(&names.len()) || !plain || !is_named || !defines {
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

/// Words of the text, drawn by how rare they are in the index, in the order in which they stand.
fn from_salient_words(text: &str, rarity: &Rarity<'_>) -> Result<Option<String>> {
    let mut rarest: HashMap<String, (usize, f32)> = HashMap::new();
    let meaning: HashSet<String> = content_words(text).collect();
    for (span, rarity) in rarity(text)? {
        let word = span.of(text).to_lowercase();
        if word.chars().count() >= 3 && word.chars().all(char::is_alphabetic) && meaning.contains(&word) {
            rarest.entry(word).or_insert((span.start, rarity));
        }
    }
    let mut candidates: Vec<(String, usize, f32)> =
        rarest.into_iter().map(|(word, (at, rarity))| (word, at, rarity)).collect();
    candidates.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.1.cmp(&b.1)));
    candidates.truncate(SALIENT_WORDS.end * 3);
    let mut draws =
        Draws::new(u64::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..8].try_into().expect("8 bytes")));
    let wanted = SALIENT_WORDS.start + draws.below(SALIENT_WORDS.len());
    if candidates.len() < wanted {
        return Ok(None);
    }
    let mut drawn = Vec::new();
    while drawn.len() < wanted {
        drawn.push(candidates.swap_remove(draws.below(candidates.len())));
    }
    drawn.sort_by_key(|(_, at, _)| *at);
    Ok(Some(drawn.into_iter().map(|(word, ..)| word).collect::<Vec<_>>().join(" ")))
}

/// Whether a written question can stand without its passage, and has something of it.
fn is_about(question: &str, text: &str) -> bool {
    let there: HashSet<String> = content_words(text).collect();
    let asked: HashSet<String> = content_words(question).collect();
    let points = ["passage", "text", "question", "answer", "sentence", "following"];
    asked.intersection(&there).count() >= 2 && !asked.iter().any(|word| points.contains(&word.as_str()))
}

/// Whether most of the question is one run of words of the text.
fn is_copied(question: &str, text: &str) -> bool {
    let asked: Vec<String> = words(question).collect();
    let there = format!(" {} ", words(text).collect::<Vec<_>>().join(" "));
    let least = COPIED_WORDS.max((asked.len() as f64 * COPIED_SHARE).ceil() as usize);
    asked.windows(least).any(|run| there.contains(&format!(" {} ", run.join(" "))))
}

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
    fn a_written_question_must_stand_without_its_passage() {
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
