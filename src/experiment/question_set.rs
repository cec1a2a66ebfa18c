//! Turns a user's index and a file of questions into a test collection: finds each answer in the
//! index.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::TestCollection;
use super::chunk_names::ChunkNames;
use crate::error::{Error, Hint, Result};
use crate::eval::datasets::questions::{self, AnswerLocation, WrittenQuestion};
use crate::eval::judgments::{Granularity, Judgments, Question, QuestionOrigin};
use crate::index::Index;
use crate::index::store::{ChunkId, Outline};

/// The number of chunks to read from the store at a time.
const BATCH: usize = 512;

/// The test collection of `index` and the questions in a file, see [`questions::read`].
///
/// # Errors
/// When the file has no questions, or an answer is not in the index.
pub(super) fn with_questions(index: Arc<Index>, questions: &Path) -> Result<TestCollection> {
    let passages = Passages::of(index)?;
    let written = questions::read(questions, &|path| !passages.documents_at(path).is_empty())?;
    passages.collection(&written)
}

/// The passages of an index, to find answers in.
struct Passages {
    index: Arc<Index>,
    outlines: Vec<Outline>,
    /// The words of each chunk, see [`spaced`].
    words: HashMap<ChunkId, String>,
    /// The chunks of each document, by its name.
    documents: BTreeMap<String, Vec<ChunkId>>,
}

impl Passages {
    /// The hint if an answer is not in the index.
    fn update_hint(&self) -> Hint {
        let effect = Some("the documents may have changed since the last run");
        Hint::UpdateIndex { index: Some(self.index.name().clone()), effect }
    }

    fn of(index: Arc<Index>) -> Result<Self> {
        let outlines = index.outlines()?;
        let mut documents: BTreeMap<String, Vec<ChunkId>> = BTreeMap::new();
        let mut words = HashMap::new();
        for outline in &outlines {
            documents.entry(document_name(outline)).or_default().push(outline.chunk);
        }
        let ids: Vec<ChunkId> = outlines.iter().map(|outline| outline.chunk).collect();
        for batch in ids.chunks(BATCH) {
            words.extend(index.chunks(batch)?.into_iter().map(|stored| (stored.id, spaced(&stored.chunk.text))));
        }
        Ok(Passages { index, outlines, words, documents })
    }

    /// The test collection with these questions.
    fn collection(&self, written: &[WrittenQuestion]) -> Result<TestCollection> {
        let answerable = written.iter().filter(|question| !question.answers.is_empty());
        let questions = answerable.map(|question| self.question(question)).collect::<Result<Vec<_>>>()?;
        if questions.is_empty() {
            return Err(Error::input("none of the questions names its answer")
                .with_hint("give each question the path of a file that answers it, or a quote of the answer"));
        }
        let names = ChunkNames::new(&self.outlines, |outline| {
            Ok([without_space(&document_name(outline)), passage_name(outline)])
        })?;
        Ok(TestCollection { questions, index: self.index.clone(), names })
    }

    fn question(&self, written: &WrittenQuestion) -> Result<Question> {
        let granularity = match written.answers.iter().any(|answer| answer.quote.is_some()) {
            true => Granularity::Passage,
            false => Granularity::Document,
        };
        let mut judgments = Judgments::new();
        for answer in &written.answers {
            for name in self.names_of(answer, granularity, &written.id)? {
                let grade = judgments.entry(name).or_default();
                *grade = (*grade).max(answer.grade);
            }
        }
        let origin = if written.synthetic.is_some() { QuestionOrigin::Synthetic } else { QuestionOrigin::Human };
        let references = written.answers.iter().filter_map(|answer| answer.quote.clone()).collect();
        let (id, text) = (written.id.clone(), written.question.clone());
        Ok(Question { id, text, origin, granularity, judgments, references })
    }

    /// The names of the documents or passages that hold the answer to the question `id`.
    fn names_of(&self, answer: &AnswerLocation, granularity: Granularity, id: &str) -> Result<Vec<String>> {
        let documents = match &answer.path {
            Some(path) => self.documents_at(path),
            None => self.documents.keys().map(String::as_str).collect(),
        };
        if documents.is_empty() {
            let path = answer.path.as_deref().unwrap_or_default();
            return Err(
                Error::input(format!("question {id}: the index has no document {path}")).with_hint(self.update_hint())
            );
        }
        let chunks: Vec<ChunkId> = documents.iter().flat_map(|name| &self.documents[*name]).copied().collect();
        match (&answer.quote, granularity) {
            (None, Granularity::Document) => Ok(documents.into_iter().map(without_space).collect()),
            (None, Granularity::Passage) => Ok(self.passage_names(&chunks)),
            (Some(quote), _) => {
                let holders = self.holding(quote, &chunks);
                if holders.is_empty() {
                    // In a table, the user may have meant the second column as a path.
                    let what = if answer.path.is_none() {
                        "no document has this path, and no passage contains"
                    } else {
                        "no passage contains"
                    };
                    return Err(Error::input(format!("question {id}: {what} {quote:?}")).with_hint(self.update_hint()));
                }
                Ok(self.passage_names(&holders))
            }
        }
    }

    /// The documents whose path is, or ends in, `path`.
    fn documents_at(&self, path: &str) -> Vec<&str> {
        let path = path.trim_start_matches("./");
        let matches = |name: &str| name == path || name.strip_suffix(path).is_some_and(|before| before.ends_with('/'));
        self.documents.keys().map(String::as_str).filter(|name| !path.is_empty() && matches(name)).collect()
    }

    /// The chunks of `among` that contain the words of `quote`; if it is split over two chunks,
    /// those that contain its first or second half.
    fn holding(&self, quote: &str, among: &[ChunkId]) -> Vec<ChunkId> {
        let words = spaced(quote);
        let parts: Vec<&str> = words.split_whitespace().collect();
        if parts.is_empty() {
            return Vec::new();
        }
        let containing = |part: &str| -> Vec<ChunkId> {
            among.iter().copied().filter(|chunk| self.words[chunk].contains(part)).collect()
        };
        let whole = containing(&words);
        if !whole.is_empty() || parts.len() < 6 {
            return whole;
        }
        let (first, last) = parts.split_at(parts.len() / 2);
        let mut halves = [first, last].map(|half| containing(&format!(" {} ", half.join(" ")))).concat();
        halves.sort_unstable();
        halves.dedup();
        halves
    }

    fn passage_names(&self, chunks: &[ChunkId]) -> Vec<String> {
        let is_named = |outline: &&Outline| chunks.contains(&outline.chunk);
        self.outlines.iter().filter(is_named).map(passage_name).collect()
    }
}

/// A document's name: its path below the indexed folder, or the name of an indexed file.
fn document_name(outline: &Outline) -> String {
    match outline.path.as_str() {
        "" => outline.root.rsplit(['/', '\\']).next().unwrap_or_default().to_string(),
        path => path.to_string(),
    }
}

fn passage_name(outline: &Outline) -> String {
    format!("{}@{}", without_space(&document_name(outline)), outline.start_byte)
}

/// White space separates the fields of run files, so names must not contain it.
fn without_space(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("%20")
}

/// The words of a text in lower case, with a space before and after each.
pub(super) fn spaced(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase);
    words.fold(" ".to_string(), |text, word| text + &word + " ")
}
